"""Readers: agreement with the recording's own grading, throughput, linearity. Seed 20261121.

python benchmarks/readers.py [--data DIR]
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from statistics import median

from measuring import SEED, data_folder, percent, table

import onefold as of
from onefold.lab.measure import right

SIZE, ROUNDS = 250_000, 3
HOSTILE = {
    "digits": "1234567890",
    "grouped digits": "1,234,567,",
    "dots and digits": "1.2.3.",
    "spaces": "  \t ",
    "newlines": "\n",
    "open braces": '{"answer": ',
    "open brackets": "[[1,",
    "quotes": '\\"\\"',
    "boxes": "\\boxed{",
    "answer is": "the answer is ",
    "answer:": '"answer": "',
    "fences": "```json\n{",
    "not": "not not yes ",
    "letters": "A) B) C ",
    "fractions": "\\frac{1}{2}",
    "minus": "- -−",
    "dollars": "$$€ ",
}


def readers() -> dict[str, of.Reader]:
    """Every reader that the base install has, under its name."""
    return {
        "plain": of.Plain(),
        "lowercase_trim": of.LowercaseTrim(),
        "number": of.Number(),
        "number, first": of.Number("first"),
        "boolean": of.Boolean(),
        "choice": of.Choice(),
        "json": of.Json(),
        "json, path": of.Json("answer"),
    }


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of some work, the least of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def agreement(recording: of.Recording, parsed: of.Recording) -> None:
    """Whether Number and the recording's own grading find the same answers right."""
    board: dict[str, list[tuple[bool, bool, bool, bool]]] = {}
    for draft, other in zip(recording, parsed, strict=True):
        query = of.Query(draft.prompt)
        value = of.Number().read(draft.text, query)
        wanted = of.Number().read(str(draft.expected), query)
        theirs = of.Number().read(str(other.value or ""), query)
        board.setdefault(draft.member, []).append(
            (right(value, wanted), bool(draft.correct), value is None, right(value, theirs))
        )
    shares = {name: sum(a == b for a, b, _, _ in rows) / len(rows) for name, rows in board.items()}
    rows = []
    for name in [*sorted(board, key=lambda name: shares[name]), "all of them"]:
        found = board.get(name) or [each for rows in board.values() for each in rows]
        size = len(found)
        rows.append(
            (
                name,
                percent(sum(a == b for a, b, _, _ in found) / size, 2),
                percent(sum(b for _, b, _, _ in found) / size, 2),
                percent(sum(a for a, _, _, _ in found) / size, 2),
                sum(a and not b for a, b, _, _ in found),
                sum(b and not a for a, b, _, _ in found),
                sum(none for _, _, none, _ in found),
                percent(sum(same for *_, same in found) / size, 2),
            )
        )
    head = ("model", "same grade", "right, recording", "right, ours", "only ours right")
    table((*head, "only theirs right", "unread", "same figure as `parsed_answer`"), rows)
    print(f"\nMedian over models: {percent(median(shares.values()), 2)} same grade.")


def throughput(recording: of.Recording) -> None:
    """MB/s on recorded answers as they are, and on long texts made of them."""
    chance = random.Random(SEED)
    texts = [draft.text for draft in chance.sample(list(recording), 2_000)]
    long = "\n\n".join(chance.sample(texts, 1_500))
    sizes = [sum(len(text.encode()) for text in some) / 1e6 for some in (texts, [long])]
    query = of.Query("-")
    rows = []
    for name, reader in readers().items():
        short = seconds(lambda: [reader.read(text, query) for text in texts])  # noqa: B023 (run here)
        whole = seconds(lambda: reader.read(long, query))  # noqa: B023 (run here)
        rows.append(
            (
                name,
                f"{short / len(texts) * 1e6:.0f}",
                rate(sizes[0], short),
                rate(sizes[1], whole),
            )
        )
    head = ("reader", "µs an answer", "MB/s, recorded answers")
    table((*head, f"MB/s, one text of {sizes[1]:.1f} MB"), rows)


def rate(size: float, taken: float) -> str:
    """MB/s; beyond a thousand the clock is too coarse to say."""
    return f"{size / taken:.0f}" if taken > size / 1000 else "over 1,000"


def linearity() -> None:
    """CPU at n and 4n characters on hostile texts: linear is a ratio near 4."""
    query = of.Query("-")
    rows = []
    for name, reader in readers().items():
        worst, slowest = (0.0, ""), (0.0, "")
        for kind, piece in HOSTILE.items():
            short = (piece * SIZE)[:SIZE]
            one = seconds(lambda: reader.read(short, query))  # noqa: B023 (run here)
            four = seconds(lambda: reader.read(short * 4, query))  # noqa: B023 (run here)
            slowest = max(slowest, (four, kind))
            if four > 0.002:
                worst = max(worst, (four / max(one, 1e-9), kind))
        ratio = f"{worst[0]:.1f} ({worst[1]})" if worst[1] else "all under 2 ms"
        rows.append((name, f"{slowest[0] * 1000:,.1f} ({slowest[1]})", ratio))
    head = ("reader", f"slowest hostile text of {4 * SIZE:,} characters, CPU ms")
    table((*head, f"largest ratio of {4 * SIZE:,} to {SIZE:,}"), rows)


def main() -> None:
    """All three."""
    file = data_folder("zeroeval_gsm8k.parquet") / "zeroeval_gsm8k.parquet"
    recording = of.Recording.load(file)
    agreement(recording, of.Recording.load(file, {"value": "parsed_answer"}))
    throughput(recording)
    linearity()


if __name__ == "__main__":
    main()
