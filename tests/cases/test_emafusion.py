"""Seed 000's quick start: its configuration's keys are read, and its command does its work."""

import json
import re
from math import inf
from pathlib import Path

import pytest
from typer.testing import CliRunner

import onefold as of
from onefold import load_recipe, recipe
from onefold.cli.app import app
from onefold.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
FULL = """
models:
  - {name: llama3-8b, provider: ollama, price_prompt: 0.0, price_completion: 0.0, max_tokens: 256}
  - {name: gpt-4o, provider: openai, price_prompt: 0.01, price_completion: 0.03}
taxonomy_index: artifacts/taxonomy.npz
learned_ckpt: artifacts/router.npz
judge_model: gpt-3.5-turbo
thresholds: {confidence: 0.7}
"""


def test_every_key_of_the_configuration_is_read(tmp_path):
    path = tmp_path / "cascade_config.yaml"
    path.write_text(FULL)
    made = load_recipe(path)
    panel = made.operator
    assert [member.name for member in panel.members] == ["llama3-8b", "gpt-4o"]
    assert [member.operator.max_tokens for member in panel.members] == [256, 512]
    assert {member.operator.temperature for member in panel.members} == {0.2}
    assert (panel.stagger, panel.stop, panel.vote) == (inf, of.Sure(0.7), of.Best())
    assert panel.judge.operator.model == "openai:gpt-3.5-turbo"
    folder = tmp_path / "artifacts"
    assert [type(router).__name__ for router in panel.route.routers] == ["Nearest", "Learned"]
    assert panel.route.routers[0].path == str(folder / "taxonomy.npz")
    assert panel.route.routers[1].path == str(folder / "router.npz")
    price = of.load_models(path)["gpt-4o"].price
    assert (price.tokens_in, price.tokens_out) == (10.0, 30.0)  # a million, not a thousand
    assert recipe(made.dump()) == made


def test_what_may_be_left_out_is_left_out():
    panel = recipe("models: [{name: a, provider: ollama}]").operator
    assert (panel.route, panel.judge, panel.stop) == (None, None, of.Sure(0.6))
    own = recipe("models: [{name: a, provider: ollama}]\njudge_model: a")
    assert own.operator.judge.operator.model == "a"
    other = recipe("models: [{name: a, provider: ollama}]\njudge_model: anthropic:b")
    assert other.operator.judge.operator.model == "anthropic:b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: []", "the list is empty"),
        ("models: [gpt-4o]", r"models\[0\]: a mapping with name and provider, not 'gpt-4o'"),
        ("models: [{name: a}]", r"models\[0\]: provider is missing"),
        ("models: [{name: a, provider: b, prise: 1}]", "no key of a model named 'prise'"),
        ("models: [{name: a, provider: ollama}]\ntau: 1", "no EMAFusion key named 'tau'"),
        ("models: [{name: a, provider: ollama}]\nthresholds: 0.5", "thresholds: a mapping"),
        ("models: [{name: a, provider: ollama}]\nthresholds: {tau: 1}", "no threshold named 'tau'"),
        ("models: [{name: a, provider: ollama}]\nthresholds: {confidence: 6}", "a share in"),
        (
            "models: [{name: a, provider: ollama}]\nlearned_ckpt: router.pkl",
            "router.pkl is a pickle, and pickles are not read: fit the router again",
        ),
    ],
)
def test_what_is_wrong_is_told(text, said):
    with pytest.raises(ConfigError, match=said):
        recipe(text)


class Simulated(of.Provider, name="simulated_in_tests"):
    """A model that answers, and a judge that grades: only `23` is right."""

    model: str

    async def complete(self, request):
        text = request.messages[-1].content
        if "Grade the answer" not in text:
            return of.Reply("23" if self.model == "gpt-4o" else "I am not sure")
        verdict = json.loads(re.findall(r"\{.*\}", text)[-1])
        good = re.search(r"\[answer \w+\]\n23\n", text)
        return of.Reply(json.dumps({**verdict, "grade": 10 if good else 2}))

    @classmethod
    def _named(cls, model):
        return cls(model)


def test_the_quick_start_works_without_a_change(tmp_path):
    config = tmp_path / "cascade_config.yaml"
    config.write_text(
        "models:\n"
        "  - {name: llama3-8b, provider: simulated_in_tests}\n"
        "  - {name: gpt-4o, provider: simulated_in_tests}\n"
        "judge_model: gpt-4o\n"
        "thresholds: {confidence: 0.6}\n"
    )
    out = tmp_path / "results"
    said = CliRunner().invoke(
        app, ["run", str(config), str(ROOT / "examples" / "quick_prompt.json"), "--out", str(out)]
    )
    assert said.exit_code == 0, said.output
    rows = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    assert {row["answer"]["text"] for row in rows} == {"23"}
    assert {row["id"]: row["correct"] for row in rows if row["correct"]} == {"sum": True}
    assert all(len(row["answer"]["drafts"]) == 2 for row in rows)


def test_a_grade_that_cannot_be_read_is_never_zero():
    judge = of.Graded(of.Model("j", provider=of.Fake(("no idea",))))
    with pytest.raises(of.Unreadable, match="no verdict"):
        of.instantly(judge.score(of.Query("2+2?"), of.Answer("4")))
