"""`onefold doctor`: keys, prices, and with --probe what models and clocks really do."""

import re
from pathlib import Path

import pytest
from faults import Status
from script import Script
from service import serving

from onefold.cli import doctor as doctors
from onefold.lab.probe import BEGUN

CANARY = "sk-canary-77aa"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("MY_KEY", CANARY)


@pytest.fixture
def examined(onefold, tmp_path):
    """`examined(script, …)` is what doctor --probe finds, a line by what it is about."""

    def found(script, wire="compatible", about="price: {tokens_in: 1, tokens_out: 2}", **more):
        with serving(script) as service:
            fields = "".join(f", {name}: {value}" for name, value in more.items())
            url = f"{service.url}/v1"
            (tmp_path / "models.yaml").write_text(
                f"models: {{m: {{provider: {{{wire}: {{model: model-a, base_url: '{url}', "
                f"key: env:MY_KEY{fields}}}}}, {about}}}}}\n"
            )
            called = onefold("doctor", "models.yaml", "--probe")
        assert CANARY not in called.out + called.err
        lines = [re.split(r"  +", line, maxsplit=2) for line in called.out.splitlines()]
        return called, {what: (mark, said) for mark, what, said in map(parted, lines)}, service

    return found


def parted(cells):
    """Mark, subject and words of a line; marks of four letters have one space behind them."""
    return cells if len(cells) == 3 else [*cells[0].split(" ", 1), *cells[1:]]


def saying(call):
    """Counts on where it is to, fits the schema, else says so."""
    return f"{BEGUN} 6, 7, 8" if BEGUN in call.raw.decode() else '{"days": 7}'


def test_every_extra_of_the_package_is_looked_for(onefold):
    declared = (ROOT / "pyproject.toml").read_text().partition("optional-dependencies]")[2]
    extras = re.findall(r"^(\w+) = ", declared.partition("\n[")[0], flags=re.M)
    assert sorted(doctors.EXTRAS) == sorted(extras)
    called = onefold("doctor")
    assert all(f"extra {extra}" in called.out for extra in extras)


def test_a_model_without_a_key_is_bad_and_the_way_out_is_said(onefold, tmp_path):
    (tmp_path / "r.yaml").write_text("panel: {members: ['openai:gpt-4o-mini', 'fake:a']}\n")
    called = onefold("doctor", "r.yaml")
    assert called.code == 2
    assert re.search(r"^bad +openai:gpt-4o-mini .*OPENAI_API_KEY", called.out, flags=re.M)


def test_a_model_with_a_key_is_fine_and_its_price_is_said(onefold, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    (tmp_path / "r.yaml").write_text("panel: {members: ['openai:gpt-4o-mini', 'fake:a']}\n")
    called = onefold("doctor", "r.yaml")
    assert called.code == 0
    line = next(line for line in called.out.splitlines() if "openai:gpt-4o-mini" in line)
    assert line.startswith("ok ")
    assert "$0.15 in, $0.6 out" in line
    assert "key from env:OPENAI_API_KEY" in line
    assert CANARY not in called.out


def test_a_price_that_is_unknown_is_named(onefold, tmp_path):
    (tmp_path / "m.toml").write_text(
        "[models.m]\ncompatible = {model = 'x', base_url = 'http://127.0.0.1:9/v1'}\n"
    )
    called = onefold("doctor", "m.toml")
    assert called.code == 0
    assert re.search(r"^- +m .*price unknown", called.out, flags=re.M)
    assert "m.toml: every model can be asked" in called.out


def test_without_probe_nobody_is_asked(onefold, tmp_path):
    with serving() as service:
        (tmp_path / "m.yaml").write_text(
            f"models: {{m: {{compatible: {{model: a, base_url: '{service.url}/v1'}}}}}}"
        )
        assert onefold("doctor", "m.yaml").code == 0
        assert service.connections == 0


def test_a_probe_says_its_cost_before_and_what_it_found_after(examined):
    called, by, service = examined(Script(saying), continues="flag")
    assert called.code == 0
    assert called.err.startswith("probing: 5 questions, at most $0.00")
    kinds = ("text", "usage", "stream", "continues", "schema", "logprobs", "cost")
    assert {by[f"m {kind}"][0] for kind in kinds} == {"ok"}
    assert len([call for call in service.calls if call.wire == "chat"]) == 5


def test_a_capability_that_is_declared_but_not_there_is_named(examined):
    script = Script("1, 2, 3", logprob=None)
    _, by, _ = examined(script, continues="trailing")
    assert by["m continues"] == (
        "-",
        "declared, but not so: begins anew: declare it as continues: none",
    )
    assert by["m logprobs"][0] == "-"


def test_a_model_that_does_not_answer_is_bad(examined):
    refused = Script(
        faults=lambda call: Status(401, message="{key} is no key") if call.body else None
    )
    called, by, _ = examined(refused)
    assert called.code == 2
    assert by["m text"][0] == "bad"
    assert "WrongKey" in by["m text"][1]


def test_the_clock_is_compared_with_the_servers(examined, monkeypatch):
    _, by, service = examined(Script(saying))
    mark, said = by["clock"]
    assert mark == "ok"
    assert said == f"agrees with 127.0.0.1:{service.port}"


@pytest.mark.parametrize(
    ("ahead", "words"), [(4000, "4000 s ahead of"), (-90, "90 s behind"), (None, "does not say")]
)
def test_a_clock_that_is_off_is_bad(instantly, monkeypatch, ahead, words):
    async def clock(url):
        return ahead

    monkeypatch.setattr(doctors, "clock", clock)
    mark, _, said = instantly(doctors.timed("https://host.test"))
    assert mark == ("-" if ahead is None else "bad")
    assert words in said


def test_an_unknown_price_is_no_free_probe(examined):
    called, by, _ = examined(Script(saying), about="tags: [t]")
    assert "the price of 1 of 1 models is unknown" in called.err
    assert "price unknown" in by["m cost"][1]


def test_a_recipe_is_probed_within_its_budget(onefold, tmp_path):
    (tmp_path / "r.yaml").write_text(
        "models: {a: {provider: {fake: {replies: [x], tokens: [1000, 1000]}}, "
        "price: {tokens_in: 1000, tokens_out: 1000}}}\nbudget: 1.0e-6\nmodel: a\n"
    )
    called = onefold("doctor", "r.yaml", "--probe")
    assert called.code == 2
    assert re.search(r"^bad +a .*not probed.*budget", called.out, flags=re.M)


def test_a_probe_needs_somebody_to_ask(refused):
    assert "--probe" in refused("doctor", "--probe")


def test_a_models_file_that_is_wrong_is_one_bad_line(onefold, tmp_path):
    (tmp_path / "m.toml").write_text("models.m.provder = 'fake:a'\n")
    called = onefold("doctor", "m.toml", "--probe")
    assert called.code == 2
    (line,) = [line for line in called.out.splitlines() if line.startswith("bad")]
    assert "m.toml" in line
    assert "'provder'" in line
