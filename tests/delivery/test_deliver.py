"""The corridor around the attempts: equal calls share one, what is kept, what is refused first."""

import asyncio
import threading

import pytest
from stage import Act, Heard, Scene, fails, plays, session

import onefold as of
from onefold.delivery.cache import Memory, OnDisk
from onefold.delivery.deliver import deliver
from onefold.runtime.clock import instantly


async def equal(count, *, name="m", text="same"):
    """What came of equal calls at once: answers and errors in their order."""
    jobs = (of.Model(name)(text) for _ in range(count))
    return await asyncio.gather(*jobs, return_exceptions=True)


def request(text="q", model="m", **about):
    """A request by hand."""
    return of.Request(model, (of.Message("user", text),), **about)


def test_equal_calls_at_once_are_one_call_and_the_others_cost_nothing():
    heard, scene = Heard(), Scene(Act("yes", 1.0))
    with session(plays(scene), cache="memory", listeners=[heard]):
        answers = instantly(equal(20))
    assert {answer.text for answer in answers} == {"yes"}
    assert scene.calls == 1
    assert sorted(answer.usage.calls for answer in answers) == [0] * 19 + [1]
    assert len(heard.values("shared")) == 19
    assert heard.values("cached") == []


def test_later_calls_are_answered_from_the_cache():
    heard, scene = Heard(), Scene("yes")
    with session(plays(scene), cache="memory", listeners=[heard]):
        instantly(equal(1))
        (answer,) = instantly(equal(1))
    assert (answer.text, answer.usage.calls, scene.calls) == ("yes", 0, 1)
    assert len(heard.values("cached")) == 1


def test_without_a_cache_equal_calls_are_calls_of_their_own():
    scene = Scene(Act("yes", 1.0))
    with session(plays(scene)):
        instantly(equal(5))
    assert scene.calls == 5


@pytest.mark.parametrize(
    "other",
    [
        {"sample": 1},
        {"labels": ("a",)},
        {"sampling": of.Sampling(temperature=0.5)},
        {"schema": {"type": "object"}},
        {"logprobs": 0},
    ],
    ids=str,
)
def test_calls_that_differ_in_what_changes_replies_are_not_equal(other):
    scene = Scene(Act("yes", 1.0))

    async def main():
        await asyncio.gather(deliver(request()), deliver(request(**other)))

    with session(plays(scene), cache="memory"):
        instantly(main())
    assert scene.calls == 2


def test_calls_that_differ_in_their_row_alone_are_equal():
    scene = Scene(Act("yes", 1.0))

    async def main():
        await asyncio.gather(deliver(request(query_id="1")), deliver(request(query_id="2")))

    with session(plays(scene), cache="memory"):
        instantly(main())
    assert scene.calls == 1


def test_those_who_waited_ask_one_after_the_other_when_the_first_fails():
    scene = Scene(fails(of.Refused, 1.0), Act("yes", 1.0))
    with session(plays(scene), cache="memory") as held:
        answers = instantly(equal(5))
    assert sum(isinstance(answer, of.Refused) for answer in answers) == 1
    assert [answer.text for answer in answers if isinstance(answer, of.Answer)] == ["yes"] * 4
    assert scene.calls == 2
    assert held.flying == {}


def test_those_who_waited_ask_for_themselves_when_the_first_is_cancelled():
    scene = Scene(Act("yes", 5.0))

    async def main():
        first, second = (asyncio.create_task(of.Model("m")("same")) for _ in range(2))
        await asyncio.sleep(1)
        first.cancel()
        return (await second), (await asyncio.gather(first, return_exceptions=True))

    with session(plays(scene), cache="memory"):
        answer, (gone,) = instantly(main())
    assert (answer.text, answer.seconds) == ("yes", 1.0 + 5.0)
    assert isinstance(gone, asyncio.CancelledError)
    assert (scene.calls, scene.left) == (2, [1.0])


def test_who_waits_may_leave_without_disturbing_the_one_who_asks():
    scene = Scene(Act("yes", 5.0))

    async def main():
        first, second = (asyncio.create_task(of.Model("m")("same")) for _ in range(2))
        await asyncio.sleep(1)
        second.cancel()
        return await first

    with session(plays(scene), cache="memory"):
        assert instantly(main()).text == "yes"
    assert scene.calls == 1


