"""Searches on the small local model, on hard word problems that it was never trained on.

`OMP_NUM_THREADS=1 PYTHONPATH=src:. python -m benchmarks.search.local --count 150`
"""

from __future__ import annotations

import argparse
import asyncio
import time
from itertools import islice

import onefold as of
from onefold.lab.puzzles.puzzle import drawn
from onefold.lab.puzzles.stories import hard

SEED = 20261121
CHECKS = {"judge": "complete", "guide": {"process": "arithmetic"}, "enough": 1.0}


def ways() -> dict[str, of.Operator]:
    """Ways of asking, by what the table calls them."""
    model = of.Model("local:small", temperature=1.0)
    whole = {"judge": "complete"}
    return {
        "greedy": of.Model("local:small"),
        "one answer": model,
        "`majority`, 16": of.Search(model, strategy={"majority": {"count": 16}}),
        "`weighted_best_of_n`, 16": of.Search(
            model, strategy={"weighted_best_of_n": {"count": 16}}, **whole
        ),
        "`best_of_n`, 16, `enough: 1`": of.Search(
            model, strategy={"best_of_n": {"count": 16}}, enough=1.0, **whole
        ),
        "`beam`, 2 × 2, `enough: 1`": of.Search(
            model, strategy={"beam": {"width": 2, "candidates": 2}}, **CHECKS
        ),
        "`guided_sampling`, 3, `enough: 1`": of.Search(
            model, strategy={"guided_sampling": {"candidates": 3}}, **CHECKS
        ),
        "small, `complete`, else strong": of.Panel(
            ["local:small", "local:strong"], stop={"sure": 1.0}, stagger=float("inf"),
            vote="best", quorum=1, judge="complete",
        ),
        "strong alone": of.Model("local:strong"),
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    puzzles = list(islice(drawn(hard, options.seed), options.count))

    async def everyone(operator: of.Operator) -> list[of.Answer | BaseException]:
        calls = [operator(puzzle.prompt) for puzzle in puzzles]
        return await asyncio.gather(*calls, return_exceptions=True)

    print("| way | right | calls | tokens | failed | CPU-s |\n|---|---|---|---|---|---|")
    for name, operator in ways().items():
        began = time.process_time()
        answers = asyncio.run(everyone(operator))
        spent = time.process_time() - began
        came = [(a, p) for a, p in zip(answers, puzzles, strict=True) if isinstance(a, of.Answer)]
        right = sum(a.text.rpartition("Answer: ")[2].strip() == p.answer for a, p in came)
        tokens = sum(a.usage.tokens_in + a.usage.tokens_out for a, _ in came)
        calls = sum(a.usage.calls for a, _ in came)
        count = len(puzzles)
        print(
            f"| {name} | {right / count:.1%} | {calls / count:.1f} | {tokens / count:,.0f} "
            f"| {count - len(came)} | {spent:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
