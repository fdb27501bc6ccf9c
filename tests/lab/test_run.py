"""Runs: bounded, resumable, with what is wrong in one question kept to its row."""

import asyncio
import gc
from fractions import Fraction

import pytest

import onefold as of
from onefold import Example, Fake, Model, Panel, Provider, Query, Reply, Session
from onefold.core.errors import ConfigError
from onefold.delivery.journal import Journal
from onefold.lab.book import read_outcomes
from onefold.runtime.clock import instantly


class Crowded(Provider, name="crowded"):
    """Counts how many calls are under way."""

    async def complete(self, request):
        book = LOG
        book["now"] += 1
        book["most"] = max(book["most"], book["now"])
        book["asked"].append(request.prompt)
        await asyncio.sleep(1.0)
        book["now"] -= 1
        return Reply(f"re {request.prompt}", 10, 0, 5)


LOG: dict = {}


@pytest.fixture(autouse=True)
def fresh_log():
    LOG.clear()
    LOG.update(now=0, most=0, asked=[])


def crowd(**more):
    entry = {"provider": "crowded", "price": {"tokens_in": 1e3, "tokens_out": 2e3}}
    return Session({"m": entry, "n": entry}, **more)


def go(operator, questions, **about):
    return instantly(of.arun(operator, questions, **about))


def questions(count):
    return [f"q{n}" for n in range(count)]


