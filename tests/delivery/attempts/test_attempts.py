"""Attempts at one call: tried again where it is worth it, within its time, past its guards."""

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Act, Bounded, Heard, Plays, Quiet, Scene, fails, plays, session

import onefold as of
from onefold.core.errors import NoSuchModel
from onefold.runtime.clock import instantly

RETRY = of.Retry(attempts=3, base=1.0, cap=20.0, patience=60.0, share=0.1, spare=5)


def asked(held, name="m", text="q", **about):
    """The answer of a model in a session, in virtual time."""
    with held:
        return instantly(of.Model(name, **about)(text))


async def several(count, name="m"):
    """What came of many calls at once: answers and errors in their order."""
    jobs = (of.Model(name)(f"q{i}") for i in range(count))
    return await asyncio.gather(*jobs, return_exceptions=True)


def test_what_failed_is_tried_again_until_it_answers():
    scene = Scene(fails(), fails(), "third")
    assert asked(session(plays(scene, retry=RETRY))).text == "third"
    assert scene.calls == 3


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_no_more_attempts_are_made_than_it_says_and_the_first_error_is_told(attempts):
    scene = Scene(fails(of.RateLimited), fails(of.Unreachable))
    retry = of.Retry(attempts=attempts, base=1e-3, spare=9)
    with pytest.raises(of.RateLimited) as told:
        asked(session(plays(scene, retry=retry)))
    assert scene.calls == attempts
    assert told.value.model == "m"


def test_without_retries_the_first_failure_counts():
    scene = Scene(fails(), "late")
    with pytest.raises(of.Unreachable):
        asked(session(plays(scene)))
    assert scene.calls == 1


@pytest.mark.parametrize("kind", [of.Refused, of.TooLong, of.Unreadable, of.ModelError])
def test_what_will_not_pass_by_is_not_tried_again(kind):
    scene = Scene(fails(kind), "late")
    with pytest.raises(kind):
        asked(session(plays(scene, retry=RETRY)))
    assert scene.calls == 1


def test_a_failure_of_the_provider_s_own_is_an_error_of_the_model_and_final():
    scene = Scene(Act(lambda: KeyError("lost")), "late")
    with pytest.raises(of.ModelError, match=r"m: KeyError\('lost'\)"):
        asked(session(plays(scene, retry=RETRY)))
    assert scene.calls == 1


@given(seed=st.integers(0, 2**32), failures=st.integers(1, 4))
def test_pauses_are_full_jitter_of_the_session_s_own_chance(seed, failures):
    retry = of.Retry(attempts=5, base=2.0, cap=5.0, spare=9)
    heard, scene = Heard(), Scene(*[fails()] * failures, "yes")
    held = session(plays(scene, retry=retry), listeners=[heard])
    held.models.random = Random(seed)
    asked(held)
    chance = Random(seed)
    pauses = [chance.random() * min(5.0, 2.0 * 2**i) for i in range(failures)]
    told = heard.values("retry")
    assert [number for number, _, _ in told] == list(range(1, failures + 1))
    assert [seconds for _, seconds, _ in told] == pytest.approx(pauses)
    gaps = [after - before for before, after in zip(scene.began, scene.began[1:], strict=False)]
    assert gaps == pytest.approx(pauses)


def test_a_service_is_not_asked_before_the_time_that_it_named():
    scene = Scene(fails(of.RateLimited, retry_after=7.0), "yes")
    held = session(plays(scene, retry=RETRY))
    held.models.random = Random(4)
    asked(held)
    assert 7.0 <= scene.began[1] <= 7.0 + RETRY.base


def test_a_service_that_asks_for_too_much_patience_is_given_up_at_once():
    scene = Scene(fails(of.RateLimited, retry_after=61.0), "late")
    with pytest.raises(of.RateLimited):
        asked(session(plays(scene, retry=RETRY)))
    assert scene.calls == 1


def test_retries_stay_a_share_of_the_calls_when_everything_fails():
    scene = Scene(fails())
    retry = of.Retry(attempts=3, base=1e-3, share=0.1, spare=5)

    async def main():
        for _ in range(100):
            await several(1)

    with session(plays(scene, retry=retry)):
        instantly(main())
    assert scene.calls == 100 + 10 + 5


def test_every_attempt_is_counted_and_an_unbilled_failure_costs_nothing():
    scene = Scene(fails(), fails(of.Unreachable, billed=True), "yes")
    held = session(plays(scene, retry=RETRY, typical_tokens=7))
    answer = asked(held, text="word")
    assert (answer.usage.calls, answer.usage.estimated) == (2, True)
    assert answer.usage.tokens_out == 7 + 1
    spent = held.usage()["m"]
    assert (spent.calls, spent.failed, spent.used) == (3, 2, answer.usage)
    assert spent.estimated.tokens_out == 2 * 7


def test_a_deadline_bounds_the_pause_before_another_attempt():
    scene = Scene(fails(of.RateLimited, retry_after=5.0), "yes")
    with pytest.raises(of.RateLimited), session(plays(scene, retry=RETRY)):
        instantly(of.Within(of.Model("m"), seconds=5.0)("q"))
    assert scene.calls == 1
    assert scene.began == [0.0]


