"""A cap on spending: reserved before a call, settled after it, never passed at the estimate."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.deliver import deliver
from onefold.runtime.clock import instantly

DIME = of.Usage(10, 0, 10, 0.1, 1)


def test_a_reservation_holds_and_settling_replaces_it():
    budget = of.Budget(1.0)
    first = of.Usage(usd=0.9, calls=1)
    assert budget.reserve(first, "m")
    assert not budget.reserve(of.Usage(usd=0.2), "m"), "it may fit once the first is settled"
    budget.settle(first, of.Usage(usd=0.25, calls=1))
    assert budget.reserve(of.Usage(usd=0.75), "m")
    assert budget.spent.usd == 0.25
    with pytest.raises(of.BudgetExceeded, match=r"a call to m may cost \$0.8.*raise the budget"):
        budget.reserve(of.Usage(usd=0.8), "m")


@pytest.mark.parametrize(
    "caps", [{"usd": -1.0}, {"usd": float("nan")}, {"tokens": -1}, {"calls": -5}]
)
def test_a_cap_is_zero_or_more(caps):
    with pytest.raises(of.ConfigError, match="zero or more"):
        of.Budget(**caps)


@pytest.mark.parametrize("count", [3, 7, 10, 30])
def test_a_cap_that_just_fits_is_not_refused_by_rounding(count):
    budget = of.Budget(round(count * 0.1, 10))
    for _ in range(count):
        budget.reserve(DIME, "m")
        budget.settle(DIME, DIME)
    with pytest.raises(of.BudgetExceeded):
        budget.reserve(DIME, "m")


@pytest.mark.parametrize(
    ("caps", "most"), [({"calls": 3}, 3), ({"tokens": 60}, 3), ({"usd": 0.3}, 3)]
)
def test_each_kind_of_cap_holds(caps, most):
    budget = of.Budget(**caps)
    for _ in range(most):
        assert budget.reserve(DIME, "m")
    assert not budget.reserve(DIME, "m")
    for _ in range(most):
        budget.settle(DIME, DIME)
    with pytest.raises(of.BudgetExceeded):
        budget.reserve(DIME, "m")


def test_a_call_waits_for_what_runs_and_goes_on_when_it_cost_less():
    async def main():
        budget = of.Budget(usd=1.0)
        large, small = of.Usage(usd=0.8, calls=1), of.Usage(usd=0.5, calls=1)
        assert budget.reserve(large, "m")
        waits = [asyncio.create_task(budget.turn(small, "m")) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        await asyncio.sleep(0)
        budget.settle(large, of.Usage(usd=0.1, calls=1))
        await waits[1]
        assert not waits[2].done()
        budget.settle(small, of.Usage(usd=0.6, calls=1))
        with pytest.raises(of.BudgetExceeded, match=r"0\.3"):
            await waits[2]
        assert (budget.held.calls, budget.spent.calls, len(budget.waiting)) == (0, 2, 0)

    asyncio.run(main())


def test_a_call_that_is_cancelled_as_its_turn_comes_gives_its_share_back():
    async def main():
        budget = of.Budget(calls=1)
        one = of.Usage(usd=0.0, calls=1)
        budget.reserve(one, "m")
        wait = asyncio.create_task(budget.turn(one, "m"))
        await asyncio.sleep(0)
        budget.settle(one, of.Usage())
        assert budget.held.calls == 1
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        assert budget.held.calls == 0

    asyncio.run(main())


def test_seconds_count_from_the_first_call():
    async def main():
        budget = of.Budget(seconds=5)
        await asyncio.sleep(100)
        assert budget.reserve(DIME, "m")
        await asyncio.sleep(4.9)
        assert budget.reserve(DIME, "m")
        await asyncio.sleep(0.2)
        with pytest.raises(of.BudgetExceeded, match="the 5 seconds of the budget are over"):
            budget.reserve(DIME, "m")

    instantly(main())


def test_an_unknown_price_does_not_fit_a_cap_in_dollars_but_one_in_calls():
    with pytest.raises(of.BudgetExceeded, match="price unknown"):
        of.Budget(100.0).reserve(of.Usage(usd=None), "m")
    budget = of.Budget(calls=2)
    for _ in range(2):
        budget.reserve(of.Usage(usd=None, calls=1), "m")
        budget.settle(of.Usage(usd=None, calls=1), of.Usage(usd=None, calls=1))
    assert (budget.spent.calls, budget.held.calls) == (2, 0)


@given(st.lists(st.tuples(st.integers(0, 64), st.integers(0, 64), st.booleans()), max_size=40))
def test_what_is_held_and_spent_never_passes_the_cap_at_the_estimate(steps):
    budget, running, refunds = of.Budget(2.0), [], 0.0
    for estimate, used, end in steps:
        if end and running:
            guess = running.pop(0)
            budget.settle(guess, of.Usage(usd=min(used / 64, guess.usd)))
        try:
            guess = of.Usage(usd=estimate / 64, calls=1)
            if budget.reserve(guess, "m"):
                running.append(guess)
        except of.BudgetExceeded:
            refunds += 1
        assert budget.spent.usd + sum(guess.usd for guess in running) <= 2.0
        assert budget.held.usd == pytest.approx(sum(guess.usd for guess in running))


def model(name="m", seconds=0.0, tokens=(0, 100), **more):
    fake = of.Fake(("yes",), seconds=(seconds,), tokens=tokens, price=(0.0, 1000.0), **more)
    return of.Model(name, max_tokens=100, provider=fake)


@settings(max_examples=30)
@given(st.integers(0, 40), st.integers(1, 60))
def test_calls_in_flight_together_never_overspend(fit, asked):
    async def main():
        jobs = [model(seconds=1 + i % 3)(f"q{i}") for i in range(asked)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    with of.Session(budget=fit * 0.1) as session:
        results = instantly(main())
    paid = sum(isinstance(result, of.Answer) for result in results)
    assert paid == min(fit, asked)
    assert session.budget.spent.usd == pytest.approx(paid * 0.1)
    assert session.budget.held.usd == pytest.approx(0.0)
    assert {type(r) for r in results} <= {of.Answer, of.BudgetExceeded}


def test_a_failed_call_gives_its_reservation_back():
    with of.Session(budget=0.1) as session:
        with pytest.raises(of.Refused):
            instantly(model(error="Refused")("q"))
        assert session.budget.held.usd == 0.0
        assert instantly(model()("q")).text == "yes"


def test_a_cancelled_call_is_spent_at_its_estimate():
    panel = of.Panel([model("quick", 1), model("slow", 60)], stop="first")
    with of.Session(budget=1.0) as session:
        instantly(panel("q"))
    assert session.budget.spent.usd == pytest.approx(0.2)
    assert session.budget.spent.estimated
    assert session.budget.held.usd == pytest.approx(0.0)


def test_a_panel_goes_on_with_the_members_that_fit():
    panel = of.Panel([model("a", 1), model("b", 1), model("c", 1)], quorum=2)
    with of.Session(budget=0.2):
        answer = instantly(panel("q"))
    assert [draft.status for draft in answer.drafts] == ["answered", "answered", "failed"]
    assert answer.drafts[2].error.kind == "BudgetExceeded"


def test_a_panel_whose_members_all_do_not_fit_says_so():
    with (
        of.Session(budget=0.05),
        pytest.raises(of.BudgetExceeded, match="nobody could be asked"),
    ):
        instantly(of.Panel([model("a"), model("b")])("q"))


class Priceless(of.Provider, name="test_budget_priceless"):
    """A provider that says nothing of its price."""

    async def complete(self, request):
        raise AssertionError("it was called")


def test_a_model_of_unknown_price_is_refused_under_a_cap_before_anything_is_paid():
    called = []

    @of.operator
    async def counts(query):
        called.append(1)
        return "x"

    with of.Session({"m": Priceless()}, budget=5.0):
        with pytest.raises(of.ConfigError, match="'m' has no known price"):
            instantly(of.Panel([counts, "m"])("q"))
        with pytest.raises(of.BudgetExceeded, match="price unknown"):
            instantly(of.Model("own", provider=Priceless())("q"))
    assert called == []


def test_a_budget_of_nothing_pays_nothing_but_lets_free_models_speak():
    with of.Session(budget=0):
        with pytest.raises(of.BudgetExceeded):
            instantly(model()("q"))
        assert instantly(of.Model("fake:free")("q")).text == "free"


def test_one_budget_may_hold_for_several_sessions():
    budget = of.Budget(calls=1)
    with of.Session(budget=budget):
        instantly(of.Model("fake:a")("q"))
    with of.Session(budget=budget), pytest.raises(of.BudgetExceeded):
        instantly(of.Model("fake:a")("q"))


def test_whoever_delivers_by_hand_walks_the_same_corridor():
    request = of.Request("fake:a", (of.Message("user", "q"),))
    with of.Session(budget=of.Budget(calls=1)):
        assert instantly(deliver(request)).text == "a"
        with pytest.raises(of.BudgetExceeded):
            instantly(deliver(request))
