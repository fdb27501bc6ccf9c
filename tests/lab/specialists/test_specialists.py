"""Specialists in numbers, their report, and the map of what they know."""

import json

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError, MissingExtra
from onefold.lab.bench.plots import svg
from onefold.lab.run import run
from onefold.lab.specialists import map as mapping
from onefold.lab.specialists.figures import figures
from onefold.lab.specialists.map import map_of
from onefold.lab.specialists.report import RESULTS, SUMMARY, summary, write_results
from onefold.learn.routers.manifold import fit_manifold

SUITED = {"mathematical": "mathe", "creative_writing": ["poet", "bard"]}
MATH, VERSE = "Solve the equation {} + x = 12", "Write a poem on {} moons"


def engine():
    """Two specialists behind keywords; the poet is sure and never right on sums."""
    members = {
        "mathe": of.Model("mathe", provider=of.Fake(("12",), confidence=0.9)),
        "poet": of.Model("poet", provider=of.Fake(("la",), confidence=0.8)),
    }
    return of.Panel(members, route=of.Keywords({"math": "mathe", "writing": "poet"}), vote="best")


@pytest.fixture(scope="module")
def numbers():
    asked = [(MATH, "12")] * 6 + [(VERSE, "la")] * 3 + [(VERSE, "lo")]
    questions = [
        of.Example(of.Query(text.format(number), id=str(number)), right)
        for number, (text, right) in enumerate(asked)
    ]
    return figures(run(engine(), questions), suited=SUITED)


def test_usage_success_scores_and_selection_of_a_run(numbers):
    assert (numbers.answers, numbers.success, numbers.score) == (10, 1.0, 0.9)
    assert numbers.selection == 1.0
    members = {each.member: each for each in numbers.members}
    assert members["mathe"].share == 0.6
    assert members["poet"].score == 0.75
    assert members["poet"].seconds_p50 <= members["poet"].seconds_p99
    tasks = {each.task: each for each in numbers.tasks}
    assert tasks["creative_writing"].members == {"poet": 0.75}


def test_calibration_is_the_mean_distance_of_confidence_and_score(numbers):
    assert numbers.confidence == pytest.approx(0.86)
    assert numbers.calibration == pytest.approx(0.6 * 0.1 + 0.4 * 0.05)
    assert [each.count for each in numbers.bins] == [4, 6]


def test_a_recording_counts_with_its_own_tasks_and_grades():
    drafts = [
        of.Draft("1", "mathe", "4", "p", value="4", expected="4", task="mathematical", seconds=2),
        of.Draft("2", "poet", "5", "q", value="5", expected="4", task="mathematical", usd=0.5),
        of.Draft("3", "poet", "?", "r", task="chat"),
    ]
    found = figures(of.Recording(drafts), suited=SUITED)
    assert found.score == 0.5
    assert found.selection == 0.5
    assert found.calibration is None
    assert {each.member: each.usd for each in found.members} == {"mathe": None, "poet": 0.5}


def test_experience_counts_and_tasks_can_be_told():
    with of.Session() as session:
        engine().ask(MATH.format(3)).feedback(0.25)
        found = figures(session.experience, lambda _: "sums")
    assert (found.answers, found.score) == (1, 0.25)
    assert [each.task for each in found.tasks] == ["sums"]


def test_failures_are_told_and_nothing_at_all_is_fine():
    broken = of.Panel({"mathe": of.Model("mathe", provider=of.Fake(("12",), error="Refused"))})
    found = figures(run(broken, [MATH.format(1)]))
    assert found.success == 0.0
    assert found.seconds_p50 is None
    assert figures(of.Recording([])).answers == 0


def test_results_are_written_as_json_and_as_a_summary(numbers, tmp_path):
    folder = write_results(numbers, tmp_path / "results")
    assert json.loads((folder / RESULTS).read_text())["selection"] == 1.0
    text = (folder / SUMMARY).read_text("utf-8")
    assert text == summary(numbers)
    assert "Selection accuracy: 100.0%" in text
    assert "mathe: 6 (60.0%)" in text
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_results(numbers, tmp_path / "file" / "below")


@pytest.fixture(scope="module")
def fit():
    drafts = [
        of.Draft(text, member, "…", text, correct=(form == MATH) == (member == "mathe"))
        for form in (MATH, VERSE)
        for text in (form.format(number) for number in range(30))
        for member in ("mathe", "poet")
    ]
    return fit_manifold(of.Recording(drafts))


def test_a_map_shows_who_does_best_where(fit):
    found = map_of(fit)
    assert found.places.shape == (60, 2)
    assert found.names == ("mathe", "poet")
    assert found.groups.tolist() == [0] * 30 + [1] * 30
    assert "poet" in svg(found.plot())


def test_a_map_without_grades_shows_regions():
    found = map_of(fit_manifold([MATH.format(n) for n in range(30)]))
    assert found.names[0] == "region 1"
    assert svg(found.plot("Regions"))


class Projector:
    """Stands in for UMAP and HDBSCAN."""

    def __init__(self, **fields):
        self.fields = fields

    def fit_transform(self, points):
        return np.asarray(points[:, :2], np.float64)

    def fit_predict(self, places):
        return np.where(np.arange(len(places)) < 5, -1, np.arange(len(places)) % 2)


def test_umap_and_hdbscan_are_asked_where_they_are_installed(fit, monkeypatch):
    class Installed:
        UMAP = HDBSCAN = Projector

    monkeypatch.setattr(mapping, "import_module", lambda _: Installed)
    found = map_of(fit, "umap", "hdbscan")
    assert found.names == ("group 1", "group 2")
    assert "others" in svg(found.plot())


@pytest.mark.parametrize("fields", [{"way": "umap"}, {"groups": "hdbscan"}])
def test_without_them_the_extra_is_named(fit, fields, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(mapping, "import_module", missing)
    with pytest.raises(MissingExtra, match="manifold"):
        map_of(fit, **fields)