def test_a_deadline_leaves_room_for_an_attempt_that_comes_in_time():
    scene = Scene(fails(of.RateLimited, retry_after=5.0), "yes")
    with session(plays(scene, retry=RETRY)):
        assert instantly(of.Within(of.Model("m"), seconds=7.0)("q")).text == "yes"


@pytest.mark.parametrize(("outer", "inner"), [(4.0, 100.0), (100.0, 4.0)])
def test_the_nearer_of_two_deadlines_counts(outer, inner):
    scene = Scene(fails(of.RateLimited, retry_after=5.0), "yes")
    held = of.Within(of.Within(of.Model("m"), seconds=inner), seconds=outer)
    with pytest.raises(of.RateLimited), session(plays(scene, retry=RETRY)):
        instantly(held("q"))
    assert scene.calls == 1


def test_an_attempt_has_its_time_and_the_next_one_too():
    scene = Scene(Act(seconds=30.0), Act("second", 1.0))
    held = session(plays(scene, retry=RETRY, timeout=2.0))
    answer = asked(held)
    assert answer.text == "second"
    assert scene.left == [2.0]
    assert answer.usage.calls == 2
    assert answer.usage.estimated, "what was cut off may be billed"
    assert held.usage()["m"].failed == 1


def test_an_attempt_that_takes_too_long_says_how_long():
    with pytest.raises(of.TimedOut, match=r"m took longer than 2\.5 s") as told:
        asked(session(plays(Scene(Act(seconds=30.0)), timeout=2.5)))
    assert told.value.billed


def test_a_budget_of_seconds_cuts_off_what_runs():
    scene = Scene(Act(seconds=30.0))
    for terms in ({}, {"timeout": 60.0}):
        held = session(plays(scene, **terms), budget=of.Budget(seconds=3.0))
        with pytest.raises(of.TimedOut, match="took longer than 3 s"):
            asked(held)
    assert scene.left == [3.0, 3.0]


def test_the_shorter_of_a_budget_s_seconds_and_an_attempt_s_counts():
    scene = Scene(Act(seconds=30.0))
    with pytest.raises(of.TimedOut, match="took longer than 2 s"):
        asked(session(plays(scene, timeout=2.0), budget=of.Budget(seconds=3.0)))


def test_a_time_out_of_the_provider_s_own_is_not_taken_for_a_deadline():
    scene = Scene(Act(lambda: TimeoutError("my socket")))
    for budget in (None, of.Budget(seconds=3.0)):
        with pytest.raises(of.ModelError, match="my socket") as told:
            asked(session(plays(scene, timeout=9.0), budget=budget))
        assert not isinstance(told.value, of.TimedOut)


def test_a_budget_of_seconds_bounds_retries_as_well():
    scene = Scene(fails(of.RateLimited, retry_after=5.0), "yes")
    with pytest.raises(of.RateLimited):
        asked(session(plays(scene, retry=RETRY), budget=of.Budget(seconds=4.0)))
    assert scene.calls == 1


def test_retries_are_paid_from_the_same_budget():
    scene = Scene(fails(of.Unreachable, billed=True), "yes")
    budget = of.Budget(calls=1)
    with pytest.raises(of.BudgetExceeded):
        asked(session(plays(scene, retry=RETRY), budget=budget))
    assert (scene.calls, budget.spent.calls) == (1, 1)


def test_when_the_second_of_two_budgets_refuses_nothing_stays_set_aside_in_the_first():
    outer = of.Budget(calls=5)
    with session(plays(Scene()), budget=outer), pytest.raises(of.BudgetExceeded):
        instantly(of.Within(of.Model("m"), calls=0)("q"))
    assert (outer.held.calls, outer.spent.calls) == (0, 0)


def test_calls_wait_for_a_place_and_for_their_minute():
    scene = Scene(Act(seconds=1.0))
    limits = of.Limits(requests=4, concurrency=2, most=2)
    with session(plays(scene, limits=limits)):
        answers = instantly(several(6))
    assert all(isinstance(answer, of.Answer) for answer in answers)
    assert scene.most == 2
    assert scene.began[:4] == [0.0, 0.0, 1.0, 1.0]
    assert 60.0 <= scene.began[4] <= 61.0


def test_a_deadline_bounds_the_wait_for_a_place():
    scene = Scene(Act(seconds=9.0))
    limits = of.Limits(concurrency=1, most=1)

    async def main():
        jobs = [of.Within(of.Model("m"), seconds=30.0)("a"), of.Within(of.Model("m"), 5.0)("b")]
        return await asyncio.gather(*jobs, return_exceptions=True)

    with session(plays(scene, limits=limits, retry=RETRY)) as held:
        first, second = instantly(main())
    assert isinstance(first, of.Answer)
    assert isinstance(second, of.TimedOut)
    assert scene.calls == 1
    assert held.models.lines["m"].gate.inside == 0


