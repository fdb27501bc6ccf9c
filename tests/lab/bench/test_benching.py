"""A bench from a recording or live: votes as matrices give what the real panel gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from madeup import PRICES, SKILLS, recording
from msgspec import structs

import onefold as of
from onefold import ConfigError, Panel
from onefold.lab.bench import recorded
from onefold.lab.bench.bench import bench
from onefold.lab.bench.prices import load_prices
from onefold.lab.bench.systems import systems

DRAFT = st.none() | st.tuples(
    st.sampled_from(["It is 1", "It is 2", "3", "no idea"]),
    st.booleans(),
    st.integers(0, 36).map(lambda n: n / 4),
)
PANEL = st.builds(
    Panel,
    st.permutations(["a", "b", "c"]).map(lambda names: [f"model_{name}" for name in names[:2]])
    | st.permutations(["model_a", "model_b", "model_c"]),
    vote=st.sampled_from(
        [
            of.Majority(),
            of.Majority(abstentions="ignore"),
            of.Weighted({"model_a": 2.0, "model_b": 1.5}),
            of.Weighted({"model_c": 0.0}),
        ]
    ),
    stagger=st.sampled_from([0.0, float("inf")]),
    reads=st.just("number"),
)


def table(results, *fields):
    return [tuple(getattr(row, field) for field in fields) for row in results]


def model(name):
    return {"model": {"model": name}}


@settings(max_examples=40)
@given(st.lists(st.tuples(DRAFT, DRAFT, DRAFT), min_size=3, max_size=12), PANEL)
def test_a_plain_vote_in_matrices_is_what_the_real_panel_does(held, panel):
    drafts = [
        of.Draft(f"q{n}", f"model_{name}", *said[:1], f"{n}?", correct=said[1], seconds=said[2],
                 usd=said[2])
        for n, all_said in enumerate(held)
        for name, said in zip("abc", all_said, strict=True)
        if said is not None
    ]  # fmt: skip
    names = {draft.member for draft in drafts}
    if not {m.model for m in panel.members} <= names:
        return
    source = of.Recording(drafts)
    fast = bench({"p": panel}, recording=source).only("p")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded, "ballot_reader", lambda *_: None)
        slow = bench({"p": panel}, recording=source).only("p")
    fields = ("question", "value", "score", "correct", "source", "tokens_in", "tokens_out")
    assert table(fast, *fields) == table(slow, *fields)
    for one, two in zip(fast, slow, strict=True):
        assert (one.error is None) == (two.error is None)
        assert one.confidence == (None if two.confidence is None else pytest.approx(two.confidence))
        if one.error is None:
            assert (one.usd, one.seconds) == pytest.approx((two.usd, two.seconds), abs=1e-6)


def test_members_are_benched_with_their_own_grading_cost_and_length():
    results = bench(recording=recording(), prices=PRICES, reads="number")
    assert results.members == list(SKILLS)
    first = results.by_system["cheap"][0]
    draft = recording().drafts[0]
    assert first.score == float(draft.text == "It is 0")
    assert first.usd == pytest.approx(PRICES["cheap"].of(first.tokens_in, first.tokens_out))
    assert first.estimated
    assert first.asked == ("cheap",)
    assert first.seconds is None  # nobody recorded any
    assert any("estimated" in note for note in results.notes)


def test_some_members_and_some_recipes_are_benched_by_name(tmp_path):
    (tmp_path / "cascade.yaml").write_text(
        "panel: {members: [{model: cheap}, {model: dear}], stop: {agree: 0.6}, stagger: .inf}\n"
    )
    path = tmp_path / "r.jsonl"
    recording().write(path)
    race = "race=panel: {members: [{model: cheap}, {model: fair}, {model: dear}], reads: number}"
    results = bench(["dear", tmp_path / "cascade.yaml", race], recording=path, limit=20)
    assert results.systems == ["dear", "cascade", "race"]
    assert results.datasets == ["r"]
    assert len(results.by_system["race"]) == 20
    assert results.families["cascade"] == "cascade"
    calls = {row.calls for row in results.by_system["cascade"]}
    assert calls == {2}  # texts are compared whole, unless a reader says otherwise


def test_a_field_is_varied_into_a_family_of_systems():
    panel = of.sequential([model(name) for name in SKILLS], agree=0.5, reads="number")
    results = bench({"race": panel}, recording=recording(), vary=["stop.least=2,3"])
    assert results.systems[-2:] == ["race stop.least=2", "race stop.least=3"]
    assert {results.families[name] for name in results.systems[-2:]} == {"race"}
    few, many = (sum(row.calls for row in results.by_system[name]) for name in results.systems[-2:])
    assert few < many


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ("stop.shore=0.5", "no target has the field stop.shore"),
        ("stop.share", "varies nothing"),
        ("stop.share=2", "share"),
    ],
)
def test_a_field_that_cannot_be_varied_is_refused(vary, words):
    panel = of.sequential([model("cheap"), model("dear")], agree=0.5)
    with pytest.raises(ConfigError, match=words):
        bench({"race": panel}, recording=recording(), vary=[vary])


def test_the_recordings_own_grading_counts_for_panels_too():
    drafts = [
        structs.replace(draft, expected=None, score=0.25 if draft.member == "cheap" else 0.75)
        for draft in recording(5)
    ]
    results = bench({"alone": of.Panel([model("dear")], "best")}, recording=of.Recording(drafts))
    assert {row.score for row in results.by_system["alone"]} == {0.75}
    assert {row.score for row in results.by_system["cheap"]} == {0.25}


def test_a_recording_of_scores_alone_can_be_routed():
    drafts = [
        structs.replace(d, text="", expected=None, score=SKILLS[d.member]) for d in recording(4)
    ]

    @of.router
    def always_dear(query):
        return {"dear": 1.0}

    panel = of.Panel([model(name) for name in SKILLS], route=always_dear, stop="first", quorum=1)
    results = bench({"routed": panel}, recording=of.Recording(drafts))
    assert {(row.score, row.source) for row in results.by_system["routed"]} == {(0.9, "dear")}
    assert {row.value for row in results.by_system["dear"]} == {None}  # nobody knows what it said
    assert {row.score for row in results.by_system["fair"]} == {0.75}


def test_questions_without_an_answer_score_nothing_and_say_why():
    drafts = [structs.replace(draft, text="no idea") for draft in recording(3)]
    panel = of.Panel([model("cheap"), model("dear")], reads="number", stop="decided")
    results = bench({"p": panel}, recording=of.Recording(drafts))
    for made in results.by_system["p"]:
        assert (made.score, made.correct, made.value) == (0.0, False, None)
        assert made.error.startswith("NoAnswer")


def test_nobody_is_right_or_wrong_where_nobody_said_what_is_right():
    drafts = [structs.replace(draft, expected=None) for draft in recording(3)]
    results = bench(recording=of.Recording(drafts))
    assert {row.score for row in results} == {None}
    assert any("nobody said what is right" in note for note in results.notes)


def test_a_member_absent_from_many_questions_is_told():
    drafts = [d for d in recording(10) if d.member != "fair" or int(d.query_id[1:]) % 2]
    results = bench(recording=of.Recording(drafts))
    assert len(results.by_system["fair"]) == 5
    assert "fair has answers to 5 of 10 questions: its figures are of those" in results.notes


def test_rows_that_contradict_each_other_are_left_out_and_told():
    held = recording(4).drafts
    wrong = structs.replace(held[0], expected="17")
    results = bench(recording=of.Recording([*held, held[-1], wrong]))
    assert len(results.grid.questions) == 3
    assert any("right answers that differ" in note for note in results.notes)
    assert any("stood twice" in note for note in results.notes)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "either a recording, or prompts"),
        ({"recording": of.Recording([])}, "empty"),
        ({"prompts": ["Why?"]}, "nobody to ask"),
        ({"recording": recording(2), "targets": ["model: deer"]}, "did you mean 'dear'"),
        ({"recording": recording(2), "targets": ["deer"]}, "deer"),
        ({"recording": recording(2), "targets": ["model: dear", "model: dear"]}, "two systems"),
        ({"recording": recording(2), "prices": {"deer": of.Price(1, 1)}}, "did you mean 'dear'"),
    ],
)
def test_what_cannot_be_benched_is_refused(about, words):
    with pytest.raises(ConfigError, match=words):
        bench(**about)


def test_two_recipes_cannot_price_a_member_differently():
    recipes = [
        f"{name}=models: {{dear: {{price: {{tokens_in: {price}, tokens_out: 1}}}}}}\nmodel: dear"
        for name, price in (("one", 1), ("two", 2))
    ]
    with pytest.raises(ConfigError, match="--prices"):
        bench(recipes, recording=recording(2))
    settled = bench(recipes, recording=recording(2), prices={"dear": of.Price(4, 4)})
    assert len({row.usd for row in settled if row.question == "q0" and row.usd is not None}) == 1


def test_a_live_bench_asks_grades_and_resumes(tmp_path):
    asked = []

    @of.operator
    def said(query):
        asked.append(query.text)
        return "It is 4"

    sums = [of.Example(of.Query("2 + 2?", id="a"), "4"), of.Example(of.Query("2 + 3?", id="b"), 5)]
    about = {"prompts": sums, "reads": "number", "out": tmp_path, "dataset": "sums"}
    results = bench({"said": said}, **about)
    assert table(results, "dataset", "question", "value", "score") == [
        ("sums", "a", "4", 1.0),
        ("sums", "b", "4", 0.0),
    ]
    assert bench({"said": said}, **about).rows == results.rows
    assert len(asked) == 2


def test_simulated_models_are_benched_in_virtual_time():
    recipe = "models: {s: {sim: {accuracy: 1, latency: {median: 1000, sigma: 0}}}}\nmodel: s\n"
    sums = [of.Example(of.Query(f"What is {n} + 1?"), n + 1) for n in range(3)]
    results = bench([f"slow={recipe}"], prompts=sums, reads="number", instant=True)
    assert [row.score for row in results] == [1.0] * 3
    assert results.rows[0].seconds == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "dear: {tokens_in: 1, tokens_out: 2}",
        "prices: {dear: [1, 2]}",
        "models: {dear: {price: {tokens_in: 1, tokens_out: 2}}}",
        '{"dear": {"usd_per_mtok_in": 1, "usd_per_mtok_out": 2, "source": "a page"}}',
    ],
)
def test_prices_are_read_from_files(tmp_path, text):
    (tmp_path / "prices.yaml").write_text(text)
    assert load_prices(tmp_path / "prices.yaml") == {"dear": of.Price(1, 2)}


def test_a_price_that_is_none_is_refused(tmp_path):
    (tmp_path / "prices.yaml").write_text("dear: free")
    with pytest.raises(ConfigError, match=r"prices\.dear"):
        load_prices(tmp_path / "prices.yaml")
    with pytest.raises(ConfigError, match="no file"):
        load_prices(tmp_path / "other.yaml")


def test_targets_have_names():
    assert bench("dear", recording=recording(2)).systems == ["dear"]
    held = systems(["a=model: x", of.Panel(["fake:1"]), of.Recipe(of.Read("fake:1", "number"))])
    assert [each.name for each in held][:2] == ["a", "panel"]
