"""Every part of the house: final, frozen, no wider than its kind, and back from its description."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin

import pytest

import onefold
from onefold.core.errors import ConfigError
from onefold.core.part import Part, PartMeta, fields
from onefold.core.registry import registry
from onefold.core.spec import build, dump
from onefold.verbs import Operator, Vote

# How the parts with required fields are spelled, as data: `{"kind.name": [fields, …]}`.
SAMPLES: dict[str, list[Any]] = {
    "condition.holds": [
        "fake:yes",
        {"operator": {"read": {"operator": "fake:yes", "reads": "boolean"}}},
    ],
    "condition.where": ["a.confidence < 0.8", "not a.value"],
    "encoder.embedded": ["m", {"model": "m", "provider": {"fake": ["hi"]}, "batch": 2}],
    "encoder.sentences": ["folder", {"source": "folder", "device": "cpu", "batch": 2}],
    "form.signature": [
        "Sum up: {text}",
        {"template": "{a}", "inputs": {"a": "list[str]"}, "output": "Literal['yes', 'no']"},
        {"inputs": ["a"], "output": {"type": "object"}, "system": "x"},
    ],
    "judge.calibrated": [{"judge": "stated", "path": "judge.npz"}],
    "judge.checked": [{"answers": {"q1": 42, "What is 2+2?": "4"}, "relative": 0.01}],
    "judge.entails": ["fake:a"],
    "judge.graded": ["fake:a", {"operator": "fake:a", "scale": [1, 5], "structured": False}],
    "judge.learned": [{"path": "judge.npz"}, {"path": "judge.npz", "hash": "ab12"}],
    "judge.learned_reward": [{"path": "reward.npz"}, {"path": "reward.npz", "hash": "ab12"}],
    "judge.least": [["stated", "tokens"]],
    "judge.mean": [["stated", "tokens"], {"judges": ["stated", "tokens"], "weights": [1, 3]}],
    "judge.median": [["stated", "tokens"]],
    "judge.near": [{"encoder": "hashing", "at": 0.9}],
    "judge.pairs": ["fake:a", {"operator": "fake:a", "rubric": "Shorter.", "swap": False}],
    "judge.process": [
        "arithmetic",
        {"marker": {"step_reward": "fake:[0.5]"}, "aggregate": "prod", "at": ["\n\n"]},
    ],
    "judge.prospects": [
        {"path": "places.npz"},
        {"path": "places.npz", "hash": "ab12", "encoder": "hashing"},
    ],
    "judge.reward": ["http://localhost:1/score", {"model": "fake:0.5", "scale": [-5, 5]}],
    "judge.rewards": [
        {"process": {"process": "arithmetic"}, "outcome": {"reward": "fake:1"}, "prm_weight": 0.8}
    ],
    "marker.graded_steps": ["fake:a", {"operator": "fake:a", "best": 1, "structured": False}],
    "marker.step_reward": [
        "http://localhost:1/pooling",
        {"model": "fake:[0.5]", "convention": "skywork", "raw": True},
    ],
    "operator.blend": ["fake:a", {"operator": {"panel": ["fake:a"]}, "seed": 3}],
    "operator.cached": [{"operator": "fake:a"}, {"operator": "fake:a", "seconds": 2.5}],
    "operator.calibrated": [{"vote": "majority", "path": "vote.npz"}],
    "operator.chain": [["fake:a", {"panel": ["fake:b", "fake:c"]}]],
    "operator.clustered": [
        "same_number",
        {"alike": {"entails": "fake:a"}, "vote": {"weighted": {"ties": "cheapest"}}},
    ],
    "operator.explainer": ["fake:a", {"operator": {"panel": ["fake:a"]}, "fallback": "fail"}],
    "operator.fused": [{"path": "vote.npz"}, {"path": "vote.npz", "hash": "ab12"}],
    "operator.graph": [
        {
            "nodes": {
                "a": "fake:a",
                "b": {
                    "node": {
                        "operator": "fake:b",
                        "after": ["a"],
                        "inputs": {"x": "a.value.label"},
                        "when": "a.confidence < 0.8",
                    }
                },
            },
            "most_concurrent": 2,
            "first": "longest",
        }
    ],
    "operator.last_word": [{"last": "a"}, {"last": "a", "weights": {"b": 2}}],
    "operator.likeliest": [{"path": "cascade.npz"}],
    "operator.model": [
        "gpt",
        {"model": "fake:a", "temperature": 0.7, "top_p": 0.9, "max_tokens": 9, "seed": 1},
        {"model": "a:b", "until": ["\n"], "system": "Be short.", "provider": {"fake": ["hi"]}},
    ],
    "operator.module": [
        "fake:a",
        {
            "operator": "fake:a",
            "signature": "Sum up: {text}",
            "persona": "a poet",
            "temperature": 0.5,
        },
    ],
    "operator.named": [{"name": "left", "operator": "fake:a"}],
    "operator.node": [
        "fake:a",
        {
            "operator": "fake:a",
            "after": ["b"],
            "each": "b.value",
            "retries": 2,
            "timeout": 3,
            "fallback": "fake:c",
            "default": "none",
        },
        {
            "operator": "fake:a",
            "when": {"holds": {"operator": {"read": {"operator": "fake:yes", "reads": "boolean"}}}},
            "on_failure": "skip",
        },
    ],
    "operator.panel": [
        ["fake:a", "fake:b"],
        {"members": {"left": "fake:a", "right": {"within": {"operator": "fake:b", "seconds": 2}}}},
        {
            "members": ["fake:a", "fake:a", {"panel": ["fake:b"]}],
            "vote": {"weighted": {"weights": {"fake:a": 0.5}, "ties": "cheapest"}},
            "stop": ["decided", {"agree": 0.6}],
            "stagger": float("inf"),
            "patience": 2,
            "quorum": 1,
            "reads": {"plain": {"blank": "keep"}},
        },
    ],
    "operator.prompted": [{"operator": "fake:a", "prefix": "Q: ", "system": "Be brief."}],
    "operator.ranked": [
        [{"pairs": "fake:a"}],
        {"judges": [{"pairs": "fake:a"}, {"pairs": "fake:b"}], "rule": "copeland", "most": 3},
    ],
    "operator.read": [{"operator": "fake:a", "reads": "plain"}],
    "operator.refine": [
        "fake:a",
        {
            "operator": "fake:a",
            "critic": "fake:b",
            "judge": "stated",
            "stop": ["sure"],
            "rounds": 2,
        },
    ],
    "operator.search": [
        {"model": "fake:a", "strategy": "majority"},
        {
            "model": "fake:a",
            "judge": "complete",
            "strategy": {"beam": {"width": 2}},
            "budget": {"calls": 9},
        },
    ],
    "operator.selector": ["fake:a", {"operator": "fake:a", "rubric": "Shorter.", "seed": 3}],
    "operator.shortlist": [
        {"most": 3},
        {"judge": {"graded": "fake:a"}, "at": 0.5, "vote": {"blend": "fake:b"}},
    ],
    "operator.verifier": ["fake:a", {"operator": "fake:a", "otherwise": "fail", "most": 2}],
    "operator.within": [{"operator": "fake:a", "seconds": 0.5}],
    "provider.anthropic": [
        "claude-haiku-5-5",
        {"model": "m", "body": {"metadata": {"user_id": "1"}}},
    ],
    "provider.azure": [{"model": "m", "base_url": "https://a.openai.azure.com/openai/v1"}],
    "provider.compatible": [
        {"model": "a/b:c", "base_url": "http://localhost:1/v1", "continues": "flag"},
        {"model": "m", "base_url": "http://[::1]:1", "key": "file:key.txt", "stall": 5},
    ],
    "provider.deepseek": ["deepseek-chat"],
    "provider.fake": [
        ["hi"],
        {"answers": {"2+2": "4"}, "seconds": [0.1, 0.2], "confidence": 0.3, "tokens": [3, 4]},
        {"error": "RateLimited", "price": [1, 2]},
    ],
    "provider.gemini": ["gemini-2.5-flash", {"model": "m", "key": "env:MY_KEY"}],
    "provider.groq": ["llama-3.3-70b-versatile"],
    "provider.http": ["//localhost:1/score", {"model": "//[::1]:1/v1/rerank", "key": "env:MY_KEY"}],
    "provider.https": ["//localhost:1/classify"],
    "provider.litellm": [
        "groq/llama-3.3-70b-versatile",
        {"model": "bedrock/m", "body": {"aws_secret_access_key": "env:MY_KEY", "top_a": 1}},
        {"model": "openai/m", "key": "env:MY_KEY", "base_url": "http://localhost:1/v1"},
    ],
    "provider.llamacpp": ["m"],
    "provider.lmstudio": ["m"],
    "provider.local": ["small", {"model": "small", "price": [0.05, 0.2]}],
    "provider.mistral": ["mistral-small-latest"],
    "provider.ollama": ["llama3.2:1b", {"model": "m", "body": {"options": {"num_ctx": 16384}}}],
    "provider.ollama-embeddings": ["nomic-embed-text"],
    "provider.openai": [
        "gpt-4o-mini",
        {"model": "m", "key": "env:MY_KEY", "headers": {"x-title": "a", "x-token": "env:OTHER"}},
        {"model": "m", "base_url": "http://localhost:1/v1", "body": {"store": True, "a": [None]}},
    ],
    "provider.openai-embeddings": [
        "text-embedding-3-small",
        {"model": "m", "body": {"dimensions": 9}},
    ],
    "provider.openai_sdk": [
        "gpt-4o",
        {"model": "m", "key": "env:MY_KEY", "base_url": "http://localhost:1/v1", "body": {"n": 1}},
    ],
    "provider.openrouter": [
        "anthropic/claude-haiku-4.5",
        {"model": "m:free", "headers": {"x": "y"}},
    ],
    "provider.replay": [{"recording": "drafts.csv"}],
    "provider.responses": ["gpt-5-mini"],
    "provider.scores": [{"model": "m", "base_url": "http://localhost:1/pooling"}],
    "provider.together": ["meta-llama/Llama-3.3-70B-Instruct-Turbo"],
    "provider.transformers": [
        "models/mine",
        {"path": "models/mine", "device": "cuda:1", "dtype": "bfloat16", "batch": 4},
    ],
    "provider.transformers-scores": [
        "models/rm",
        {"path": "models/prm", "at": "ки", "among": ["+", "-"]},
    ],
    "provider.vllm": ["m", {"model": "m", "base_url": "http://localhost:1/v1"}],
    "provider.xai": ["grok-4"],
    "reader.typed": ["int", {"output": {"type": "object"}}],
    "router.analysed": [
        {"to": {"mathematical": ["a"]}},
        {"to": {"mathematical": ["a"]}, "hard": {"mathematical": ["b"]}, "complexity": 0.6},
    ],
    "router.bandit": [
        {"members": ["a", "b"]},
        {"members": ["a", "b"], "path": "places.npz", "sampling": True},
    ],
    "router.first_of": [[{"keywords": {"math": "a"}}]],
    "router.keywords": [
        {"math": ["a", "b"], "code": "c"},
        {"to": {"tax": {"a": 0.5}}, "at": 0.3, "words": {"tax": ["VAT"]}},
    ],
    "router.learned": [
        {"path": "router.npz"},
        {"path": "r.npz", "hash": "ab", "keep": 2, "cost": 0.1, "at": 0.2},
        {"path": "r.npz", "encoder": "hashing"},
    ],
    "router.least_busy": [{"members": ["a"]}],
    "router.manifold": [
        {"path": "places.npz"},
        {"path": "places.npz", "keep": 2, "unfamiliar": "a"},
    ],
    "router.mix": [{"routers": [{"keywords": {"math": "a"}}], "weights": [2]}],
    "router.nearest": [
        "kinds.npz",
        {"path": "a.npz", "hash": "ab", "encoder": {"hashing": 64}, "classifier": "fake:a"},
    ],
    "router.next": [{"path": "cascade.npz"}],
    "router.online": [["a", "b"], {"router": {"online": ["a"]}, "strength": 3, "explore": True}],
    "router.per_dollar": [
        {"members": ["a", "b"]},
        {"members": {"x": "a"}, "strength": 0.5},
        {"router": {"keywords": {"math": "a"}}},
    ],
    "router.per_second": [{"members": ["a"]}],
    "router.performance": [
        {"members": ["a", "b"]},
        {"router": {"keywords": {"math": "a"}}, "cautious": True},
    ],
    "router.round_robin": [{"members": ["a", "b"]}],
    "router.top": [{"router": {"keywords": {"math": "a"}}, "count": 2}],
    "stop.all_of": [["first", {"agree": {"share": 0.5, "least": 3}}]],
    "stop.any_of": [["never", {"spent": {"calls": 3}}]],
    "stop.lead": [{"at": 3, "weights": {"a": 2}}],
    "stop.spent": [{"usd": 0.1}, {"tokens": 5, "calls": 2, "seconds": 1.5}],
    "stop.worth": [{"path": "cascade.npz"}],
}
PLAIN_VALUES = (True, 0.25, 0.75, 2, 7, "fake:x", "plain", ["x", "y"], {"x": 0.5}, {"x": "y"})
FROM_CODE = ("function", "jit")  # made around a function by a decorator, never from data


@cache
def loaded() -> list[Any]:
    """Every module of the source, imported: optional extras stay inside functions."""
    found = pkgutil.walk_packages(onefold.__path__, "onefold.")
    return [importlib.import_module(one.name) for one in found if "__main__" not in one.name]


def parts() -> list[tuple[type[Part], str, Any]]:
    """What the house itself has registered: (kind, name, class or ready part)."""
    loaded()
    return [
        (kind, name, thing)
        for kind, held in registry.items()
        for name, thing in held.items()
        if (thing if isinstance(thing, type) else type(thing)).__module__.startswith("onefold.")
        and getattr(getattr(thing, "call", None), "__module__", "onefold.").startswith("onefold.")
    ]


def spot(kind: type[Part], name: str) -> str:
    """A part's key in SAMPLES."""
    return f"{kind.__name__.lower()}.{name}"