def test_a_retry_after_holds_back_everyone_who_asks_the_same_deployment():
    scene = Scene(fails(of.RateLimited, retry_after=7.0), "yes")

    async def main():
        first = asyncio.ensure_future(several(1))
        await asyncio.sleep(1)
        return [*await several(3), *await first]

    with session(plays(scene, retry=RETRY, limits=of.Limits())):
        instantly(main())
    assert scene.calls == 5
    assert min(scene.began[1:]) >= 7.0


@pytest.mark.parametrize(("used", "waits"), [(10, False), (25, False), (26, True), (80, True)])
def test_tokens_a_minute_are_held_at_the_estimate_and_corrected_by_what_was_used(used, waits):
    scene = Scene(Act(of.Reply("yes", 1, 0, used - 1), 1.0))
    with session(plays(scene, limits=of.Limits(tokens=100), typical_tokens=49)):
        instantly(several(3))
    assert scene.began[:2] == [0.0, 0.0], "two estimates of fifty tokens fit"
    assert (scene.began[2] >= 60.0) is waits


def test_a_deployment_that_fails_too_often_is_left_alone_then_probed():
    scene = Scene(*[fails()] * 4, "well again")
    breaker = of.Breaking(least=4, rest=10.0, probes=1)

    async def main():
        await several(4)
        (refused,) = await several(1)
        await asyncio.sleep(10.0)
        return refused, (await of.Model("m")("again")).text

    with session(plays(scene, breaker=breaker, retry=of.Retry(attempts=1))):
        refused, text = instantly(main())
    assert isinstance(refused, of.Unreachable)
    assert "left alone for another 10.0 s" in str(refused)
    assert not refused.retryable
    assert text == "well again"
    assert scene.calls == 5


@pytest.mark.parametrize("kind", [of.Refused, NoSuchModel, of.RateLimited])
def test_the_breaker_blames_no_deployment_for_what_the_caller_did(kind):
    scene = Scene(fails(kind))
    with session(plays(scene, breaker=of.Breaking(least=2))):
        instantly(several(6))
    assert scene.calls == 6


def test_who_is_cancelled_is_booked_and_gives_its_place_back():
    scene = Scene(Act(seconds=60.0))
    limits = of.Limits(concurrency=1, most=1)
    held = session(plays(scene, limits=limits, typical_tokens=7))

    async def main():
        call = asyncio.create_task(of.Model("m")("word"))
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    with held:
        instantly(main())
    spent = held.usage()["m"]
    assert (spent.used.tokens_out, spent.used.estimated, spent.failed) == (7, True, 0)
    assert held.models.lines["m"].gate.inside == 0


def test_half_a_character_in_a_reply_is_replaced():
    scene = Scene("caf\ud83d", "naïve")
    held = session(plays(scene))
    assert asked(held).text == "caf?"
    assert asked(held).text == "naïve"


def test_half_a_character_in_what_is_sent_is_the_caller_s_to_mend():
    class Encodes(of.Provider, name="test_attempts_encodes"):
        async def complete(self, request):
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")

    with of.Session({"m": Encodes()}), pytest.raises(of.ConfigError, match="half a character"):
        instantly(of.Model("m")("q"))


@pytest.mark.parametrize(
    ("caps", "sent"),
    [({}, None), ({"usd": 100.0}, 4096), ({"tokens": 10_000}, 4096), ({"calls": 3}, None)],
)
def test_a_cap_on_dollars_or_tokens_gives_a_reply_its_longest(caps, sent):
    scene = Scene()
    model = of.Deployment("m", Bounded(scene), of.Price(1.0, 1.0))
    asked(session(model, budget=of.Budget(**caps)))
    assert scene.requests[0].sampling.max_tokens == sent


def test_a_budget_that_affords_only_less_shortens_the_reply_but_not_below_what_is_typical():
    scene = Scene()
    model = of.Deployment("m", Bounded(scene), of.Price(0.0, 1e6), typical_tokens=50)
    asked(session(model, budget=of.Budget(100.0)))
    assert scene.requests[0].sampling.max_tokens == 100
    with pytest.raises(of.BudgetExceeded):
        asked(session(model, budget=of.Budget(49.0)))
    assert scene.calls == 1


def test_a_limit_of_the_caller_s_own_stays_and_is_what_is_set_aside():
    scene = Scene(of.Reply("yes", 1, 0, 30))
    model = of.Deployment("m", Bounded(scene), of.Price(0.0, 1e6))
    budget = of.Budget(40.0)
    asked(session(model, budget=budget), max_tokens=40)
    assert scene.requests[0].sampling.max_tokens == 40
    assert budget.spent.usd == 30.0
    with pytest.raises(of.BudgetExceeded):
        asked(session(model, budget=budget), max_tokens=11)


def test_the_provider_is_noted_where_somebody_listens():
    heard = Quiet()
    asked(session(plays(Scene()), listeners=[heard]))
    assert heard.values("provider") == [Plays.name_of_part]
