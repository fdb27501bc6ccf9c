"""An answer knows the drafts it was made from, and explains itself to people."""

from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

import onefold as of
from onefold.core.answer import Answer, answered, cancelled, failed
from onefold.core.tally import Trust
from onefold.runtime.clock import instantly

HOSTILE = "<script>alert('x')</script>[bold]&amp;\"\n\x1b[31m"


def model(name, text="yes", **more):
    return of.Model(name, provider=of.Fake((text,), **more))


def decided(members, **settings):
    return instantly(of.Panel(members, **settings)("q"))


@pytest.mark.parametrize(
    ("given", "text", "value"),
    [
        ("words", "words", None),
        (4, "4", 4),
        (None, "", None),
        ({"response": "r", "text": "t", "value": 1}, "r", 1),
        ({"text": "t", "content": "c"}, "t", None),
        ({"content": 5}, "5", None),
        ({}, "", None),
        ([1, 2], "[1, 2]", [1, 2]),
    ],
)
def test_what_a_function_returns_becomes_an_answer(given, text, value):
    made = answered(given)
    assert (made.text, made.value) == (text, value)


def test_an_error_that_a_function_returns_is_raised():
    with pytest.raises(of.Refused, match="no"):
        answered(of.Refused("no"))


def test_the_status_says_what_became_of_a_draft():
    assert of.Answer("x", "x").status == "answered"
    assert of.Answer("?").status == "abstained"
    assert failed("m", of.TimedOut("late")).status == "failed"
    assert cancelled("m").status == "cancelled"


def test_an_error_without_words_is_told_by_its_name():
    assert failed("m", ValueError()).error == of.Failure("ValueError", "ValueError")


def test_a_leaf_agrees_with_itself_and_claims_nothing():
    leaf = of.Answer("x", "x")
    assert (leaf.agreement, leaf.interval, leaf.votes, leaf.quorum) == (1.0, (0.0, 1.0), {}, 0)


def test_leaves_are_the_models_that_were_asked_each_once():
    inner = of.Panel([model("a"), model("b")])
    answer = decided([inner, model("c")])
    assert [leaf.source for leaf in answer.leaves] == ["a", "b", "c"]


def test_the_explanation_tells_rule_votes_dissent_failures_and_the_unasked():
    members = [
        model("a"),
        model("b"),
        model("c", "no"),
        model("d", error="Refused"),
        model("e"),
        model("f"),
    ]
    told = decided(members, stop=of.First(4), stagger=float("inf")).explain()
    for words in (
        "answer    yes",
        "rule      majority, ties: first, abstentions: count",
        "'yes': 3, 'no': 1",
        "agreement 0.750",
        "dissent   c",
        "Refused: d was told to fail",
        "f  not asked",
    ):
        assert words in told


def test_the_explanation_names_the_pivotal_member():
    told = decided([model("a"), model("b"), model("c", "no"), model("d", "no"), model("e", "no")])
    assert "pivotal" in told.explain()
    assert told.tally.pivotal == ("c", "d", "e")


def test_the_explanation_marks_estimates_and_unread_answers():
    answer = decided(
        [model("a", seconds=(1,)), model("b", " ", seconds=(2,)), model("c", seconds=(9,))],
        stop=of.AllOf([of.First(1), of.Spent(seconds=1.5)]),
    )
    told = answer.explain()
    assert "(in part estimated)" in told
    assert "abstained" in told
    assert "cancelled" in told


@pytest.mark.parametrize("answer", [of.Answer(), of.Answer("x"), of.Answer("4", 4, "m", 0.5)])
def test_leaves_explain_themselves_too(answer):
    assert answer.explain().startswith("answer")
    assert answer._repr_html_().startswith("<div")


class Elements(HTMLParser):
    """Collects the tags and the text of a fragment."""

    def __init__(self):
        super().__init__()
        self.tags, self.words = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_html_escapes_whatever_a_model_or_its_name_says():
    hostile = decided(
        [model(HOSTILE, HOSTILE), model("b", HOSTILE), model("<img src=x>", error="Refused")]
    )
    page = Elements()
    page.feed(hostile._repr_html_())
    assert page.tags == {"div", "pre", "table", "tr", "td"}
    assert any("<script>alert('x')</script>" in words for words in page.words)


def test_rich_shows_what_a_model_says_and_never_obeys_it():
    hostile = decided([model("[red]a[/red]", "[bold]x[/bold][/]"), model("b", "[bold]x[/bold][/]")])
    console = Console(width=160, record=True, file=StringIO())
    console.print(hostile)
    shown = console.export_text()
    assert "[bold]x[/bold][/]" in shown
    assert "[red]a[/red]" in shown


def test_a_very_long_answer_is_cut_in_the_explanation():
    told = decided([model("a", "w " * 100_000), model("b", "w " * 100_000)]).explain()
    assert len(told) < 3000


def test_an_answer_is_a_value():
    one = decided([model("a"), model("b")])
    assert one == decided([model("a"), model("b")])
    assert one.but(text="other") != one
    with pytest.raises(AttributeError):
        one.text = "changed"


def test_a_fitted_probability_brings_its_interval_and_is_explained():
    trust = Trust(0.9, 0.85, 0.94, 120, 2.2, 0.03, "fitted to 120 outcomes")
    answer = Answer("4", 4.0, "m", confidence=0.9, trust=trust)
    assert answer.interval == (0.85, 0.94)
    assert "right     0.900 (95 % interval 0.850 to 0.940), fitted to 120 outcomes" in (
        said := answer.explain()
    )
    assert "worth 2.2 independent voters, same mistake in 3.0% of questions" in said
    assert "confident" not in said