def paid(folder):
    journal = Journal(folder / "journal.sqlite")
    rows = journal.store.read("SELECT count(*) FROM calls WHERE status = 'ok'")[0][0]
    total = journal.total()
    journal.close()
    return rows, total


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_never_more_questions_are_in_flight_than_allowed(concurrency):
    async def timed():
        done = await of.arun(Model("m"), questions(20), session=crowd(), concurrency=concurrency)
        return done, asyncio.get_running_loop().time()

    done, seconds = instantly(timed())
    assert LOG["most"] == min(20, concurrency)
    assert seconds == pytest.approx(-(-20 // concurrency))
    assert [a.text for a in done.answers] == [f"re q{n}" for n in range(20)]


@pytest.mark.parametrize("concurrency", [0, -1])
def test_at_least_one_question_must_be_in_flight(concurrency):
    with pytest.raises(ConfigError, match=f"concurrency {concurrency}"):
        go(Model("m"), ["q"], concurrency=concurrency)


def test_outcomes_stand_in_the_order_of_their_questions():
    session = Session({"m": Fake(("a",), seconds=(3.0, 1.0, 2.0))})
    asked = [Query(f"q{n}", id=f"x{n}", sample=n) for n in range(6)]
    assert [o.id for o in go(Model("m"), asked, session=session)] == [f"x{n}" for n in range(6)]


def test_an_operator_may_be_given_by_its_spelling():
    assert go("fake:a", ["q"]).answers[0].text == "a"
    assert go({"panel": {"members": ["fake:a"]}}, ["q"]).answers[0].agreement == 1.0
    assert of.run("fake:a", ["q"]).answers[0].text == "a"


def test_no_questions_are_a_run_of_none(tmp_path):
    assert len(go(Model("m"), [], session=crowd(), out=tmp_path)) == 0


def test_answers_are_graded_by_what_the_operators_reader_reads():
    panel = Panel(["fake:The answer is 4."], reads="number")
    done = go(panel, [Example(Query("a"), "4"), Example(Query("b"), 4.0), Example(Query("c"), "5"),
                      Query("d")])  # fmt: skip
    assert [o.correct for o in done] == [True, True, False, None]


@pytest.mark.parametrize("expected", [4, 4.0, "4", " 4 "])
def test_a_number_that_is_expected_meets_the_same_number_in_a_text(expected):
    assert go(Model("fake:4"), [Example(Query("q"), expected)]).outcomes[0].correct


def test_a_query_brings_its_own_reader_and_labels():
    query = Query("Which colour?", labels=("red", "blue"), reads="choice")
    done = go(Panel(["fake:It is blue."]), [Example(query, "blue"), Example(query.but(id="z"), "red")])
    assert [o.correct for o in done] == [True, False]


def test_an_empty_prompt_is_an_error_in_its_row_alone():
    done = go(Panel(["fake:a", "fake:b"]), ["q", "", "  \n", "r"])
    kinds = [a.error and a.error.kind for a in done.answers]
    assert kinds == [None, "ConfigError", "ConfigError", None]
    assert "empty" in done.answers[1].error.message


def test_all_members_failing_is_an_error_in_its_row_with_its_drafts():
    session = Session({"x": Fake(answers={"good": "yes"}, replies=("no",)), "y": Fake(error="Refused")})
    done = go(Panel([Model("y"), Model("y")]), ["q"], session=session)
    answer = done.answers[0]
    assert answer.error.kind == "NoAnswer"
    assert [d.error.kind for d in answer.drafts] == ["Refused", "Refused"]


def test_a_ten_megabyte_prompt_is_an_error_in_its_row_and_nothing_is_called():
    done = go(Model("m"), ["q", "x" * 10_000_000, "r"], session=crowd())
    assert [a.error and a.error.kind for a in done.answers] == [None, "ConfigError", None]
    assert "10000000 characters" in done.answers[1].error.message
    assert sorted(LOG["asked"]) == ["q", "r"]
    assert len(done.answers[1].error.message) < 1000


def test_whatever_goes_wrong_with_one_question_stays_in_its_row():
    @of.operator
    def picky(query):
        if query.text == "bad":
            raise ZeroDivisionError("by zero")
        return "fine"

    done = go(picky, ["a", "bad", "b"])
    assert [a.text for a in done.answers] == ["fine", "", "fine"]
    assert done.answers[1].error.kind == "ZeroDivisionError"


def test_a_reader_that_raises_spoils_its_row_alone():
    @of.reader
    def brittle(text):
        return float(text)

    session = Session({"m": Fake(answers={"bad": "many"}, replies=("4",))})
    done = go(Panel([Model("m")], reads=brittle), ["a", "bad"], session=session)
    assert [a.error is None for a in done.answers] == [True, False]


def test_a_value_that_json_does_not_know_is_written_as_its_spelling(tmp_path):
    @of.reader
    def halves(text):
        return Fraction(text)

    panel = Panel(["fake:1/2"], reads=halves)
    done = go(panel, ["q"], out=tmp_path)
    assert done.answers[0].value == Fraction(1, 2)
    of.write_report(done, tmp_path)
    again = go(panel, ["q"], out=tmp_path)
    assert again.answers[0].text == "1/2"
    assert paid(tmp_path)[0] == 1


def test_half_a_character_in_a_reply_does_not_end_the_run(tmp_path):
    done = go(Model("m"), ["q", "r"], session=Session({"m": Fake(("a\ud800b",))}), out=tmp_path)
    assert len(read_outcomes(tmp_path / "answers.jsonl")) == 2
    of.write_report(done, tmp_path)


def test_progress_hears_each_question_once_also_those_that_were_there(tmp_path):
    heard = []
    go(Model("m"), questions(5), session=crowd(), out=tmp_path, progress=lambda o: heard.append(o.id))
    assert sorted(heard) == ["1", "2", "3", "4", "5"]
    heard.clear()
    go(Model("m"), questions(7), session=crowd(), out=tmp_path, progress=lambda o: heard.append(o.id))
    assert sorted(heard) == ["1", "2", "3", "4", "5", "6", "7"]


def test_two_questions_with_one_id_are_refused_before_anything_is_asked():
    with pytest.raises(ConfigError, match=r"two questions have the id 'x': rename one"):
        go(Model("m"), [Query("a", id="x"), Query("b", id="x")], session=crowd())
    assert LOG["asked"] == []


def test_the_same_text_twice_is_two_questions_and_two_calls(tmp_path):
    done = go(Model("m"), ["q", "q"], session=crowd(), out=tmp_path)
    assert [o.id for o in done] == ["1", "2"]
    assert paid(tmp_path)[0] == 2


def test_an_unknown_model_is_refused_before_anything_is_asked(tmp_path):
    with pytest.raises(ConfigError, match=r"'mm'.*did you mean 'm'"):
        go(Panel([Model("m"), Model("mm")]), ["q"], session=crowd(), out=tmp_path)
    assert LOG["asked"] == []


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
    assert of.statistics(again).seconds_p50 == pytest.approx(of.statistics(whole).seconds_p50, abs=0.01)


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
