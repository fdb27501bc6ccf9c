"""Second attempts beside late ones: when they start, how many, who wins, what the loser costs."""

import asyncio
from math import exp, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Act, Heard, Scene, fails, plays, session

import onefold as of
from onefold.delivery.traffic.hedge import COARSE
from onefold.runtime.clock import instantly

EVERY = of.Hedging(after=1.0, extra=1.0)


def asked(held, name="m", text="q"):
    """The answer of a model in a session, in virtual time."""
    with held:
        return instantly(of.Model(name)(text))


async def one_by_one(count, name="m"):
    """Answers to many questions, one after the other."""
    return [await of.Model(name)(f"q{i}") for i in range(count)]


def test_a_late_call_gets_a_second_attempt_and_the_loser_is_booked_as_an_estimate():
    scene = Scene(Act("slow", 30.0), Act("quick", 0.5))
    heard = Heard()
    held = session(plays(scene, hedge=EVERY, typical_tokens=7), listeners=[heard])
    answer = asked(held, text="word")
    assert (answer.text, answer.seconds) == ("quick", 1.5)
    assert heard.values("hedge") == [1.0]
    assert (answer.usage.calls, answer.usage.estimated) == (2, True)
    assert answer.usage.tokens_out == 7 + 1
    assert scene.left == [1.5], "the loser is let go as the winner ends"
    assert held.usage()["m"].failed == 0


def test_a_call_that_comes_in_time_is_alone():
    scene = Scene(Act("yes", 0.9))
    answer = asked(session(plays(scene, hedge=EVERY)))
    assert (scene.calls, answer.usage.calls) == (1, 1)


def test_the_first_attempt_may_still_win():
    scene = Scene(Act("first", 2.0), Act("second", 5.0))
    assert asked(session(plays(scene, hedge=EVERY))).text == "first"
    assert scene.left == [2.0]


def test_the_delay_is_learned_from_how_long_replies_take():
    quick = [Act("yes", seconds) for seconds in (1.0, 2.0, 3.0, 4.0)]
    scene = Scene(*quick, Act("late", 50.0), Act("hedge", 1.0))
    hedge = of.Hedging(quantile=0.5, extra=1.0, least=4)
    with session(plays(scene, hedge=hedge)):
        answers = instantly(one_by_one(5))
    assert [answer.text for answer in answers] == ["yes"] * 4 + ["hedge"]
    near_the_median = pytest.approx(2.0 + 1.0, rel=0.1)
    assert answers[-1].seconds == near_the_median, "and the second reply's own time"


def test_nothing_is_hedged_before_enough_replies_were_seen():
    scene = Scene(Act("yes", 1.0), Act("late", 500.0), Act("yes", 1.0))
    with session(plays(scene, hedge=of.Hedging(least=20, extra=1.0))):
        answers = instantly(one_by_one(3))
    assert [answer.usage.calls for answer in answers] == [1, 1, 1]


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), extra=st.sampled_from([0.0, 0.05, 0.2]))
def test_second_attempts_stay_their_share_of_the_calls(seed, extra):
    chance = Random(seed)
    scene = Scene(*[Act("yes", chance.choice([0.5, 9.0])) for _ in range(100)], "yes")
    with session(plays(scene, hedge=of.Hedging(after=1.0, extra=extra))):
        instantly(one_by_one(60))
    spare = 1 if extra else 0  # there is one to start with, as the delay is given
    assert 60 <= scene.calls <= 60 + 60 * extra + spare


def test_a_heavy_tail_is_cut_for_few_calls_more():
    worst = {}
    for hedge in (None, of.Hedging(extra=0.1)):
        chance = Random(1)
        usual = [1.0 + chance.random() for _ in range(400)]
        scene = Scene(*[Act("yes", s if chance.random() > 0.03 else 20.0) for s in usual])
        with session(plays(scene, hedge=hedge)):
            answers = instantly(one_by_one(300))
        worst[hedge] = sorted(answer.seconds for answer in answers[50:])[-3]
        assert scene.calls <= 300 * 1.1
    assert worst[None] == 20.0
    assert worst[of.Hedging(extra=0.1)] < 5.0


