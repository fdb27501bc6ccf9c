"""One span tree: usage rolls up from everything called, and listeners hear all of it in order."""

import asyncio
import contextlib

import pytest

import onefold as of
from onefold.core.usage import NOTHING
from onefold.runtime.clock import instantly
from onefold.runtime.trace import current


def model(name, text="yes", seconds=0.0, tokens=(10, 2), price=(1.0, 2.0), **more):
    fake = of.Fake((text,), seconds=(seconds,), tokens=tokens, price=price, **more)
    return of.Model(name, provider=fake)


COST = (10 * 1.0 + 2 * 2.0) / 1e6


class Heard(list):
    """A listener that keeps every event."""

    def __call__(self, phase, span, what, value):
        self.append((phase, span, what, value))

    def spans(self, verb=None):
        return [s for phase, s, *_ in self if phase == "start" and verb in (None, s.verb)]


def listened(operator, query="q"):
    heard = Heard()
    with of.Session(listeners=[heard]):
        return heard, instantly(operator(query))


class Asks(of.Judge, name="test_trace_asks"):
    """A judge that asks a model."""

    grader: of.Operator

    async def score(self, query, answer):
        return 0.5 if (await self.grader(query)).text else 0.0


def test_usage_rolls_up_from_members_judges_votes_and_nested_panels():
    inner = of.Panel([model("a"), model("b")], judge=Asks(model("grader")))
    outer = of.Panel([inner, model("c")], vote=model("blend"))
    heard, answer = listened(outer)
    assert len(heard.spans("complete")) == 2 + 2 + 1 + 1
    assert answer.usage.calls == 6
    assert answer.usage.usd == pytest.approx(6 * COST)
    assert (answer.usage.tokens_in, answer.usage.tokens_out) == (60, 12)
    assert not answer.usage.estimated
    assert [draft.usage.calls for draft in answer.drafts] == [4, 1]
    assert [draft.usage.calls for draft in answer.drafts[0].drafts] == [2, 2]


def test_every_span_has_the_usage_of_its_children():
    inner = of.Panel([model("a"), model("b")], judge=Asks(model("grader")))
    heard, _ = listened(of.Panel([inner, model("c")], vote=model("blend")))
    for span in heard.spans():
        if span.children:
            below = sum((child.usage for child in span.children), NOTHING)
            assert span.usage.calls == below.calls
            assert span.usage.usd == pytest.approx(below.usd)


def test_a_cancelled_call_is_booked_as_an_estimate_and_marked_so():
    slow = model("slow", "s" * 400, seconds=60)
    panel = of.Panel([model("fast", seconds=1), slow], stop="first")
    heard, answer = listened(panel)
    assert [draft.status for draft in answer.drafts] == ["answered", "cancelled"]
    booked = answer.drafts[1].usage
    assert booked.calls == 1
    assert booked.estimated
    assert booked.tokens_out == 256, "the typical tokens of a deployment"
    assert answer.usage.calls == 2
    assert answer.usage.estimated
    assert answer.usage.usd == pytest.approx(COST + booked.usd)
    statuses = {span.name: span.status for span in heard.spans("complete")}
    assert statuses == {"fast": "ok", "slow": "cancelled"}


def test_members_that_were_never_asked_cost_nothing():
    panel = of.Panel([model("a"), model("b"), model("c")], stop="first", stagger=float("inf"))
    heard, answer = listened(panel)
    assert answer.usage.calls == 1
    assert answer.unasked == ("b", "c")
    assert [span.name for span in heard.spans("complete")] == ["a"]


def test_a_failed_member_is_a_failed_span_and_costs_nothing():
    panel = of.Panel([model("a"), model("b", error="RateLimited")])
    heard, answer = listened(panel)
    assert {s.name: s.status for s in heard.spans("draft")} == {"a": "ok", "b": "failed"}
    assert answer.usage.calls == 1


def test_an_unknown_price_below_makes_the_whole_unknown():
    class Priceless(of.Provider, name="test_trace_priceless"):
        async def complete(self, request):
            return of.Reply("yes", 1, 0, 1)

    panel = of.Panel([model("a"), of.Model("p", provider=Priceless())])
    _, answer = listened(panel)
    assert answer.usage.usd is None
    assert answer.usage.calls == 2


def test_listeners_hear_start_notes_and_stop_of_each_span_in_order():
    panel = of.Panel([model("a", seconds=1), model("b", seconds=2)])
    heard, _ = listened(panel)
    lines = [(phase, span.verb, span.name, what) for phase, span, what, _ in heard]
    assert lines == [
        ("start", "answer", "panel", ""),
        ("start", "draft", "a", ""),
        ("start", "complete", "a", ""),
        ("note", "complete", "a", "provider"),
        ("start", "draft", "b", ""),
        ("start", "complete", "b", ""),
        ("note", "complete", "b", "provider"),
        ("stop", "complete", "a", "ok"),
        ("stop", "draft", "a", "ok"),
        ("note", "answer", "panel", "draft"),
        ("stop", "complete", "b", "ok"),
        ("stop", "draft", "b", "ok"),
        ("note", "answer", "panel", "draft"),
        ("start", "decide", "majority", ""),
        ("stop", "decide", "majority", "ok"),
        ("note", "answer", "panel", "consensus"),
        ("stop", "answer", "panel", "ok"),
    ]


