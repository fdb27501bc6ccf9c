"""Probing a model: what it declares is one thing, what it does is another."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from faults import Lie, Reset, Status
from script import Script
from service import Service

import onefold as of
from onefold.core.errors import BudgetExceeded, ConfigError, Unreachable
from onefold.lab.probe import BEGUN, cost, probe
from onefold.providers.http.clock import clock

PATHS = {
    "anthropic": "", "gemini": "", "ollama": "", "compatible": "/v1", "deepseek": "",
    "mistral": "/v1", "openai": "/v1", "responses": "/v1", "vllm": "/v1",
    "ollama-embeddings": "", "openai-embeddings": "/v1",
}  # fmt: skip
FAST = {"attempts": 2, "base": 0.001, "cap": 0.001}
COUNTS = f"{BEGUN} 6, 7, 8"


def saying(call):
    """Counts on where it is to, fits a schema, else echoes."""
    return COUNTS if BEGUN in call.raw.decode() else '{"days": 7}'


@asynccontextmanager
async def served(script, kind="compatible", session=None, **about):
    """A service, and a session that knows it as `m`."""
    async with Service(script) as service:
        wire = {"model": "model-a", "base_url": service.url + PATHS[kind], "key": "env:PROBED"}
        wire |= {key: about.pop(key) for key in ("continues", "stall") if key in about}
        entry = {"provider": {kind: wire}, "price": {"tokens_in": 1, "tokens_out": 2}, **about}
        yield service, of.Session({"m": {"retry": FAST, **entry}}, **(session or {}))


def probed(script, kind="compatible", **about):
    """What probing finds, by capability, and the service that was asked."""

    async def run():
        async with served(script, kind, **about) as (service, session):
            return await probe("m", session), service

    found, service = asyncio.run(run())
    return {finding.what: finding for finding in found.findings}, found, service


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("PROBED", "sk-canary-1234")


@pytest.mark.parametrize("kind", ["gemini", "ollama", "vllm"])
def test_a_service_that_does_everything_is_seen_to_do_everything(kind):
    by, found, service = probed(Script(saying), kind)
    assert list(by) == ["text", "usage", "stream", "continues", "schema", "logprobs"]
    assert {what: finding.said for what, finding in by.items() if not finding.works} == {}
    assert found.capabilities == tuple(by)
    told = service.usage[0]
    assert by["usage"].said == f"{told.tokens_in} tokens in, {told.tokens_out} out"
    assert found.usage.calls == len(service.calls) == len(service.usage) == 5


def test_what_it_cost_is_what_the_service_bills():
    _, found, service = probed(Script(saying))
    assert found.usage.tokens_in == sum(billed.tokens_in for billed in service.usage)
    assert found.usage.tokens_out == sum(billed.tokens_out for billed in service.usage)
    assert found.usage.usd == pytest.approx(
        (found.usage.tokens_in + 2 * found.usage.tokens_out) / 1e6
    )


@pytest.mark.parametrize("kind", ["deepseek", "mistral"])
def test_partial_answers_are_continued_in_the_services_own_way(kind):
    by, _, _ = probed(Script(saying, repeats=kind == "mistral"), kind)
    assert (by["continues"].declared, by["continues"].works) == (True, True)


def test_what_is_not_declared_is_not_asked():
    by, found, service = probed(Script(saying), "openai")
    assert (by["continues"].declared, by["continues"].works) == (False, None)
    assert "continues" not in found.capabilities
    assert not any(BEGUN in call.raw.decode() for call in service.calls)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script("1, 2, 3, 4, 5, 6, 7, 8"), "begins anew"),
        (Script("Sure, let me count!"), "does not go on"),
        (Script(COUNTS, rejects_prefill=True), "Refused"),
    ],
)
def test_a_service_that_only_claims_to_continue_is_found_out(script, words):
    by, found, _ = probed(script, "compatible", continues="trailing")
    assert (by["continues"].declared, by["continues"].works) == (True, False)
    assert words in by["continues"].said
    assert "continues" not in found.capabilities


def test_a_server_that_ignores_a_schema_is_found_out():
    by, _, _ = probed(Script("Seven."))
    assert (by["schema"].declared, by["schema"].works) == (True, False)
    assert "no JSON: 'Seven.'" in by["schema"].said
    by, _, _ = probed(Script('{"days": "seven"}'))
    assert "another form" in by["schema"].said


def test_a_model_without_log_probabilities_is_found_out():
    by, _, _ = probed(Script(saying, logprob=None))
    assert (by["logprobs"].works, by["logprobs"].said) == (False, "none came")
    by, _, _ = probed(Script(saying, logprob=lambda _: 0.5))
    assert not by["logprobs"].works


def test_words_that_come_all_at_once_are_no_stream():
    by, _, _ = probed(Script("Counted.", pieces=1))
    assert (by["stream"].works, by["stream"].said) == (False, "all at once")


def test_usage_that_is_not_told_is_named():
    by, found, _ = probed(Script(saying, faults=lambda _: Lie("missing")))
    assert by["usage"].works is False
    assert found.usage.estimated


def test_a_model_that_thinks_for_all_of_its_tokens_is_there():
    by, _, _ = probed(Script(saying, reasoning=300), "openai")
    assert by["text"].works
    assert "it reasons" in by["text"].said


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (Script(faults=lambda _: Status(401, message="no such key {key}")), "WrongKey"),
        (Script(faults=lambda _: Reset()), "Unreachable"),
        (Script(""), "an empty reply"),
    ],
)
def test_a_model_that_does_not_answer_is_asked_nothing_more(script, words):
    by, found, service = probed(script)
    assert by["text"].works is False
    assert words in by["text"].said
    assert "sk-canary" not in str(found)
    if words != "an empty reply":
        assert list(by) == ["text"]
        assert len({call.raw for call in service.calls}) == 1


def test_what_fails_for_now_is_neither_there_nor_missing():
    busy = Script(saying, faults=lambda call: Status(503) if b"schema" in call.raw else None)
    by, _, _ = probed(busy)
    assert by["schema"].works is None
    assert "Unreachable" in by["schema"].said
    assert by["logprobs"].works


@pytest.mark.parametrize("kind", ["openai-embeddings", "ollama-embeddings"])
def test_a_model_that_embeds_is_asked_for_one_vector(kind):
    by, found, service = probed(Script(dimensions=16), kind)
    assert found.capabilities == ("vectors",)
    assert by["vectors"].said == "of 16 dimensions"
    assert len(service.calls) == 1


def test_the_cost_said_before_covers_what_it_costs():
    async def run():
        async with served(Script(saying), "vllm") as (_, session):
            before = cost("m", session)
            return before, (await probe("m", session)).usage

    before, used = asyncio.run(run())
    assert used.calls == before.calls
    assert used.tokens_in <= before.tokens_in
    assert used.usd <= before.usd


def test_the_cost_of_a_model_without_a_price_is_unknown():
    assert cost("compatible:x", of.Session()).usd is None


def test_a_probe_walks_the_corridor_with_its_budget_and_its_journal(tmp_path):
    path = tmp_path / "calls.sqlite"

    async def run():
        async with served(Script(saying), session={"journal": path, "budget": 1.0}) as (_, held):
            with held:
                found = await probe("m", held)
                return found.usage, held.journal.total(), held.budget.spent

    used, journalled, spent = asyncio.run(run())
    assert used == journalled == spent


def test_a_budget_that_affords_no_question_is_said():
    with pytest.raises(BudgetExceeded):
        probed(Script(saying), session={"budget": 1e-9})


def test_any_provider_can_be_probed():
    found = asyncio.run(probe("f", of.Session({"f": "fake:ready"})))
    by = {finding.what: finding for finding in found.findings}
    assert by["text"].works
    assert by["continues"].works is None
    assert by["schema"].works is False


@pytest.mark.parametrize(("name", "words"), [("all", "a, b"), ("nobody", "'nobody'")])
def test_only_single_models_that_are_known_are_probed(name, words):
    session = of.Session({"a": "fake:1", "b": "fake:2", "all": {"fleet": ["a", "b"]}})
    with pytest.raises(ConfigError, match=words):
        asyncio.run(probe(name, session))


def test_a_model_without_a_key_is_not_asked(monkeypatch):
    monkeypatch.delenv("PROBED")
    with pytest.raises(ConfigError, match="PROBED is not set"):
        probed(Script(saying))


@pytest.mark.parametrize("ahead", [0, 300, -7200])
def test_a_servers_clock_tells_how_far_ours_is_off(ahead):
    async def run():
        async with Service() as service:
            return await clock(service.url, lambda: time.time() + ahead), service.calls

    skew, calls = asyncio.run(run())
    assert skew == pytest.approx(ahead, abs=30)
    assert [(call.method, call.key) for call in calls] == [("HEAD", None)]


def test_a_server_without_a_sound_date_tells_no_time():
    async def run():
        async with Service(Script(headers={"Date": "yesterday"}, keyless={"ollama"})) as service:
            return await clock(f"{service.url}/api/version")

    assert asyncio.run(run()) is None


def test_a_server_that_is_not_there_tells_no_time():
    async def run():
        async with Service() as service:
            url = service.url
        await clock(url)

    with pytest.raises(Unreachable, match="no time"):
        asyncio.run(run())
