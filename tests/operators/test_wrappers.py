"""Operators that hold one operator: names, deadlines, readers."""

import asyncio

import pytest

import onefold as of
from onefold.runtime.clock import instantly


def model(name, text="yes", seconds=0.0, **more):
    return of.Model(name, provider=of.Fake((text,), seconds=(seconds,), **more))


def test_an_answer_comes_from_the_name_it_was_given():
    assert instantly(of.Named("judge", model("m"))("q")).source == "judge"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_is_not_empty(name):
    with pytest.raises(of.ConfigError, match="empty"):
        of.Named(name, model("m"))


def test_a_deadline_lets_pass_what_comes_in_time():
    answer = instantly(of.Within(model("m", seconds=4.9), 5)("q"))
    assert (answer.text, answer.seconds) == ("yes", 4.9)


def test_a_deadline_cancels_everything_below_it_and_names_the_late_one():
    cancelled = []

    @of.operator
    async def test_wrappers_waits(query):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(asyncio.get_running_loop().time())
            raise

    slow = of.Within(of.Panel([test_wrappers_waits] * 3), 5)
    with pytest.raises(of.TimedOut, match="panel took longer than 5 s"):
        instantly(slow("q"))
    assert cancelled == [5, 5, 5]


def test_a_deadline_inside_a_panel_is_one_failed_member():
    answer = instantly(
        of.Panel([of.Within(model("slow", seconds=60), 5), model("b")], quorum=1)("q")
    )
    assert [draft.status for draft in answer.drafts] == ["failed", "answered"]
    assert answer.drafts[0].error.kind == "TimedOut"
    assert answer.drafts[0].usage.estimated, "what was cancelled is booked"


def test_the_inner_of_two_deadlines_is_named_when_it_passes_first():
    with pytest.raises(of.TimedOut, match="took longer than 1 s"):
        instantly(of.Within(of.Within(model("m", seconds=9), 1), 5)("q"))
    with pytest.raises(of.TimedOut, match="took longer than 1 s"):
        instantly(of.Within(of.Within(model("m", seconds=9), 5), 1)("q"))


def test_a_timeout_of_the_operator_s_own_is_not_taken_for_the_deadline():
    @of.operator
    async def test_wrappers_own(query):
        raise TimeoutError("my socket")

    with pytest.raises(Exception, match="my socket"):
        instantly(of.Within(test_wrappers_own, 600)("q"))


def test_errors_pass_a_deadline_unchanged():
    with pytest.raises(of.Refused):
        instantly(of.Within(model("m", error="Refused"), 5)("q"))


