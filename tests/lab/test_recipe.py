"""Recipes: one YAML file is a run, both ways, and each mistake in it is named."""

from pathlib import Path

import pytest

import onefold as of
from onefold import Recipe, load_recipe, recipe
from onefold.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
FULL = """
models:
  small:
    provider: {sim: {accuracy: 0.7, latency: {median: 0.2}}}
    price: {tokens_in: 0.1, tokens_out: 0.4}
  plain: fake:4
  whole: {fake: {replies: [a, b]}}
replay: {recording: drafts.jsonl, pace: 0.5, latency: {median: 2}}
budget: 2.5
cache: memory
panel:
  members: {one: {model: small}, two: "sim:medium"}
  vote: {weighted: {weights: {one: 2}}}
  stop: [decided, {spent: {seconds: 20}}]
  stagger: .inf
  reads: number
"""


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "recipes").glob("*.yaml")))
def test_every_recipe_of_the_house_builds_and_reads_back_the_same(name):
    made = load_recipe(ROOT / "recipes" / name)
    assert recipe(made.dump()) == made
    assert of.build(of.dump(made.operator)) == made.operator


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "fake:4",
        "operator: fake:4",
        "panel: {members: ['fake:a']}",
        "operator: {panel: {members: ['fake:a']}}",
        "chain: {steps: ['fake:a', 'fake:b']}",
        "model: sim:small",
        '{"panel": {"members": ["fake:a"]}, "budget": 0}',
        "budget: 1\npanel: {members: ['fake:ü']}\n",
    ],
)
def test_a_recipe_reads_back_as_the_same_recipe(text):
    made = recipe(text)
    assert recipe(made.dump()) == made


def test_a_recipe_made_of_objects_reads_back_as_the_same_session():
    models = {"mine": of.Fake(("4",), price=(1.0, 2.0)), "text": "fake:5"}
    made = Recipe(of.Panel(["mine", "text"]), models)
    again = recipe(made.dump())
    assert again.session().deployment("mine") == made.session().deployment("mine")
    assert again.operator == made.operator


def test_what_stands_in_it_is_what_the_session_gets():
    made = recipe("models: {m: 'fake:4'}\nbudget: 2.5\ncache: memory\noperator: {model: m}")
    session = made.session()
    assert session.budget.usd == 2.5
    assert session.cache is not None
    assert session.deployment("m").provider == of.Fake(("4",))
    assert made.session(budget=1.0).budget.usd == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("panle: {members: ['fake:a']}", r"'panle'; did you mean 'panel'"),
        ("panel: {members: ['fake:a']}\nbudgt: 1", r"'budgt'; did you mean 'budget'"),
        ("panel: {memers: ['fake:a']}", r"panel.*'memers'; did you mean 'members'"),
        ("panel: {members: ['fake:a'], stop: nevr}", r"stop.*'nevr'; did you mean 'never'"),
        ("models: {m: 'fake:a'}", r"exactly one operator, and has none"),
        (
            "panel: {members: ['fake:a']}\nmodel: fake:b",
            r"exactly one operator, and has panel, model",
        ),
        ("operator: fake:a\npanel: {members: ['fake:b']}", r"exactly one operator"),
        ("", r"a mapping with an operator, not None"),
        ("[fake:a]", r"a mapping with an operator, not \["),
        ("42", r"a mapping with an operator, not 42"),
        ("panel: !!python/name:os.system x", r"plain values.*tag"),
        (
            "panel: {members: ['fake:a']}\npanel: {members: ['fake:b']}",
            r"'panel' stands twice.*line 2",
        ),
        ("panel: {members: [}", r"no YAML.*line 1"),
        ("panel: {members: []}", r"the panel is empty: give it at least one member"),
        ("panel: {members: {a: 'fake:a', a: 'fake:b'}}", r"'a' stands twice"),
        ("a: &x ['fake:a']\npanel: {members: *x}", r"aliases"),
        ("panel: {members: ['fake:a'], stagger: -1}", r"stagger: -1.*>= 0"),
        ("panel: {members: ['fake:a'], stagger: .nan}", r"stagger: nan"),
        ("panel: {members: ['fake:a'], quorum: 2}", r"quorum 2 cannot be met by 1 members"),
        ("models: [m]\noperator: fake:a", r"models: a mapping of names, not \['m'\]"),
    ],
)
def test_a_mistake_is_named_with_the_rule_and_the_way_out(text, words):
    with pytest.raises(ConfigError, match=words):
        recipe(text)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("budget: plenty", ["budget", "plenty"]),
        ("budget: -1", ["budget", "-1"]),
        ("budget: .nan", ["budget", "nan"]),
        ("cache: 7", ["cache", "7"]),
        ("cache: [memory]", ["cache"]),
        ("replay: {recording: x.jsonl, pce: 1}", ["replay", "'pce'", "pace"]),
        ("replay: {pace: 1}", ["replay", "recording"]),
        ("replay: {recording: x.jsonl, pace: -1}", ["replay", "pace"]),
        ("replay: {recording: x.jsonl, pace: .nan}", ["pace"]),
        ("replay: x.jsonl", ["replay", "x.jsonl"]),
    ],
)
def test_a_wrong_setting_is_named_by_its_key_and_value(line, parts):
    with pytest.raises(ConfigError) as error:
        recipe(f"{line}\noperator: fake:a")
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{provider: {sim: {acuracy: 0.7}}}", r"models\.m.*'acuracy'; did you mean 'accuracy'"),
        ("{provder: {sim: {}}}", r"models\.m.*'provder'"),
        ("{provider: 'fake:a', pric: {}}", r"models\.m.*'pric'; did you mean 'price'"),
        ("{provider: 'fake:a', price: {tokens_in: -1, tokens_out: 0}}", r"models\.m"),
        ("{provider: 'fake:a', price: {tokens_in: 1}}", r"models\.m.*tokens_out"),
        ("'fak:a'", r"models\.m.*'fak'; did you mean 'fake'"),
        ("{provider: nonsense}", r"models\.m.*'nonsense'"),
        ("5", r"models\.m.*5"),
        ("null", r"models\.m"),
    ],
)
def test_a_mistake_in_a_model_is_named_with_the_model(entry, words):
    with pytest.raises(ConfigError, match=words):
        recipe(f"models: {{m: {entry}}}\noperator: {{model: m}}").session()