class Lost(of.Router, name="test_trace_lost"):
    """A router that fails."""

    async def route(self, query):
        raise of.ModelError("the router is down")


class Broken(of.Judge, name="test_trace_broken"):
    """A judge that fails."""

    async def score(self, query, answer):
        raise of.ModelError("the judge is down")


@pytest.mark.parametrize(
    "operator",
    [
        of.Panel([model("a", error="Refused"), model("b", error="TimedOut")]),
        of.Panel([model("a"), model("b", seconds=9)], stop="first"),
        of.Panel([model("a"), model("b", seconds=9)], patience=1),
        of.Panel([model("a"), model("b")], judge=Broken()),
        of.Panel([model("a"), model("b", "no")], vote="unanimous"),
        of.Panel([model("a"), model("b")], route=Lost()),
        of.Within(of.Panel([model("a", seconds=5), model("b", seconds=9)]), 1),
        of.Chain((model("a"), model("b", error="Refused"))),
    ],
    ids=["all fail", "stopped", "patience", "judge", "unanimous", "router", "deadline", "chain"],
)
def test_whatever_happens_each_span_that_starts_stops_once_and_after_its_children(operator):
    heard = Heard()
    with of.Session(listeners=[heard]), contextlib.suppress(of.OnefoldError):
        instantly(operator("q"))
    stopped = [span for phase, span, *_ in heard if phase == "stop"]
    assert sorted(map(id, stopped)) == sorted(map(id, heard.spans()))
    for span in heard.spans():
        assert span.status != "running"
        for child in span.children:
            assert stopped.index(child) < stopped.index(span)


def test_a_router_that_asks_a_model_pays_in_its_own_span():
    guide = model("guide")

    @of.router
    async def asks(query):
        return {(await guide(query)).text: 1.0}

    heard, answer = listened(of.Panel({"yes": model("a"), "no": model("b")}, route=asks))
    (span,) = heard.spans("route")
    assert span.usage.calls == 1
    assert answer.usage.calls == 2


def test_seconds_are_those_of_the_loop():
    panel = of.Panel([model("a", seconds=3), model("b", seconds=2)])
    heard, answer = listened(panel)
    assert answer.seconds == 3
    assert [draft.seconds for draft in answer.drafts] == [3, 2]
    assert {s.name: s.seconds for s in heard.spans("complete")} == {"a": 3, "b": 2}


def test_the_tree_reads_as_indented_lines():
    heard, _ = listened(of.Panel([model("a"), model("b")]))
    tree = heard.spans()[0].tree().splitlines()
    heads = [line.split(" ·")[0] for line in tree]
    assert heads == [
        "answer panel",
        "  draft a",
        "    complete a",
        "  draft b",
        "    complete b",
        "  decide majority",
    ]
    assert "2 calls" in tree[0]


def test_no_span_is_current_after_a_call_whatever_became_of_it():
    async def main():
        await model("a")("q")
        with pytest.raises(of.ModelError):
            await model("b", error="Refused")("q")
        return current.get()

    assert instantly(main()) is None


def test_a_thousand_panels_at_once_keep_their_spans_apart():
    async def main():
        panel = of.Panel([model("a", seconds=1), model("b", seconds=2)])
        return await asyncio.gather(*(panel(f"q{i}") for i in range(1000)))

    assert {answer.usage.calls for answer in instantly(main())} == {2}


def deaf(phase, span, what, value):
    """A listener that has no use for words."""


deaf.wants_words = False


@pytest.mark.parametrize(
    ("listeners", "heard"),
    [
        ([], False),
        ([deaf], False),
        ([Heard()], True),
        ([deaf, Heard()], True),
        ([Heard(), deaf], True),
    ],
)
def test_words_are_streamed_where_somebody_wants_them(listeners, heard):
    told = []

    class Tells(of.Provider, name="test_trace_tells"):
        async def complete(self, request):
            told.append("whole")
            return of.Reply("a b", 1, 0, 1)

        async def stream(self, request):
            told.append("pieces")
            yield "a b"
            yield of.Reply("a b", 1, 0, 1)

    with of.Session({"m": Tells()}, listeners=listeners):
        instantly(of.Model("m")("q"))
    assert told == (["pieces"] if heard else ["whole"])


@pytest.mark.parametrize("verb", ["draft", "score", "route"])
def test_only_the_final_words_are_heard(verb):
    async def main():
        top = of.Span("answer", "top", listeners=(Heard(),))
        below = of.Span(verb, "below", parent=top)
        leaf = of.Span("complete", "leaf", parent=below)
        other = of.Span("complete", "other", parent=of.Span("decide", "vote", parent=top))
        return top.heard, below.heard, leaf.heard, other.heard

    assert instantly(main()) == (True, False, False, True)
