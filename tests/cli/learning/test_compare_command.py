"""`onefold compare` as its users call it."""

import json

import pytest

from onefold.lab.bench.results import Result, Results


def results(**systems):
    return Results(
        Result("d", f"q{n}", name, "member", score=float(score), correct=bool(score), usd=cost)
        for name, (scores, cost) in systems.items()
        for n, score in enumerate(scores)
    )


@pytest.fixture
def written(tmp_path):
    """Two files: `b` stands in both."""
    results(a=([1] * 30 + [0] * 10, 1.0), b=([0] * 20 + [1] * 20, 2.0)).write(tmp_path / "A.csv")
    results(b=([1] * 35, 4.0)).write(tmp_path / "B.csv")


@pytest.mark.usefixtures("written")
def test_systems_of_both_files_are_compared_by_name(onefold):
    called = onefold("compare", "A.csv", "B.csv")
    assert called.code == 0, called.err
    (line,) = called.out.splitlines()[1:]
    assert line.split()[:5] == ["d", "b", "42.86%", "b", "100.00%"]
    assert "0.50 (0.50 to 0.50)" in line
    assert line.endswith("worse")
    assert "5 questions only b was asked were left out" in called.err


@pytest.mark.usefixtures("written")
def test_systems_of_one_file_are_compared_when_named(onefold):
    called = onefold("compare", "A.csv", "--one", "a", "--two", "b", "--json")
    (found,) = json.loads(called.out)
    assert (found["questions"], found["better"], found["worse"]) == (40, 20, 10)
    assert found["gain"] == 0.25
    assert found["usd_ratio"] == [0.5, 0.5, 0.5]


@pytest.mark.usefixtures("written")
def test_what_cannot_be_compared_is_one_line(refused, tmp_path):
    assert "--one, --two" in refused("compare", "A.csv")
    assert "did you mean" in refused("compare", "A.csv", "B.csv", "--one", "aa")
    (tmp_path / "x.csv").write_text("id,text\n1,2\n")
    assert "no column 'schema'" in refused("compare", "x.csv", "B.csv")
    assert "no file" in refused("compare", "y.csv", "B.csv")
