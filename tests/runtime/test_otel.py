"""OpenTelemetry: our tree arrives whole, timed as ours, named by the conventions, without words."""

import asyncio
import json
import sys

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from onefold import Fake, Model, Panel, Query, Reply, Request, Sampling, Session
from onefold.core.errors import MissingExtra, NoAnswer
from onefold.core.query import Message
from onefold.core.usage import Usage
from onefold.functions import judge, operator
from onefold.runtime.clock import instantly
from onefold.runtime.otel import OpenTelemetry
from onefold.runtime.trace import Span

SECRET = "canary-7f3a"
MODELS = {
    "good": Fake((SECRET,), seconds=(1.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "other": Fake(("b",), seconds=(2.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "slow": Fake((SECRET,), seconds=(9.0,)),
    "broken": Fake(error="Refused"),
    "dear": {"provider": Fake(("b",)), "price": None},
}


class Traced:
    """A listener with a real SDK behind it, and the spans that were exported."""

    def __init__(self, content=False):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.listener = OpenTelemetry(self.provider, content=content)

    def ask(self, part, query="?", **about):
        async def asked():
            with Session(MODELS, listeners=[self.listener], **about):
                return await part(query)

        answer = instantly(asked())
        assert list(self.listener.faults) == []
        return answer

    def complete(self, request, work, name="openai:gpt"):
        """One model call as the corridor makes it, with what `work` does in it."""

        async def called():
            with Span("complete", name, request, None, (self.listener,)) as span:
                work(span)

        instantly(called())
        assert list(self.listener.faults) == []
        return self.spans[-1]

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def __getitem__(self, name):
        (found,) = [span for span in self.spans if span.name == name]
        return found


@pytest.fixture
def traced():
    return Traced()


def panel(*members, **about):
    return Panel([Model(name) for name in members], **about)


@operator
def doubter(query):
    raise ValueError(f"cannot digest {query.text} \ud800")


def test_the_tree_arrives_whole_with_its_parents(traced):
    traced.ask(panel("good", "other"))
    names = {span.context.span_id: span.name for span in traced.spans}
    above = {span.name: names.get(span.parent.span_id) for span in traced.spans if span.parent}
    assert above == {
        "draft good": "answer panel",
        "draft other": "answer panel",
        "decide majority": "answer panel",
        "chat good": "draft good",
        "chat other": "draft other",
    }
    assert len(traced.spans) == 6
    assert len({span.context.trace_id for span in traced.spans}) == 1
    assert {span.name: span.kind for span in traced.spans if span.kind is SpanKind.CLIENT} == {
        "chat good": SpanKind.CLIENT,
        "chat other": SpanKind.CLIENT,
    }


def test_spans_take_as_long_as_ours_and_lie_within_their_parents(traced):
    traced.ask(Panel([panel("good", "good"), Model("other")], stagger=0.5))
    root, late = traced["answer panel"], traced["draft other"]
    assert root.end_time - root.start_time == 2_500_000_000
    assert late.start_time - root.start_time == 500_000_000
    assert late.end_time == root.end_time
    by_id = {span.context.span_id: span for span in traced.spans}
    for span in traced.spans:
        if span.parent is not None:
            above = by_id[span.parent.span_id]
            assert above.start_time <= span.start_time <= span.end_time <= above.end_time


def test_a_question_hangs_below_the_span_that_is_current_where_it_is_asked(traced):
    tracer = traced.provider.get_tracer("mine")
    with tracer.start_as_current_span("mine") as mine:
        traced.ask(Model("good"))
        with Session(MODELS, listeners=[traced.listener]):
            Model("fake:a").ask("from blocking code")
    for name in ("answer good", "answer fake:a"):
        assert traced[name].parent.span_id == mine.get_span_context().span_id


def test_outside_any_span_a_question_is_a_root_and_leaves_nothing_current(traced):
    before = context.get_current()
    traced.ask(Model("good"))
    assert traced["answer good"].parent is None
    assert context.get_current() == before
    assert not trace.get_current_span().get_span_context().is_valid


def test_spans_that_others_open_meanwhile_hang_below_ours(traced):
    tracer = traced.provider.get_tracer("http")

    @operator
    async def fetching(query):
        with tracer.start_as_current_span("GET"):
            await asyncio.sleep(1)
        return "a"

    traced.ask(Panel([fetching, Model("other")]))
    assert traced["GET"].parent.span_id == traced["draft fetching"].context.span_id


def test_questions_asked_at_once_do_not_mix(traced):
    async def asked():
        with Session(MODELS, listeners=[traced.listener]):
            await asyncio.gather(*(panel("good", "other")(f"{n}") for n in range(20)))

    instantly(asked())
    traces = [span.context.trace_id for span in traced.spans]
    assert len(set(traces)) == 20
    assert all(traces.count(each) == 6 for each in traces)


def test_a_call_is_named_by_the_conventions(traced):
    sampling = Sampling(0.5, 0.9, 100, 7, ("END",), 40, 0.1, 0.2, "low")
    request = Request("openai:gpt", (Message("user", "?"),), sampling, schema={"type": "object"})

    def work(span):
        span.note("token", "4")
        span.note("token", "2")
        span.usage = Usage(20, 8, 9, 0.25, 1, False, 4, 3)
        span.answer = Reply("42", finish="filtered", upstream=("gpt-2026", "id-1"))

    assert dict(traced.complete(request, work).attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "openai:gpt",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.presence_penalty": 0.1,
        "gen_ai.request.frequency_penalty": 0.2,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "gen_ai.response.model": "gpt-2026",
        "gen_ai.response.id": "id-1",
        "gen_ai.response.finish_reasons": ("content_filter",),
        "gen_ai.response.time_to_first_chunk": 0.0,
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.cache_write.input_tokens": 4,
        "gen_ai.usage.output_tokens": 9,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "onefold.status": "ok",
        "onefold.usd": 0.25,
        "onefold.calls": 1,
        "onefold.estimated": False,
    }


@pytest.mark.parametrize(
    ("name", "provider"),
    [("gemini:flash", "gcp.gemini"), ("groq:llama", "groq"), ("mine", "unknown")],
)
def test_a_provider_is_called_as_the_conventions_call_it(traced, name, provider):
    span = traced.complete(Request(name, ()), lambda _: None, name)
    assert span.attributes["gen_ai.provider.name"] == provider


def test_a_provider_that_is_told_of_is_believed(traced):
    span = traced.complete(Request("mine", ()), lambda s: s.note("provider", "mistral"), "mine")
    assert span.attributes["gen_ai.provider.name"] == "mistral_ai"


def test_a_call_that_embeds_is_no_chat(traced):
    def work(span):
        span.answer = Reply(vectors=((0.1, 0.2),))

    span = traced.complete(Request("mine", ()), work, "mine")
    assert (span.name, span.attributes["gen_ai.operation.name"]) == (
        "embeddings mine",
        "embeddings",
    )


def test_what_happens_meanwhile_is_an_event_without_its_words(traced):
    def work(span):
        span.note("retry", f"because of {SECRET}")
        span.note("cached", "key")

    span = traced.complete(Request("mine", ()), work, "mine")
    assert [(event.name, dict(event.attributes)) for event in span.events] == [
        ("onefold.retry", {}),
    ]
    assert span.events[0].timestamp == span.start_time
    assert span.attributes["onefold.answered_from"] == "cache"


def test_only_calls_have_tokens_so_that_they_add_up(traced):
    traced.ask(panel("good", "other"))
    tokens = {
        span.name: span.attributes["gen_ai.usage.output_tokens"]
        for span in traced.spans
        if "gen_ai.usage.output_tokens" in span.attributes
    }
    assert tokens == {"chat good": 5, "chat other": 5}
    assert all(
        key.startswith("onefold.")
        for span in traced.spans
        if span.kind is SpanKind.INTERNAL
        for key in span.attributes
    )


def test_a_panel_tells_its_agreement_and_a_judge_its_score(traced):
    @judge
    def half(query, answer):
        return 0.5

    traced.ask(panel("good", "other", "good", judge=half))
    root = traced["answer panel"].attributes
    assert root["onefold.agreement"] == pytest.approx(2 / 3)
    assert root["onefold.consensus"] is True
    assert root["onefold.usd"] == pytest.approx(0.06)
    assert root["onefold.calls"] == 3
    scores = [span.attributes.get("onefold.score") for span in traced.spans]
    assert scores.count(0.5) == 3


def test_an_unknown_price_is_left_out(traced):
    traced.ask(Model("dear"))
    assert "onefold.usd" not in traced["chat dear"].attributes


def test_failures_are_errors_and_cancellations_are_not(traced):
    traced.ask(panel("broken", "good", "slow", stop="first"))
    broken, slow = traced["chat broken"], traced["chat slow"]
    assert (broken.status.status_code, broken.status.description) == (StatusCode.ERROR, None)
    assert broken.attributes["error.type"] == "Refused"
    assert slow.status.status_code is StatusCode.UNSET
    assert slow.attributes["onefold.status"] == "cancelled"
    assert slow.attributes["onefold.estimated"] is True
    assert "error.type" not in slow.attributes
    with pytest.raises(NoAnswer):
        traced.ask(panel("broken", "broken"))
    assert traced.spans[-1].attributes["error.type"] == "NoAnswer"


def test_spans_hold_no_words_unless_asked_for(traced):
    traced.ask(Panel([doubter, Model("good"), Model("good")]), Query(SECRET, system=SECRET))
    assert SECRET not in "".join(span.to_json() for span in traced.spans)
    assert traced["draft doubter"].attributes["error.type"] == "ValueError"


def test_spans_hold_the_words_where_asked_for():
    traced = Traced(content=True)
    traced.ask(Panel([doubter, Model("good"), Model("other")]), Query("why?", system="Be brief."))
    call = traced["chat good"].attributes
    told = json.loads(call["gen_ai.input.messages"])
    assert told[0] == {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}
    assert told[-1] == {"role": "user", "parts": [{"type": "text", "content": "why?"}]}
    assert json.loads(call["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": SECRET}],
            "finish_reason": "stop",
        }
    ]
    draft = traced["draft good"].attributes
    assert (draft["onefold.prompt"], draft["onefold.text"]) == ("why?", SECRET)
    assert traced["draft doubter"].status.description == "cannot digest why? ?"


def test_spans_that_never_end_are_ended_with_their_question(traced):
    async def asked():
        with Span("answer", "root", Query("?"), None, (traced.listener,)) as root:
            Span("draft", "lost", Query("?"), root)

    instantly(asked())
    assert {span.name for span in traced.spans} == {"answer root", "draft lost"}
    assert traced.listener._pairs == {}


def test_without_an_sdk_it_breaks_nothing():
    listener = OpenTelemetry()
    with Session(MODELS, listeners=[listener]):
        assert Model("fake:a").ask("?").text == "a"
    assert list(listener.faults) == []


def test_a_processor_that_raises_disturbs_nobody_and_is_kept():
    class Broken(SpanProcessor):
        def on_end(self, span):
            raise ZeroDivisionError

    provider = TracerProvider()
    provider.add_span_processor(Broken())
    listener = OpenTelemetry(provider)
    with Session(MODELS, listeners=[listener]):
        assert Model("fake:a").ask("?").text == "a"
    assert [type(fault) for fault in listener.faults] == [ZeroDivisionError] * 2
    assert listener._pairs == {}


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"OpenTelemetry .*pip install 'onefold\[otel\]'"):
        OpenTelemetry()
