"""Small puzzles of order, place and time, and of what follows from what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise, permutations
from random import Random

from onefold.lab.puzzles.puzzle import Puzzle
from onefold.lab.puzzles.stories import NAMES
from onefold.lab.puzzles.words import words

DAYS, MONTHS, KINDS, COLOURS = map(words, ("days", "months", "kinds", "colours"))
Made = tuple[str, list[str], str]
ORDERS = (
    ("taller", "shorter", "tallest", "shortest"),
    ("older", "younger", "oldest", "youngest"),
    ("faster", "slower", "fastest", "slowest"),
    ("heavier", "lighter", "heaviest", "lightest"),
    ("richer", "poorer", "richest", "poorest"),
)


def ranks(draw: Random) -> Made:
    """Who is first, last or in the middle, from comparisons of neighbours in any order."""
    people = draw.sample(NAMES, draw.choice((3, 3, 4, 4, 5)))
    more, less, most, least = draw.choice(ORDERS)
    pairs = [*pairwise(people)]
    draw.shuffle(pairs)
    said = [
        f"{a} is {more} than {b}." if draw.random() < 0.5 else f"{b} is {less} than {a}."
        for a, b in pairs
    ]
    steps = linked(pairs, people)
    kind = draw.choice(["most", "least", "place", "pair"])
    if kind == "most":
        return " ".join([*said, f"Who is the {most}?"]), steps, people[0]
    if kind == "least":
        return " ".join([*said, f"Who is the {least}?"]), steps, people[-1]
    if kind == "place":
        return " ".join([*said, f"Who is the second {most}?"]), steps, people[1]
    a, b = draw.sample(people, 2)
    asked = f"Is {a} {more} than {b}?"
    answer = "yes" if people.index(a) < people.index(b) else "no"
    return " ".join([*said, asked]), steps, answer


def rows(draw: Random) -> Made:
    """Who stands where in a row."""
    people = draw.sample(NAMES, draw.choice((3, 4)))
    pairs = [*pairwise(people)]
    draw.shuffle(pairs)
    said = [
        f"{a} stands directly to the left of {b}."
        if draw.random() < 0.5
        else f"{b} stands directly to the right of {a}."
        for a, b in pairs
    ]
    steps = linked(pairs, people)
    kind = draw.choice(["left", "right", "after"])
    if kind == "left":
        return " ".join([*said, "Who stands at the left end?"]), steps, people[0]
    if kind == "right":
        return " ".join([*said, "Who stands at the right end?"]), steps, people[-1]
    place = draw.randint(1, len(people) - 1)
    asked = f"Who is the {('first', 'second', 'third', 'fourth')[place]} from the left?"
    return " ".join([*said, asked]), steps, people[place]


def linked(pairs: Sequence[tuple[str, str]], chain: Sequence[str]) -> list[str]:
    """The comparisons as told, then read from the other side, the way up to the first, the chain.

    Each is a look-up of what stands behind a sign in the lines before.
    """
    said = " ".join(f"{a}>{b}" for a, b in pairs)
    back = " ".join(f"{b}<{a}" for a, b in pairs)
    up = chain[chain.index(pairs[0][0]) :: -1]
    return [said, back, "<".join(up), ">".join(chain)]


def calendar(draw: Random) -> Made:
    """Which day or month it is so many later or earlier."""
    circle, unit = draw.choice(((DAYS, "days"), (MONTHS, "months")))
    start, n = draw.randrange(len(circle)), draw.randint(2, 9)
    later = draw.random() < 0.6
    sign = 1 if later else -1
    name = "day" if unit == "days" else "month"
    when, since = ("later", "after") if later else ("earlier", "before")
    today = "Today is" if unit == "days" else "It is"
    said = draw.choice(
        (
            f"{today} {circle[start]}. Which {name} is it {n} {unit} {when}?",
            f"Which {name} is {n} {unit} {since} {circle[start]}?",
        )
    )
    way = [circle[(start + sign * i) % len(circle)] for i in range(1, n + 1)]
    return said, [" ".join(way)], way[-1]


def follows(draw: Random) -> Made:
    """Whether something follows from a chain of «all … are …»."""
    kinds = draw.sample(KINDS, draw.choice((3, 4)))
    pairs = [*pairwise(kinds)]
    broken = draw.choice(pairs) if draw.random() < 0.3 else None
    draw.shuffle(pairs)
    said = [f"{'No' if pair == broken else 'All'} {pair[0]} are {pair[1]}." for pair in pairs]
    told = " ".join(f"{a}|{b}" if (a, b) == broken else f"{a}>{b}" for a, b in pairs)
    first, last = draw.sample(kinds, 2)
    asked = f"Does it follow that all {first} are {last}?"
    chain, after = first, dict(pairs)
    reached = first
    while reached in after and reached != last:
        sign = "|" if (reached, after[reached]) == broken else ">"
        reached = after[reached]
        chain += sign + reached
    answer = "yes" if reached == last and "|" not in chain else "no"
    return " ".join([*said, asked]), [told, chain, f"{reached} {last}"], answer


def swaps(draw: Random) -> Made:
    """Who holds what after a few exchanges."""
    people = draw.sample(NAMES, 3)
    held = dict(zip(people, draw.sample(COLOURS, 3), strict=True))
    said = [f"{who} has the {ball} ball." for who, ball in held.items()]
    steps = [" ".join(f"{who}:{held[who]}" for who in people)]
    ways = [*permutations(people, 2)]
    pairs = [draw.choice(ways)]
    for _ in range(draw.randint(0, 2)):
        pairs.append(draw.choice([pair for pair in ways if {*pair} != {*pairs[-1]}]))
    for a, b in pairs:
        before = f"{a} {held[a]} {b} {held[b]}"
        held[a], held[b] = held[b], held[a]
        said.append(f"{a} and {b} swap.")
        steps.append(f"{before}, " + " ".join(f"{who}:{held[who]}" for who in people))
    who = draw.choice(people)
    return " ".join([*said, f"Which ball does {who} have now?"]), steps, held[who]


JOBS: tuple[Callable[[Random], Made], ...] = (
    ranks,
    ranks,
    rows,
    calendar,
    follows,
    swaps,
)


def orders(draw: Random) -> Puzzle:
    """One puzzle of order, place, time or implication."""
    prompt, steps, answer = draw.choice(JOBS)(draw)
    return Puzzle("orders", prompt, tuple(steps), answer)
