"""Fitting the nearest router: from tables and recordings, with figures, notes and refusals."""

import asyncio

import numpy as np
import pytest

import onefold as of
import onefold.encoders.words
from onefold.core.errors import ConfigError
from onefold.learn.routers.nearest import balanced, fit_nearest, fit_taxonomy, mean, means
from onefold.verbs import Encoder

KINDS = {
    "sums": ("add", "plus", "minus", "divide", "number", "digits", "total", "equation"),
    "songs": ("poem", "rhyme", "verse", "ballad", "lyrics", "stanza", "moon", "river"),
    "bugs": ("python", "compile", "stack", "null", "pointer", "loop", "class", "import"),
}
TO = {"sums": "mathe", "songs": ["poet", "bard"], "bugs": {"coder": 1, "mathe": 0.5}}


def prompts(count, seed=0):
    """Made-up prompts: (text, kind)."""
    draw = np.random.default_rng(seed)
    kinds = list(KINDS)
    made = []
    for i in range(count):
        kind = kinds[i % 3]
        said = [*draw.choice(KINDS[kind], 3), *draw.choice(["the", "of", "please", "it"], 3)]
        made.append((" ".join(draw.permutation(said)) + f" {i}", kind))
    return made


def routed(router, text):
    return asyncio.run(router.route(of.Query(text)))


def recording(count=90, seed=0, skill=0.95):
    """Two members: one is good at sums, the other at the rest."""
    draw, drafts = np.random.default_rng(seed), []
    for i, (text, kind) in enumerate(prompts(count, seed)):
        for member in ("left", "right"):
            good = (kind == "sums") == (member == "left")
            right = bool(draw.random() < (skill if good else 1 - skill))
            drafts.append(of.Draft(f"q{i}", member, "…", text, correct=right))
    return of.Recording(drafts)


def test_texts_with_labels_make_a_router_that_knows_its_way(tmp_path):
    fit = fit_taxonomy(prompts(90), TO)
    router = fit.save(tmp_path / "t.npz")
    assert fit.figures["accuracy"] > 0.9
    assert fit.figures["precision"] > 0.9
    assert fit.figures["strangers"] < fit.figures["opinions"]
    assert list(routed(router, "a rhyme of the moon and the river")) == ["poet", "bard"]
    assert list(routed(router, "add one number to the total, then divide")) == ["mathe"]
    weights = routed(router, "import the class in python, null pointer")
    assert weights["coder"] > weights["mathe"] > 0


def test_without_to_the_labels_are_the_members(tmp_path):
    router = fit_taxonomy(prompts(60)).save(tmp_path / "t.npz")
    assert list(routed(router, "stanza and verse, lyrics of the river")) == ["songs"]


def test_tables_examples_and_pairs_say_the_same(tmp_path):
    table = tmp_path / "labels.csv"
    rows = prompts(45)
    table.write_text("text,label\n" + "".join(f"{text},{kind}\n" for text, kind in rows))
    examples = [of.Example(of.Query(text), kind) for text, kind in rows]
    hashes = {
        fit_taxonomy(given, TO).artifact.save(tmp_path / "t.npz")
        for given in (rows, iter(rows), table, str(table), examples)
    }
    assert len(hashes) == 1


def test_the_seed_decides_and_the_same_seed_gives_the_same_file(tmp_path):
    rows = prompts(90)
    one, two = (fit_taxonomy(rows, TO, most=30).artifact.save(tmp_path / "t.npz") for _ in "ab")
    other = fit_taxonomy(rows, TO, most=30, seed=1).artifact.save(tmp_path / "t.npz")
    assert one == two != other


def test_what_is_left_out_is_told():
    rows = [*prompts(60), *prompts(2), ("", "sums"), ("x", ""), ("ambiguous", "sums")]
    fit = fit_taxonomy([*rows, ("ambiguous", "songs"), ("lonely", "rare")], {"sums": "m"}, most=50)
    said = " | ".join(fit.notes)
    assert "2 texts without a text or a label" in said
    assert "2 texts with several labels" in said
    assert "2 texts that stand twice" in said
    assert "50 of 61 texts were kept" in said
    assert "fewer than five texts for rare" in said
    assert "nobody is named for bugs, rare, songs" in said


