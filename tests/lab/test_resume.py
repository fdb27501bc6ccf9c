"""Runs that go on: nothing is paid twice, nothing mixed in, and the total is that of one pass."""

import asyncio
import gc
from contextlib import suppress
from math import inf
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from crowd import LOG, crowd, go, paid, questions
from hypothesis import example, given, settings
from hypothesis import strategies as st

import onefold as of
from onefold import Example, Fake, Model, Panel, Provider, Query, Reply, Session
from onefold.core.errors import ConfigError
from onefold.lab.book import read_outcomes
from onefold.runtime.clock import instantly

PANEL = Panel([Model("m"), Model("n")])


def test_a_finished_run_asks_nobody_again_and_keeps_its_numbers(tmp_path):
    first = go(PANEL, questions(10), session=crowd(), out=tmp_path)
    asked = len(LOG["asked"])
    again = go(PANEL, questions(10), session=crowd(), out=tmp_path)
    assert len(LOG["asked"]) == asked == 20
    assert again.answers == first.answers
    assert of.statistics(again) == of.statistics(first)


def test_the_journal_holds_one_row_a_call_and_its_total_is_the_runs(tmp_path):
    done = go(PANEL, questions(10), session=crowd(), out=tmp_path)
    rows, total = paid(tmp_path)
    assert rows == 20
    assert total.usd == pytest.approx(of.statistics(done).usage.usd) == pytest.approx(20 * 0.02)


def interrupted(folder, operator, asked, after, session=None, **about):
    """A run that is cancelled after so many virtual seconds, as Ctrl-C would."""

    async def cut():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await of.arun(operator, asked, session=session or crowd(), out=folder, **about)

    instantly(cut())


@pytest.mark.parametrize("after", [0.5, 1.5, 2.5])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, after):
    interrupted(tmp_path, PANEL, questions(12), after, concurrency=4)
    had = paid(tmp_path)[0]
    again = go(PANEL, questions(12), session=crowd(), out=tmp_path)
    whole = go(PANEL, questions(12), session=crowd())
    assert [a.but(seconds=0, drafts=()) for a in again.answers] == [
        a.but(seconds=0, drafts=()) for a in whole.answers
    ]
    assert had == 8 * int(after)
    assert paid(tmp_path)[0] == 24
    assert of.statistics(again).usage == of.statistics(whole).usage


def test_calls_that_were_paid_but_not_yet_answered_come_from_the_journal(tmp_path):
    whole = go(PANEL, questions(6), session=crowd(), out=tmp_path)
    lines = (tmp_path / "answers.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "answers.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:40])
    asked = len(LOG["asked"])
    again = go(PANEL, questions(6), session=crowd(), out=tmp_path)
    assert len(LOG["asked"]) == asked
    assert of.statistics(again).usage == of.statistics(whole).usage
    assert [a.text for a in again.answers] == [a.text for a in whole.answers]
    assert len(read_outcomes(tmp_path / "answers.jsonl")) == 6


def test_recalled_calls_keep_the_time_that_they_took(tmp_path):
    whole = go(PANEL, questions(6), session=crowd(), out=tmp_path)
    (tmp_path / "answers.jsonl").unlink()
    again = go(PANEL, questions(6), session=crowd(), out=tmp_path)
    assert of.statistics(again).seconds_p50 == pytest.approx(
        of.statistics(whole).seconds_p50, abs=0.01
    )


