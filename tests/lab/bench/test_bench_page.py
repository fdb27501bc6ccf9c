"""The page and the plots: whole, safe, sortable, and telling what is in the results."""

import csv
import json
import re
import sys
import types
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeup import PRICES, recording, row, rows

from onefold import ConfigError, MissingExtra
from onefold.lab.bench.bench import bench
from onefold.lab.bench.page import frontier_plot, plots, write_bench
from onefold.lab.bench.plots import Axis, Heat, Mark, Plot, Scale, Series, png, svg, ticks
from onefold.lab.bench.results import Results
from onefold.lab.bench.summary import figures

HOSTILE = "<script>alert('1')</script>\"&]]> =cmd() 日本"
VOID = {"meta"}


class Checked(HTMLParser):
    """Follows tags, and fails where one does not close."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []

    def handle_starttag(self, tag, about):
        self.seen.append((tag, dict(about)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, about):
        self.seen.append((tag, dict(about)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def benched():
    vote = "vote=panel: {members: [{model: cheap}, {model: fair}, {model: dear}], reads: number}"
    return bench([vote], recording=recording(), prices=PRICES)


def test_a_bench_writes_every_file(benched, tmp_path):
    folder = write_bench(benched, tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == {
        "results.csv", "summary.csv", "pairs.csv", "figures.json", "report.html", "frontier.svg",
        "reliability.svg", "agreement.svg", "same_mistake.svg", "both_wrong.svg",
    }  # fmt: skip
    assert Results.load(folder / "results.csv").rows == benched.rows
    with (folder / "summary.csv").open(newline="") as file:
        held = {each["system"]: each for each in csv.DictReader(file)}
    assert set(held) == {"cheap", "fair", "dear", "vote"}
    assert held["vote"]["schema"] == "1"
    assert held["vote"]["calls"] == "3.0"
    numbers = json.loads((folder / "figures.json").read_text())
    assert (numbers["best"], numbers["members"]) == ("dear", 3)


def test_the_page_needs_nothing_else_and_says_what_the_results_say(benched, tmp_path):
    text = (write_bench(benched, tmp_path) / "report.html").read_text()
    page = Checked()
    page.feed(text)
    assert page.open == []
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert not any("src" in about or "href" in about for _, about in page.seen)
    said = " ".join(page.texts)
    for words in ("Bench: recording", "vote", "$ / correct", "independent voters among 3"):
        assert words in said
    assert sum(tag == "button" for tag, _ in page.seen) > 8


def test_hostile_names_are_text_on_the_page_and_in_the_plots(tmp_path):
    held = [
        *rows(HOSTILE, [1, 0, 1], usd=1.0, confidence=0.5),
        *rows("b", [1, 1, 0], usd=2.0, family=HOSTILE, confidence=0.7),
        *rows("c", [1, 1, 1], usd=3.0),
    ]
    results = Results([*held], [HOSTILE])
    folder = write_bench(results, tmp_path)
    page = Checked()
    page.feed((folder / "report.html").read_text())
    assert [tag for tag, _ in page.seen].count("script") == 1
    assert any(HOSTILE in text for text in page.texts)
    for path in folder.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert HOSTILE in (folder / "frontier.svg").read_text().replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&")


def test_the_frontier_shows_members_systems_mixtures_and_the_oracle(benched):
    plot = frontier_plot(benched, figures(benched))
    assert [each.name for each in plot.series] == [
        "members",
        "systems",
        "random mixtures",
        "oracle",
    ]
    assert plot.x.log
    named = {mark.name for each in plot.series for mark in each.marks if mark.named}
    assert named >= {"vote", "dear"}
    free = Results([*rows("a", [1, 0], usd=0.0), *rows("b", [1, 1], usd=1.0)])
    assert not frontier_plot(free, figures(free)).x.log


def test_without_costs_or_confidence_there_is_a_page_all_the_same(tmp_path):
    results = Results([row("q1", "a", family="member"), row("q2", "a", 1.0, family="member")])
    assert plots(results, figures(results)) == {}
    folder = write_bench(results, tmp_path)
    assert {path.suffix for path in folder.iterdir()} == {".csv", ".json", ".html"}


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e5), st.booleans())
def test_ticks_are_few_round_and_inside(low, ratio, log):
    high = low * ratio
    found = ticks(low, high, log)
    assert len(found) <= 16
    assert all(low * (1 - 1e-6) <= each <= high * (1 + 1e-6) for each in found)
    assert found == sorted(set(found))


def test_a_scale_keeps_to_its_ends():
    scale = Scale(1.0, 100.0, 0.0, 50.0, log=True)
    assert [scale(v) for v in (0.1, 1, 10, 1000)] == pytest.approx([0, 0, 25, 50])


def test_names_that_have_no_room_are_left_out():
    marks = tuple(Mark(1.0, 1.0, f"mark {n}", named=True) for n in range(30))
    drawn = svg(Plot("t", Axis("x"), Axis("y"), (Series("", marks),)))
    tree = ElementTree.fromstring(drawn)
    shown = [each.text for each in tree.iter() if each.text and each.text.startswith("mark")]
    texts = [e for e in tree.iter() if e.tag.endswith("text") and (e.text or "").startswith("mark")]
    assert 0 < len(texts) < 12
    assert len(shown) == 30 + len(texts)  # the others are told when pointed at


def test_nothing_to_plot_is_told():
    with pytest.raises(ConfigError, match="nothing to plot"):
        svg(Plot("t", Axis("x"), Axis("y"), ()))


def test_a_matrix_leaves_unknown_cells_empty():
    drawn = svg(Heat("h", ("a", "b"), ((1.0, float("nan")), (0.5, 1.0))))
    assert drawn.count("<title>") == 1 + 3


def test_png_needs_an_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"onefold\[plots\]"):
        png(Heat("h", ("a",), ((1.0,),)), tmp_path / "h.png")


def test_png_is_drawn_by_matplotlib(monkeypatch, benched, tmp_path):
    real = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert isinstance(real, types.ModuleType)
    folder = write_bench(benched, tmp_path, images=True)
    assert {p.stem for p in folder.glob("*.png")} == {p.stem for p in folder.glob("*.svg")}
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in folder.glob("*.png"))