@pytest.mark.parametrize(
    ("rows", "to", "message"),
    [
        (prompts(9), TO, "9 texts of 3 labels: give at least 10"),
        ([(f"text {i}", "same") for i in range(20)], {"same": "m"}, "20 texts of 1 labels"),
        (prompts(30), {"song": "m"}, "no label named 'song'; did you mean 'songs'"),
        (prompts(30), {"sums": {"m": 2}}, "to.sums.m: 2 is no share"),
        (prompts(30), {}, "nobody is named for any label"),
        (["text", "more"], None, r"an example is a pair \(text, label\), not 'text'"),
    ],
)
def test_bad_examples_are_refused(rows, to, message):
    with pytest.raises(ConfigError, match=message):
        fit_taxonomy(rows, to)


def test_a_table_without_the_columns_is_refused(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("prompt,label\na,b\n")
    with pytest.raises(ConfigError, match="has no column text"):
        fit_taxonomy(table)


def test_an_encoder_that_gives_no_numbers_is_refused():
    class Broken(Encoder, name="test_fit_broken"):
        """Gives nan."""

        async def encode(self, texts):
            return np.full((len(texts), 4), np.nan)

    with pytest.raises(ConfigError, match="encoder test_fit_broken gave rows that are no numbers"):
        fit_taxonomy(prompts(30), TO, encoder=Broken())


@pytest.mark.parametrize("labelled", [True, False])
def test_graded_drafts_teach_who_is_good_at_what(tmp_path, labelled):
    labels = dict(prompts(90)) if labelled else None
    fit = fit_nearest(recording(), labels=labels)
    assert fit.figures["routed"] > fit.figures["single"] + 0.1
    assert 0.3 < fit.figures["gap_closed"] <= 1
    router = fit.save(tmp_path / "n.npz")
    one, other = (routed(router, t) for t in ("add digits, divide the total", "poem of the moon"))
    assert one["left"] > one["right"]
    assert other["right"] > other["left"]


def test_where_prompts_tell_nothing_the_best_single_member_is_preferred(tmp_path):
    draw, drafts = np.random.default_rng(0), []
    for i, (text, _) in enumerate(prompts(120)):
        for member, skill in (("good", 0.8), ("bad", 0.4)):
            right = bool(draw.random() < skill)
            drafts.append(of.Draft(f"q{i}", member, "…", text, correct=right))
    fit = fit_nearest(of.Recording(drafts))
    assert any("best single member preferred" in note for note in fit.notes)
    router = fit.save(tmp_path / "n.npz")
    for text, _ in prompts(9, seed=5):
        weights = routed(router, text)
        assert not weights or weights["good"] > weights["bad"]


def test_members_that_are_absent_here_and_there_are_judged_by_what_is_there(tmp_path):
    drafts = [d for i, d in enumerate(recording(120)) if i % 4 or d.member == "right"]
    drafts.append(of.Draft("q0", "silent", "…", "", correct=None))
    fit = fit_nearest(of.Recording(drafts))
    assert any("silent has no graded draft" in note for note in fit.notes)
    assert "silent" not in routed(fit.save(tmp_path / "n.npz"), "add digits, divide the total")


def test_too_few_questions_or_labels_are_refused():
    with pytest.raises(ConfigError, match="at least 20 are needed"):
        fit_nearest(recording(12))
    with pytest.raises(ConfigError, match="6 of 90 questions have a prompt, a grade and a label"):
        fit_nearest(recording(), labels={f"q{i}": "kind" for i in range(6)})
    blank = of.Recording(
        [of.Draft(d.query_id, d.member, "…", "", correct=d.correct) for d in recording()]
    )
    with pytest.raises(ConfigError, match="0 of 90 questions have a prompt and a grade"):
        fit_nearest(blank)


def test_means_are_drawn_towards_the_mean_over_all():
    scores = np.array([[1.0, np.nan], [1.0, 0.0], [0.0, np.nan], [0.0, np.nan]])
    assert mean(scores).tolist() == [0.5, 0.0]
    made = means(scores, np.array([0, 0, 1, 1]), 3)
    assert made[:, 0] == pytest.approx([3.5 / 5, 1.5 / 5, 0.5])
    assert made[:, 1].tolist() == [0, 0, 0]


def test_few_texts_are_kept_evenly():
    codes = np.array([0] * 50 + [1] * 3)
    kept = balanced(codes, 10, 0)
    assert np.bincount(codes[kept]).tolist() == [7, 3]
    assert (np.sort(kept) == kept).all()
