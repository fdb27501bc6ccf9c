"""What holds of every search, tried a thousand times each: coverage, budgets, shares, one tree."""

import asyncio
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import DIGITS, NAMES, STEPWISE, Stepping, digits_of, model, search, tree

import onefold as of
from onefold.operators.search.beams import DVTS, Beam, GuidedSampling, diverse
from onefold.operators.search.node import Node, best
from onefold.operators.search.particles import Particles, Rebase
from onefold.operators.search.trees import MCTS, BestFirst
from onefold.operators.search.weights import apportioned, evenly, softmax, systematic
from onefold.operators.search.whole import BestOfN, MajorityOfN, WeightedBestOfN
from onefold.runtime.clock import VirtualLoop, instantly

THOUSAND = settings(max_examples=1000)
seeds = st.integers(0, 2**32)
scores = st.lists(st.sampled_from([None, 0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=9)
starts = st.floats(0, 1, exclude_max=True)
single = st.sampled_from(
    [
        BestOfN(1),
        WeightedBestOfN(1),
        MajorityOfN(1),
        GuidedSampling(1),
        Beam(1, 1),
        DVTS(1, 1),
        Particles(1),
        Rebase(1),
        MCTS(4, 1),
        BestFirst(2, 1),
    ]
)
small = st.sampled_from(
    [
        BestOfN(3),
        MajorityOfN(3),
        GuidedSampling(2),
        Beam(2, 2),
        DVTS(2, 2),
        Particles(3),
        Rebase(3),
        MCTS(3, 2),
        BestFirst(1, 2),
        "adaptive",
    ]
)


@pytest.fixture(scope="module")
def run():
    """Runs a coroutine in virtual time, in one loop for all."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner.run


@THOUSAND
@given(seed=seeds, count=st.integers(1, 6))
def test_best_of_n_with_a_perfect_judge_is_right_whenever_one_draw_is(run, seed, count):
    answer = run(search(BestOfN(count), seed=seed)("?"))
    assert len(answer.drafts) == count
    right = any(sum(digits_of(draft.text)) == 0 for draft in answer.drafts)
    assert (answer.text == "0\n0\nAnswer: 0") == right


@THOUSAND
@given(seed=seeds, count=st.integers(1, 6), share=st.floats(0.01, 1))
def test_weighted_best_of_n_with_a_constant_reward_is_the_majority(run, seed, count, share):
    flat = {"constant": {"value": share}}
    weighted = run(search(WeightedBestOfN(count), flat, seed=seed)("?"))
    majority = run(search(MajorityOfN(count), None, seed=seed)("?"))
    assert weighted.text == majority.text
    assert weighted.agreement == pytest.approx(majority.agreement)


@THOUSAND
@given(strategy=single, seed=seeds, depth=st.integers(0, 3))
def test_alone_every_strategy_gives_the_models_own_answer(run, strategy, seed, depth):
    alone = of.Model("m", provider=Stepping(depth=depth, same=True))
    answer = run(search(strategy, model=alone, seed=seed)("?"))
    assert answer.text == run(alone("?")).text


@THOUSAND
@given(held=scores, temperature=st.floats(0.01, 10), count=st.integers(1, 64), start=starts)
def test_weights_sum_to_one_and_copies_and_widths_to_their_whole(held, temperature, count, start):
    weights = softmax(held, temperature)
    assert sum(weights) == pytest.approx(1)
    if any(score is not None for score in held):
        assert all(w == 0 for w, score in zip(weights, held, strict=True) if score is None)
    copies, widths = systematic(weights, count, start), apportioned(weights, count)
    assert sum(copies) == sum(widths) == sum(evenly(count, len(held))) == count
    for weight, many, width in zip(weights, copies, widths, strict=True):
        assert abs(many - count * weight) < 1 + 1e-9
        assert width >= floor(weight * count - 1e-9)


@settings(max_examples=50)
@given(held=scores, count=st.integers(1, 16))
def test_the_mean_of_systematic_copies_is_count_times_weight(held, count):
    weights = softmax(held, 0.3)
    draws = 1000
    totals = [0] * len(weights)
    for place in range(draws):
        for index, many in enumerate(systematic(weights, count, (place + 0.5) / draws)):
            totals[index] += many
    for total, weight in zip(totals, weights, strict=True):
        assert total / draws == pytest.approx(count * weight, abs=2 / draws)


@THOUSAND
@given(seed=seeds, count=st.integers(1, 5))
def test_rebase_asks_for_as_many_steps_as_answers_are_still_out(run, seed, count):
    answer = run(search(Rebase(count), {"known": {"sharp": False}}, seed=seed)("?"))
    assert len(answer.drafts) == count
    assert answer.usage.calls == count * 3  # two digits and the sum


@THOUSAND
@given(strategy=small, seed=seeds, calls=st.integers(1, 9), tokens=st.integers(240, 900))
def test_a_budget_is_never_overrun(run, strategy, seed, calls, tokens):
    cap = {"calls": calls} if seed % 2 else {"tokens": tokens}
    bounded = search(strategy, seed=seed, budget=cap, step_tokens=8, most_steps=4)
    try:
        answer = run(bounded("?"))
    except of.ConfigError:
        return
    assert answer.usage.calls <= cap.get("calls", 99)
    assert answer.usage.tokens <= cap.get("tokens", 10_000)


@THOUSAND
@given(strategy=small, seed=seeds, share=st.floats(0.05, 0.9))
def test_what_is_not_scored_never_wins_over_what_is(run, strategy, seed, share):
    @of.judge
    async def moody(query, answer):
        return float("nan") if hash(answer.text) % 100 < share * 100 else share

    try:
        answer = run(search(strategy, moody, seed=seed)("?"))
    except of.NoAnswer:
        return
    won = next(draft for draft in answer.drafts if draft.text == answer.text)
    assert strategy == MajorityOfN(3) or won.error is None


@THOUSAND
@given(strategy=small, seed=seeds, slow=st.integers(1, 99))
def test_the_same_seed_is_the_same_tree_in_whichever_order_replies_come(run, strategy, seed, slow):
    quick, late = (
        run(search(strategy, {"known": {"sharp": False}}, seed=seed, model=model(slow=order))("?"))
        for order in (0, slow)
    )
    assert tree(quick) == tree(late)


@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("budget", [None, {"calls": 20}, {"tokens": 900}])
def test_trees_are_the_same_at_any_concurrency(strategy, budget):
    def grown(most, slow):
        limits = {"concurrency": most, "most": most}
        steps = {"provider": Stepping(slow=slow, depth=3, fails=0.1), "limits": limits}
        with of.Session({"m": steps}):
            made = search(strategy, {"known": {"sharp": False}}, model=of.Model("m"), budget=budget)
            return tree(instantly(made("?")))

    assert grown(1, 1) == grown(8, 2) == grown(64, 3)


@pytest.mark.parametrize(("unit", "cap", "count"), [("calls", 1, 10_000), ("tokens", 300, 500)])
def test_ten_thousand_searches_at_once_keep_to_their_budgets_and_to_a_common_one(unit, cap, count):
    common = of.Budget(**{unit: count * cap // 2})
    bounded = search(MajorityOfN(2), None, budget={unit: cap}, model=model(depth=0))

    async def one(sample):
        try:
            return (await bounded(of.Query("?", sample=sample))).usage
        except of.BudgetExceeded:
            return of.Usage()

    async def all_at_once():
        return await asyncio.gather(*map(one, range(count)))

    with of.Session(budget=common):
        used = instantly(all_at_once())
    assert max(getattr(usage, unit) for usage in used) <= cap
    assert sum(getattr(usage, unit) for usage in used) <= getattr(common, unit)
    assert sum(usage.calls for usage in used) > count // 4


def test_a_budget_below_one_call_is_refused_before_anything_is_paid():
    for budget in ({"tokens": 20}, {"usd": 1e-9}):
        priced = {"m": {"provider": Stepping(), "price": {"tokens_in": 1, "tokens_out": 1}}}
        with of.Session(priced) as session:
            with pytest.raises(of.ConfigError, match="below one call"):
                search("beam", model=of.Model("m"), budget=budget).ask("?")
            assert not session.usage()
    with pytest.raises(of.ConfigError, match="below one call: 3 calls"):
        search("best_of_n", model=of.Panel([model()] * 3), budget={"calls": 2}).ask("?")
    with pytest.raises(of.ConfigError, match="no known price"):
        search("beam", budget={"usd": 1.0}).ask("?")


def test_dollars_are_never_overrun():
    priced = {"m": {"provider": Stepping(), "price": {"tokens_in": 1, "tokens_out": 2}}}
    for strategy in NAMES:
        with of.Session(priced):
            answer = search(strategy, model=of.Model("m"), budget={"usd": 0.0015}).ask("?")
        assert answer.usage.usd <= 0.0015


def test_a_budget_is_spread_so_that_answers_come_to_their_end():
    for strategy in STEPWISE:
        for calls in (1, 3, 5, 20):
            answer = search(strategy, budget={"calls": calls}, model=model(depth=6)).ask("?")
            assert answer.text.count("Answer: ") == 1
            assert answer.usage.calls <= calls


def test_what_a_judge_uses_counts():
    grader = of.Model("grader", provider=of.Fake(("0.5",)))
    for strategy in (BestOfN(8), Beam(2, 2), "adaptive"):
        answer = search(strategy, {"asking": {"operator": grader}}, budget={"calls": 9}).ask("?")
        assert answer.usage.calls <= 9
        assert {draft.confidence for draft in answer.drafts} == {0.5}


def steps_of(*texts):
    """Nodes below one parent, with falling scores."""
    root = Node()
    for place, text in enumerate(texts):
        node = root.born()
        node.text, node.score = text, 0.9 - place / 100
    return root.children


def test_what_repeats_a_chosen_step_counts_for_less():
    same = steps_of("2 + 2 = 4", "2 + 2 = 4", "so we add one")
    assert [node.name for node in diverse(same, 2, 0.1)] == ["0", "2"]
    assert [node.name for node in diverse(same, 2, 0.0)] == ["0", "1"]
    like = steps_of("we add two and two", "we add two and three", "that is six")
    assert [node.name for node in diverse(like, 2, 0.1)] == ["0", "2"]


def test_the_best_come_first_and_what_has_no_score_last():
    nodes = steps_of("a", "b", "c")
    nodes[0].score = None
    assert [node.text for node in best(nodes)] == ["b", "c", "a"]


def test_monte_carlo_search_descends_the_whole_tree_and_backs_its_values_up():
    shares = []
    for seed in range(30):
        made = search(MCTS(24), {"known": {"sharp": False}}, model=model(depth=4), seed=seed)
        found = [digits_of(draft.text) for draft in made.ask("?").drafts]
        assert all(len(digits) == 4 for digits in found)
        shares += [digits.count(0) / 4 for digits in found]
    assert sum(shares) / len(shares) > 1 / DIGITS + 0.05


def test_guidance_beats_as_many_draws_where_the_judge_sees_each_step():
    def share(strategy, calls):
        made = (
            search(strategy, seed=seed, model=model(depth=4), budget={"calls": calls})
            for seed in range(60)
        )
        return sum(one.ask("?").confidence == 1.0 for one in made) / 60

    assert share(Beam(2, 4), 48) > share(BestOfN(16), 48) + 0.3


def test_an_answer_that_the_budget_did_not_see_to_its_end_never_wins():
    deep = model(depth=6)
    answer = search(Beam(2, 2), budget={"calls": 5}, model=deep, seed=1).ask("?")
    kinds = [(draft.text.count("Answer: "), draft.status) for draft in answer.drafts]
    assert set(kinds) <= {(1, "answered"), (0, "failed")}
    assert answer.text.count("Answer: ") == 1
