"""The learned router as a part: weights, how many, price, thresholds, files."""

import asyncio

import numpy as np
import pytest

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.core.spec import build, dump
from onefold.encoders.words import Hashing
from onefold.fitted.routing import Expert, Looks, Routing
from onefold.fitted.texts.prompts import SEEN
from onefold.fitted.texts.words import Words
from onefold.learn.fit import Fit
from onefold.operators.panel import Panel
from onefold.routers.learned import Learned
from onefold.verbs import Router

WORDS = Words.of(["easy hard"] * 2)
USD = (0.001, 0.1, 0.01)


def saved(path, strength=1.0, usd=USD):
    """Three members: `cheap` is right on what is easy, `dear` always, `middle` half of the time."""
    sums = WORDS.rows(["easy", "hard"]).transposed_times(np.array([[4.0], [-4.0]]))
    weights = np.hstack([sums, 0 * sums, 0 * sums])
    expert = Expert(
        np.vstack([weights, np.zeros((len(SEEN), 3))]), np.array([0, 2.0, 0]), np.eye(3), False
    )
    looks = Looks(np.zeros(len(SEEN)), np.zeros(len(SEEN)))
    means = np.array([0.5, 0.9, 0.5])
    members = ("cheap", "dear", "middle")
    made = Routing(members, WORDS, looks, [expert], means, strength, np.array(usd))
    return Fit(made.artifact({}), Learned).save(path)


@pytest.fixture
def router(tmp_path):
    return saved(tmp_path / "router.npz")


def routed(router, text, **changes):
    given = {name: getattr(router, name) for name in router.__struct_fields__}
    return dict(asyncio.run(Learned(**{**given, **changes}).route(Query(text))))


def test_members_are_weighed_by_predicted_quality_the_best_first(router):
    assert list(routed(router, "easy")) == ["cheap", "dear", "middle"]
    hard = routed(router, "hard")
    assert list(hard) == ["dear", "middle", "cheap"]
    assert hard["dear"] == pytest.approx(1 / (1 + np.exp(-2)))


def test_only_so_many_are_kept(router):
    assert list(routed(router, "hard", keep=2)) == ["dear", "middle"]


def test_price_counts_as_a_share_of_the_dearest(router):
    assert list(routed(router, "hard", cost=0.5)) == ["middle", "dear", "cheap"]
    assert min(routed(router, "hard", cost=9).values()) > 0


def test_the_cheapest_is_left_only_for_enough_of_an_advantage(router):
    assert list(routed(router, "hard", at=0.5)) == ["dear"]
    assert list(routed(router, "hard", at=0.95)) == ["cheap"]
    assert list(routed(router, "easy", at=0.0)) == ["cheap"]


def test_a_router_that_learned_nothing_has_no_opinion(tmp_path):
    assert routed(saved(tmp_path / "nothing.npz", strength=0.0), "hard") == {}


def test_a_blank_prompt_has_no_opinion(router):
    assert routed(router, " \n") == {}


def test_a_price_that_nobody_knows_cannot_count(tmp_path):
    router = saved(tmp_path / "free.npz", usd=(0.1, np.nan, 0.2))
    assert list(routed(router, "hard", at=0.3)) == ["dear"]
    with pytest.raises(ConfigError, match="no price of 'dear'"):
        routed(router, "hard", cost=0.5)


def test_another_file_than_the_fitted_one_is_an_error(router):
    with pytest.raises(ConfigError, match="hash"):
        routed(router, "hard", hash="0" * 64)


def test_another_encoder_than_the_fitted_one_is_an_error(router):
    with pytest.raises(ConfigError, match="encoder"):
        routed(router, "hard", encoder=Hashing())


@pytest.mark.parametrize("text", ["難しい問題です", "сложный вопрос", "hard " * 20_000])
def test_prompts_in_any_language_and_of_any_length_are_weighed(router, text):
    assert set(routed(router, text)) == {"cheap", "dear", "middle"}


def test_it_leads_a_panel_and_an_unknown_member_is_an_error(router):
    members = {"cheap": "fake:no", "dear": "fake:yes", "middle": "fake:maybe"}
    led = Learned(router.path, router.hash, keep=1)
    assert Panel(members, route=led).ask("hard").source == "dear"
    with pytest.raises(ConfigError, match="member"):
        Panel({"other": "fake:no"}, route=led).ask("hard")


def test_it_comes_back_from_its_description(router):
    assert build(dump(router), Router) == router
