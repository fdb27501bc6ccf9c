"""Runs: bounded, resumable, with what is wrong in one question kept to its row."""

import asyncio
from fractions import Fraction

import pytest
from crowd import LOG, crowd, go, paid, questions

import onefold as of
from onefold import Example, Fake, Model, Panel, Query, Session
from onefold.core.errors import ConfigError
from onefold.lab.book import read_outcomes
from onefold.runtime.clock import instantly


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
    done = go(
        Panel(["fake:It is blue."]), [Example(query, "blue"), Example(query.but(id="z"), "red")]
    )
    assert [o.correct for o in done] == [True, False]


def test_an_empty_prompt_is_an_error_in_its_row_alone():
    done = go(Panel(["fake:a", "fake:b"]), ["q", "", "  \n", "r"])
    kinds = [a.error and a.error.kind for a in done.answers]
    assert kinds == [None, "ConfigError", "ConfigError", None]
    assert "empty" in done.answers[1].error.message


def test_all_members_failing_is_an_error_in_its_row_with_its_drafts():
    session = Session(
        {"x": Fake(answers={"good": "yes"}, replies=("no",)), "y": Fake(error="Refused")}
    )
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
    go(
        Model("m"),
        questions(5),
        session=crowd(),
        out=tmp_path,
        progress=lambda o: heard.append(o.id),
    )
    assert sorted(heard) == ["1", "2", "3", "4", "5"]
    heard.clear()
    go(
        Model("m"),
        questions(7),
        session=crowd(),
        out=tmp_path,
        progress=lambda o: heard.append(o.id),
    )
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
