"""Small jobs on words and lists, worked out on paper: letters numbered, lists grown one by one."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from random import Random

from onefold.lab.puzzles.arithmetic import plus
from onefold.lab.puzzles.puzzle import Puzzle
from onefold.lab.puzzles.words import words

LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOWELS = "aeiou"
SYLLABLES = words("syllables")

Made = tuple[str, list[str], str]


def word(draw: Random, low: int = 3, high: int = 8) -> str:
    """A made-up word, mostly one that can be pronounced, of so many letters, at most 9."""
    length = draw.randint(low, high)
    if draw.random() < 0.3:
        return "".join(draw.choice(LETTERS) for _ in range(length))
    made = ""
    while len(made) < length:
        made += draw.choice(SYLLABLES)
    return made[:length]


def numbers(draw: Random, low: int = 3, high: int = 6, largest: int = 60) -> list[int]:
    """A few numbers."""
    return [draw.randint(0, largest) for _ in range(draw.randint(low, high))]


def quoted(text: str) -> str:
    """A word as it is written."""
    return f'"{text}"'


def listed(values: Iterable[int]) -> str:
    """A list as it is written."""
    return f"[{', '.join(map(str, values))}]"


def numbered(letters: Iterable[tuple[int, str]]) -> str:
    """Letters, each after its number."""
    return quoted("".join(f"{place}{letter}" for place, letter in letters))


def marked(values: Sequence[int], good: Sequence[bool]) -> str:
    """Numbers, each with whether it is taken."""
    pairs = zip(values, good, strict=True)
    return " ".join(f"{value} {'yes' if taken else 'no'}" for value, taken in pairs)


def put(draw: Random, *ways: str) -> str:
    """One way to put it."""
    return draw.choice(ways)


def changed(text: str, kept: Iterable[tuple[int, str]]) -> tuple[list[str], str]:
    """A word whose letters are numbered, what is kept of them, and the word that it makes."""
    rest = list(kept)
    steps = [numbered(enumerate(text, 1)), numbered(rest)]
    return steps, quoted("".join(letter for _, letter in rest))


def reverse(draw: Random) -> Made:
    """A word read from the end."""
    text = word(draw)
    said = put(
        draw, 'Reverse the word "{}".', 'Write "{}" backwards.', 'What is "{}" read from the end?'
    )
    return said.format(text), *changed(text, reversed([*enumerate(text, 1)]))


def vowels(draw: Random) -> Made:
    """A word without its vowels."""
    text = word(draw, 4, 8)
    said = put(draw, 'Remove all vowels from "{}".', 'Write "{}" without its vowels.')
    return said.format(text), *changed(
        text, ((n, x) for n, x in enumerate(text, 1) if x not in VOWELS)
    )


def drop(draw: Random) -> Made:
    """A word without a letter."""
    text = word(draw, 4, 8)
    letter = draw.choice(text)
    said = put(draw, 'Remove every "{0}" from "{1}".', 'Write "{1}" without the letter "{0}".')
    return said.format(letter, text), *changed(
        text, ((n, x) for n, x in enumerate(text, 1) if x != letter)
    )


def swap(draw: Random) -> Made:
    """A word with one letter for another."""
    text = word(draw, 4, 8)
    old, new = draw.choice(text), draw.choice(LETTERS)
    said = put(draw, 'Replace every "{0}" by "{1}" in "{2}".', 'In "{2}" write "{1}" for "{0}".')
    return said.format(old, new, text), *changed(
        text, ((n, new if x == old else x) for n, x in enumerate(text, 1))
    )


def edge(draw: Random) -> Made:
    """The first or last letters of a word."""
    text, n = word(draw, 5, 9), draw.randint(2, 4)
    letters = [*enumerate(text, 1)]
    if draw.random() < 0.5:
        return f'What are the first {n} letters of "{text}"?', *changed(text, letters[:n])
    return f'What are the last {n} letters of "{text}"?', *changed(text, letters[-n:])


def count(draw: Random) -> Made:
    """How often a letter stands in a word, counted along it."""
    letter = draw.choice("abeilmnorst")
    text = "".join(letter if draw.random() < 0.3 else each for each in word(draw, 4, 9))
    said = put(
        draw, 'How often is the letter "{0}" in "{1}"?', 'Count the letter "{0}" in the word "{1}".'
    )
    so_far = [f"{each}{text[: place + 1].count(letter)}" for place, each in enumerate(text)]
    return said.format(letter, text), [quoted("".join(so_far))], str(text.count(letter))


def length(draw: Random) -> Made:
    """How many letters a word has."""
    text = word(draw, 3, 9)
    said = put(draw, 'How many letters has "{}"?', 'What is the length of "{}"?')
    return said.format(text), [numbered(enumerate(text, 1))], str(len(text))


def join(draw: Random) -> Made:
    """Two words as one."""
    a, b = word(draw, 2, 4), word(draw, 2, 5)
    said = put(draw, 'Join "{}" and "{}".', 'Put "{}" and "{}" together.')
    return said.format(a, b), [numbered(enumerate(a + b, 1))], quoted(a + b)


def double(draw: Random) -> Made:
    """A word two or three times."""
    text, n = word(draw, 2, 4), draw.choice((2, 3))
    said = put(draw, 'Write "{0}" {1} times.', 'Repeat "{0}" {1} times.')
    times = quoted("".join(f"{place}{text}" for place in range(1, n + 1)))
    return said.format(text, n), [times], quoted(text * n)


def sort_letters(draw: Random) -> Made:
    """The letters of a word in order, grown one by one."""
    text = word(draw, 3, 6)
    said = put(draw, 'Sort the letters of "{}".', 'Write the letters of "{}" in order.')
    grown = [quoted("".join(sorted(text[:end]))) for end in range(1, len(text) + 1)]
    return said.format(text), grown[:-1], grown[-1]


def sort_list(draw: Random) -> Made:
    """A list in order, grown number by number."""
    values = numbers(draw)
    said = put(draw, "Sort the list {}.", "Put {} in order from small to large.")
    grown: list[int] = []
    steps = []
    for value in values:
        insort(grown, value)
        steps.append(listed(grown))
    return said.format(listed(values)), steps[:-1], steps[-1]


def extreme(draw: Random) -> Made:
    """The largest or smallest number of a list, kept along it."""
    values = numbers(draw)
    if draw.random() < 0.5:
        pick, said = max, put(draw, "What is the largest number in {}?", "Find the maximum of {}.")
    else:
        pick, said = min, put(draw, "What is the smallest number in {}?", "Find the minimum of {}.")
    best = [pick(values[:end]) for end in range(1, len(values) + 1)]
    return said.format(listed(values)), [" ".join(map(str, best))], str(best[-1])


def total(draw: Random) -> Made:
    """The sum of a list."""
    values = [draw.randint(1, 40) for _ in range(draw.randint(2, 4))]
    said = put(draw, "What is the sum of {}?", "Add up the numbers in {}.")
    steps, have = [], values[0]
    for value in values[1:]:
        step, have = plus(have, value)
        steps.append(step)
    return said.format(listed(values)), steps, str(have)


def turn(draw: Random) -> Made:
    """A list from its last number to its first."""
    values = numbers(draw)
    said = put(draw, "Reverse the list {}.", "Write {} from the last to the first.")
    places = [f"{place}:{value}" for place, value in enumerate(values, 1)]
    steps = [" ".join(places), " ".join(reversed(places))]
    return said.format(listed(values)), steps, listed(reversed(values))


def keep(draw: Random) -> Made:
    """The numbers of a list that are even, or over a bound."""
    values, bound = numbers(draw, 4, 6), draw.randint(10, 45)
    if draw.random() < 0.5:
        good = [value > bound for value in values]
        said = put(
            draw, "Keep the numbers over {1} in {0}.", "Which numbers in {0} are larger than {1}?"
        )
    else:
        good = [value % 2 == 0 for value in values]
        said = put(draw, "Keep the even numbers in {}.", "Which numbers in {} are even?")
    kept = [value for value, taken in zip(values, good, strict=True) if taken]
    return said.format(listed(values), bound), [marked(values, good)], listed(kept)


def once(draw: Random) -> Made:
    """A list with each number only once."""
    pool = [draw.randint(0, 30) for _ in range(3)]
    values = [draw.choice(pool) for _ in range(draw.randint(4, 6))]
    said = put(draw, "Remove the repeated numbers from {}.", "Write {} with each number only once.")
    good = [value not in values[:place] for place, value in enumerate(values)]
    return said.format(listed(values)), [marked(values, good)], listed(dict.fromkeys(values))


JOBS: tuple[Callable[[Random], Made], ...] = (
    reverse, vowels, drop, swap, edge, count, length, join, double, sort_letters,
    sort_list, extreme, total, turn, keep, once,
)  # fmt: skip


def strings(draw: Random) -> Puzzle:
    """One job on a word or a list."""
    prompt, steps, answer = draw.choice(JOBS)(draw)
    return Puzzle("strings", prompt, tuple(steps), answer)
