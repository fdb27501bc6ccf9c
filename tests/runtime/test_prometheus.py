"""Prometheus: every call and question is counted once, under labels that are bounded."""

import asyncio
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from onefold import Fake, Model, Panel, Session
from onefold.core.errors import ConfigError, MissingExtra, NoAnswer
from onefold.core.usage import Usage
from onefold.runtime.clock import instantly
from onefold.runtime.prometheus import MODELS, Prometheus
from onefold.runtime.trace import Span

SECRET = "canary-7f3a"
NAMES = {
    "good": Fake(("a",), seconds=(1.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "slow": Fake(("a",), seconds=(9.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "broken": Fake(error="Refused"),
    "dear": {"provider": Fake((SECRET,)), "price": None},
}


class Counted:
    """A listener on a registry of its own, and what the registry says."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.listener = Prometheus(self.registry)

    def ask(self, part, query="?", **about):
        async def asked():
            with Session(NAMES, listeners=[self.listener], **about):
                return await part(query)

        answer = instantly(asked())
        assert list(self.listener.faults) == []
        return answer

    def __call__(self, name, **labels):
        return self.registry.get_sample_value(f"onefold_{name}", labels)


def panel(*members, **about):
    return Panel([Model(name) for name in members], **about)


@pytest.fixture
def counted():
    return Counted()


def test_calls_tokens_dollars_seconds_and_questions_are_counted(counted):
    counted.ask(panel("good", "good"))
    assert counted("calls_total", model="good", status="ok") == 2
    assert counted("tokens_total", model="good", kind="input") == 20
    assert counted("tokens_total", model="good", kind="output") == 10
    assert counted("usd_total", model="good", estimated="false") == pytest.approx(0.04)
    assert counted("call_seconds_count", model="good") == 2
    assert counted("call_seconds_sum", model="good") == 2.0
    assert counted("call_seconds_bucket", model="good", le="0.64") == 0
    assert counted("call_seconds_bucket", model="good", le="1.28") == 2
    assert counted("questions_total", status="ok") == 1


def test_failures_and_cancellations_are_counted_apart(counted):
    counted.ask(panel("broken", "good", "slow", stop="first"))
    assert counted("calls_total", model="broken", status="failed") == 1
    assert counted("calls_total", model="slow", status="cancelled") == 1
    assert counted("usd_total", model="slow", estimated="true") > 0
    assert counted("call_seconds_count", model="slow") is None
    with pytest.raises(NoAnswer):
        counted.ask(panel("broken", "broken"))
    assert counted("questions_total", status="failed") == 1


def test_kinds_of_tokens_do_not_overlap(counted):
    async def called():
        with Span("complete", "m", None, None, (counted.listener,)) as span:
            span.usage = Usage(100, 60, 50, 0.5, 1, False, 30, 20)

    asyncio.run(called())
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert [counted("tokens_total", model="m", kind=kind) for kind in kinds] == [10, 60, 30, 30, 20]


def test_an_unknown_price_is_never_free(counted):
    counted.ask(Model("dear"))
    assert counted("unpriced_calls_total", model="dear") == 1
    assert counted("usd_total", model="dear", estimated="false") is None


def test_what_the_cache_and_the_journal_answer_is_paid_once(counted, tmp_path):
    for _ in range(3):
        counted.ask(Model("good"), journal=tmp_path / "calls.sqlite")
    assert counted("calls_total", model="good", status="ok") == 1
    assert counted("calls_total", model="good", status="journal") == 2
    assert counted("usd_total", model="good", estimated="false") == pytest.approx(0.02)
    for _ in range(2):
        counted.ask(Model("dear"), cache=tmp_path / "cache.sqlite")
    assert counted("calls_total", model="dear", status="cache") == 1


def test_calls_under_way_are_seen_and_none_is_left(counted):
    async def asked():
        with Session(NAMES, listeners=[counted.listener]):
            async with asyncio.TaskGroup() as group:
                group.create_task(panel("good", "good", "slow")("?"))
                await asyncio.sleep(0.5)
                assert counted("calls_in_flight", model="good") == 2
                await asyncio.sleep(4)
                assert counted("calls_in_flight", model="slow") == 1

    instantly(asked())
    assert counted("calls_in_flight", model="good") == 0
    assert counted("calls_in_flight", model="slow") == 0


def test_a_stranger_s_model_names_do_not_fill_the_registry(counted):
    async def called():
        for number in range(MODELS + 50):
            with Span("complete", f"m{number}", None, None, (counted.listener,)):
                pass

    asyncio.run(called())
    assert counted("calls_total", model="other", status="ok") == 50
    assert counted("calls_total", model="m0", status="ok") == 1
    assert len(counted.listener._models) == MODELS


def test_no_words_reach_the_metrics(counted):
    counted.ask(Model("dear"), SECRET)
    assert SECRET not in generate_latest(counted.registry).decode()


def test_a_prefix_is_kept_and_two_on_one_registry_need_two(counted):
    Prometheus(counted.registry, prefix="second")
    with pytest.raises(ConfigError, match="metrics with the prefix 'onefold': Duplicated"):
        Prometheus(counted.registry)


def test_a_fault_in_here_disturbs_nobody_and_is_kept(counted):
    counted.listener.flying = None
    with Session(NAMES, listeners=[counted.listener]):
        assert Model("fake:a").ask("?").text == "a"
    assert [type(fault) for fault in counted.listener.faults] == [AttributeError] * 2


def test_without_prometheus_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"Prometheus .*pip install 'onefold\[prometheus\]'"):
        Prometheus()