def public(cls: type) -> set[str]:
    """What a class itself lets users call or read, its fields left out."""
    own = {name for name in vars(cls) if not name.startswith("_")}
    return own - set(getattr(cls, "__struct_fields__", ())) - {"abstract", "name_of_part"}


def is_abstract(method: Any) -> bool:
    """Whether a method is left to the part that defines it."""
    return bool(getattr(method, "__isabstractmethod__", False))


def test_an_operator_has_four_public_ways_and_one_verb():
    defined = {name for name, value in vars(Operator).items() if inspect.isfunction(value)}
    assert public(Operator) | public(Part) == {"answer", "ask", "stream"}
    assert {name for name in defined if name.startswith("__")} == {"__call__", "__rshift__"}
    assert [name for name in defined if is_abstract(getattr(Operator, name))] == ["answer"]


def test_no_operator_adds_a_public_method_or_changes_a_concrete_one():
    wrong = {}
    for kind, name, thing in parts():
        if kind is not Operator or not isinstance(thing, type):
            continue
        allowed = {"answer", "count", "settled"} if issubclass(thing, Vote) else {"answer"}
        extra = public(thing) - allowed
        extra |= {"__call__", "__rshift__", "ask", "stream"} & set(vars(thing))
        if extra:
            wrong[name] = extra
    assert not wrong