def test_a_hedged_run_that_resumes_ends_with_the_total_of_one_pass(tmp_path):
    slow = Model("a", provider=Fake(("x",), seconds=(0.3,), tokens=(10, 5), price=(1e3, 2e3)))
    other = Model("b", provider=Fake(("y",), seconds=(9.0,), tokens=(10, 5), price=(1e3, 2e3)))
    panel = of.hedged([slow, other], after=0.1)
    whole = of.statistics(go(panel, questions(4), out=tmp_path)).usage
    assert whole.calls == paid(tmp_path)[1].calls == 8
    assert whole.usd == pytest.approx(paid(tmp_path)[1].usd)
    lines = (tmp_path / "answers.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "answers.jsonl").write_bytes(b"".join(lines[:1]))
    again = of.statistics(go(panel, questions(4), out=tmp_path)).usage
    assert again.usd == pytest.approx(whole.usd)
    assert paid(tmp_path)[1].usd == pytest.approx(whole.usd)


@pytest.mark.parametrize("cut", [1, 30, 200, 400])
def test_a_line_that_was_cut_off_is_asked_again_from_the_journal(tmp_path, cut):
    go(Model("m"), questions(3), session=crowd(), out=tmp_path)
    whole = (tmp_path / "answers.jsonl").read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    (tmp_path / "answers.jsonl").write_bytes(whole[: -len(last)] + last[: min(cut, len(last) - 2)])
    again = go(Model("m"), questions(3), session=crowd(), out=tmp_path)
    assert len(again) == 3
    assert len(LOG["asked"]) == 3


def test_a_broken_line_in_the_middle_is_named_and_nothing_is_lost(tmp_path):
    go(Model("m"), questions(3), session=crowd(), out=tmp_path)
    path = tmp_path / "answers.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{half\n" + lines[2])
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"answers\.jsonl, line 2 cannot be read"):
        go(Model("m"), questions(3), session=crowd(), out=tmp_path)
    assert path.read_bytes() == before


def test_failed_questions_are_asked_again_and_good_ones_are_not(tmp_path):
    panel = Panel([Model("m")])

    class Moody(Provider, name="moody"):
        async def complete(self, request):
            LOG["asked"].append(request.prompt)
            if request.prompt == "bad" and LOG["asked"].count("bad") == 1:
                raise of.Unreachable("gone")
            return Reply("ok", 1, 0, 1)

    first = go(panel, ["good", "bad"], session=Session({"m": "moody"}), out=tmp_path)
    assert [a.error is None for a in first.answers] == [True, False]
    again = go(panel, ["good", "bad"], session=Session({"m": "moody"}), out=tmp_path)
    assert [a.text for a in again.answers] == ["ok", "ok"]
    assert sorted(LOG["asked"]) == ["bad", "bad", "good"]
    assert len(read_outcomes(tmp_path / "answers.jsonl")) == 2


def test_more_questions_may_be_added_and_fewer_asked_without_losing_any(tmp_path):
    go(Model("m"), questions(4), session=crowd(), out=tmp_path)
    assert len(go(Model("m"), questions(2), session=crowd(), out=tmp_path)) == 2
    assert len(go(Model("m"), questions(6), session=crowd(), out=tmp_path)) == 6
    assert len(LOG["asked"]) == 6


def test_another_operator_is_refused_and_the_folder_is_left_as_it_was(tmp_path):
    go(Model("m"), ["q"], session=crowd(), out=tmp_path)
    before = (tmp_path / "answers.jsonl").read_bytes()
    with pytest.raises(ConfigError, match=r"run of another operator.*choose another folder"):
        go(PANEL, ["q"], session=crowd(), out=tmp_path)
    assert (tmp_path / "answers.jsonl").read_bytes() == before
    assert len(go(Model("m"), ["q"], session=crowd(), out=tmp_path)) == 1


def test_other_models_under_the_same_names_are_refused(tmp_path):
    go(Model("m"), ["q"], session=Session({"m": Fake(("old",))}), out=tmp_path)
    with pytest.raises(ConfigError, match="another"):
        go(Model("m"), ["q", "r"], session=Session({"m": Fake(("new",))}), out=tmp_path)


def test_another_price_is_no_other_model(tmp_path):
    for price in (1, 2):
        entry = {"provider": "fake:a", "price": {"tokens_in": price, "tokens_out": 1}}
        done = go(Model("m"), ["q"], session=Session({"m": entry}), out=tmp_path)
    assert len(done) == 1


def test_another_question_under_the_same_id_is_refused(tmp_path):
    go(Model("m"), [Query("old", id="x")], session=crowd(), out=tmp_path)
    with pytest.raises(ConfigError, match=r"another question under id 'x': 'old'"):
        go(Model("m"), [Query("new", id="x")], session=crowd(), out=tmp_path)


