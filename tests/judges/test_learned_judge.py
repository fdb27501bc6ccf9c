"""The learned judge: a file that scores drafts, checked by its hash."""

import asyncio
import shutil

import pytest

import onefold as of
from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.judges.learned import LearnedJudge
from onefold.learn.judge import fit_judge
from onefold.recording.recording import Draft
from onefold.verbs import Judge


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    def drafts(i, right):
        said = 2 * i if right else 2 * i + 1
        return Draft(f"q{i}", "a", f"{i} + {i} = {said}", f"{i} and {i}?", str(said), correct=right)

    recording = of.Recording([drafts(i, i % 3 > 0) for i in range(1, 60)])
    return fit_judge(recording).save(tmp_path_factory.mktemp("judge") / "judge.npz")


def score(judge, said):
    answer = Answer(f"7 + 7 = {said}", str(said), "a")
    return asyncio.run(judge.score(of.Query("7 and 7?"), answer))


def test_it_scores_what_it_never_saw(judge):
    assert 0 <= score(judge, 17) < score(judge, 14) <= 1


def test_in_a_panel_its_score_is_the_confidence(judge):
    member = of.Model("a", provider=of.Fake(["7 + 7 = 14"]))
    answer = of.Panel([member], vote="best", judge=judge).ask("7 and 7?")
    assert answer.drafts[0].confidence > 0.5


def test_it_comes_back_from_its_description(judge):
    assert build(dump(judge), Judge) == judge


def test_another_file_than_the_one_fitted_is_an_error(judge, tmp_path):
    with pytest.raises(ConfigError, match="hash"):
        score(LearnedJudge(judge.path, "0" * 64), 14)
    copy = str(shutil.copy(judge.path, tmp_path / "copy.npz"))
    with pytest.raises(ConfigError, match="cascade is wanted"):
        score(LearnedJudge(copy, of="cascade"), 14)
    with pytest.raises(ConfigError, match="no file"):
        score(LearnedJudge(judge.path + "x"), 14)
