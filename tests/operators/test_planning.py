"""Plans: what was planned before anything was paid holds for what is then run."""

from itertools import product
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold import Cost, Fake, Latency, Model, Panel, Plan, Query, Session, Sim
from onefold.core.errors import ConfigError
from onefold.runtime.clock import instantly

TEXT = "x" * 20  # five tokens by estimate
NAMES = ("m0", "m1", "m2", "m3")
QUESTIONS = [f"What is {n} + {n + 7}?" for n in range(40)]


def exact(**more):
    """Models whose every call is exactly as it is typically."""
    return Session(
        {
            name: {
                "provider": Fake((TEXT,), seconds=(i + 1.0,)),
                "price": {"tokens_in": 1e3 * (i + 1), "tokens_out": 2e3},
                "typical_tokens": 5,
            }
            for i, name in enumerate(NAMES)
        },
        **more,
    )


def simulated(accuracy=0.7, failure=0.0, sigma=0.5, **more):
    return Session(
        {n: Sim(accuracy, 0.2, failure=failure, latency=Latency(1.0, sigma), **more) for n in NAMES}
    )


def members(*names):
    return [Model(name) for name in names or NAMES]


def planned(operator, questions, session):
    with session:
        return of.plan(operator, questions)


def actual(operator, questions, session):
    """(calls, usd, seconds) of asking the questions one after the other."""
    done = instantly(of.arun(operator, questions, session=session, concurrency=1))
    used = of.statistics(done).usage
    return used.calls, used.usd, sum(answer.seconds for answer in done.answers)


@of.judge
def content(query, answer):
    return 0.9


