"""The notebook runs from top to bottom, cell by cell, and what it shows can be shown."""

import ast
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from madeup import PRICES, recording

from onefold.lab.bench.bench import bench

NOTEBOOK = Path(__file__).resolve().parents[3] / "notebooks" / "results.ipynb"


def cells():
    book = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (book["nbformat"], len({cell["id"] for cell in book["cells"]})) == (
        4,
        len(book["cells"]),
    )
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def run(space):
    """Run every cell as a notebook does: its last expression is what it shows."""
    shown = []
    for cell in cells():
        assert (cell["outputs"], cell["execution_count"]) == ([], None)  # kept clean in the tree
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), "<cell>", "exec"), space)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), "<cell>", "eval"), space))
    return shown


def plots(shown):
    drawn = [each._repr_html_() for each in shown if hasattr(each, "_repr_html_")]
    return [ElementTree.fromstring(text) for text in drawn]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_it_runs_with_simulated_models(capsys, monkeypatch):
    monkeypatch.delenv("RESULTS", raising=False)
    assert len(plots(run({"__name__": "__main__"}))) == 2
    said = capsys.readouterr().out
    assert "5 systems on sums" in said
    assert "points" in said
    assert "Total Predictions: 40" in said


def test_it_reads_results_of_ones_own(capsys, monkeypatch, tmp_path):
    bench(recording=recording(), prices=PRICES, reads="number").write(tmp_path / "mine.csv")
    monkeypatch.setenv("RESULTS", str(tmp_path / "mine.csv"))
    assert plots(run({"__name__": "__main__"})[:2])
    assert "3 systems on recording" in capsys.readouterr().out
