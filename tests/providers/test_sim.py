"""Simulated models: as right, as alike, as slow, as dear and as flaky as they declare."""

import asyncio
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold import Latency, Message, Model, Query, Request, Sim
from onefold.core.errors import ConfigError, Unreachable
from onefold.providers.sim import worked_out
from onefold.runtime.clock import instantly

MANY = 4000
PROMPTS = [f"What is {n} + {n % 97}?" for n in range(MANY)]


def request(prompt, model="m", labels=(), sample=0):
    return Request(model, (Message("user", prompt),), labels=tuple(labels), sample=sample)


def said(sim, prompts=PROMPTS, model="m", **about):
    """What a simulated model says to many prompts, as whole numbers, in virtual time."""

    async def one(prompt):
        reply = await sim.complete(request(prompt, model, **about))
        return reply.text.removeprefix("[simulated] The answer is ").removesuffix(".")

    async def everyone():
        return list(await asyncio.gather(*map(one, prompts)))

    return instantly(everyone())


def truths(prompts=PROMPTS):
    return said(Sim(1.0), prompts)


def right(sim, model="m", **about):
    return np.array(said(sim, model=model, **about)) == np.array(truths())


@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.7, 0.9, 1.0])
def test_it_is_right_about_as_often_as_it_declares(accuracy):
    assert right(Sim(accuracy, correlation=0.0)).mean() == pytest.approx(accuracy, abs=0.025)


def test_a_shared_difficulty_leaves_the_accuracy_as_declared():
    assert right(Sim(0.7, correlation=0.5)).mean() == pytest.approx(0.7, abs=0.03)


def test_correlation_makes_models_fail_together_more_often():
    both = []
    for rho in (0.0, 0.3, 0.7, 1.0):
        a, b = (~right(Sim(0.7, correlation=rho), model=name) for name in ("a", "b"))
        both.append((a & b).mean())
    assert both[0] == pytest.approx(0.09, abs=0.02)
    assert both[0] < both[1] - 0.02 < both[2] - 0.04 < both[3] - 0.06
    assert both[3] == pytest.approx(0.3, abs=0.03)


def test_samples_of_one_model_are_draws_of_their_own():
    first, second = (right(Sim(0.6, correlation=0.0), sample=i) for i in (0, 1))
    assert (first & second).mean() == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_models_that_err_share_the_popular_mistake_as_often_as_declared(share):
    a, b = (said(Sim(0.0, same_wrong=share), model=name) for name in ("a", "b"))
    alike = np.mean(np.array(a) == np.array(b))
    popular = share**2
    assert alike == pytest.approx(popular + (1 - popular) / 20, abs=0.03)


def test_a_mistake_is_never_the_right_answer():
    assert not right(Sim(0.0)).any()
    words = {"Capital?": "Paris"}
    assert said(Sim(0.0, answers=words), ["Capital?"]) != ["Paris"]


def test_labels_are_what_it_chooses_from():
    labels = ("red", "green", "blue")
    prompts = [f"Which colour is thing {n}?" for n in range(600)]
    good, bad = said(Sim(1.0), prompts, labels=labels), said(Sim(0.0), prompts, labels=labels)
    assert set(good) == set(bad) == set(labels)
    assert all(g != b for g, b in zip(good, bad, strict=True))
    counts = [good.count(label) for label in labels]
    assert min(counts) > 150


def test_a_single_label_is_no_trouble():
    assert said(Sim(0.0), ["Which?"], labels=("only",)) == ["only"]


def test_declared_answers_go_before_everything_else():
    sim = Sim(1.0, answers={"What is 1 + 1?": "eleven"})
    assert said(sim, ["What is 1 + 1?", "What is 1 + 2?"]) == ["eleven", "3"]
    with of.Session({"m": sim}):
        query = Query("What is 1 + 1?", labels=("eleven", "two"))
        assert "eleven" in of.Model("m").ask(query).text


numbers = st.integers(0, 999_999)


@given(st.lists(numbers, min_size=2, max_size=9), st.data())
def test_sums_are_worked_out_as_python_would(operands, data):
    signs = [data.draw(st.sampled_from([" + ", " - ", " * ", "+", "-", "*"])) for _ in operands[1:]]
    expression = str(operands[0]) + "".join(
        f"{sign}{number}" for sign, number in zip(signs, operands[1:], strict=True)
    )
    plain = eval("".join(filter(lambda c: c in "0123456789+-* ", expression)))
    assert worked_out(expression) == plain
    for prompt in (f"What is {expression}?", f"Compute {expression}.", expression):
        assert said(Sim(1.0), [prompt]) == [str(plain)]


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("What is -3 + 4?", "1"),
        ("First 1 + 1, then 2 + 3?", "5"),
        ("Add 4 + 5. Nothing else.", "9"),
        ("007 + 1", "8"),
    ],
)
def test_the_last_whole_sum_of_a_prompt_is_worked_out(prompt, value):
    assert said(Sim(1.0), [prompt]) == [value]


