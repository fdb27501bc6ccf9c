"""How often models are right on problems that are held out: `python -m training.evaluate small`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from onefold.delivery.provider import Sampling
from onefold.lab.puzzles.puzzle import Puzzle, drawn
from onefold.providers.local.engine import Engine, Row
from onefold.providers.local.local import Local, opened, stamp
from training.models import MAKERS, MODELS

SEED = 20261121


def replies(engine: Engine, prompts: Sequence[str], sampling: Sampling, draw: int = 0) -> list[str]:
    """What a model says to each prompt."""
    rows = [Row(engine.tokens, prompt, "", sampling, draw) for prompt in prompts]
    for row in rows:
        engine.begin(row)
    return [row.done.result().text for row in rows]


def right(said: str, puzzle: Puzzle) -> bool:
    """Whether a reply ends in the right answer."""
    return said.rpartition("Answer: ")[2].strip() == puzzle.answer


def main() -> None:
    """Print accuracies, greedy, and tokens a CPU-second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--wrong", type=int, default=0, help="how many wrong replies to show")
    options = parser.parse_args()
    for name in options.names:
        path = Local(name)._path()
        engine = opened(path, stamp(path))
        mixture = MODELS[name].mixture if name in MODELS else MAKERS
        for kind in options.kinds or mixture:
            source = drawn(MAKERS[kind], options.seed)
            puzzles = [next(source) for _ in range(options.count)]
            began = time.process_time()
            said = replies(
                engine, [p.prompt for p in puzzles], Sampling(options.temperature, seed=1)
            )
            spent = time.process_time() - began
            good = [right(text, puzzle) for text, puzzle in zip(said, puzzles, strict=True)]
            tokens = sum(len(engine.tokens.encode(text)) + 1 for text in said)
            print(f"{name} {kind} {sum(good) / len(good):.3f} {tokens / spent:.0f} tokens/s")
            wrong = [(p, t) for p, t, g in zip(puzzles, said, good, strict=True) if not g]
            for puzzle, text in wrong[: options.wrong]:
                print("  ", puzzle.prompt, "|", puzzle.steps, puzzle.answer, "|", repr(text))


if __name__ == "__main__":
    main()
