"""Replies kept by request: asked once, as long as they count, apart for each draw."""

from typing import ClassVar

import pytest

import onefold as of
from onefold.delivery import cache as caches
from onefold.delivery.cache import Memory, OnDisk
from onefold.runtime.clock import instantly


class Counting(of.Provider, name="test_cache_counting"):
    """Says how often it was called."""

    calls: ClassVar[list[str]] = []

    async def complete(self, request):
        self.calls.append(request.prompt)
        return of.Reply(f"draw {len(self.calls)}", 10, 0, 5, 0.5, {"x": 1.0})


@pytest.fixture(autouse=True)
def calls():
    Counting.calls.clear()
    return Counting.calls


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def time(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(caches, "time", made)
    return made


def session(cache, **more):
    return of.Session({"m": {"provider": Counting()}}, cache=cache, **more)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_the_same_question_is_asked_once_and_the_second_answer_is_free(tmp_path, calls, kind):
    with session("memory" if kind == "memory" else tmp_path / "replies.db"):
        first, second = (instantly(of.Model("m")("q")) for _ in range(2))
    assert calls == ["q"]
    assert second.usage == of.Usage()
    assert (second.text, second.confidence, second.probs) == (first.text, 0.5, {"x": 1.0})


def test_each_draw_of_a_member_is_kept_apart(calls):
    panel = of.Panel(["m"] * 3)
    with session("memory"):
        first, second = (instantly(panel("q")) for _ in range(2))
    assert len(calls) == 3
    assert {draft.text for draft in first.drafts} == {"draw 1", "draw 2", "draw 3"}
    assert [draft.text for draft in second.drafts] == [draft.text for draft in first.drafts]


@pytest.mark.parametrize(
    "other",
    [
        of.Model("m", temperature=1.0),
        of.Model("m", max_tokens=9),
        of.Model("m", seed=1),
        of.Model("m", until=("x",)),
        of.Model("m", system="be brief"),
    ],
)
def test_whatever_changes_a_reply_is_in_the_key(calls, other):
    with session("memory"):
        instantly(of.Model("m")("q"))
        instantly(other("q"))
    assert len(calls) == 2


@pytest.mark.parametrize(
    "query",
    [
        of.Query("other"),
        of.Query("q", sample=1),
        of.Query("q", system="be brief"),
        of.Query("q", labels=("a", "b")),
        of.Query("q", messages=(of.Message("user", "before"),)),
        of.Query("q", drafts=(of.Answer("draft", source="x"),)),
    ],
)
def test_whatever_is_asked_otherwise_is_in_the_key(calls, query):
    with session("memory"):
        instantly(of.Model("m")("q"))
        instantly(of.Model("m")(query))
    assert len(calls) == 2


def test_the_row_s_name_is_not_in_the_key(calls):
    with session("memory"):
        instantly(of.Model("m")(of.Query("q", id="1")))
        instantly(of.Model("m")(of.Query("q", id="2")))
    assert len(calls) == 1


def test_a_model_behind_another_provider_is_another_model():
    kept = Memory()
    for said in ("one", "two"):
        with of.Session({"m": of.Fake((said,))}, cache=kept):
            assert instantly(of.Model("m")("q")).text == said


def test_memory_forgets_what_was_unused_for_longest(calls):
    with session(Memory(most=2)):
        for prompt in ("a", "b", "a", "c", "a", "b"):
            instantly(of.Model("m")(prompt))
    assert calls == ["a", "b", "c", "b"]


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_reply_that_is_too_old_is_asked_again(tmp_path, calls, clock, kind):
    cache = Memory(seconds=60) if kind == "memory" else OnDisk(tmp_path / "r.db", seconds=60)
    with session(cache):
        instantly(of.Model("m")("q"))
        clock.now += 59
        instantly(of.Model("m")("q"))
        assert len(calls) == 1
        clock.now += 2
        instantly(of.Model("m")("q"))
        clock.now += 59
        instantly(of.Model("m")("q"))
    assert len(calls) == 2
    cache.close()


def test_a_cache_on_disk_serves_later_sessions(tmp_path, calls):
    for _ in range(3):
        with session(tmp_path / "replies.db"):
            assert instantly(of.Model("m")("q")).text == "draw 1"
    assert len(calls) == 1


def test_a_failure_is_not_kept():
    kept = Memory()
    with (
        of.Session({"m": of.Fake(("yes",), error="RateLimited")}, cache=kept),
        pytest.raises(of.RateLimited),
    ):
        instantly(of.Model("m")("q"))
    assert not kept.recent.held


def test_a_cached_reply_needs_no_budget(calls):
    kept = Memory()
    with session(kept):
        instantly(of.Model("m")("q"))
    with session(kept, budget=of.Budget(calls=0)):
        assert instantly(of.Model("m")("q")).text == "draw 1"


def test_listeners_are_told_that_a_reply_was_cached():
    heard = []
    with session("memory", listeners=[lambda *event: heard.append(event[2])]):
        instantly(of.Model("m")("q"))
        assert "cached" not in heard
        instantly(of.Model("m")("q"))
    assert "cached" in heard


def test_a_cached_operator_is_asked_once_a_session_and_then_costs_nothing(calls):
    operator = of.Cached(of.Panel(["m"] * 3))
    for _ in range(2):
        with session(None):
            first, second = instantly(operator("q")), instantly(operator("q"))
        assert second.text == first.text
        assert (first.usage.calls, second.usage.calls) == (3, 0)
    assert len(calls) == 6
