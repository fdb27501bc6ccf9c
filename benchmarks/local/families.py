"""Whether the demo's router finds the right specialist, for prompts off the templates too.

`OMP_NUM_THREADS=1 PYTHONPATH=src:. python -m benchmarks.local.families`
"""

from __future__ import annotations

import argparse
import asyncio
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import onefold as of
from onefold.lab.demo.exam import FAMILIES, problems
from onefold.lab.demo.ways import router

SEED = 20261121
BY_HAND = {
    "sums": (
        "There were 45 birds on a wire and 17 flew off. How many are still there?",
        "My sister saved 120 euros and spent 35 of them on shoes. What has she left?",
        "A baker makes 24 rolls an hour for 6 hours. How many rolls is that?",
        "If 72 sweets are shared among 8 children, how many does each one get?",
        "The bus had 31 passengers. At the stop 12 got on and 9 got off. How many ride on?",
        "Peter is 14 and his father is 3 times as old. How old is his father?",
        "A ticket costs 18 dollars. How much do 7 tickets cost?",
        "We picked 56 pears, ate 8 and sold half of the rest. How many pears remain?",
        "A farmer has 9 rows of 15 cabbages and loses 20 to snails. How many cabbages are left?",
        "She read 34 pages on Monday, twice as many on Tuesday. How many pages in both days?",
        "Two lorries carry 140 and 165 crates. How many crates do they carry altogether?",
        "I paid with 50 dollars for a lamp of 32. What change do I get?",
        "Lisa has 11 fewer stickers than Karl, who has 40. How many stickers does Lisa have?",
        "A tank holds 200 litres; 45 leak out and 30 are poured in. How many litres now?",
        "Each of the 13 teams has 5 players. How many players are there in all?",
    ),
    "strings": (
        'Spell "lantern" from its last letter to its first.',
        'Take the vowels out of "umbrella".',
        'How many times does "s" occur in "mississippi"?',
        "Arrange 9, 4, 27, 1 from small to large: [9, 4, 27, 1].",
        'Give me the word "planet" with every "a" turned into "o".',
        "Which is the biggest of [14, 3, 58, 20]?",
        'Glue "sun" and "set" into one word.',
        "Drop the duplicates in [3, 3, 8, 1, 8].",
        'Put the letters of "zebra" in alphabetical order.',
        "Which of the numbers [5, 12, 7, 30] are even?",
        'What are the first three letters of "garden"?',
        "Turn the list [6, 2, 9] round.",
        'Count the letters of "window".',
        'Write "ha" three times in a row.',
        "Add the numbers of the list [4, 9, 15].",
    ),
    "orders": (
        "Paul runs faster than Otto. Otto runs faster than Rita. Who is the slowest?",
        "If today is a Friday, which day comes 3 days later?",
        "All cats are mammals. All mammals are animals. Does it follow that all cats are animals?",
        "Ines is older than Jan, and Jan is older than Lea. Who is the youngest of them?",
        "Which month is four months after October?",
        "Karl sits left of Nina, Nina sits left of Olaf. Who sits at the right end?",
        "Bob has the red ball, Sue the blue ball. They swap. Which ball does Sue have now?",
        "No fish are birds. All trout are fish. Does it follow that all trout are birds?",
        "Anna is taller than Bert. Carl is shorter than Bert. Who is the tallest?",
        "It was Monday two days ago. Which day is it today?",
        "The red box is heavier than the blue one, the blue one heavier than the green. "
        "Which is the lightest?",
        "Tim stands directly behind Eva and directly before Max. Who is first?",
        "Is Rita faster than Paul, if Paul is slower than Otto and Otto slower than Rita?",
        "What day is it 5 days before Sunday?",
        "Lea is richer than Kai and poorer than Moe. Who is the richest?",
    ),
    "sayings": (
        "Tell me the capital of Norway.",
        "What is the contrary of early?",
        "The concert was great. Was that meant well or badly: positive or negative?",
        "What do you call a baby horse?",
        "How many legs does a spider walk on?",
        "Rain, wind and thunder all day: is this about sport, food, weather, money or music?",
        "What colour does snow have?",
        "He says the hotel was dreadful. Positive or negative?",
        "Name the opposite of clean.",
        "The goal in the last minute of the match: sport, food, weather, money or music?",
        "Which city is Japan's capital?",
        "The soup was not good, says Anna. Is this praise or blame? Say positive or negative.",
        "What is a young goat called?",
        "She writes about loans and taxes: sport, food, weather, money or music?",
        "Which colour has a ripe tomato?",
    ),
}


def main() -> None:
    """Print the shares that went to the right family, to a wrong one, to none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    drawn = islice(problems(FAMILIES, options.seed, True), options.count)
    fresh = [(puzzle.prompt, family) for family, puzzle in drawn]
    by_hand = [(prompt, family) for family, held in BY_HAND.items() for prompt in held]
    print("| prompts | right | wrong | no opinion | ms a prompt |\n|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        route = router(Path(folder), options.seed)
        for name, pairs in (("fresh draws", fresh), ("by hand", by_hand)):
            began = time.process_time()
            said = asyncio.run(all_of(route, [prompt for prompt, _ in pairs]))
            spent = 1000 * (time.process_time() - began) / len(pairs)
            right = sum(s == f for s, (_, f) in zip(said, pairs, strict=True)) / len(pairs)
            none = said.count("") / len(pairs)
            print(f"| {name} | {right:.1%} | {1 - right - none:.1%} | {none:.1%} | {spent:.2f} |")
            for s, (prompt, family) in zip(said, pairs, strict=True):
                if s != family:
                    print(f"<!-- {family} -> {s or 'none'}: {prompt} -->")


async def all_of(route: of.Router, prompts: list[str]) -> list[str]:
    """Whom the router prefers for each prompt, empty for nobody."""
    found = [await route.route(of.Query(prompt)) for prompt in prompts]
    return [max(weights, key=weights.__getitem__) if weights else "" for weights in found]


if __name__ == "__main__":
    main()