OPERATORS = {
    "one model": Model("m1"),
    "a panel": Panel(members()),
    "staggered": Panel(members(), stagger=0.7),
    "one by one": Panel(members(), stagger=inf),
    "a panel of panels": Panel(
        [Panel(members("m0", "m1")), Panel(members("m2", "m3"), stagger=inf)]
    ),
    "a chain": Model("m0") >> "m3",
    "judged": Panel(members(), judge=content, vote="best"),
    "several samples": Panel(members("m0", "m0", "m0")),
    "a model that votes": Panel(members("m0", "m1"), vote=Model("m2")),
    "wrapped": of.Within({"named": {"name": "x", "operator": {"model": "m1"}}}, 60),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_where_nothing_stops_early_a_plan_is_exact(name):
    operator = OPERATORS[name]
    plan = planned(operator, QUESTIONS, exact())
    calls, usd, seconds = actual(operator, QUESTIONS, exact())
    assert plan.least.calls == plan.expected.calls == plan.worst.calls == calls
    assert plan.expected.seconds == pytest.approx(seconds)
    if name not in ("a chain", "a model that votes"):  # what they are shown is not known before
        assert plan.worst.usd == plan.least.usd == pytest.approx(usd)
    else:
        assert plan.worst.usd <= usd


STOPS = [
    "first", {"first": 2}, "agree", {"agree": {"share": 0.9, "least": 3}}, {"sure": 0.5},
    {"sure": 0.995}, "decided", {"certified": 0.8}, {"spent": {"calls": 2}},
    {"spent": {"tokens": 1}}, {"spent": {"usd": 1e-9}}, {"spent": {"seconds": 0.01}},
    ["decided", {"sure": 0.9}], {"all_of": ["agree", {"sure": 0.2}]},
]  # fmt: skip


@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize(("stagger", "failure"), list(product([0.0, 0.3, inf], [0.0, 0.3])))
def test_least_and_worst_hold_whatever_the_stop(stop, stagger, failure):
    panel = Panel(members(), stop=stop, stagger=stagger, quorum=1, reads="number")
    plan = planned(panel, QUESTIONS, simulated(failure=failure))
    done = instantly(of.arun(panel, QUESTIONS, session=simulated(failure=failure), concurrency=1))
    asked = sum(len(o.answer.drafts) for o in done)
    assert plan.least.calls <= asked <= plan.worst.calls
    assert plan.least.calls <= plan.expected.calls <= plan.worst.calls
    assert plan.worst.calls == 4 * len(QUESTIONS)
    assert of.statistics(done).usage.calls <= asked


@pytest.mark.parametrize("accuracy", [0.5, 1.0])
def test_a_cascade_whose_first_is_sure_needs_no_more_than_the_least(accuracy):
    cascade = of.cascade(members(), at=0.995, reads="number")
    plan = planned(cascade, QUESTIONS, simulated(accuracy))
    calls, _, _ = actual(cascade, QUESTIONS, simulated(accuracy))
    assert plan.least.calls == len(QUESTIONS)
    assert plan.least.calls <= calls <= plan.worst.calls


def test_the_least_of_panels_in_panels_is_the_least_of_each():
    inner = of.sequential(members())
    outer = Panel({"a": inner, "b": inner})
    plan = planned(outer, QUESTIONS, exact())
    assert plan.least.calls == 4 * len(QUESTIONS)
    assert plan.worst.calls == 8 * len(QUESTIONS)
    assert plan.least.calls < plan.expected.calls < plan.worst.calls
    assert actual(outer, QUESTIONS, exact())[0] == plan.least.calls


def test_patience_may_leave_members_unasked():
    panel = Panel(members(), stagger=inf, patience=1.5, quorum=1)
    plan = planned(panel, ["?"], exact())
    calls, _, seconds = actual(panel, ["?"], exact())
    assert calls == 2
    assert plan.least.calls <= calls <= plan.worst.calls
    assert plan.least.seconds <= seconds <= plan.worst.seconds


def test_a_route_may_ask_one_member_alone():
    @of.router
    def dearest(query):
        return ["m3"]

    @of.router
    def cheapest(query):
        return ["m0"]

    for route in (dearest, cheapest):
        panel = Panel({name: {"model": name} for name in reversed(NAMES)}, route=route, quorum=1)
        plan = planned(panel, ["?"], exact())
        calls, usd, seconds = actual(panel, ["?"], exact())
        assert plan.least.calls <= calls == 1 <= plan.worst.calls == 4
        assert plan.least.usd <= usd <= plan.worst.usd
        assert plan.least.seconds <= seconds <= plan.worst.seconds


def test_the_expected_case_is_near_what_members_that_mostly_agree_bring():
    panel = of.sequential(members(), agree=0.7)
    plan = planned(panel, QUESTIONS, simulated(0.8, same_wrong=0.0))
    calls, _, _ = actual(panel, QUESTIONS, simulated(0.8, same_wrong=0.0))
    assert plan.expected.calls == pytest.approx(calls, rel=0.25)
    assert "80%" in plan.assumption


def test_a_plan_that_assumes_nothing_says_nothing():
    assert planned(Panel(members()), QUESTIONS, exact()).assumption == ""


def test_what_an_inner_panel_assumes_is_said_outside():
    plan = planned(Panel([of.sequential(members())]), QUESTIONS, exact())
    assert plan.assumption


def test_planning_asks_nobody():
    class Silent(of.Provider, name="silent"):
        async def complete(self, request):
            raise AssertionError("asked")

    for operator in OPERATORS.values():
        planned(operator, QUESTIONS, Session(dict.fromkeys(NAMES, "silent")))


def test_plans_work_inside_a_running_loop():
    async def inside():
        with exact():
            return of.plan(of.sequential(members()), QUESTIONS)

    assert instantly(inside()) == planned(of.sequential(members()), QUESTIONS, exact())


def test_a_plan_is_the_same_each_time():
    panel = of.cascade(members())
    assert planned(panel, QUESTIONS, exact()) == planned(panel, QUESTIONS, exact())


def test_an_unknown_price_is_unknown_in_the_plan_and_never_free():
    session = Session({"x": {"provider": "fake:a", "price": None}, "m": Fake(("a",), price=(1, 1))})
    plan = planned(Panel([Model("x"), Model("m")]), ["?"], session)
    assert plan.usd is None
    assert "price unknown" in str(plan)


def test_an_unknown_model_is_refused_before_planning():
    with exact(), pytest.raises(ConfigError, match=r"'m00'.*did you mean 'm"):
        of.plan(Panel(["m0", "m00"]), ["?"])


def test_one_question_many_or_none():
    session = exact()
    with session:
        one = of.plan("fake:a", "What?")
        assert (one.queries, one.calls) == (1, 1)
        assert of.plan("fake:a", Query("What?")) == one
        assert of.plan("fake:a", ["What?"] * 3).calls == 3
        assert of.plan("fake:a", []) == Plan(queries=0)


def test_longer_questions_cost_more():
    with exact():
        short, long = (of.plan(Model("m0"), text) for text in ("?", "?" * 4000))
    assert long.expected.tokens_in == pytest.approx(short.expected.tokens_in + 999)
    assert long.usd > short.usd


def test_a_cap_on_tokens_is_what_a_call_may_write():
    with exact():
        plan = of.plan(Model("m0", max_tokens=3), "?")
    assert plan.worst.tokens_out == 3


def test_the_table_has_a_row_for_each_thing_that_is_spent():
    with exact():
        page = str(of.plan(of.sequential(members()), QUESTIONS)).splitlines()
    assert page[0].split() == ["least", "expected", "worst"]
    assert [line.split("  ")[0] for line in page[1:6]] == [
        "calls", "tokens in", "tokens out", "US dollars", "seconds, one question after the other",
    ]  # fmt: skip
    assert len({len(line) for line in page[:6]}) == 1


def fleets(prices, seconds=1.0, **about):
    """A session with a fleet `all` of models with these prices a million tokens, or none."""
    models = {
        name: {
            "provider": Fake((TEXT,), seconds=(seconds + number,)),
            "price": None if price is None else {"tokens_in": 0, "tokens_out": price},
            "typical_tokens": 5,
            "typical_seconds": seconds + number,
        }
        for number, (name, price) in enumerate(prices.items())
    }
    return Session({**models, "all": {"fleet": list(prices), **about}})


def test_a_fleet_costs_what_its_first_does_and_its_dearest_at_worst():
    plan = planned(Model("all"), ["?"], fleets({"a": 2e5, "b": 6e5, "c": 4e5}))
    assert (plan.least.usd, plan.expected.usd, plan.worst.usd) == (1.0, 1.0, 3.0)
    assert plan.least.calls == plan.worst.calls == 1
    assert plan.expected.seconds == 1.0


def test_a_fleet_in_a_panel_is_planned_as_one_member():
    plan = planned(Panel(["all", "all"]), ["?"], fleets({"a": 2e5, "b": 6e5}))
    assert (plan.least.usd, plan.worst.usd, plan.worst.calls) == (2.0, 6.0, 2)


def test_a_fleet_that_is_asked_costs_no_more_than_planned():
    for pick in ("first", "cheapest"):
        session = fleets({"a": 6e5, "b": 2e5}, pick=pick)
        plan = planned(Model("all"), QUESTIONS[:3], session)
        calls, usd, _ = actual(Model("all"), QUESTIONS[:3], fleets({"a": 6e5, "b": 2e5}, pick=pick))
        assert calls == 3
        assert plan.least.usd <= usd <= plan.worst.usd


def test_a_fleet_with_an_unknown_price_is_of_unknown_price_at_worst():
    plan = planned(Model("all"), ["?"], fleets({"a": 2e5, "b": None}))
    assert plan.worst.usd is None
    assert planned(Model("all"), ["?"], fleets({"a": None})).usd is None


def test_a_model_with_a_provider_of_its_own_is_planned_with_its_price():
    own = Model("own", max_tokens=5, provider=Fake((TEXT,), price=(0.0, 2e5)))
    assert of.plan(own, "?").usd == 1.0


costs = st.builds(
    Cost,
    *[st.integers(0, 1000).map(float)] * 3,
    usd=st.none() | st.integers(0, 1000).map(float),
    seconds=st.integers(0, 1000).map(float),
)


@settings(max_examples=100)
@given(costs, costs, costs)
def test_costs_add_up_in_any_order(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Cost() == a
    assert a.times(1.0) == a
    assert a.times(0.0) == Cost()
    assert a.times(2.0) == a + a
    assert a.lasting(7.0).seconds == 7.0
