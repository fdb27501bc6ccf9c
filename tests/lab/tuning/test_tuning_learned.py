"""Fitted contenders: a cascade and a fused vote take part where they are clearly better."""

import numpy as np
import pytest
from msgspec import structs
from pools import SKILLS, pool

import onefold as of
from onefold.core.errors import ConfigError
from onefold.lab.recipe import load_recipe
from onefold.lab.tuning.ground import ground
from onefold.lab.tuning.learned import Learned, contenders, preferred
from onefold.lab.tuning.promise import Promise
from onefold.lab.tuning.report import write
from onefold.lab.tuning.search import Wish
from onefold.lab.tuning.tune import Pick, Scout, challenged, tune

CROWD = dict.fromkeys("abcdef", (0.65, 0.001))


def found_in(recording, wish):
    """What can be fitted for a wish."""
    board, reader, _ = ground(recording, None, "number")
    return list(contenders(recording, board, reader, wish, 0))


def contender(quality, usd, count=200):
    """A contender with these figures, fitted to nothing."""
    return Learned("vote", ("a", "b"), None, None, quality, np.full(count, usd))


def test_a_cascade_and_a_vote_are_fitted_for_a_budget():
    kinds = {each.kind for each in found_in(pool(80), Wish(usd=0.05))}
    assert kinds == {"cascade", "vote"}


def test_a_vote_has_only_members_that_the_budget_pays_together():
    found = [each for each in found_in(pool(80), Wish(usd=0.005)) if each.kind == "vote"]
    assert [each.members for each in found] == [("small", "medium")]
    assert found[0].usd.mean() <= 0.005


def test_what_cannot_be_fitted_says_why(monkeypatch):
    def refuse(*_, **__):
        raise ConfigError("too little of everything")

    monkeypatch.setattr("onefold.lab.tuning.learned.fit_vote", refuse)
    found = found_in(pool(80), Wish(usd=0.05))
    assert "no vote was fitted: too little of everything" in found


def test_a_contender_must_be_better_by_half_a_standard_error():
    doubt = np.sqrt(0.9 * 0.1 / 200)
    assert preferred(contender(0.9, 1.0), 0.9 - 0.6 * doubt, 1.0, Wish(usd=1.0))
    assert not preferred(contender(0.9, 1.0), 0.9 - 0.4 * doubt, 1.0, Wish(usd=1.0))
    assert not preferred(contender(0.9, 1.1), 0.5, 1.0, Wish(usd=1.0))


def test_for_a_quality_a_contender_must_have_it_and_be_cheaper():
    wish = Wish(quality=0.9)
    assert preferred(contender(0.92, 1.0), 0.92, 1.1, wish)
    assert not preferred(contender(0.905, 1.0), 0.92, 1.1, wish)
    assert not preferred(contender(0.92, 1.2), 0.92, 1.1, wish)


def test_the_best_contender_takes_the_place_of_the_pick_and_keeps_the_single_member():
    pick = Pick(None, Promise(0.8, (0.7, 0.9), 1.0, (0.9, 1.1), 200))
    scout = Scout(pick, pick, (0.0, 0.0))
    better, best = contender(0.9, 1.0), contender(0.97, 1.0)
    taken = challenged(scout, [better, best, better], Wish(usd=2.0), 200, 0)
    assert taken.pick.system is best
    assert taken.single is pick
    assert taken.gain[0] == pytest.approx(best.sure - 0.8)
    assert taken.pick.promise.quality == best.sure < 0.97


def test_a_fitted_pick_is_saved_beside_a_recipe_that_runs(tmp_path, instantly):
    recording = pool(80, CROWD)
    recording.write(tmp_path / "seen.jsonl")
    tuned = tune(recording, usd=0.05, reads="number", learned=True)
    made = next(each for each in found_in(recording, Wish(usd=0.05)) if each.kind == "vote")
    pick = Pick(made, made.promise(200, 0))
    tuned = structs.replace(tuned, pick=pick, gain=(0.1, 0.01))
    names = write(tuned, tmp_path / "out", tmp_path / "seen.jsonl")
    assert "vote.npz" in names
    held = load_recipe(tmp_path / "out" / "recipe.yaml")
    assert "# fitted vote of" in (tmp_path / "out" / "recipe.yaml").read_text()
    with held.session():
        answer = instantly(held.operator(of.Query("What is 7?", id="q7")))
    assert answer.trust is not None


def test_an_unlimited_wish_has_no_cascade():
    assert {each.kind for each in found_in(pool(80, SKILLS), Wish())} >= {"vote"}


def specialists(questions=160):
    """Two members of one price, each right on its own kind of question."""
    rows = []
    for number in range(questions):
        kind = ("sum", "poem")[number % 2]
        for member, best in (("counter", "sum"), ("poet", "poem")):
            prompt = f"Please give me a {kind} about {number}"
            rows.append(of.Draft(f"q{number}", member, "", prompt, correct=kind == best, usd=0.01))
    return of.Recording(rows)


def test_specialists_without_a_word_recorded_are_routed_to_by_the_prompt(tmp_path, instantly):
    tuned = tune(specialists(), usd=0.02, learned=True)
    assert tuned.pick.system.kind == "router"
    assert tuned.pick.promise.quality > 0.9
    assert tuned.single.promise.quality < 0.6
    models = {name: {"provider": {"fake": [name]}} for name in tuned.board.members}
    write(tuned, tmp_path, models=models)
    made = load_recipe(tmp_path / "recipe.yaml")
    with made.session():
        assert instantly(made.operator("Please give me a poem about 7")).text == "poet"
        assert instantly(made.operator("Please give me a sum about 8")).text == "counter"


def test_prompts_that_tell_nothing_make_no_router():
    found = found_in(pool(80), Wish(usd=0.05))
    assert "router" not in {each.kind for each in found}