def test_loops_in_other_threads_ask_for_themselves():
    class Meets(of.Provider, name="test_deliver_meets"):
        async def complete(self, request):
            await asyncio.to_thread(meeting.wait)
            return of.Reply("yes", 1, 0, 1)

    meeting = threading.Barrier(2, timeout=5)
    said = []
    with of.Session({"m": Meets()}, cache="memory") as held:

        def thread():
            with held:
                said.append(asyncio.run(ask()))

        async def ask():
            return (await of.Model("m")("same")).text

        threads = [threading.Thread(target=thread) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(10)
    assert said == ["yes", "yes"]
    assert held.flying == {}


def test_a_cache_that_is_full_loses_nothing_that_was_paid_for(tmp_path):
    cache = OnDisk(tmp_path / "kept.db")
    (used,) = cache.store.db.execute("PRAGMA page_count").fetchone()
    cache.store.db.execute(f"PRAGMA max_page_count = {used}")
    scene = Scene("x" * 100_000)
    with session(plays(scene), cache=cache):
        for _ in range(2):
            assert len(asyncio.run(of.Model("m")("q")).text) == 100_000
    assert scene.calls == 2, "it could not be kept"
    cache.store.db.execute("PRAGMA max_page_count = 1073741823")
    cache.close()


def test_with_a_cache_and_a_journal_one_call_is_one_row_and_resumes_into_the_cache(tmp_path):
    scene = Scene(Act("yes", 1.0))
    path = tmp_path / "paid.db"
    with session(plays(scene), cache="memory", journal=path) as held:
        instantly(equal(4))
        assert held.journal.total().calls == 1
    heard = Heard()
    with session(plays(scene), cache="memory", journal=path, listeners=[heard]):
        answers = instantly(equal(3))
    assert scene.calls == 1
    assert sum(answer.usage.calls for answer in answers) == 1, "as when it was paid"
    assert len(heard.values("recalled")) == 1


def test_a_prompt_that_is_too_long_is_refused_before_the_cache_is_asked():
    with (
        session(plays(Scene()), cache="memory", longest=5),
        pytest.raises(of.ConfigError, match="6 characters, more than the 5"),
    ):
        instantly(deliver(request("sixsix")))


def test_half_a_character_in_the_key_is_the_caller_s_to_mend():
    scene = Scene()
    with (
        session(plays(scene), cache="memory"),
        pytest.raises(of.ConfigError, match="m holds half a character"),
    ):
        instantly(deliver(request("caf\ud83d")))
    assert scene.calls == 0


def test_a_model_of_one_s_own_needs_no_name_in_the_session():
    scene = Scene("yes")
    with of.Session():
        reply = instantly(deliver(request(model="own"), plays(scene, "own")))
    assert reply.text == "yes"


def test_the_reply_reaches_the_listeners_with_its_span():
    spans = []

    def listener(phase, span, what, value):
        if phase == "stop":
            spans.append((span.verb, span.name, what, value))

    with session(plays(Scene("yes"))), of.Session({"m": plays(Scene("yes"))}, listeners=[listener]):
        instantly(of.Model("m")("q"))
    verb, name, what, value = spans[0]
    assert (verb, name, what, value.text) == ("complete", "m", "ok", "yes")


def test_a_kept_reply_counts_against_no_budget():
    scene = Scene("yes")
    budget = of.Budget(calls=1)
    with session(plays(scene), cache=Memory(), budget=budget):
        for _ in range(3):
            instantly(equal(1))
    assert (scene.calls, budget.spent.calls, budget.held.calls) == (1, 1, 0)


def test_a_shared_call_costs_only_the_budget_of_the_one_who_asked():
    scene = Scene(Act("yes", 1.0))

    async def main():
        jobs = (of.Within(of.Model("m"), calls=1)("same") for _ in range(5))
        return await asyncio.gather(*jobs)

    budget = of.Budget(calls=1)
    with session(plays(scene), cache="memory", budget=budget):
        instantly(main())
    assert budget.spent.calls == 1
