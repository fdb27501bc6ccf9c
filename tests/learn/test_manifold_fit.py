"""Fitting the manifold: from texts, from recordings, with figures, notes and refusals."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.fitted.artifact import Artifact, packed, unpacked
from onefold.fitted.manifold import manifold
from onefold.learn.routers.manifold import best_local, fit_manifold, principal, prior
from onefold.verbs import Encoder

KINDS = {
    "sums": ["add", "plus", "minus", "divide", "number", "digits", "total", "equation"],
    "songs": ["poem", "rhyme", "verse", "ballad", "lyrics", "stanza", "moon", "river"],
    "bugs": ["python", "compile", "stack", "null", "pointer", "loop", "class", "import"],
}
SKILLED = {"mathe": "sums", "poet": "songs", "coder": "bugs"}


def prompts(count, seed=0, kinds=tuple(KINDS)):
    """Made-up prompts and their kinds, in turn."""
    draw = np.random.default_rng(seed)
    made, named = [], []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        said = [*draw.choice(KINDS[kind], 4), *draw.choice(["the", "of", "please", "it"], 3)]
        made.append(f"{' '.join(draw.permutation(said))} {number}")
        named.append(kind)
    return made, named


def recording(count=150, seed=0, skill=0.95, grades=True):
    """Three members, each good at one kind of prompt."""
    draw, drafts = np.random.default_rng(seed), []
    for number, (text, kind) in enumerate(zip(*prompts(count, seed), strict=True)):
        for member, own in SKILLED.items():
            right = bool(draw.random() < (skill if own == kind else 1 - skill))
            given = {"correct": right} if grades else {}
            drafts.append(of.Draft(f"q{number}", member, "…", text, task=kind, **given))
    return of.Recording(drafts)


@pytest.fixture(scope="module")
def fit():
    return fit_manifold(recording())


def test_a_recording_teaches_who_is_good_where_and_which_task_a_prompt_is(fit):
    assert fit.figures["routed"] > 0.8 > fit.figures["single"] + 0.3
    assert fit.figures["accuracy"] > 0.95
    known = manifold(fit.artifact)
    view = known.view(["a ballad of the moon, with lyrics and a stanza"])
    assert known.tasks[view.tasks[0].argmax()] == "songs"


def test_what_is_saved_and_read_again_sees_prompts_as_the_fit_did(fit):
    known = manifold(unpacked(packed(fit.artifact), "memory"))
    texts, _ = prompts(30, seed=3)
    one, other = manifold(fit.artifact).view(texts), known.view(texts)
    assert np.array_equal(one.points, other.points)
    assert np.array_equal(one.novelty, other.novelty)
    alone = np.concatenate([known.view([text]).points for text in texts])
    assert np.allclose(alone, one.points, atol=1e-5)


def test_equal_fits_are_equal_files():
    texts, _ = prompts(60)
    assert packed(fit_manifold(texts).artifact) == packed(fit_manifold(texts).artifact)


def test_prompts_of_a_kind_that_was_left_out_are_stranger_than_the_known_kinds():
    texts, _ = prompts(160, kinds=("sums", "songs"))
    known = manifold(fit_manifold(texts).artifact)
    usual = known.view(prompts(60, seed=5, kinds=("sums", "songs"))[0]).novelty
    strange = known.view(prompts(60, seed=6, kinds=("bugs",))[0]).novelty
    assert ((usual >= 0) & (usual <= 1)).all()
    assert (strange[:, None] > usual).mean() > 0.95


def test_texts_alone_make_a_map_without_members():
    fit = fit_manifold(prompts(60)[0])
    assert fit.figures == {}
    assert manifold(fit.artifact).members == ()


def test_an_ungraded_recording_is_taken_for_its_prompts():
    known = manifold(fit_manifold(recording(60, grades=False)).artifact)
    assert known.members == ()
    assert known.tasks == ("bugs", "songs", "sums")


def test_regions_are_as_many_as_asked_and_points_as_many_as_kept():
    fit = fit_manifold(prompts(90)[0], regions=5, most=50)
    known = manifold(fit.artifact)
    assert len(known.points) == 50
    assert len(known.regions.sizes) <= 5
    assert "50 of 90 prompts were kept" in fit.notes[0]


def test_where_likeness_tells_nothing_everyone_is_as_good_everywhere():
    draw = np.random.default_rng(1)
    texts, _ = prompts(120)
    drafts = [
        of.Draft(str(number), member, "…", text, correct=bool(draw.random() < level))
        for number, text in enumerate(texts)
        for member, level in (("left", 0.7), ("right", 0.4))
    ]
    fit = fit_manifold(of.Recording(drafts))
    assert "likeness of prompts did not tell who is better" in fit.notes[-1]
    known = manifold(fit.artifact)
    assert np.isnan(known.scores).all()


class Letters(Encoder, name="letters_for_manifold"):
    """Counts letters."""

    async def encode(self, texts):
        rows = [[text.count(letter) + 1e-3 for letter in "abcdefghijklmnop"] for text in texts]
        return np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)


def test_an_encoder_takes_the_place_of_words_and_the_router_keeps_it(tmp_path):
    fit = fit_manifold(recording(90), encoder=Letters(), dimensions=8)
    router = fit.save(tmp_path / "m.npz")
    assert router.encoder == Letters()
    asyncio.run(router.route(of.Query("a ballad of the moon")))
    bare = of.build({"manifold": {"path": router.path}}, of.verbs.Router)
    with pytest.raises(ConfigError, match="give it that encoder"):
        asyncio.run(bare.route(of.Query("a ballad of the moon")))


@pytest.mark.parametrize(
    ("source", "fields", "why"),
    [
        (["one", "two"], {}, "2 different prompts"),
        (["same"] * 50, {}, "1 different prompts"),
        (prompts(30)[0], {"labels": ["a"]}, "1 labels for 30 texts"),
    ],
)
def test_too_little_is_refused_with_the_rule(source, fields, why):
    with pytest.raises(ConfigError, match=why):
        fit_manifold(source, **fields)


def test_few_prompts_make_nothing_strange_and_labels_that_are_missing_are_left_aside():
    texts, labels = prompts(30)
    fit = fit_manifold(texts, labels=["", *labels[1:]])
    assert "tasks are not named for every prompt" in fit.notes[0]
    assert "30 prompts are few" in fit.notes[1]
    assert not manifold(fit.artifact).view(["SELECT a FROM b;"]).novelty.any()


def test_a_prior_is_as_strong_as_regions_are_alike():
    alike = np.tile([[[12.0, 20.0]]], (6, 1, 1))
    apart = np.array([[[19.0, 20.0]], [[1.0, 20.0]]] * 3)
    assert prior(alike).sum() > 100 > 5 > prior(apart).sum()
    assert prior(alike)[0, 0] / prior(alike).sum() == pytest.approx(0.6, abs=0.02)


def test_nobody_graded_makes_no_difference_to_what_a_region_counts_for():
    near = manifold(fit_manifold(prompts(30)[0]).artifact).view(prompts(30)[0]).near
    empty = np.full((30, 1), np.nan)
    assert best_local(near, np.zeros(30, np.int64), empty, np.ones((1, 2))) == 1.0


def test_principal_directions_are_orthonormal_and_find_what_varies():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(200, 3)) * (5, 2, 0.1) @ np.linalg.qr(draw.normal(size=(20, 3)))[0].T
    found = principal(rows, 2, 0)
    assert np.allclose(found.T @ found, np.eye(2), atol=1e-2)
    assert (rows @ found).std(axis=0) == pytest.approx([5, 2], rel=0.2)


def test_an_artifact_of_another_kind_is_no_manifold(tmp_path):
    path = tmp_path / "other.npz"
    Artifact("vote", {}, {}).save(path)
    router = of.build({"manifold": {"path": str(path)}}, of.verbs.Router)
    with pytest.raises(ConfigError, match="fitted as a vote"):
        asyncio.run(router.route(of.Query("hello there")))