def recorded(folder, *members):
    rows = [of.Draft("1", name, f"{name} says", "Why?") for name in members]
    of.Recording(rows).write(folder / "drafts.jsonl")
    return folder / "drafts.jsonl"


def test_members_of_a_recording_become_models_and_an_entry_adds_their_price(tmp_path):
    made = recipe(
        f"replay: {{recording: {recorded(tmp_path, 'ann', 'bob')}, pace: 0}}\n"
        "models: {ann: {price: {tokens_in: 1.0e+6, tokens_out: 0}}}\n"
        "panel: {members: [{model: ann}, {model: bob}]}"
    )
    with made.session():
        answer = made.operator.ask("Why?")
    assert [d.text for d in answer.drafts] == ["ann says", "bob says"]
    assert answer.drafts[0].usage.usd == 1.0
    assert answer.drafts[1].usage.usd is None


def test_an_entry_with_a_provider_stands_beside_the_recording(tmp_path):
    made = recipe(
        f"replay: {{recording: {recorded(tmp_path, 'ann')}}}\n"
        "models: {live: 'fake:now'}\npanel: {members: [{model: live}]}"
    )
    with made.session():
        assert made.operator.ask("Why?").text == "now"


@pytest.mark.parametrize("member", ["anne", "{model: anne}"])
def test_a_model_that_the_recording_lacks_is_refused_with_the_nearest_one(tmp_path, member):
    made = recipe(
        f"replay: {{recording: {recorded(tmp_path, 'ann', 'bob')}}}\n"
        "models: {anne: {price: {tokens_in: 1, tokens_out: 1}}}\n"
        f"panel: {{members: [{member}]}}"
    )
    with pytest.raises(ConfigError, match=r"'anne'; did you mean 'ann'"), made.session() as session:
        session.ready(made.operator)


def test_a_price_without_a_provider_or_a_recording_is_refused_with_the_way_out():
    made = recipe("models: {m: {price: {tokens_in: 1, tokens_out: 1}}}\noperator: {model: m}")
    with pytest.raises(ConfigError, match=r"m\b.*provider"), made.session() as session:
        session.ready(made.operator)


def test_paths_in_a_recipe_are_relative_to_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    recorded(tmp_path / "inside", "ann")
    (tmp_path / "inside" / "r.yaml").write_text(
        "replay: {recording: drafts.jsonl}\noperator: {model: ann}\n"
    )
    monkeypatch.chdir(tmp_path)
    made = load_recipe("inside/r.yaml")
    with made.session():
        assert made.operator.ask("Why?").text == "ann says"


def test_a_cache_is_relative_to_the_recipe_too(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "r.yaml").write_text("cache: kept.sqlite\noperator: fake:a\n")
    monkeypatch.chdir(tmp_path)
    made = load_recipe("inside/r.yaml")
    with made.session():
        made.operator.ask("Why?")
    assert (tmp_path / "inside" / "kept.sqlite").is_file()
    assert not (tmp_path / "kept.sqlite").exists()


def test_a_dumped_recipe_works_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    (tmp_path / "elsewhere").mkdir()
    recorded(tmp_path / "inside", "ann")
    (tmp_path / "inside" / "r.yaml").write_text(
        "replay: {recording: drafts.jsonl}\noperator: {model: ann}\n"
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere" / "copy.yaml").write_text(load_recipe("inside/r.yaml").dump())
    again = load_recipe("elsewhere/copy.yaml")
    with again.session():
        assert again.operator.ask("Why?").text == "ann says"


def test_a_missing_recipe_is_named_with_those_beside_it(tmp_path):
    (tmp_path / "panel.yaml").write_text("fake:a")
    with pytest.raises(ConfigError, match=r"no file '.*panl\.yaml'.*panel\.yaml"):
        load_recipe(tmp_path / "panl.yaml")


def test_a_recipe_that_is_no_text_is_named(tmp_path):
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00panel")
    with pytest.raises(ConfigError, match=r"r\.yaml.*UTF-8"):
        load_recipe(tmp_path / "r.yaml")


def test_a_mistake_in_a_file_names_the_file(tmp_path):
    (tmp_path / "r.yaml").write_text("panle: {}\n")
    with pytest.raises(ConfigError, match=r"r\.yaml: .*panle"):
        load_recipe(tmp_path / "r.yaml")


def test_a_text_that_is_no_file_is_a_recipe_itself():
    assert load_recipe("panel: {members: ['fake:a']}").operator == of.Panel(["fake:a"])


def test_a_recipe_of_the_readmes_kind_answers():
    made = recipe(
        "models:\n"
        "  small: {provider: {sim: {accuracy: 1, latency: {median: 0}}}}\n"
        "budget: 2.50\n"
        "panel:\n  members: [small, small, small]\n  vote: unanimous\n  reads: number\n"
    )
    with made.session():
        answer = made.operator.ask("What is 2 + 2?")
    assert (answer.value, answer.agreement) == (4.0, 1.0)