def test_what_is_right_may_be_corrected_afterwards(tmp_path):
    query = Query("q", id="x")
    go(Model("fake:a"), [Example(query, "b")], out=tmp_path)
    again = go(Model("fake:a"), [Example(query, "a")], out=tmp_path)
    assert (again.outcomes[0].expected, again.outcomes[0].correct) == ("a", True)


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    async def both():
        async with asyncio.TaskGroup() as group:
            first = group.create_task(of.arun(Model("m"), ["q"], session=crowd(), out=tmp_path))
            await asyncio.sleep(0.5)
            with pytest.raises(ConfigError, match=r"another run is writing to"):
                await of.arun(Model("m"), ["q"], session=crowd(), out=tmp_path)
        return first.result()

    assert len(instantly(both())) == 1


def test_a_refused_run_lets_the_folder_go(tmp_path):
    go(Model("m"), ["q"], session=crowd(), out=tmp_path)
    kept = []
    for wrong in (PANEL, Model("n")):
        with pytest.raises(ConfigError) as error:
            go(wrong, ["q"], session=crowd(), out=tmp_path)
        kept.append(error)
    with pytest.raises(ConfigError) as error:
        go(Model("m"), [Query("r", id="1")], session=crowd(), out=tmp_path)
    kept.append(error)
    assert len(go(Model("m"), ["q"], session=crowd(), out=tmp_path)) == 1
    gc.collect()


def test_a_session_may_serve_several_runs_each_with_its_own_journal(tmp_path):
    with crowd(cache="memory") as session:
        go(Model("m"), ["q"], session=session, out=tmp_path / "a")
        go(Model("m"), ["q", "r"], session=session, out=tmp_path / "b")
    assert sorted(LOG["asked"]) == ["q", "r"]
    assert (paid(tmp_path / "a")[0], paid(tmp_path / "b")[0]) == (1, 1)


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_asked(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "in"):
        with pytest.raises(ConfigError, match=r"cannot be written to.*name another folder"):
            go(Model("m"), ["q"], session=crowd(), out=folder)
    assert LOG["asked"] == []


delays = st.lists(
    st.sampled_from([0.41, 0.73, 1.31, 1.93, 2.57]), min_size=2, max_size=3, unique=True
)
strategies = st.sampled_from(
    [
        {"stop": "never"},
        {"stop": "first", "stagger": 0.5, "quorum": 1},
        {"stop": "agree", "stagger": inf},
        {"stop": "decided", "stagger": 0.5},
        {"stop": {"first": 2}, "stagger": 0.0},
    ]
)


@pytest.mark.parametrize("way", ["kill -9", "Ctrl-C"])
def test_whenever_and_however_it_is_interrupted_a_run_comes_out_as_in_one_pass(way):
    @settings(max_examples=40)
    @given(delays, strategies, st.floats(0.1, 9), st.integers(1, 4))
    @example([0.73, 0.41], {"stop": "first", "stagger": 0.5, "quorum": 1}, 1.0, 1)
    @example([0.41, 0.73], {"stop": "first", "stagger": 0.5, "quorum": 1}, 1.0, 1)
    def holds(times, strategy, after, concurrency):
        panel = Panel(
            [
                Model(f"m{i}", provider=Fake((f"{i % 2}",), seconds=(t,), price=(1e3, 2e3)))
                for i, t in enumerate(times)
            ],
            **strategy,
        )

        async def cut(folder):
            with suppress(TimeoutError):
                async with asyncio.timeout(after):
                    async with asyncio.TaskGroup() as group:
                        about = {"out": folder / "first", "concurrency": concurrency}
                        work = group.create_task(of.arun(panel, questions(6), **about))
                        if way == "kill -9":  # what the disk holds then is all that is left
                            await asyncio.sleep(after - 0.01)
                            copytree(folder / "first", folder / "cut")
                            work.cancel()

        with TemporaryDirectory() as name:
            folder = Path(name)
            instantly(cut(folder))
            left = folder / ("cut" if way == "kill -9" else "first")
            again = go(panel, questions(6), out=left, concurrency=concurrency)
            whole = go(panel, questions(6), out=folder / "whole", concurrency=concurrency)
            assert [a.text for a in again.answers] == [a.text for a in whole.answers]
            assert [a.votes for a in again.answers] == [a.votes for a in whole.answers]
            assert paid(left)[0] == paid(folder / "whole")[0]
            used, once = of.statistics(again).usage, of.statistics(whole).usage
            assert used.calls == once.calls
            assert used.usd == pytest.approx(once.usd)

    holds()
