"""Word problems: someone has things, and something happens to them, one to four times."""

from __future__ import annotations

from random import Random

from onefold.lab.puzzles.arithmetic import LARGEST, minus, over, plus, times
from onefold.lab.puzzles.puzzle import Puzzle
from onefold.lab.puzzles.words import words

NAMES, THINGS, WARES, BOXES = map(words, ("names", "things", "wares", "boxes"))
GAINS = (
    "{who} buys {n} more.",
    "{who} finds {n} {things}.",
    "Then {who} gets {n} more {things}.",
    "{other} gives {who} {n} {things}.",
    "{who} wins another {n}.",
)
LOSSES = (
    "{who} gives {n} to {other}.",
    "{who} loses {n} {things}.",
    "Then {who} sells {n} of them.",
    "{who} uses up {n}.",
    "{other} takes away {n} {things}.",
)
GROWTH = (
    "{who} now gets {n} times as many {things} as before.",
    "Then the number of {things} is {n} times what it was.",
)
SHARES = (
    "{who} sorts the {things} into {n} equal {boxes} and keeps only one of them.",
    "The {things} are split into {n} equal piles, and {who} keeps one pile.",
)
STARTS = (
    "{who} has {n} {things}.",
    "{who} starts with {n} {things}.",
    "At first {who} owns {n} {things}.",
)
PACKED = (
    "{who} has {k} {boxes} with {n} {things} in each.",
    "{who} fills {k} {boxes}. Each holds {n} {things}.",
)
ASKS = (
    "How many {things} does {who} have now?",
    "How many {things} are left with {who}?",
    "What is the number of {things} that {who} has in the end?",
)
MORE = (
    ("{a} has {n} more {things} than {b}.", "{a} {n} more {b}"),
    ("{b} has {n} fewer {things} than {a}.", "{b} {n} fewer {a}"),
)
LESS = (
    ("{a} has {n} fewer {things} than {b}.", "{a} {n} fewer {b}"),
    ("{b} has {n} more {things} than {a}.", "{b} {n} more {a}"),
)
TIMES = ("{a} has {n} times as many {things} as {b}.", "{a} {n} times {b}")


def easy(draw: Random) -> Puzzle:
    """One or two things happen."""
    return story("easy", draw, draw.randint(1, 2))


def hard(draw: Random) -> Puzzle:
    """Three or four things happen, or several people are compared."""
    return compared(draw) if draw.random() < 0.4 else story("hard", draw, draw.randint(3, 4))


def story(kind: str, draw: Random, events: int) -> Puzzle:
    """A pile that grows and shrinks; each number of the prompt stands there once."""
    who, other = draw.sample(NAMES, 2)
    words = {"who": who, "other": other, "things": draw.choice(THINGS), "boxes": draw.choice(BOXES)}
    steps: list[str] = []
    if draw.random() < 0.35:
        k, n = draw.randint(2, 9), draw.randint(10, 24)
        said, used = [draw.choice(PACKED).format(k=k, n=n, **words)], {k, n}
        step, have = times(k, n)
        steps.append(step)
        events = max(1, events - 1)
    else:
        have = draw.randint(8, 150)
        said, used = [draw.choice(STARTS).format(n=have, **words)], {have}
    for _ in range(events):
        sentence, step, have = event(have, draw, words, used)
        said.append(sentence)
        steps.append(step)
    said.append(draw.choice(ASKS).format(**words))
    return Puzzle(kind, " ".join(said), tuple(steps), str(have))


def event(have: int, draw: Random, words: dict[str, str], used: set[int]) -> tuple[str, str, int]:
    """What happens to a pile: the sentence, the line, and how large it is then."""
    while True:
        ways, rule, low, high = draw.choice(
            (
                *[(GAINS, plus, 2, min(LARGEST - have, 120))] * 4,
                *[(LOSSES, minus, 2, min(have - 2, 120))] * 4,
                *[(SHARES, over, 2, min(9, have // 4))] * 2,
                *[(GROWTH, times, 2, min(4, LARGEST // have))] * 2,
            )
        )
        n = draw.randint(low, max(low, high))
        if n <= high and n not in used and (rule is not over or have % n == 0):
            used.add(n)
            step, left = rule(have, n)
            return draw.choice(ways).format(n=n, **words), step, left


def compared(draw: Random) -> Puzzle:
    """Three people, each compared with one before; asked is one of them, or the sum."""
    people = draw.sample(NAMES, 3)
    things = draw.choice(THINGS)
    counts = [draw.randint(5, 40)]
    used = set(counts)
    said = [f"{people[0]} has {counts[0]} {things}."]
    steps: list[str] = []
    for a, b in zip(people[1:], people, strict=False):
        before = counts[-1]
        while True:
            ways, rule, low, high = draw.choice(
                (
                    *[(MORE, plus, 2, 40)] * 2,
                    (LESS, minus, 2, before - 3),
                    ((TIMES,), times, 2, min(4, 120 // before)),
                )
            )
            n = draw.randint(low, max(low, high))
            if n <= high and n not in used:
                break
        used.add(n)
        step, count = rule(before, n)
        way, told = draw.choice(ways)
        said.append(way.format(a=a, b=b, n=n, things=things))
        steps.append(f"{told.format(a=a, b=b, n=n)}, {a} {step}")
        counts.append(count)
    if sum(counts) <= LARGEST and draw.random() < 0.6:
        total = counts[0]
        for count in counts[1:]:
            step, total = plus(total, count)
            steps.append(step)
        asked = f"How many {things} do they have altogether?"
    else:
        total = counts[-1]
        asked = f"How many {things} does {people[-1]} have?"
    if draw.random() < 0.5:
        draw.shuffle(said)
    return Puzzle("hard", " ".join([*said, asked]), tuple(steps), str(total))


def shop(draw: Random) -> Puzzle:
    """Things are bought; asked is the price, the change, or what is left."""
    who = draw.choice(NAMES)
    first, second = draw.sample(WARES, 2)
    m, n, a, b = (*draw.sample(range(2, 9), 2), *draw.sample(range(9, 26), 2))
    said = [f"A {first} costs {a} dollars and a {second} costs {b} dollars."]
    step, one = times(a, m)
    steps = [step]
    kind = draw.choice(["sum", "change", "change", "single"])
    if kind == "single":
        said = [f"A {first} costs {a} dollars.", f"{who} buys {m} of them"]
        total = one
    else:
        step, two = times(b, n)
        last, total = plus(one, two)
        steps += [step, last]
        said.append(f"{who} buys {m} {first}s and {n} {second}s")
    if kind == "sum" or total >= LARGEST - 5:
        said[-1] += "."
        asked = draw.choice(("What is the price in all?", "How many dollars does it cost in all?"))
        return Puzzle("shop", " ".join([*said, asked]), tuple(steps), str(total))
    paid = draw.randint(total + 1, min(LARGEST, total + 100))
    step, change = minus(paid, total)
    ways = (" and pays with {} dollars.", " and has {} dollars to pay with.")
    said[-1] += draw.choice(ways).format(paid)
    asked = draw.choice(("How many dollars are left?", "What is the change in dollars?"))
    return Puzzle("shop", " ".join([*said, asked]), (*steps, step), str(change))