def test_every_part_is_abstract_or_final_and_frozen():
    seen = [thing for _, _, thing in parts() if isinstance(thing, type)]
    assert seen
    for cls in seen:
        with pytest.raises(TypeError, match="final"):
            PartMeta("Mine", (cls,), {"__module__": __name__})
        assert cls.__struct_config__.frozen
    for kind in registry:
        if kind.__module__.startswith("onefold."):
            with pytest.raises(TypeError, match="abstract"):
                kind()


def variants(part: Part) -> Iterator[Part]:
    """The part with one field changed, for every field and every plain value that fits there."""
    given = {name: getattr(part, name) for name in part.__struct_fields__}
    for name, field in fields(type(part)).items():
        choices = get_args(field.type) if get_origin(field.type) is Literal else ()
        for value in (*choices, *PLAIN_VALUES):
            with contextlib.suppress(ConfigError):
                yield type(part)(**{**given, name: value})


@pytest.mark.parametrize(
    ("kind", "name", "thing"), [pytest.param(*part, id=spot(*part[:2])) for part in parts()]
)
def test_every_part_comes_back_from_its_own_description(kind, name, thing):
    if name in FROM_CODE:
        with pytest.raises(ConfigError, match="no registered name"):
            dump(thing(len))
        return
    made = [build({name: given}, kind) for given in SAMPLES.get(spot(kind, name), ())]
    try:
        made = made or [thing() if isinstance(thing, type) else thing]
    except (ConfigError, TypeError) as error:
        pytest.fail(f"give {spot(kind, name)!r} a line in SAMPLES: {error}")
    for part in [other for one in made for other in (one, *variants(one))]:
        again = build(dump(part), kind)
        assert again == part
        assert type(again) is type(part)
        assert hash(again) == hash(part)
        assert dump(again) == dump(part)


def test_every_part_is_known_to_whoever_only_has_its_name():
    code = """
from onefold.core.registry import names, registry, announced
announced()
for kind in registry:
    print(*(f"{kind.__name__.lower()}.{name}" for name in names(kind)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) >= {spot(kind, name) for kind, name, _ in parts()}


def test_no_sample_is_kept_for_a_part_that_is_gone():
    assert set(SAMPLES) <= {spot(kind, name) for kind, name, _ in parts()}