def test_the_slowest_hundredth_of_a_stream_of_calls_is_halved_for_a_twentieth_more():
    chance, count = Random(1), 6000
    times = [
        chance.lognormvariate(log(0.2), 0.3) * (10 if chance.random() < 0.05 else 1)
        for _ in range(count + count // 20)
    ]
    scene = Scene(*[Act("yes", seconds) for seconds in times])

    async def one(number):
        await asyncio.sleep(number / 100)
        return (await of.Model("m")(f"q{number}")).seconds

    async def main():
        return await asyncio.gather(*map(one, range(count)))

    with session(plays(scene, hedge=of.Hedging())):
        took = instantly(main())
    p99 = int(0.99 * count)
    assert sorted(took)[p99] <= 0.5 * sorted(times[:count])[p99]
    assert scene.calls <= count * 1.05


def test_a_late_call_is_counted_as_one_even_where_it_gets_no_second_attempt():
    scene = Scene(Act("yes", 1.0), Act("late", 2.0), Act("yes", 0.5))
    held = session(plays(scene, hedge=of.Hedging(quantile=0.5, extra=0.0, least=1)))
    hedge, delays = held.models.line(held.deployment("m")).hedge, []

    async def main():
        for number in range(3):
            await of.Model("m")(f"q{number}")
            delays.append(hedge.found)

    with held:
        instantly(main())
    late, in_time = COARSE * 0.5, -COARSE * 0.5
    assert delays == [None, pytest.approx(exp(late)), pytest.approx(exp(late + in_time))]
    assert scene.calls == 3


def test_nobody_hedges_where_four_fifths_of_the_places_are_taken():
    scene = Scene(Act("yes", 5.0))
    limits = of.Limits(concurrency=5, most=5)
    terms = {"limits": limits, "hedge": EVERY}

    async def main(count):
        await asyncio.gather(*(of.Model("m")(f"q{i}") for i in range(count)))

    with session(plays(scene, **terms)):
        instantly(main(4))
    assert scene.calls == 4
    with session(plays(scene, **terms)):
        instantly(main(1))
    assert scene.calls == 4 + 2


@pytest.mark.parametrize(
    "terms",
    [
        {"limits": of.Limits(requests=1)},
        {"limits": of.Limits(tokens=60), "typical_tokens": 50},
    ],
)
def test_nobody_hedges_where_the_minute_is_used_up(terms):
    scene = Scene(Act("yes", 5.0))
    asked(session(plays(scene, hedge=EVERY, **terms)))
    assert scene.calls == 1


def test_nobody_hedges_while_the_breaker_is_not_closed():
    scene = Scene(fails(), fails(), Act("yes", 5.0))
    breaker = of.Breaking(least=2, rest=3.0, probes=2)

    async def main():
        for _ in range(2):
            with pytest.raises(of.Unreachable):
                await of.Model("m")("q")
        await asyncio.sleep(3.0)
        await of.Model("m")("probe")

    with session(plays(scene, breaker=breaker, hedge=EVERY)):
        instantly(main())
    assert scene.calls == 3


def test_a_first_attempt_that_fails_before_the_delay_is_not_hedged():
    scene = Scene(fails(seconds=0.5), "late")
    with pytest.raises(of.Unreachable):
        asked(session(plays(scene, hedge=EVERY)))
    assert scene.calls == 1


def test_a_first_attempt_that_fails_after_the_delay_leaves_it_to_the_second():
    scene = Scene(fails(seconds=2.0), Act("second", 3.0))
    answer = asked(session(plays(scene, hedge=EVERY)))
    assert (answer.text, answer.seconds) == ("second", 4.0)


def test_a_second_attempt_that_fails_leaves_it_to_the_first():
    scene = Scene(Act("first", 5.0), fails(seconds=1.0))
    answer = asked(session(plays(scene, hedge=EVERY)))
    assert (answer.text, answer.seconds) == ("first", 5.0)


def test_when_both_fail_the_first_one_s_error_counts_and_retries_go_on():
    scene = Scene(fails(of.RateLimited, 3.0), fails(of.Refused, 0.5), Act("third"))
    retry = of.Retry(base=1e-3)
    assert asked(session(plays(scene, hedge=EVERY, retry=retry))).text == "third"
    scene = Scene(fails(of.RateLimited, 3.0), fails(of.Refused, 0.5))
    with pytest.raises(of.RateLimited):
        asked(session(plays(scene, hedge=EVERY)))
    assert scene.calls == 2


def test_a_second_attempt_that_no_budget_affords_is_none():
    scene = Scene(Act("first", 5.0), "second")
    budget = of.Budget(calls=1)
    answer = asked(session(plays(scene, hedge=EVERY), budget=budget))
    assert answer.text == "first"
    assert (scene.calls, budget.spent.calls, budget.held.calls) == (1, 1, 0)


def test_a_first_attempt_that_no_budget_affords_is_the_caller_s_to_know():
    scene = Scene()
    with pytest.raises(of.BudgetExceeded):
        asked(session(plays(scene, hedge=EVERY), budget=of.Budget(calls=0)))
    assert scene.calls == 0


def test_both_attempts_are_reserved_before_they_are_made():
    scene = Scene(Act("slow", 30.0), Act(of.Reply("quick", 1, 0, 1), 1.0))
    model = plays(scene, hedge=EVERY, price=of.Price(0.0, 1e6), typical_tokens=10)
    budget = of.Budget(20.0)
    asked(session(model, budget=budget))
    assert budget.spent.usd == 10.0 + 1.0, "the loser stays at what was held for it"
    assert budget.held.usd == 0.0


def test_in_a_fleet_the_second_attempt_goes_to_the_next_deployment():
    slow, other = Scene(Act("slow", 30.0)), Scene(Act("other", 0.5))
    models = plays(slow, "a", hedge=EVERY), plays(other, "b")
    held = session(*models, of.Fleet("all", ("a", "b")))
    answer = asked(held, "all")
    assert (answer.text, answer.seconds) == ("other", 1.5)
    assert (slow.calls, other.calls) == (1, 1)
    used = held.usage()
    assert (used["a"].used.estimated, used["b"].used.estimated) == (True, False)


def test_a_call_that_is_cancelled_takes_both_attempts_with_it():
    scene = Scene(Act("never", 60.0))

    async def main():
        call = asyncio.create_task(of.Model("m")("q"))
        await asyncio.sleep(5.0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    with session(plays(scene, hedge=EVERY)):
        instantly(main())
    assert scene.left == [5.0, 5.0]


def test_a_hedge_at_once_is_a_race_of_two():
    scene = Scene(Act("slow", 3.0), Act("quick", 1.0))
    answer = asked(session(plays(scene, hedge=of.Hedging(after=0.0, extra=1.0))))
    assert answer.text == "quick"
    assert scene.calls == 2


def test_a_first_word_lets_the_other_attempt_go_at_once_and_books_it():
    first = Act("slow", 30.0, ("slow",))
    second = Act("qu ick", 8.0, ("qu ", "ick"))
    scene, told = Scene(first, second), []

    def listener(phase, span, what, value):
        if what == "token":
            told.append((asyncio.get_running_loop().time(), value))

    held = session(plays(scene, hedge=EVERY, typical_tokens=7), listeners=[listener])
    answer = asked(held, text="word")
    assert (answer.text, answer.seconds) == ("qu ick", 9.0)
    assert told == [(5.0, "qu "), (9.0, "ick")]
    assert scene.left == [5.0]
    assert answer.usage.tokens_out == 7 + 1
