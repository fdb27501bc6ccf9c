"""What the nearest router recognises, with which encoder, and how fast. Seed 20261121.

python -m benchmarks.learning.encoders [--data DIR]

Half of the questions are prototypes, the others are asked. `sentences` is a static model made on
the spot (one vector a word, from a singular value decomposition of who stands in which text): it
shows the speed of the library, not the quality of the models that people publish for it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from benchmarks.measuring import SEED, data_folder, percent, table
from pyarrow import parquet

from onefold.core.query import Query
from onefold.encoders.sentences import Sentences
from onefold.encoders.words import Hashing
from onefold.learn.routers.nearest import fit_taxonomy
from onefold.routers.keywords import task_types
from onefold.verbs import Encoder

SETS = {
    "LLMRouter, 14 tasks": ("llmrouter_scores.parquet", "prompt", "task_name"),
    "MMLU, 57 subjects": ("routellm_mmlu.parquet", "prompt", "subject"),
    "banking77, 77 intents": ("classify/banking77.parquet", "text", "label"),
}
TEXTS = 2000


def labelled(path: Path, text: str, label: str) -> list[tuple[str, str]]:
    """Texts with their labels, drawn by seed."""
    rows = parquet.read_table(path, columns=[text, label]).to_pylist()
    board = {row[text]: str(row[label]) for row in rows}
    order = np.random.default_rng(SEED).permutation(len(board))[:TEXTS]
    listed = list(board.items())
    return [listed[place] for place in order]


def static_model(texts: list[str], folder: Path) -> Sentences:
    """A sentence-transformers model in a folder: 64 numbers a word."""
    import sentence_transformers.models as modules
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = sorted({word for text in texts for word in text.lower().split()})[:3000]
    column = {word: place for place, word in enumerate(words)}
    stands = np.zeros((len(words), len(texts)), dtype=np.float32)
    for place, text in enumerate(texts):
        for word in text.lower().split():
            if word in column:
                stands[column[word], place] = 1.0
    left, sizes, _ = np.linalg.svd(stands / np.sqrt(1 + stands.sum(1, keepdims=True)), False)
    vectors = np.vstack([np.zeros(64), left[:, :64] * sizes[:64]]).astype(np.float32)
    tokens = Tokenizer(models.WordLevel({"?": 0, **{w: i + 1 for w, i in column.items()}}, "?"))
    tokens.normalizer = normalizers.Lowercase()
    tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    model = SentenceTransformer(
        modules=[modules.StaticEmbedding(tokens, embedding_weights=vectors)], device="cpu"
    )
    model.save(str(folder))
    return Sentences(str(folder), "cpu")


def row(name: str, rows: list[tuple[str, str]], encoder: Encoder, folder: Path) -> list[object]:
    """Figures of one encoder on one set."""
    texts, half = [text for text, _ in rows], len(rows) // 2
    asyncio.run(encoder.encode(texts[:1]))
    began = time.process_time()
    asyncio.run(encoder.encode(texts))
    encoding = (time.process_time() - began) / len(texts)
    fit = fit_taxonomy(rows[:half], encoder=encoder, seed=SEED)
    router = fit.save(folder / "index.npz")

    async def routed() -> list[dict[str, float]]:
        return [dict(await router.route(Query(text))) for text in texts[half:]]

    asyncio.run(router.route(Query("warm")))
    began = time.process_time()
    said = asyncio.run(routed())
    spent = (time.process_time() - began) / len(said)
    best = [max(each, key=each.get) if each else None for each in said]  # type: ignore[arg-type]
    heard = [b == label for b, (_, label) in zip(best, rows[half:], strict=True) if b]
    shown = f"{encoder.name_of_part} {getattr(encoder, 'width', '')}"
    figures = fit.figures["accuracy"], len(heard) / len(best), float(np.mean(heard))
    return [name, shown, *map(percent, figures), f"{encoding * 1e6:.0f}", f"{1 / spent:,.0f}"]


def main() -> None:
    """Print the tables."""
    folder = data_folder(*(path for path, _, _ in SETS.values()))
    rows = []
    with tempfile.TemporaryDirectory() as made:
        for name, (path, text, label) in SETS.items():
            listed = labelled(folder / path, text, label)
            encoders: list[Encoder] = [Hashing(512), Hashing(2048)]
            if find_spec("sentence_transformers"):
                encoders.append(
                    static_model([text for text, _ in listed[:1000]], Path(made) / name)
                )
            rows += [row(name, listed, encoder, Path(made)) for encoder in encoders]
    head = ("set", "encoder", "right", "with an opinion", "of those right", "µs a text", "a second")
    table(head, rows)
    began = time.process_time()
    prompts = [
        text for text, _ in labelled(folder / "llmrouter_scores.parquet", "prompt", "task_name")
    ]
    for prompt in prompts:
        task_types(prompt)
    spent = (time.process_time() - began) / len(prompts)
    table(("router", "decisions a second"), [("keywords", f"{1 / spent:,.0f}")])


if __name__ == "__main__":
    main()
