"""Input analysis: tasks, complexity, domains, keywords; by rules, and by what was learned."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.query import Query
from onefold.core.spec import build, dump
from onefold.learn.routers.manifold import fit_manifold
from onefold.routers.analysis import TYPES, Analysed, analyse
from onefold.verbs import Router

SEVEN = {*TYPES.values(), "scientific"}


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Solve x² + 2x - 3 = 0", "mathematical"),
        ("Write a haiku about AI", "creative_writing"),
        ("Implement quicksort in Python", "code_generation"),
        ("Who wrote Hamlet?", "factual_qa"),
        ("Explain the role of mitochondria in a cell", "scientific"),
        ("Hello, how are you?", "conversational"),
        ("If all bloops are razzies and all razzies lazzies, are all bloops so?", "reasoning"),
    ],
)
def test_the_seven_tasks_are_told_from_words(prompt, task):
    found = analyse(prompt)
    assert found.task == task
    assert 0.5 < found.confidence <= 1


def test_there_are_seven_tasks():
    assert len(SEVEN) == 7


def test_domains_and_keywords_say_what_a_prompt_is_about():
    found = analyse("Why does an enzyme in the cell need the protein? The enzyme splits DNA.")
    assert next(iter(found.domains)) == "biology"
    assert sum(found.domains.values()) == pytest.approx(1)
    assert found.keywords[0] == "enzyme"
    assert found.features["sentences"] == 2


def test_long_conditional_prompts_look_harder_than_short_ones():
    short = analyse("Name the capital of Peru.").complexity
    long = analyse(
        "Assume each of 12 players meets every other exactly once, except if both lost before. "
        "Prove that at least 3 matches remain, then derive how many of 66 are most likely played."
    ).complexity
    assert short < 0.3 < 0.6 < long < 1


def test_nothing_to_go_by_is_doubt():
    found = analyse("hm")
    assert (found.task, found.confidence) == ("conversational", 0.0)


@given(st.text(max_size=300))
def test_any_text_is_analysed_within_bounds(text):
    found = analyse(text)
    assert 0 <= found.complexity <= 1
    assert sum(found.tasks.values()) <= 1 + 1e-9
    assert all(0 <= share <= 1 for share in found.domains.values())
    assert len(found.keywords) <= 10


def routed(router, text):
    return asyncio.run(router.route(Query(text)))


def test_members_are_preferred_by_task_and_others_for_hard_prompts():
    to = {"mathematical": "mathe", "creative_writing": ["poet", "bard"]}
    router = Analysed(to, hard={"mathematical": "professor"}, complexity=0.7)
    assert list(routed(router, "Solve x² + 2x - 3 = 0")) == ["mathe"]
    hard = "Solve the equation x² + 2x - 3 = 0 if x > 0. Prove each step. " * 8
    assert list(routed(router, hard)) == ["professor"]
    assert list(routed(router, "Write a haiku about AI. " * 40)) == ["poet", "bard"]
    assert routed(router, "hm") == {}
    assert build(dump(router), Router) == router


def test_what_was_learned_of_tasks_counts_where_prompts_are_known(tmp_path):
    texts = [f"{word} {number} of them" for word in ("fold", "bake") for number in range(30)]
    path = str(tmp_path / "m.npz")
    fit_manifold(texts, labels=["origami"] * 30 + ["kitchen"] * 30).save(path)
    router = Analysed({"origami": "folder", "mathematical": "mathe"}, path=path)
    assert list(routed(router, "fold 12 of them")) == ["folder"]
    assert list(routed(router, "Solve x² + 2x - 3 = 0")) == ["mathe"]


def test_a_manifold_with_labels_tells_tasks_of_its_own(tmp_path):
    texts = [f"{word} {number} of them" for word in ("fold", "bake") for number in range(30)]
    labels = ["origami"] * 30 + ["kitchen"] * 30
    router = fit_manifold(texts, labels=labels).save(tmp_path / "m.npz")
    assert analyse("bake 12 of them", router).task == "kitchen"
