"""Everything that is wrong with CrucibleEnsemble v0.1.0, a check each that we do better."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from crucible import CASES, member, model

import onefold as of

Check = Callable[..., None]
BETTER: dict[str, tuple[str, Check]] = {}


def better(name: str, how: str) -> Callable[[Check], Check]:
    """Register a check under the id of the case that it answers."""

    def keep(check: Check) -> Check:
        assert name not in BETTER
        BETTER[name] = (how, check)
        return check

    return keep


def flaws() -> list[str]:
    """Ids of the shared file, none where it is absent."""
    path = CASES / "crucible_flaws.json"
    return [case["id"] for case in json.loads(path.read_text())["cases"]] if path.is_file() else []


def asked(*said: str, **settings: Any) -> of.Answer:
    """A panel's answer where m1, m2, … say this."""
    members = [model(f"m{i}", text) for i, text in enumerate(said, 1)]
    return of.instantly(of.Panel(members, **settings)("?"))


def spoken(*replies: dict[str, Any], **settings: Any) -> of.Answer:
    """A panel's answer where m1, m2, … return these mappings."""

    def saying(reply: dict[str, Any]) -> Any:
        async def say(query: of.Query) -> dict[str, Any]:
            return reply

        return say

    members = {f"m{i}": saying(reply) for i, reply in enumerate(replies, 1)}
    return of.instantly(of.Panel(members, **settings)("?"))


def timed(panel: of.Operator) -> tuple[of.Answer, float]:
    """The answer and when it came, in virtual milliseconds."""
    answer = of.instantly(panel("?"))
    return answer, round(1000 * answer.seconds, 6)


def members(**scripts: str) -> list[of.Model]:
    """Models from a case's words."""
    return [member(name, script) for name, script in scripts.items()]


@better("vote-027", "a tie is broken by a named policy, the same on every machine")
def _() -> None:
    assert asked("yes", "no", reads="boolean").value is True
    assert asked("no", "yes", reads="boolean").value is False
    smallest = of.Majority(ties="smallest")
    assert asked("yes", "no", vote=smallest, reads="boolean").value is False
    assert "ties: smallest" in asked("yes", "no", vote=smallest, reads="boolean").explain()


@better("vote-028", "what cannot be read abstains and cannot win")
def _() -> None:
    answer = asked("maybe", "yes", reads="boolean")
    assert (answer.value, answer.agreement, answer.tally.abstained) == (True, 0.5, ("m1",))


@better("vote-029", "42 wins with an agreement of a third: abstentions stay in the denominator")
def _() -> None:
    answer = asked("dunno", "no idea", "42", reads="number")
    assert (answer.value, answer.votes) == (42.0, {"42": 1})
    assert answer.agreement == pytest.approx(1 / 3)


@better("vote-031", "two who say nothing readable agree on nothing")
def _() -> None:
    with pytest.raises(of.NoAnswer, match="none of which could be read"):
        asked("dunno", "no idea", vote="unanimous", reads="number")


@better("vote-032", "a reply without a text abstains")
def _() -> None:
    answer = spoken({}, {}, {"response": "x"})
    assert (answer.value, answer.tally.abstained) == ("x", ("m1", "m2"))
    assert answer.agreement == pytest.approx(1 / 3)


@better("vote-033", "an empty reply abstains")
def _() -> None:
    answer = asked("", "  ", "x")
    assert (answer.value, answer.tally.abstained) == ("x", ("m1", "m2"))


@better("vote-037", "a negative confidence is refused, and its member fails alone")
def _() -> None:
    said = ({"response": "A", "confidence": -1.0}, {"response": "B", "confidence": 0.5})
    answer = spoken(*said, vote="weighted")
    assert (answer.value, answer.drafts[0].error.kind) == ("b", "Unreadable")
    with pytest.raises(of.ConfigError, match="confidence"):
        model("m1", "A", confidence=-1.0)


@better("vote-038", "a confidence above 1 is refused, and its member fails alone")
def _() -> None:
    said = ({"response": "A", "confidence": 5}, {"response": "B", "confidence": 0.5})
    answer = spoken(*said, vote="weighted")
    assert answer.value == "b"
    assert "divide percentages by 100" in answer.drafts[0].error.message
    with pytest.raises(of.ConfigError, match="must lie in"):
        of.Weighted().count([of.Answer("A", "a", "m1", confidence=5)])


@better("vote-039", "who states no confidence weighs as much as the others on average")
def _() -> None:
    said = ({"response": "A"}, {"response": "B", "confidence": 0.5})
    answer = spoken(*said, {"response": "B", "confidence": 0.4}, vote="weighted")
    assert (answer.value, answer.votes) == ("b", pytest.approx({"a": 0.45, "b": 0.9}))


@better("vote-040", "a confidence of null is one that was not stated")
def _() -> None:
    said = ({"response": "A", "confidence": None}, {"response": "B", "confidence": 0.6})
    assert spoken(*said, vote="weighted").votes == {"a": 0.6, "b": 0.6}


