"""What lines of notation make, and that what they make answers."""

import pytest

from onefold import Best, Blend, Chain, ConfigError, Fake, Majority, Model, Named, Panel, Weighted
from onefold.lab.recipe import load_recipe, recipe
from onefold.operators.composing.verifier import Verifier
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.notation.meaning import notation
from onefold.operators.notation.words import is_notation
from onefold.verbs import label

A, B, C = Model("fake:a"), Model("fake:b"), Model("fake:c")

MADE = {
    "E@fake:a": A,
    "E@small": Model("small"),
    'E@"fake:a b"': Model("fake:a b"),
    "3E@fake:a -> J@fake:b": Panel([A, A, A], Blend(B)),
    "3E@openai:gpt-4o-mini(temp=0.7) -> 1J@anthropic:claude-haiku-4-5": Panel(
        [Model("openai:gpt-4o-mini", temperature=0.7)] * 3, Blend("anthropic:claude-haiku-4-5")
    ),
    "E@fake:a, E@fake:b -> best": Panel([A, B], Best()),
    "E@fake:a -> V(otherwise=fail)@fake:b": Chain((A, Verifier(B, "fail"))),
    "2E@fake:a -> 2E@fake:b -> M": Panel([A, A], Panel([B, B])),
    "2E@fake:a -> E@fake:b -> E@fake:c": Panel([A, A], Chain((B, C))),
    "(2E@fake:a -> E@fake:b) -> E@fake:c": Chain((Panel([A, A], B), C)),
    "E@fake:a -> E@fake:b -> E@fake:c": Chain((A, B, C)),
    "E@fake:a -> (E@fake:b -> E@fake:c)": Chain((A, Chain((B, C)))),
    "E@fake:a -> 2E@fake:b -> M": Chain((A, Panel([B, B]))),
    "E!left@fake:a, (2E@fake:b -> M)!right -> M": Panel({"left": A, "right": Panel([B, B])}),
    "(2E@fake:a -> M)(stop=[first], quorum=1)": Panel([A, A], stop=["first"], quorum=1),
    "J(seed=3)!last@(2E@fake:a -> M)": Named("last", Blend(Panel([A, A]), seed=3)),
    'weighted(weights={"fake:a": 2, b: 0.5})': Weighted({"fake:a": 2, "b": 0.5}),
    "a = E@fake:a; b = E@fake:b; a, b -> J@fake:c": Graph(
        {"a": A, "b": B, "answer": Node(Blend(C), after=["a", "b"])}
    ),
    "a = E@fake:a; b(retries=2) = a -> E@fake:b; a": Graph(
        {"a": A, "b": Node(B, ["a"], retries=2)}, "a"
    ),
    'a = E@fake:a; j(inputs={draft: "a.text"}) = E@fake:b': Graph(
        {"a": A, "j": Node(B, inputs={"draft": "a.text"})}
    ),
    "(a = E@fake:a; a -> M)(most_concurrent=1)": Graph(
        {"a": A, "answer": Node(Majority(), ["a"])}, most_concurrent=1
    ),
    "$experts = 2E@fake:a, E@fake:b; $experts -> J@fake:c": Panel([A, A, B], Blend(C)),
    "$two = 2E@fake:a -> M; $two, $two!other -> M": Panel(
        [Panel([A, A]), Named("other", Panel([A, A]))]
    ),
}


@pytest.mark.parametrize("line", MADE)
def test_a_line_makes_what_it_says(line):
    assert notation(line) == MADE[line]


def test_a_line_may_use_operators_that_it_is_given():
    panel = Panel([A, B])
    assert notation("$panel, $c -> M", {"panel": panel, "c": "fake:c"}) == Panel([panel, C])


def test_all_drafts_are_handed_on():
    answer = notation("2E@fake:4, E@fake:5 -> M").ask("2 + 2?")
    assert answer.text == "4"
    assert [draft.text for draft in answer.drafts] == ["4", "4", "5"]
    assert answer.usage.calls == 3


def test_a_named_flow_is_asked_once_however_often_it_is_used():
    line = "a = E@fake:4; b = a -> E@fake:5; c = a -> E@fake:5; a, b, c -> M"
    answer = notation(line).ask("2 + 2?")
    assert answer.text == "5"
    assert answer.usage.calls == 3


def test_a_component_is_asked_anew_wherever_it_stands():
    assert notation("$a = E@fake:4; $a, ($a -> E@fake:4) -> M").ask("2 + 2?").usage.calls == 3


def test_samples_of_one_model_differ():
    line = '3E@m(provider={fake: {replies: ["1", "2", "2"]}}) -> M'
    answer = notation(line).ask("?")
    assert [draft.text for draft in answer.drafts] == ["1", "2", "2"]


def test_aliases_name_drafts():
    answer = notation("E!left@fake:4, E!right@fake:4 -> M").ask("?")
    assert [draft.source for draft in answer.drafts] == ["left", "right"]
    assert label(notation("(2E@fake:a -> M)!inner")) == "inner"


@pytest.mark.parametrize(
    "line",
    [
        "3E@fake:a -> M", "E@fake:a", "J(seed=1)@x", "(E@a)", "2(E@a, E@b -> M)", "$x = E@a; $x",
        "a = E@fake:a; a -> M", "fake:a -> M", " 3 E @ fake:a", "best(ties=first)", "a(x=1) = E@b",
    ],
)  # fmt: skip
def test_notation_is_told_from_yaml_and_models(line):
    assert is_notation(line)


@pytest.mark.parametrize(
    "text",
    [
        "fake:a", "sim:small", "small", "panel: {members: [fake:a]}", "chain:\n- fake:a -> b",
        "# a -> b\npanel:", '"panel": {}', "{panel: [a -> b]}", "- a -> b", "", "openai:gpt-4o",
        "notes.yaml", "operator: E@fake:a -> M", "---\npanel:",
    ],
)  # fmt: skip
def test_yaml_and_models_are_told_from_notation(text):
    assert not is_notation(text)


def test_a_line_is_a_recipe():
    made = MADE["3E@fake:a -> J@fake:b"]
    assert load_recipe("3E@fake:a -> J@fake:b").operator == made
    assert recipe("3E@fake:a -> J@fake:b").operator == made
    held = recipe("operator: 3E@fake:a -> J@fake:b\nbudget: 1.0")
    assert held.operator == made
    assert recipe(held.dump()) == held


def test_a_recipe_may_give_the_models_that_its_line_names():
    held = recipe("models: {m: {provider: {fake: ['4']}}}\noperator: 3E@m -> M")
    with held.session():
        assert held.operator.ask("2 + 2?").text == "4"


def test_a_fault_in_a_recipe_s_line_points_at_its_column():
    with pytest.raises(ConfigError, match=r"the recipe: notation, column 9: expected"):
        recipe("operator: E@fake:a) -> M")


def test_a_line_takes_a_provider_of_its_own():
    made = notation("E@m(provider={fake: [hi]})")
    assert made == Model("m", provider=Fake(("hi",)))
