"""Sentence-transformers as an encoder: on a tiny model made here, or with a line that installs."""

import asyncio
import builtins
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from onefold.core.errors import ConfigError, MissingExtra
from onefold.core.spec import build, dump
from onefold.encoders import sentences
from onefold.encoders.sentences import Sentences
from onefold.verbs import Encoder

WORDS = ["cat", "dog", "pet", "sum", "number"]


@pytest.fixture(autouse=True)
def nothing_loaded():
    sentences.loaded.cache_clear()
    yield
    sentences.loaded.cache_clear()


def encode(encoder, *texts):
    return asyncio.run(encoder.encode(texts))


def test_without_the_library_the_error_is_the_line_that_installs_it(monkeypatch):
    def missing(name, *rest):
        if name == "sentence_transformers":
            raise ImportError(name)
        return imported(name, *rest)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"pip install 'onefold\[sentences\]'"):
        encode(Sentences("somewhere"), "a")


class Pretends:
    """A model that counts words, and remembers the threads it ran in."""

    threads: list[int] = []

    def __init__(self, source, device):
        if source == "nowhere":
            raise OSError("no such folder")
        self.device = device

    def encode(self, texts, batch_size, show_progress_bar):
        assert not show_progress_bar
        self.threads.append(threading.get_ident())
        return np.array([[text.count(word) + 0.0 for word in WORDS] for text in texts])


@pytest.fixture
def pretended(monkeypatch):
    library = SimpleNamespace(SentenceTransformer=Pretends)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    Pretends.threads.clear()
    return Pretends


def test_rows_have_length_one_blank_texts_are_zero_and_the_loop_stays_free(pretended):
    rows = encode(Sentences("here"), "cat cat dog", " ", "sum")
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 1])
    assert rows[0, 0] == pytest.approx(2 / 5**0.5)
    assert pretended.threads
    assert threading.get_ident() not in pretended.threads
    assert encode(Sentences("here"), " ").shape == (1, len(WORDS))


def test_a_model_that_cannot_be_loaded_is_named(pretended):
    with pytest.raises(ConfigError, match="'nowhere' cannot be loaded: no such folder"):
        encode(Sentences("nowhere"), "a")


def test_sentences_come_back_from_yaml():
    made = build({"sentences": {"source": "here", "device": "cpu"}}, Encoder)
    assert made == Sentences("here", "cpu")
    assert build(dump(made), Encoder) == made


@pytest.mark.filterwarnings("ignore")  # the library's own
def test_the_real_library_encodes_with_a_model_from_a_folder(tmp_path):
    library = pytest.importorskip("sentence_transformers", reason="the extra is not installed")
    modules = pytest.importorskip("sentence_transformers.models")
    tokenizers = pytest.importorskip("tokenizers")
    tokens = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(["?", *WORDS])}, "?")
    )
    tokens.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    table = np.eye(len(WORDS) + 1, dtype=np.float32)
    table[2] = table[1]  # a dog is like a cat
    static = modules.StaticEmbedding(tokens, embedding_weights=table)
    library.SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "tiny"))
    cat, dog, sum_, blank = encode(
        Sentences(str(tmp_path / "tiny"), "cpu"), "cat", "dog", "sum", ""
    )
    assert cat @ dog > 0.9 > 0.1 > cat @ sum_
    assert not blank.any()