@better("vote-042", "who states a confidence goes before who does not")
def _() -> None:
    answer = spoken({"response": "z"}, {"response": "a", "confidence": 0.99}, vote="best")
    assert (answer.value, answer.agreement, answer.source) == ("a", 0.99, "m2")


@better("vote-046", "a function is a vote")
def _() -> None:
    def last(query: of.Query) -> of.Answer:
        return query.drafts[-1]

    assert asked("a", "b", vote=last).text == "b"


@better("vote-047", "a class of one's own is a vote, by its name or by itself")
def _() -> None:
    class MyStrategy(of.Operator, name="my_strategy"):
        async def answer(self, query: of.Query) -> of.Answer:
            return query.drafts[-1]

    for vote in (MyStrategy(), "my_strategy", MyStrategy):
        assert asked("a", "b", vote=vote).text == "b"


@better("execution-002", "the stop compares what the vote compares: two calls, not three")
def _() -> None:
    answer, _ = timed(of.sequential(members(a="Paris", b="paris", c="PARIS")))
    assert (answer.value, len(answer.drafts), answer.unasked) == ("paris", 2, ("c",))


@better("execution-005", "a tie is no agreement, whatever share is asked for")
def _() -> None:
    answer, _ = timed(of.sequential(members(a="X", b="Y", c="X"), agree=0.5))
    assert (answer.value, len(answer.drafts)) == ("x", 3)
    assert answer.agreement == pytest.approx(2 / 3)


@better("execution-008", "a cascade stops at the first that is sure enough")
def _() -> None:
    sure = [model("a", "Z", confidence=0.95), *members(b="Y", c="Y")]
    answer, _ = timed(of.cascade(sure, at=0.9))
    assert (answer.value, answer.usage.calls, answer.unasked) == ("z", 1, ("b", "c"))


@better("execution-011", "members keep their order: of equals the first wins, not the last")
def _() -> None:
    answer, _ = timed(of.cascade(members(a="first", b="second", c="third")))
    assert (answer.value, answer.source) == ("first", "a")
    assert [draft.source for draft in answer.drafts] == ["a", "b", "c"]


@better("execution-013", "the backup's answer comes at 250 ms, and nobody waits for the slow one")
def _() -> None:
    slow = members(a="A after 2000 ms", b="B after 50 ms", c="C after 60 ms")
    answer, when = timed(of.hedged(slow, after=0.2, timeout=3))
    assert (answer.text, answer.source, when) == ("B", "b", 250)
    assert (answer.drafts[0].status, answer.unasked) == ("cancelled", ("c",))


@better("execution-014", "neither a timeout nor the slow one delays the backup's answer")
def _() -> None:
    slow = members(a="A after 10000 ms", b="B after 50 ms", c="C after 60 ms")
    answer, when = timed(of.hedged(slow, after=0.2, timeout=1))
    assert (answer.text, when) == ("B", 250)


@better("execution-015", "a first that fails starts its backup at once")
def _() -> None:
    answer, when = timed(of.hedged(members(a="<fails at once>", b="B"), after=0.2))
    assert (answer.text, when, len(answer.drafts)) == ("B", 0, 2)


@better("execution-016", "at most so many backups are asked as one says")
def _() -> None:
    slow = members(a="A after 500 ms", b="B after 900 ms", c="C")
    answer, when = timed(of.hedged(slow, after=0.1, most=1))
    assert (answer.text, when) == ("A", 500)
    assert [draft.source for draft in answer.drafts] == ["a", "b"]


@better("execution-018", "the error says who failed and why; nothing is called a timeout")
def _() -> None:
    broken = members(a="<fails at 300 ms>", b="<fails>", c="<fails>")
    with pytest.raises(of.NoAnswer) as raised:
        of.instantly(of.hedged(broken, after=0.2, timeout=2)("?"))
    assert [draft.error.kind for draft in raised.value.drafts] == ["Unreachable"] * 3
    assert "TimedOut" not in str(raised.value)
    assert "a: Unreachable: a was told to fail" in str(raised.value)


@better("execution-020", "one of three is no quorum: half must answer unless one says otherwise")
def _() -> None:
    broken = members(a="<fails>", b="<fails>", c="B")
    with pytest.raises(of.NoAnswer, match="1 of 3 members answered, 2 are needed"):
        of.instantly(of.Panel(broken)("?"))
    assert of.instantly(of.Panel(broken, quorum=1)("?")).text == "B"


@better("execution-021", "a quorum that is asked for is kept")
def _() -> None:
    with pytest.raises(of.NoAnswer, match="1 of 3 members answered, 3 are needed"):
        of.instantly(of.Panel(members(a="X", b="<fails>", c="<fails>"), quorum=3)("?"))


@better("execution-022", "the least agreement holds for every way of asking")
def _() -> None:
    vote = of.Majority(least=0.9)
    with pytest.raises(of.NoAnswer, match=r"agreement 0\.333 is below the 0\.9"):
        of.instantly(of.Panel(members(a="A", b="B", c="C"), vote=vote)("?"))


