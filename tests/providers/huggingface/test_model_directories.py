"""Directories of transformers: what is said of one that lacks something, before it is asked."""

import asyncio
import json

import pytest

from onefold.core.errors import ConfigError, MissingExtra
from onefold.core.spec import build, dump
from onefold.delivery.provider import Provider
from onefold.delivery.session import Session
from onefold.operators.model import Model
from onefold.providers.huggingface import directory
from onefold.providers.huggingface.causal import Transformers
from onefold.providers.huggingface.scoring import TransformersScores

FILES = {"config.json": "{}", "model.safetensors": "", "tokenizer.json": "{}"}


@pytest.fixture
def equipped(monkeypatch):
    monkeypatch.setattr(directory, "LIBRARIES", ())


def made(place, **files):
    for name, text in {**FILES, **files}.items():
        if text is not None:
            (place / name).write_text(text)
    return Transformers(str(place))


def test_without_the_libraries_the_error_is_the_line_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setattr(directory, "find_spec", lambda _: None)
    part = made(tmp_path)
    line = r"transformers:.* needs an extra: pip install 'onefold\[transformers\]'"
    with pytest.raises(MissingExtra, match=line):
        part._prepare("m")
    with pytest.raises(MissingExtra, match="pip install"):
        asyncio.run(Model("m", provider=part)("?"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": None}, "lacks config.json"),
        ({"config.json": "{"}, "config.json cannot be read"),
        ({"config.json": "[]"}, "config.json holds no object"),
        ({"model.safetensors": None}, "lacks model.safetensors "),
        ({"tokenizer.json": None}, "lacks tokenizer.json"),
        (
            {
                "model.safetensors": None,
                "model.safetensors.index.json": json.dumps({"weight_map": {"a": "part-2.st"}}),
            },
            "lacks part-2.st .which model.safetensors.index.json lists",
        ),
        (
            {"model.safetensors": None, "model.safetensors.index.json": "{}"},
            "has no weight_map",
        ),
    ],
)
def test_a_file_that_is_missing_or_broken_is_named_before_anything_is_asked(
    equipped, tmp_path, files, said
):
    part = made(tmp_path, **files)
    with Session({"mine": part}) as session, pytest.raises(ConfigError, match=said):
        session.ready(Model("mine"))


def test_a_directory_that_holds_everything_is_let_pass(equipped, tmp_path):
    made(tmp_path)._prepare("m")
    made(tmp_path, **{"vocab.txt": "", "tokenizer.json": None})._prepare("m")


def test_a_path_that_is_no_directory_is_named(equipped, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no directory '.*nowhere'"):
        Transformers(str(tmp_path / "nowhere"))._prepare("m")


def test_a_name_that_is_not_in_the_cache_is_not_fetched(equipped, tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="the extra `transformers` is not installed")
    with pytest.raises(ConfigError, match="nor a model in Hugging Face's cache: say download"):
        Transformers("nobody/no-such-model")._prepare("m")
    Transformers("nobody/no-such-model", download=True)._prepare("m")  # it may still be fetched


def test_directories_are_spelled_in_short_where_nothing_else_is_said():
    part = build("transformers:models/mine", Provider)
    assert part == Transformers("models/mine")
    assert dump(part).strip() == "transformers:models/mine"
    other = TransformersScores("mine", at="ки", among=("+", "-"), batch=4, dtype="bfloat16")
    assert build(dump(other), Provider) == other


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"device": "gpu"}, "device 'gpu' is none of"),
        ({"dtype": "int8"}, "dtype"),
        ({"batch": 0}, "batch"),
        ({"path": ""}, "path"),
        ({"at": "ки", "among": ("+",)}, "compared with nothing"),
        ({"among": ("+", "-")}, "say `at`"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ConfigError, match=said):
        TransformersScores(**{"path": "a", **fields})
