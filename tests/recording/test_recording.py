"""Recordings: drafts load from any table, whatever its columns are called, and are written back."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onefold as of
from onefold import Draft, Price, Recording
from onefold.core.errors import ConfigError
from onefold.core.tally import spell
from onefold.recording.recording import opened

ENDINGS = ["jsonl", "json", "csv", "parquet"]
names = st.text(min_size=1, max_size=12)
shares = st.none() | st.floats(0, 1)
drafts = st.builds(
    Draft,
    query_id=names,
    member=names,
    text=st.text(max_size=20) | st.sampled_from(['"q", ', "a\r\nb", "\r", "'", "x\ty"]),
    prompt=st.text(max_size=20),
    value=st.none() | st.text(st.characters(categories=["L"]), min_size=1),
    expected=st.none() | st.text(st.characters(categories=["L"]), min_size=1),
    correct=st.none() | st.booleans(),
    tokens_in=st.none() | st.integers(0, 10**9),
    tokens_out=st.none() | st.integers(0, 10**9),
    usd=st.none() | st.floats(0, 10),
    seconds=st.none() | st.floats(0, 100),
    confidence=shares,
    sample=st.integers(0, 9),
)


def draft(query_id="1", member="m", text="4", **about):
    return Draft(query_id, member, text, **about)


def saved(path, *listed):
    Recording(listed).write(path)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_comes_back(tmp_path, ending):
    path = tmp_path / f"r.{ending}"

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(drafts, min_size=1, max_size=5))
    def holds(listed):
        loaded = Recording.load(saved(path, *listed))
        assert loaded.drafts == listed
        assert loaded.faults == []

    holds()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "value",
    [4.0, 0.5, 4, True, [1, "x"], {"a": 1}, "4", "true", "null", '"x"', "1e5", '{"b": 1}', "[1"],
)
def test_a_value_of_any_type_comes_back_and_its_expected_is_spelled_alike(tmp_path, ending, value):
    loaded = Recording.load(saved(tmp_path / f"r.{ending}", draft(value=value, expected=value)))
    (got,) = loaded
    assert got.value == value
    assert type(got.value) is type(value)
    assert spell(got.expected) == spell(value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_values_of_different_types_stand_in_one_column(tmp_path, ending):
    listed = [draft(str(i), value=value) for i, value in enumerate([4.0, "four", None, True, [1]])]
    assert Recording.load(saved(tmp_path / f"r.{ending}", *listed)).drafts == listed


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_recording_votes_the_same_after_a_round_trip(tmp_path, ending):
    recording = Recording([draft(member="a", text="4", value=4.0, expected="4"),
                           draft(member="b", text="It is 4.", expected="4")])  # fmt: skip
    recording.write(tmp_path / f"r.{ending}")
    ballots = of.Ballots(Recording.load(tmp_path / f"r.{ending}"), of.Number())
    assert ballots.accuracy() == {"a": 1.0, "b": 1.0}
    assert list(ballots.vote().agreement) == [1.0]


def test_a_column_that_first_appears_late_is_not_lost(tmp_path):
    listed = [draft(str(i)) for i in range(150)] + [draft("last", confidence=0.5, usd=0.1)]
    for ending in ENDINGS:
        loaded = Recording.load(saved(tmp_path / f"r.{ending}", *listed))
        assert loaded.drafts[-1] == listed[-1]


@pytest.mark.parametrize(
    "columns",
    [
        ("query_id", "member", "text"),
        ("id", "model", "output"),
        ("question_id", "model", "response"),
        ("id", "member", "content"),
    ],
)
def test_usual_column_names_are_understood(tmp_path, columns):
    (tmp_path / "r.csv").write_text(f"{','.join(columns)}\n7,m,hello\n")
    assert Recording.load(tmp_path / "r.csv").drafts == [draft("7", "m", "hello")]


def test_question_gold_and_the_like_are_prompt_and_expected(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,output,question,gold\n7,m,hello,Say it,hello\n")
    (got,) = Recording.load(tmp_path / "r.csv")
    assert (got.prompt, got.expected) == ("Say it", "hello")


def test_the_fields_own_name_goes_before_its_aliases(tmp_path):
    (tmp_path / "r.csv").write_text("id,query_id,model,text,output\nwrong,7,m,right,wrong\n")
    assert Recording.load(tmp_path / "r.csv").drafts == [draft("7", "m", "right")]


def test_names_say_which_column_a_field_is(tmp_path):
    (tmp_path / "r.csv").write_text("nr,who,said,text\n7,m,hello,no\n")
    named = {"query_id": "nr", "member": "who", "text": "said"}
    assert Recording.load(tmp_path / "r.csv", named).drafts == [draft("7", "m", "hello")]


def test_names_must_name_a_column_that_is_there(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,output\n7,m,hello\n")
    with pytest.raises(ConfigError, match=r"no column 'said' for text; it has: id, model, output"):
        Recording.load(tmp_path / "r.csv", {"text": "said"})


def test_names_must_name_a_field_there_is(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,output\n7,m,hello\n")
    with pytest.raises(ConfigError, match=r"no field named 'txt'; did you mean 'text'\?"):
        Recording.load(tmp_path / "r.csv", {"txt": "output"})


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_column_is_named_with_its_usual_names_and_the_way_out(tmp_path, ending):
    from onefold.recording.tables import write_table

    write_table(tmp_path / f"r.{ending}", [{"id": "1", "said": "x", "model": "m"}])
    with pytest.raises(ConfigError) as error:
        Recording.load(tmp_path / f"r.{ending}")
    said = str(error.value)
    for part in ("no column for text", "output", "it has: id, said, model", "names={'text': …}"):
        assert part in said


def test_a_cell_that_does_not_fit_is_named_with_row_column_and_rule(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,output,seconds\n1,m,a,0.5\n2,m,b,soon\n")
    with pytest.raises(ConfigError, match=r"r\.csv, row 2: .*float.*seconds"):
        Recording.load(tmp_path / "r.csv")


def test_cells_of_a_csv_are_read_as_what_the_field_needs(tmp_path):
    (tmp_path / "r.csv").write_text(
        "id,model,output,correct,tokens_in,tokens_out,usd,seconds,confidence,sample\n"
        "007,m,1.0,True,12,3,0.001,1.5,0.25,2\n008,m,,FALSE,,,,,,\n"
    )
    first, second = Recording.load(tmp_path / "r.csv")
    assert first == Draft("007", "m", "1.0", "", None, None, True, 12, 3, 0.001, 1.5, 0.25, 2)
    assert second == Draft("008", "m", "", correct=False)


def test_numbers_as_ids_and_texts_are_spelled_as_people_write_them(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"id":7,"model":3.0,"output":42.0,"question":5}\n')
    assert Recording.load(tmp_path / "r.jsonl").drafts == [draft("7", "3", "42", prompt="5")]


def test_a_line_that_was_cut_off_is_a_fault_and_no_error(tmp_path):
    path = saved(tmp_path / "r.jsonl", draft("1"), draft("2"))
    path.write_bytes(path.read_bytes()[:-9])
    recording = Recording.load(path)
    assert [d.query_id for d in recording] == ["1"]
    assert len(recording.faults) == 1


def test_an_empty_table_is_refused(tmp_path):
    for name, text in (("r.jsonl", ""), ("r.json", "[]"), ("r.csv", "id,model,output\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=f"{name} has no rows"):
            Recording.load(tmp_path / name)


def test_extra_columns_are_no_trouble(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,output,mood\n1,m,a,good\n")
    assert Recording.load(tmp_path / "r.csv").drafts == [draft("1", "m", "a")]


def test_members_queries_and_prompts_stand_in_order_of_appearance():
    recording = Recording(
        [draft("b", "y", prompt="B?", expected="4"), draft("a", "x"), draft("b", "x", prompt="B?")]
    )
    assert recording.members == ["y", "x"]
    assert recording.queries == ["b", "a"]
    assert recording.prompts["b"].expected == "4"
    assert len(recording) == 3


def test_a_draft_is_found_by_its_questions_id():
    recording = Recording([draft("1", "m", "one"), draft("2", "m", "two")])
    assert recording.find("m", "2", "").text == "two"
    assert recording.find("m", "3", "") is None


def test_without_an_id_a_draft_is_found_by_its_very_prompt():
    recording = Recording(
        [draft("1", "m", "one", prompt="A?"), draft("2", "m", "two", prompt="B?")]
    )
    assert recording.find("m", "", "B?").text == "two"
    assert recording.find("m", "", "C?") is None


def test_an_id_that_the_recording_does_not_know_leaves_the_prompt_to_find_it_by():
    recording = Recording([draft("gsm-1", "m", "one", prompt="A?")])
    assert recording.find("m", "1", "A?").text == "one"


def test_the_same_id_under_another_question_finds_nothing():
    recording = Recording([draft("1", "m", "one", prompt="A?")])
    assert recording.find("m", "1", "Something else?") is None


def test_samples_are_found_in_turn_and_begin_again():
    recording = Recording([draft(text=text, sample=i) for i, text in enumerate("abc")])
    assert [recording.find("m", "1", "", sample=i).text for i in range(5)] == list("abcab")


def test_samples_keep_their_numbers_whatever_the_order_of_the_rows():
    recording = Recording([draft(text="second", sample=1), draft(text="first", sample=0)])
    assert recording.find("m", "1", "", sample=0).text == "first"
    assert recording.find("m", "1", "", sample=1).text == "second"


def test_an_unknown_member_is_an_error_with_the_nearest_name():
    recording = Recording([draft(member="gpt-4o"), draft(member="llama")])
    with pytest.raises(
        ConfigError, match=r"no recorded member named 'gpt-4'; did you mean 'gpt-4o'"
    ):
        recording.find("gpt-4", "1", "")


def test_a_file_is_read_once_and_anew_when_it_changes(tmp_path):
    path = saved(tmp_path / "r.jsonl", draft(text="old"))
    first = opened(str(path))
    assert opened(str(path)) is first
    saved(path, draft(text="new"))
    os.utime(path, ns=(1, 1))
    assert opened(str(path)).drafts[0].text == "new"


@pytest.fixture
def session():
    with of.Session(
        {
            "a": of.Fake(("4",), seconds=(0.5,), tokens=(10, 2), price=(1.0, 2.0), confidence=0.75),
            "b": of.Fake(error="Refused"),
            "c": of.Fake(("5",), seconds=(9.0,), price=(1.0, 2.0)),
        }
    ) as held:
        yield held


def test_a_live_run_becomes_a_recording_of_what_its_models_said(session):
    panel = of.Panel(
        [of.Model("a"), of.Model("b"), of.Model("c")], stop="first", reads="number", quorum=1
    )
    query = of.Query("What is 2 + 2?", id="q7")
    answer = of.instantly(panel(query))
    assert [d.status for d in answer.drafts] == ["answered", "failed", "cancelled"]
    (row,) = Recording.of([(query, answer, "4")])
    assert row == Draft("q7", "a", "4", query.text, 4.0, "4", None, 10, 2, 1.4e-05, 0.5, 0.75)


def test_panels_of_panels_are_recorded_by_their_leaves(session):
    inner = of.Panel([of.Model("a"), of.Model("c")])
    answer = of.instantly(of.Panel({"inner": inner, "last": of.Model("a")})("?"))
    recording = Recording.of([(of.Query("?"), answer, None)])
    assert [d.text for d in recording] == ["4", "5", "4"]
    assert recording.queries == ["?"]


@pytest.mark.parametrize("members", [["m", "m", "m"], {"x": "m", "y": "m"}])
def test_a_recorded_panel_can_be_replayed_by_the_same_panel(tmp_path, members):
    listed = {k: of.Model(v) for k, v in members.items()} if isinstance(members, dict) else None
    panel = of.Panel(listed or [of.Model(name) for name in members])
    with of.Session({"m": of.Fake(("one", "two", "three"))}):
        live = of.run(panel, ["Which?"])
    query = of.Query("Which?", id="1")
    Recording.of([(query, live.answers[0], None)]).write(tmp_path / "r.jsonl")
    with of.Session(of.replay(str(tmp_path / "r.jsonl"))):
        again = of.run(panel, ["Which?"])
    assert [d.text for d in again.answers[0].drafts] == [d.text for d in live.answers[0].drafts]


def test_costs_that_were_not_recorded_come_from_prices_and_tokens():
    price = Price(tokens_in=100.0, tokens_out=1000.0)
    rows = [
        Draft("1", "a", "x" * 8, "p" * 4),
        Draft("2", "a", "x" * 8, "p" * 4, tokens_in=10, tokens_out=20),
        Draft("3", "a", "x", usd=7.0),
        Draft("4", "b", "x"),
    ]
    priced = Recording(rows, ["a fault"]).priced({"a": price})
    assert [draft.usd for draft in priced] == pytest.approx([0.0021, 0.021, 7.0, None])
    assert priced.faults == ["a fault"]


def test_a_graded_recording_needs_no_texts(tmp_path):
    (tmp_path / "r.csv").write_text("id,model,score,prompt\n1,a,0.25,why\n")
    assert list(Recording.load(tmp_path / "r.csv")) == [Draft("1", "a", "", "why", score=0.25)]
    (tmp_path / "bad.csv").write_text("id,model,score\n1,a,1.5\n")
    with pytest.raises(ConfigError, match=r"bad.csv, row 1: .*score"):
        Recording.load(tmp_path / "bad.csv")
