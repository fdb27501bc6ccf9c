"""Made-up problems: their solutions are right, their held-out part is a tenth, by hash."""

import re
from itertools import islice
from random import Random

import pytest

from onefold.lab.puzzles.arithmetic import LARGEST, minus, over, plus, times
from onefold.lab.puzzles.orders import orders
from onefold.lab.puzzles.puzzle import Puzzle, drawn
from onefold.lab.puzzles.sayings import fact, saying
from onefold.lab.puzzles.stories import compared, easy, hard, shop
from onefold.lab.puzzles.strings import strings
from onefold.lab.puzzles.words import lists

MAKERS = [easy, hard, shop, strings, orders, fact, saying]
LINE = re.compile(
    r"(?:(\w+) (\d+) (more|fewer|times) (\w+), (\w+) )?(\d+)([-+*/])(\d+)(?::(\d+))?=(\d+)"
)


def made(maker, count=400, seed=11):
    draw = Random(seed)
    return [maker(draw) for _ in range(count)]


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.parametrize("maker", [easy, hard, shop])
def test_every_line_holds_and_the_last_one_is_the_answer(maker):
    for puzzle in made(maker):
        for step in puzzle.steps:
            a, sign, b, _, result = LINE.fullmatch(step).groups()[5:]
            assert eval(f"{a}{sign}{b}") == int(result)
        assert puzzle.steps[-1].endswith(f"={puzzle.answer}")


@pytest.mark.parametrize("maker", [easy, hard, shop])
def test_operands_come_from_the_prompt_or_from_a_line_before(maker):
    for puzzle in made(maker):
        known = set(numbers(puzzle.prompt))
        for step in puzzle.steps:
            a, _, b, _, result = LINE.fullmatch(step).groups()[5:]
            assert {int(a), int(b)} <= known
            known.add(int(result))


def test_a_comparison_is_restated_as_it_was_told_before_it_is_used():
    for puzzle in made(compared):
        for step in puzzle.steps[:2]:
            one, number, word, other, counted = LINE.fullmatch(step).groups()[:5]
            told = rf"{one} has {number} {word} [^.]* (?:than|as) {other}\."
            assert re.search(told, puzzle.prompt)
            assert counted in (one, other)


@pytest.mark.parametrize("maker", [easy, hard, shop])
def test_numbers_are_small_and_stand_once_in_a_prompt(maker):
    for puzzle in made(maker):
        assert all(0 <= number <= LARGEST for number in numbers(puzzle.prompt + puzzle.solution))
        assert len(numbers(puzzle.prompt)) == len(set(numbers(puzzle.prompt)))


@pytest.mark.parametrize(
    ("rule", "a", "b", "line"),
    [
        (plus, 47, 38, "47+38:77=85"),
        (plus, 47, 8, "47+8=55"),
        (plus, 40, 30, "40+30=70"),
        (minus, 85, 38, "85-38:55=47"),
        (times, 6, 14, "14*6:60=84"),
        (over, 84, 6, "84/6:10=14"),
        (over, 12, 6, "12/6=2"),
    ],
)
def test_a_line_says_what_was_reached_on_the_way_where_that_is_new(rule, a, b, line):
    assert rule(a, b) == (line, int(line.rpartition("=")[2]))


