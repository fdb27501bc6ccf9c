"""What a generalist should know: small facts, and how a sentence is meant."""

from __future__ import annotations

from random import Random

from onefold.lab.puzzles.puzzle import Puzzle
from onefold.lab.puzzles.stories import NAMES
from onefold.lab.puzzles.words import pairs, words

GOOD, BAD, SUBJECTS = map(words, ("good", "bad", "subjects"))
TOPICS = ("sport", "food", "weather", "money", "music")
ASKED = {
    "capitals": (
        "What is the capital of {}?",
        "Name the capital of {}.",
        "Which city is the capital of {}?",
        "{} asks: what is the capital of {}?",
    ),
    "opposites": (
        "What is the opposite of {}?",
        "Name the opposite of {}.",
        "Which word means the opposite of {}?",
        "{} asks: what is the opposite of {}?",
    ),
    "young": (
        "What is a young {} called?",
        "Name the young of a {}.",
        "How do we call a young {}?",
        "{} asks: what is a young {} called?",
    ),
    "legs": (
        "How many legs has a {}?",
        "How many legs does a {} have?",
        "Say how many legs a {} has.",
        "{} asks: how many legs has a {}?",
    ),
    "hues": (
        "What colour is {}?",
        "Which colour has {}?",
        "Name the colour of {}.",
        "{} asks: what colour is {}?",
    ),
}


def fact(draw: Random) -> Puzzle:
    """A capital, an opposite, a young animal, a number of legs, a colour."""
    kind = tuple(ASKED)[draw.randrange(len(ASKED))]
    key, value = draw.choice(pairs(kind))
    if kind == "opposites" and draw.random() < 0.5:
        key, value = value, key
    ways = ASKED[kind]
    way = draw.choice(ways + ways[-1:] * 3)
    said = way.format(draw.choice(NAMES), key) if way.startswith("{} asks") else way.format(key)
    return Puzzle("facts", said, (), value)


def feeling(draw: Random) -> Puzzle:
    """Whether a sentence praises or blames; a «not» turns it."""
    good, turned = draw.random() < 0.5, draw.random() < 0.3
    word = draw.choice(GOOD if good else BAD)
    no = "not " if turned else ""
    who, subject = draw.choice(NAMES), draw.choice(SUBJECTS)
    said = draw.choice(
        (
            f"The {subject} was {no}{word}.",
            f"{who} says the {subject} was {no}{word}.",
            f"It was {no}a {word} {subject}, says {who}.",
            f"{who} found the {subject} {no}{word}.",
        )
    )
    asked = draw.choice(
        ("Is this positive or negative?", "Does it praise or blame? Say positive or negative.")
    )
    return Puzzle("sayings", f"{said} {asked}", (), "positive" if good != turned else "negative")


def topic(draw: Random) -> Puzzle:
    """What a sentence is about."""
    name = draw.choice(TOPICS)
    a, b = draw.sample(words(name), 2)
    who = draw.choice(NAMES)
    said = draw.choice(
        (
            f"{who} talks about the {a} and the {b}.",
            f"The {a} and the {b} were all {who} could think of.",
            f"{who} wrote a page on the {a}, then on the {b}.",
            f"First came the {a}, then the {b}, and {who} smiled.",
        )
    )
    asked = "What is it about: sport, food, weather, money or music?"
    return Puzzle("sayings", f"{said} {asked}", (), name)


def saying(draw: Random) -> Puzzle:
    """How a sentence is meant, or what it is about."""
    return draw.choice((feeling, topic))(draw)