@better("execution-028", "a stream brings the drafts as they come, then the answer")
def _() -> None:
    events = list(of.Panel(members(a="A", b="A")).stream("?"))
    assert [(event.kind, event.source) for event in events] == [
        ("draft", "a"),
        ("draft", "b"),
        ("answer", "a"),
    ]


READ = {
    "normalize-025": ("Step 1: add. Answer: 42", 42.0, "the stated answer, not the first number"),
    "normalize-029": (".5", 0.5, "a leading dot counts"),
    "normalize-030": ("-.5", -0.5, "a sign before a leading dot counts"),
    "normalize-031": ("- 5", -5.0, "a sign counts across a space"),
    "normalize-032": ("−42", -42.0, "the typographic minus is a minus"),
    "normalize-036": ("1.234,56", 1234.56, "European figures are read"),
    "normalize-039": ("(5)", -5.0, "accountants' brackets are a minus"),
    "normalize-041": ("1/2", 0.5, "fractions are worked out"),
    "normalize-088": ("not true", False, "a negation turns the meaning"),
    "normalize-089": ("The statement is not true", False, "a negation turns the meaning"),
    "normalize-090": ("No, that's not true", False, "the first word decides"),
    "normalize-091": ("untrue", False, "whole words count"),
    "normalize-092": ("yesterday", None, "whole words count"),
    "normalize-093": ("false, but yes", False, "the first word decides"),
}


def reading(text: str, value: Any) -> Check:
    """A check that a text is read as a value, by the reader itself and in a panel."""

    def check() -> None:
        reads = of.Number() if isinstance(value, float) else of.Boolean()
        read = reads.read(text, of.Query("?"))
        assert read == value
        assert type(read) is type(value)
        if value is not None:
            assert asked(text, reads=reads).value == value

    return check


BETTER |= {name: (how, reading(text, value)) for name, (text, value, how) in READ.items()}


@better("pricing-017", "a model nobody knows is an error, and one without a price is never free")
def _() -> None:
    with pytest.raises(of.ConfigError, match="named 'unknown_model'"):
        of.Model("unknown_model").ask("?")
    with pytest.raises(of.ConfigError, match="named 'unknown_model'"):
        of.plan(of.Model("unknown_model"), "?")
    unpriced = of.Deployment("unpriced", of.Fake(("x",)))
    with of.Session({"unpriced": unpriced}):
        assert of.Model("unpriced").ask("?").usage.usd is None
    with of.Session({"unpriced": unpriced}, budget=1.0), pytest.raises(of.ConfigError):
        of.Model("unpriced").ask("?")


@better("pricing-024", "what a service does not count is estimated, and marked so")
def _() -> None:
    gpt = of.Deployment("openai_gpt4o", of.Fake(("x",)), of.Price(2.5, 10.0))
    used = gpt.used(of.Reply("x" * 2000, tokens_in=1000), of.Request("openai_gpt4o", ()))
    assert (used.tokens_in, used.tokens_out, used.estimated) == (1000, 500, True)
    assert used.usd == pytest.approx(0.0075)


@better("pricing-025", "tokens count as they come off the wire, under their names as texts")
def _() -> None:
    gpt = of.Deployment("openai_gpt4o", of.Fake(("x",)), of.Price(2.5, 10.0))
    reply = msgspec.json.decode(b'{"tokens_in": 1000, "tokens_out": 500}', type=of.Reply)
    used = gpt.used(reply, of.Request("openai_gpt4o", ()))
    assert (used.usd, used.estimated) == (pytest.approx(0.0075), False)


@better("pricing-033", "three samples of one model cost three times as much, planned and paid")
def _() -> None:
    fake = of.Fake(("said",), tokens=(1000, 500), price=(0.1, 0.3))
    flash = of.Deployment("flash", fake, of.Price(0.1, 0.3), typical_tokens=500)
    with of.Session({"flash": flash}):
        panel = of.Panel(["flash"] * 3)
        assert of.plan(panel, "x" * 4000).usd == pytest.approx(0.00075)
        assert panel.ask("?").usage.usd == pytest.approx(0.00075)


@better("metrics-008", "commas, quotes and line breaks survive the CSV")
def _(folder: Any) -> None:
    query = 'a,b "q"\nnl'
    out = of.write_report(of.run(of.Panel(members(a='say "x",\ny')), [query]), folder)
    with (out / "answers.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["prompt"], row["text"]) == (query, 'say "x",\ny')


@better("metrics-010", "a whole number of dollars is money too")
def _() -> None:
    outcomes = [of.Outcome("q", "?", of.Answer("x", usage=of.Usage(usd=0)))]
    assert "Total Cost: $0" in of.report(of.statistics(outcomes))


def titled(name: str) -> str:
    """A case's id, and what is better about it."""
    return f"{name}: {BETTER[name][0]}" if name in BETTER else name


@pytest.mark.parametrize("name", sorted({*BETTER, *flaws()}), ids=titled)
def test_what_crucible_got_wrong_is_better_here(name, tmp_path):
    assert name in BETTER, "a flaw without a check: say here what is better, and show it"
    _, check = BETTER[name]
    check(*[tmp_path] * check.__code__.co_argcount)