RULES = {
    r'Reverse the word "(\w+)"\.': lambda word: f'"{word[::-1]}"',
    r'Remove every "(\w)" from "(\w+)"\.': lambda x, word: f'"{word.replace(x, "")}"',
    r'Write "(\w+)" without its vowels\.': lambda word: f'"{re.sub("[aeiou]", "", word)}"',
    r'Replace every "(\w)" by "(\w)" in "(\w+)"\.': lambda a, b, word: f'"{word.replace(a, b)}"',
    r'What are the last (\d) letters of "(\w+)"\?': lambda n, word: f'"{word[-int(n) :]}"',
    r'How often is the letter "(\w)" in "(\w+)"\?': lambda x, word: str(word.count(x)),
    r'How many letters has "(\w+)"\?': lambda word: str(len(word)),
    r'Join "(\w+)" and "(\w+)"\.': lambda a, b: f'"{a + b}"',
    r'Repeat "(\w+)" (\d) times\.': lambda word, n: f'"{word * int(n)}"',
    r'Sort the letters of "(\w+)"\.': lambda word: f'"{"".join(sorted(word))}"',
    r"Sort the list (\[.*\])\.": lambda said: str(sorted(eval(said))),
    r"Find the maximum of (\[.*\])\.": lambda said: str(max(eval(said))),
    r"What is the smallest number in (\[.*\])\?": lambda said: str(min(eval(said))),
    r"What is the sum of (\[.*\])\?": lambda said: str(sum(eval(said))),
    r"Reverse the list (\[.*\])\.": lambda said: str(eval(said)[::-1]),
    r"Keep the even numbers in (\[.*\])\.": lambda s: str([n for n in eval(s) if n % 2 == 0]),
    r"Remove the repeated numbers from (\[.*\])\.": lambda s: str([*dict.fromkeys(eval(s))]),
}


def test_jobs_on_words_and_lists_are_worked_out_rightly():
    seen = set()
    for puzzle in made(strings, 3000):
        for pattern, rule in RULES.items():
            if found := re.fullmatch(pattern, puzzle.prompt):
                assert puzzle.answer == rule(*found.groups())
                seen.add(pattern)
    assert seen == set(RULES)


def test_orders_follow_from_their_comparisons():
    seen = 0
    more = {"taller", "older", "faster", "heavier", "richer"}
    for puzzle in made(orders, 2000):
        said = re.findall(r"(\w+) is (\w+) than (\w+)\.", puzzle.prompt)
        if not said:
            continue
        chain = puzzle.steps[-1].split(">")
        for a, way, b in said:
            assert (chain.index(a) < chain.index(b)) == (way in more)
        if found := re.search(r"Is (\w+) (\w+) than (\w+)\?", puzzle.prompt):
            a, way, b = found.groups()
            assert way in more
            assert puzzle.answer == ("yes" if chain.index(a) < chain.index(b) else "no")
        seen += 1
    assert seen > 400


def test_who_swapped_holds_what_the_other_held():
    for puzzle in made(orders, 1500):
        held = dict(re.findall(r"(\w+) has the (\w+) ball", puzzle.prompt))
        for a, b in re.findall(r"(\w+) and (\w+) swap", puzzle.prompt):
            held[a], held[b] = held[b], held[a]
        if found := re.search(r"Which ball does (\w+) have", puzzle.prompt):
            assert puzzle.answer == held[found[1]]


@pytest.mark.parametrize("maker", MAKERS)
def test_a_tenth_is_held_out_and_the_two_parts_never_meet(maker):
    mine = {puzzle.prompt for puzzle in islice(drawn(maker, 1), 100)}
    others = {puzzle.prompt for puzzle in islice(drawn(maker, 1, held_out=False), 1000)}
    assert not mine & others


def test_about_a_tenth_of_all_prompts_is_held_out():
    puzzles = {puzzle.prompt: puzzle for puzzle in made(hard, 4000)}.values()
    share = sum(puzzle.held_out for puzzle in puzzles) / len(puzzles)
    assert share == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_same_seed_draws_the_same_problems(maker):
    assert [*islice(drawn(maker, 4), 5)] == [*islice(drawn(maker, 4), 5)]
    assert [*islice(drawn(maker, 4), 5)] != [*islice(drawn(maker, 5), 5)]


def test_a_solution_is_its_steps_and_then_the_answer():
    assert Puzzle("k", "p", ("1+2=3", "3*2=6"), "6").solution == "1+2=3\n3*2=6\nAnswer: 6"
    assert Puzzle("k", "p", (), "yes").solution == "Answer: yes"


def test_no_list_of_words_holds_one_twice():
    for name, held in lists().items():
        keys = [each.partition(":")[0] for each in held]
        assert len(keys) == len(set(keys)), name