@pytest.mark.parametrize(
    ("prompt", "wrong"),
    [
        ("(2 + 3) * 4", "5"),
        ("8 / 2 + 1", "3"),
        ("2 + 3^2", "5"),
        ("1.5 + 2", "7"),
        ("2 + 3 / 3", "5"),
    ],
)
def test_a_piece_of_an_expression_is_not_taken_for_the_whole(prompt, wrong):
    assert said(Sim(1.0), [prompt]) != [wrong]


def test_failures_come_as_often_as_declared_and_say_that_they_are_simulated():
    sim = Sim(failure=0.2)

    async def one(prompt):
        try:
            await sim.complete(request(prompt))
        except Unreachable as error:
            return "simulated" in str(error)
        return 0

    async def everyone():
        return sum(await asyncio.gather(*map(one, PROMPTS)))

    assert instantly(everyone()) / MANY == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_honest_confidence_is_calibrated(rho):
    sim = Sim(0.7, correlation=rho)

    async def everyone():
        return await asyncio.gather(*(sim.complete(request(prompt)) for prompt in PROMPTS))

    stated = np.array([reply.confidence for reply in instantly(everyone())])
    hits = right(sim)
    assert stated.mean() == pytest.approx(0.7, abs=0.03)
    for low in np.arange(0, 1, 0.2):
        chosen = (stated >= low) & (stated < low + 0.2)
        if chosen.sum() > 150:
            tolerance = 4 * (0.25 / chosen.sum()) ** 0.5
            assert hits[chosen].mean() == pytest.approx(stated[chosen].mean(), abs=tolerance)


def test_wholly_shared_luck_is_stated_with_certainty():
    sim = Sim(0.7, correlation=1.0)
    replies = [instantly(sim.complete(request(prompt))) for prompt in PROMPTS[:50]]
    assert {reply.confidence for reply in replies} == {0.0, 1.0}


def test_who_states_nothing_states_nothing():
    assert instantly(Sim(states="nothing").complete(request("1 + 1"))).confidence is None


def test_another_seed_is_another_luck_and_the_same_seed_the_same():
    one, same, other = (right(Sim(0.5, seed=seed)) for seed in (1, 1, 2))
    assert (one == same).all()
    assert 0.4 < (one == other).mean() < 0.6


def test_models_with_other_names_have_luck_of_their_own():
    assert 0.45 < (right(Sim(0.5, correlation=0.0), model="a")
                   == right(Sim(0.5, correlation=0.0), model="b")).mean() < 0.55  # fmt: skip


def test_every_reply_says_that_it_is_simulated():
    for name in ("sim:small", "sim:medium", "sim:large"):
        assert of.instantly(Model(name)("What is 2 + 2?")).text.startswith("[simulated] ")


def test_replies_take_their_time_and_bear_their_price():
    sim = Sim(latency=Latency(2.0, 0.0, 0.1), price=(1e6, 2e6))
    answer = instantly(Model("m", provider=sim)("What is 2 + 2?"))
    tokens_in, tokens_out = answer.usage.tokens_in, answer.usage.tokens_out
    assert answer.seconds == pytest.approx(2.0 + 0.1 * tokens_out)
    assert answer.usage.usd == pytest.approx(tokens_in + 2 * tokens_out)
    assert tokens_in == 4


def test_ready_made_sizes_are_as_right_as_they_are_dear():
    sizes = [Sim._named(name) for name in ("small", "medium", "large")]
    assert [sim.accuracy for sim in sizes] == sorted(sim.accuracy for sim in sizes)
    assert [sim.price for sim in sizes] == sorted(sim.price for sim in sizes)


@pytest.mark.parametrize("name", ["sim:huge", "sim:"])
def test_an_unknown_size_is_refused_with_those_there_are(name):
    with pytest.raises(ConfigError, match=r"small, medium, large, or \{sim: \{…\}\}"):
        of.ask("?", name)


@pytest.mark.parametrize("field", ["accuracy", "correlation", "same_wrong", "failure"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "much"])
def test_shares_lie_within_zero_and_one(field, value):
    with pytest.raises(ConfigError, match=field):
        Sim(**{field: value})


def test_a_vote_of_independent_models_beats_each_of_them():
    draw = Random(7)
    sums = [
        of.Example(Query(f"What is {a} + {b}?"), str(a + b))
        for a, b in ((draw.randint(1, 999), draw.randint(1, 999)) for _ in range(600))
    ]
    session = of.Session({name: Sim(0.7, 0.0, 0.3) for name in "abcde"})
    panel = of.Panel([Model(name) for name in "abcde"], reads="number")
    done = instantly(of.arun(panel, sums, session=session))
    assert of.statistics(done).accuracy > 0.85