def test_cancelling_from_outside_is_no_deadline():
    async def main():
        task = asyncio.create_task(of.Within(model("m", seconds=60), 30)("q"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    instantly(main())


def test_a_reader_of_one_s_own_goes_before_the_query_s():
    loud = of.Read(model("m", " Yes "), "lowercase_trim")
    assert instantly(loud(of.Query("q", reads="plain"))).value == "yes"


def test_a_reader_around_a_panel_reads_each_draft():
    panel = of.Read(of.Panel([model("a", "1 apple"), model("b", "1 pear")]), lambda text: text[:1])
    assert instantly(panel("q")).votes == {"1": 2}


def test_wrappers_hand_on_usage_and_drafts():
    panel = of.Panel([model("a"), model("b")])
    for wrapped in (
        of.Named("n", panel),
        of.Within(panel, 9),
        of.Read(panel, "plain"),
        of.Cached(panel),
    ):
        with of.Session():
            answer = instantly(wrapped("q"))
        assert answer.usage.calls == 2
        assert len(answer.drafts) == 2


def paid(text="yes", seconds=0.0, tokens=(0, 100)):
    """A model of whom each token that it writes costs a thousandth of a dollar."""
    fake = of.Fake((text,), seconds=(seconds,), tokens=tokens, price=(0.0, 1000.0))
    return of.Model("m", max_tokens=100, provider=fake)


@pytest.mark.parametrize(
    ("caps", "fit"),
    [
        ({"calls": 0}, 0),
        ({"calls": 2}, 2),
        ({"tokens": 99}, 0),
        ({"tokens": 250}, 2),
        ({"usd": 0.0}, 0),
        ({"usd": 0.25}, 2),
        ({"usd": 0.3}, 3),
        ({"usd": 9.0, "tokens": 9000, "calls": 1}, 1),
    ],
    ids=str,
)
def test_no_more_calls_are_made_below_than_the_bounds_afford(caps, fit):
    one_by_one = of.Panel([paid(), paid(), paid()], stagger=float("inf"), quorum=1)
    panel = of.Within(one_by_one, **caps)
    if not fit:
        with pytest.raises(of.BudgetExceeded):
            instantly(panel("q"))
        return
    answer = instantly(panel("q"))
    assert [draft.status for draft in answer.drafts] == ["answered"] * fit + ["failed"] * (3 - fit)
    assert {d.error.kind for d in answer.drafts if d.error} <= {"BudgetExceeded"}
    assert answer.usage.calls == fit


def test_bounds_hold_anew_for_each_question():
    once = of.Within(paid(), calls=1)
    for _ in range(3):
        assert instantly(once("q")).text == "yes"


def test_bounds_cover_the_judge_and_the_vote():
    class Asks(of.Judge, name="test_wrappers_asks"):
        async def score(self, query, answer):
            return 0.5 if (await paid()(query)).text else 0.0

    panel = of.Panel([paid(), paid()], judge=Asks(), vote="best")
    assert instantly(of.Within(panel, calls=4)("q")).usage.calls == 4
    bounded = instantly(of.Within(panel, calls=3)("q"))
    assert bounded.usage.calls == 3
    assert [draft.status for draft in bounded.drafts].count("failed") == 1


@pytest.mark.parametrize(("outer", "inner"), [(1, 2), (2, 1)])
def test_the_tighter_of_two_bounds_counts(outer, inner):
    panel = of.Panel([paid(), paid()], stagger=float("inf"), quorum=1)
    answer = instantly(of.Within(of.Within(panel, calls=inner), calls=outer)("q"))
    assert answer.usage.calls == 1


def test_an_outer_bound_is_shared_and_inner_ones_are_each_their_own():
    held = of.Panel([of.Within(paid(), calls=1), of.Within(paid(), calls=1)], quorum=1)
    assert instantly(held("q")).usage.calls == 2
    assert instantly(of.Within(held, calls=1)("q")).usage.calls == 1


def test_calls_at_once_do_not_pass_the_bounds_together():
    panel = of.Panel([paid(seconds=1.0)] * 10, quorum=1)
    answer = instantly(of.Within(panel, usd=0.35)("q"))
    assert answer.usage.calls == 3
    assert answer.usage.usd == pytest.approx(0.3)


def test_the_session_s_budget_holds_beside_the_bounds():
    with of.Session(budget=of.Budget(calls=1)) as session:
        answer = instantly(of.Within(of.Panel([paid(), paid()], quorum=1), calls=5)("q"))
    assert answer.usage.calls == 1
    assert session.budget.spent.calls == 1


def test_a_deadline_and_a_budget_may_be_set_together():
    slow = of.Within(of.Panel([paid(seconds=9.0)] * 3, quorum=1), seconds=5.0, calls=2)
    with pytest.raises(of.TimedOut, match="took longer than 5 s"):
        instantly(slow("q"))
    quick = of.Within(of.Panel([paid(seconds=1.0)] * 3, quorum=1), seconds=5.0, calls=2)
    assert instantly(quick("q")).usage.calls == 2


def test_under_a_bound_in_dollars_a_model_of_unknown_price_is_not_asked():
    class Priceless(of.Provider, name="test_wrappers_priceless"):
        async def complete(self, request):
            raise AssertionError("it was called")

    with (
        of.Session({"m": Priceless()}),
        pytest.raises(of.OnefoldError, match="price"),
    ):
        instantly(of.Within("m", usd=5.0)("q"))


def test_what_came_from_the_cache_costs_a_bound_nothing():
    with of.Session({"m": "fake:yes"}, cache="memory"):
        instantly(of.Model("m")("q"))
        assert instantly(of.Within("m", calls=0)("q")).text == "yes"


@pytest.mark.parametrize(
    "about",
    [{"seconds": 5.0}, {"usd": 0.5}, {"tokens": 9}, {"calls": 1}, {"seconds": 1.0, "usd": 0.0}],
)
def test_bounds_are_written_down_and_read_again(about):
    within = of.Within("fake:a", **about)
    assert of.build(of.dump(within)) == within


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "needs a bound"),
        ({"seconds": 0}, "seconds"),
        ({"usd": -1}, "usd"),
        ({"tokens": -1}, "tokens"),
        ({"calls": 1.5}, "calls"),
        ({"second": 5}, "'second'; did you mean 'seconds'"),
    ],
)
def test_bounds_that_are_none_are_refused(about, words):
    with pytest.raises(of.ConfigError, match=words):
        of.Within("fake:a", **about)


def test_a_bound_ends_with_its_question():
    with of.Session({"m": "fake:yes"}):

        async def main():
            with pytest.raises(of.BudgetExceeded):
                await of.Within("m", calls=0)("q")
            return await of.Model("m")("q")

        assert instantly(main()).text == "yes"
