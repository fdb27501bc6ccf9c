"""Results in numbers: a row a system, and the figures of all together."""

import pytest
from madeup import PRICES, recording, row, rows

import onefold as of
from onefold.lab.bench.bench import bench
from onefold.lab.bench.results import Results
from onefold.lab.bench.summary import figures, summary, trusted


def by_name(results):
    return {each.system: each for each in summary(results)}


def test_a_system_in_numbers():
    used = {"usd": 0.5, "seconds": 2.0, "tokens_in": 10, "tokens_out": 20, "calls": 1}
    held = Results(rows("a", [1, 0, 1, 1], **used))
    (made,) = summary(held)
    assert (made.questions, made.graded, made.quality) == (4, 4, 0.75)
    assert (made.low, made.high) == pytest.approx((0.3006, 0.9544), abs=1e-3)
    assert (made.usd, made.usd_per_question) == (2.0, 0.5)
    assert made.usd_per_correct == pytest.approx(2 / 3)
    assert (made.seconds_p50, made.seconds_p95, made.tokens, made.calls) == (2.0, 2.0, 30, 1)
    assert made.gain is None  # it is the best member itself


def test_gains_are_paired_with_the_best_member():
    held = Results([*rows("a", [1, 1, 0, 0] * 20), *rows("b", [1, 0, 0, 0] * 20),
                    *rows("p", [1, 1, 1, 0] * 20, family="p")])  # fmt: skip
    made = by_name(held)
    assert made["p"].gain == pytest.approx(0.25)
    assert 0.1 < made["p"].gain_low < 0.25 < made["p"].gain_high < 0.4
    assert made["b"].gain == pytest.approx(-0.25)


def test_unknown_is_never_nothing():
    held = Results([row("q1", "a", 1.0, usd=1.0, family="member"), row("q2", "a", family="member")])
    (made,) = summary(held)
    assert (made.usd, made.usd_per_question, made.seconds_mean) == (None, None, None)
    assert (made.usd_per_correct, made.graded, made.unanswered) == (1.0, 1, 1.0)
    (blank,) = summary(Results([row("q1", "a")]))
    assert (blank.quality, blank.low, blank.gain, blank.ece) == (None, None, None, None)


def test_nobody_right_has_no_price_of_a_right_answer():
    (made,) = summary(Results(rows("a", [0, 0], usd=1.0)))
    assert (made.quality, made.usd_per_correct) == (0.0, None)


def test_the_frontier_is_marked():
    held = Results(
        [
            *rows("cheap", [1, 0, 0], usd=1.0),
            *rows("bad", [0, 0, 0], usd=2.0),
            *rows("fair", [1, 0, 0], usd=3.0),
            *rows("dear", [1, 1, 1], usd=4.0),
        ]
    )
    made = by_name(held)
    assert [name for name in made if made[name].frontier] == ["cheap", "dear"]
    assert [name for name in made if made[name].hull] == ["cheap", "dear"]


def test_the_figures_of_all_together():
    held = Results([*rows("a", [1, 0, 1, 0], usd=1.0), *rows("b", [1, 1, 0, 0], usd=3.0),
                    *rows("p", [1, 1, 1, 0], family="p", usd=2.0)])  # fmt: skip
    found = figures(held)
    assert (found.best, found.best_quality, found.winner) == ("a", 0.5, "p")  # the cheaper of two
    assert (found.oracle, found.gap, found.closed) == (0.75, 0.25, 1.0)
    assert found.oracle_usd == 1.5
    assert found.voters == 2.0
    assert found.aiq_members == pytest.approx(0.5)
    assert found.aiq == pytest.approx((0.625 + 0.75) / 2)
    assert found.curves == ()  # the best member is the cheapest: there is no gap


def test_copies_are_worth_one_voter_and_strangers_all():
    marks = [1, 0, 1, 1, 0, 0, 1, 0]
    same = Results([each for name in "abc" for each in rows(name, marks)])
    assert figures(same).voters == pytest.approx(1.0)
    assert figures(same).same_mistake == 0.5
    apart = Results([*rows("a", [1, 1, 0, 0]), *rows("b", [1, 0, 1, 0])])
    assert figures(apart).voters == pytest.approx(2.0)
    always = Results([*rows("a", [1, 1]), *rows("b", [1, 1])])
    assert figures(always).voters == 2.0  # nothing shows that they go together


def test_a_family_between_two_members_makes_a_curve():
    panel = of.sequential(
        [{"model": {"model": n}} for n in ("cheap", "dear")], agree=0.5, reads="number"
    )
    held = bench({"race": panel}, recording=recording(200), prices=PRICES, vary=["stop.least=1,2"])
    (curve,) = figures(held).curves
    assert (curve.family, curve.systems) == ("race", 2)
    assert 0 <= curve.apgr <= 1
    assert 0 <= curve.cpt50 <= curve.cpt80 <= 100


def test_confidence_is_held_against_what_was_right():
    sure = [row(f"q{n}", "s", float(n % 10 < 8), confidence=0.8) for n in range(100)]
    found = trusted(sure)
    assert (found.count, len(found.bins)) == (100, 1)
    assert found.ece == pytest.approx(0.0, abs=1e-9)
    assert found.brier == pytest.approx(0.16)
    assert found.log_loss == pytest.approx(0.5004, abs=1e-4)
    over = [row(f"q{n}", "s", float(n % 10 < 8), confidence=1.0) for n in range(100)]
    assert (trusted(over).ece, trusted(over).mean) == pytest.approx((0.2, 0.2))
    assert trusted([row("q", "s", 1.0), row("r", "s", confidence=0.5)]) is None


def test_a_single_system_has_figures_too():
    assert figures(Results(rows("p", [1.0], family="p"))).best is None
    alone = figures(Results(rows("a", [1.0])))
    assert (alone.best, alone.voters, alone.gap, alone.closed) == ("a", None, 0.0, None)
