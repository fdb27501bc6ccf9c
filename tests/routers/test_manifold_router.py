"""The manifold router: whom it prefers, what is strange to it, what feedback teaches it."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.experience.regions import KEPT, Regional, Ring
from onefold.fitted.manifold import manifold
from onefold.judges.prospects import Prospects
from onefold.learn.routers.manifold import fit_manifold
from onefold.routers.manifold import Manifold, recommend
from onefold.verbs import Router

SUMS = "add the {} numbers to a total of {}"
SONGS = "a ballad on the {} moon with {} rhymes"
ODD = "SELECT qty FROM orders WHERE id = 7;"


def texts(form, count=40):
    return [form.format(number % 7, number) for number in range(count)]


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    drafts = [
        of.Draft(text, member, "…", text, correct=(form == SUMS) == (member == "mathe"))
        for form in (SUMS, SONGS)
        for text in texts(form)
        for member in ("mathe", "poet")
    ]
    fit = fit_manifold(of.Recording(drafts))
    return fit.save(tmp_path_factory.mktemp("fit") / "manifold.npz")


def routed(part, text):
    return asyncio.run(part.route(of.Query(text)))


def panel(router, **members):
    held = {
        name: of.Model(name, provider=of.Fake((text,)))
        for name, text in (members or {"mathe": "12", "poet": "la"}).items()
    }
    return of.Panel(held, route=of.Top(router, 1))


def test_who_did_well_on_prompts_like_this_one_is_preferred(router):
    assert next(iter(routed(router, "add the 3 numbers to a total of 20"))) == "mathe"
    assert next(iter(routed(router, "a ballad on the 3 moon with 20 rhymes"))) == "poet"


def test_what_is_like_nothing_known_gets_no_opinion_or_the_member_named_for_it(router):
    assert routed(router, ODD) == {}
    generous = Manifold(router.path, router.hash, unfamiliar="allrounder")
    assert routed(generous, ODD) == {"allrounder": 1.0}
    assert routed(Manifold(router.path, at=1.0), ODD)
    assert routed(router, "   ") == {}


def test_it_keeps_as_many_as_asked_and_comes_back_from_its_description(router):
    single = Manifold(router.path, router.hash, keep=1)
    assert list(routed(single, SUMS.format(3, 20))) == ["mathe"]
    assert build(dump(single), Router) == single


def test_a_recommendation_tells_quality_interval_neighbours_and_novelty(router):
    found = recommend(router, SUMS.format(3, 20))
    first = found.members[0]
    assert first.member == "mathe"
    assert 0 <= first.low <= first.quality <= first.high <= 1
    assert first.neighbours > 0
    assert found.novelty < 0.95 < recommend(router, ODD).novelty
    assert "mathe" in str(found)
    assert "neighbours" in str(found)
    assert len(recommend(router, ODD, most=1).members) == 1


def test_feedback_moves_the_odds_in_that_region_for_this_session_only(router):
    asked = SUMS.format(5, 5)
    with of.Session():
        before = recommend(router, asked).members
        for number in range(40):
            answer = panel(router).ask(SUMS.format(number % 7, number))
            answer.feedback(0.0, right="13")
        after = recommend(router, asked).members
    assert before[0].member == "mathe"
    assert {each.member: each for each in after}["mathe"].quality < before[0].quality - 0.3
    with of.Session():
        assert recommend(router, asked).members[0].quality == before[0].quality


def test_prompts_like_several_with_feedback_are_no_longer_strange(router):
    odd = (
        "{} rhymes, {} total, moon to add on a the the the the; a with numbers; the; the the of of"
    )
    everyone = Manifold(router.path, router.hash, at=1.0)
    with of.Session():
        before = recommend(router, odd.format(2, 3)).novelty
        for number in range(6):
            panel(everyone).ask(odd.format(number, number)).feedback(1.0)
        assert recommend(router, odd.format(2, 3)).novelty < 0.5 < 0.95 < before
        assert recommend(router, ODD).novelty > 0.95


def test_a_member_that_nobody_had_fitted_is_learned_from_feedback(router):
    with of.Session():
        for number in range(10):
            crowd = panel(router, newcomer="ok")
            of.Panel(crowd.members).ask(SUMS.format(number, 7)).feedback(1.0)
        known = {each.member: each for each in recommend(router, SUMS.format(3, 7)).members}
    assert known["newcomer"].quality > 0.8


def test_what_was_learned_is_kept_on_disk(router, tmp_path):
    path, asked = tmp_path / "experience.jsonl", SUMS.format(5, 5)
    with of.Session(experience=path):
        for number in range(20):
            panel(router).ask(SUMS.format(number % 7, number)).feedback(0.0)
        learned = recommend(router, asked).members
    with of.Session(experience=path):
        assert recommend(router, asked).members == learned


@pytest.fixture
def live(router):
    return Regional(router._held())


def point(live, text):
    return live.known.space.placed([text])[0][0]


def expected(live, text, member):
    found = live.prospects(live.known.view([text]))
    return {each.member: each for each in found}[member]


def test_a_member_that_degrades_loses_its_past(live):
    draw = np.random.default_rng(0)
    for number in range(60):
        live.learn("mathe", point(live, SUMS.format(number % 7, number)), 1.0)
    assert expected(live, SUMS.format(1, 1), "mathe").quality > 0.9
    for number in range(40):
        came = float(draw.random() < 0.1)
        live.learn("mathe", point(live, SUMS.format(number % 7, number)), came)
    assert expected(live, SUMS.format(1, 1), "mathe").quality < 0.3
    assert np.isnan(live.scores[:, 0]).all()


def test_memory_is_bounded_and_the_oldest_prompts_go_first():
    ring = Ring(2, 1)
    for number in range(KEPT + 5):
        spot = np.array([number, 1], np.float32)
        assert ring.place(spot.tobytes(), spot) == number % KEPT
        assert ring.place(spot.tobytes(), spot) == number % KEPT
    assert len(ring) == len(ring.places) == len(ring.keys) == len(ring.points) == KEPT


def test_the_same_prompt_again_takes_no_second_place(live):
    for score in (1.0, 0.0, 1.0):
        live.learn("poet", point(live, "hello moon"), score)
    assert len(live.ring) == 1


def test_confidence_falls_where_a_prompt_is_off_every_domain(router):
    sure = of.Panel(panel(router).members, judge=Prospects(router.path), vote="best")
    near, far = sure.ask(SUMS.format(3, 20)), sure.ask(ODD)
    assert near.source == "mathe"
    assert near.confidence > 0.8
    assert far.confidence < 0.2


def test_a_member_without_outcomes_has_no_prospects(router):
    judge = Prospects(router.path)
    with pytest.raises(of.Unreadable, match="no outcome of 'stranger'"):
        asyncio.run(judge.score(of.Query("add"), of.Answer("1", source="stranger")))
    assert manifold(fit_manifold(texts(SUMS)).artifact).members == ()
