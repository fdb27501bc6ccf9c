"""Replayed models: they say again what was recorded, at the recorded pace and price."""

import pytest

import onefold as of
from onefold import Draft, Latency, Model, Panel, Query, Recording, Replay, Session
from onefold.core.errors import ConfigError, Refused
from onefold.runtime.clock import instantly

ROWS = [
    Draft("1", "ann", "four", "2 + 2?", tokens_in=9, tokens_out=3, usd=0.5, seconds=2.0),
    Draft("1", "bob", "five", "2 + 2?", confidence=0.25),
    Draft("2", "ann", "six", "3 + 3?", seconds=1.0),
]


@pytest.fixture
def path(tmp_path):
    Recording(ROWS).write(tmp_path / "r.jsonl")
    return str(tmp_path / "r.jsonl")


def ask(name, query, session):
    async def asked():
        with session:
            return await Model(name)(query)

    return instantly(asked())


def test_it_says_what_was_said_with_tokens_dollars_seconds_and_confidence(path):
    answer = ask("ann", Query("2 + 2?", id="1"), Session(of.replay(path)))
    assert answer.text == "four"
    assert answer.usage == of.Usage(9, 0, 3, 0.5, 1)
    assert answer.seconds == 2.0
    assert ask("bob", Query("2 + 2?", id="1"), Session(of.replay(path))).confidence == 0.25


def test_questions_are_found_by_their_id_or_by_their_prompt(path):
    session = Session(of.replay(path))
    assert ask("ann", Query("2 + 2?", id="1"), session).text == "four"
    assert ask("ann", "3 + 3?", session).text == "six"
    assert ask("ann", Query("3 + 3?", id="unheard-of"), session).text == "six"
    assert ask("ann", Query("3 + 3?", labels=("six", "seven")), session).text == "six"


def test_an_automatic_number_never_brings_the_answer_to_another_question(path):
    done = of.run(Model("ann"), ["3 + 3?", "2 + 2?"], session=Session(of.replay(path, pace=0)))
    assert [answer.text for answer in done.answers] == ["six", "four"]


@pytest.mark.parametrize(("pace", "seconds"), [(1.0, 2.0), (0.5, 1.0), (0.0, 0.0)])
def test_the_pace_says_how_fast_recorded_time_passes(path, pace, seconds):
    session = Session(of.replay(path, pace=pace))
    assert ask("ann", Query("2 + 2?", id="1"), session).seconds == seconds


def test_without_a_recorded_time_or_a_model_of_it_replies_come_at_once(path):
    assert ask("bob", Query("2 + 2?", id="1"), Session(of.replay(path))).seconds == 0


def test_a_latency_model_speaks_only_where_no_time_was_recorded(path):
    session = Session(of.replay(path, latency=Latency(3.0, 0.0, 0.5)))
    assert ask("ann", Query("2 + 2?", id="1"), session).seconds == 2.0
    assert ask("bob", Query("2 + 2?", id="1"), session).seconds == pytest.approx(3.5)


def test_a_latency_model_draws_the_same_each_time_and_another_for_each_question(path, tmp_path):
    rows = [Draft(str(i), "m", "x") for i in range(50)]
    Recording(rows).write(tmp_path / "many.jsonl")
    session = Session(of.replay(str(tmp_path / "many.jsonl"), latency=Latency(1.0)))
    drawn = [ask("m", Query("?", id=str(i)), session).seconds for i in range(50)]
    again = [ask("m", Query("?", id=str(i)), session).seconds for i in range(50)]
    assert drawn == again
    assert len(set(drawn)) == 50


def test_recorded_dollars_go_before_a_price_and_a_price_before_nothing(path):
    session = Session(of.replay(path, prices={"ann": of.Price(1e6, 1e6)}))
    assert ask("ann", Query("2 + 2?", id="1"), session).usage.usd == 0.5
    priced = ask("ann", Query("3 + 3?", id="2"), session).usage
    assert priced.usd == priced.tokens_in + priced.tokens_out
    assert priced.estimated
    assert ask("bob", Query("2 + 2?", id="1"), session).usage.usd is None


def test_a_price_for_somebody_else_is_an_error_with_the_nearest_name(path):
    with pytest.raises(ConfigError, match=r"'an'; did you mean 'ann'\?"):
        of.replay(path, prices={"an": of.Price(1, 1)})


def test_a_question_that_was_not_recorded_is_refused_and_the_panel_goes_on(path):
    panel = Panel([Model("ann"), Model("bob")], quorum=1)

    async def asked():
        with Session(of.replay(path)):
            return await panel(Query("3 + 3?", id="2"))

    answer = instantly(asked())
    assert answer.text == "six"
    failed = answer.drafts[1]
    assert failed.error.kind == "Refused"
    for part in ("r.jsonl", "no answer of bob", "'2'", "ask live models"):
        assert part in failed.error.message
    with pytest.raises(Refused):
        ask("bob", Query("3 + 3?", id="2"), Session(of.replay(path)))


def test_an_unknown_member_is_refused_before_anything_is_asked(path):
    asked = []

    class Counting(of.Provider, name="counting"):
        async def complete(self, request):
            asked.append(request)
            return of.Reply("x")

    session = Session({"live": {"provider": "counting"}, "anne": Replay(path)})
    with session, pytest.raises(ConfigError, match=r"recorded member named 'anne'.*'ann'"):
        Panel([Model("live"), Model("anne")]).ask("2 + 2?")
    with session, pytest.raises(ConfigError, match="anne"):
        of.run(Panel([Model("live"), Model("anne")]), ["2 + 2?"])
    assert asked == []


def test_a_missing_recording_is_refused_before_anything_is_asked(tmp_path):
    with (
        Session({"m": Replay(str(tmp_path / "none.jsonl"))}),
        pytest.raises(ConfigError, match="no file"),
    ):
        Model("m").ask("?")


def test_a_model_may_go_by_another_name_than_the_member_it_replays(path):
    session = Session({"teacher": Replay(path, member="ann")})
    assert ask("teacher", "2 + 2?", session).text == "four"


def test_samples_are_replayed_in_turn(tmp_path):
    rows = [Draft("1", "m", text, "?", sample=i) for i, text in enumerate("abc")]
    Recording(rows).write(tmp_path / "r.jsonl")

    async def asked():
        with Session(of.replay(str(tmp_path / "r.jsonl"))):
            return await Panel([Model("m")] * 3)("?")

    assert [d.text for d in instantly(asked()).drafts] == ["a", "b", "c"]


def test_a_replayed_run_decides_as_the_live_one_did(tmp_path):
    panel = Panel(["sim:small", "sim:medium", "sim:large"], vote="weighted", reads="number")
    questions = [of.Example(Query(f"{n} + 8?", id=f"q{n}"), str(n + 8)) for n in range(40)]
    live = instantly(of.arun(panel, questions, out=tmp_path / "live"))
    of.write_report(live, tmp_path / "live")
    session = Session(of.replay(str(tmp_path / "live" / "recording.jsonl")))
    again = instantly(of.arun(panel, questions, session=session))
    assert [a.value for a in again.answers] == [a.value for a in live.answers]
    assert [a.votes for a in again.answers] == [a.votes for a in live.answers]
    assert of.statistics(again).seconds_p95 == pytest.approx(of.statistics(live).seconds_p95)
    assert of.statistics(again).usage.usd == pytest.approx(of.statistics(live).usage.usd)


@pytest.mark.parametrize("pace", [-1, float("nan")])
def test_time_does_not_run_backwards(path, pace):
    with pytest.raises(ConfigError, match="pace"):
        Replay(path, pace=pace)
