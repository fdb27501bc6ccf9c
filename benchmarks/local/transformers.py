"""Tokens a CPU-second of a model in a directory: ours beside the library's own `generate`.

Needs the extra `transformers`. The model is made on the spot, of random weights (width 256, four
layers, 2,048 words), and writes greedily; one thread.

    OMP_NUM_THREADS=1 python -m benchmarks.local.transformers
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from tempfile import TemporaryDirectory
from time import process_time

import torch
import transformers
from benchmarks.measuring import SEED, table
from tokenizers import Tokenizer, models, pre_tokenizers

from onefold.core.query import Message
from onefold.delivery.provider import Request, Sampling
from onefold.providers.huggingface.causal import Transformers

WORDS = [f"w{number}" for number in range(2048)]
LENGTH, WRITTEN = 64, 48


def made(place: str) -> None:
    """Write a model and its tokenizer into a directory."""
    words = Tokenizer(models.WordLevel({word: code for code, word in enumerate(WORDS)}, "w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(place)
    torch.manual_seed(SEED)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=256, intermediate_size=768, num_hidden_layers=4,
        num_attention_heads=4, max_position_embeddings=512, eos_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(place)


def prompts(rows: int) -> list[str]:
    """Prompts that differ."""
    return [
        " ".join(WORDS[(row + 7 * word) % 2048] for word in range(LENGTH)) for row in range(rows)
    ]


def speed(write: Callable[[list[str]], None], rows: int) -> float:
    """Tokens a CPU-second, the better of two."""
    write(prompts(rows))
    taken = []
    for _ in range(2):
        begun = process_time()
        write(prompts(rows))
        taken.append(process_time() - begun)
    return rows * WRITTEN / min(taken)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    with TemporaryDirectory() as place:
        made(place)
        part = Transformers(place, device="cpu", batch=16)
        model = transformers.AutoModelForCausalLM.from_pretrained(place).eval()
        words = transformers.AutoTokenizer.from_pretrained(place)

        def ours(texts: list[str]) -> None:
            async def asked() -> None:
                await asyncio.gather(*(part.complete(request(text)) for text in texts))

            asyncio.run(asked())

        def theirs(texts: list[str]) -> None:
            codes = words(texts, return_tensors="pt").input_ids
            model.generate(codes, max_new_tokens=WRITTEN, do_sample=False, pad_token_id=0)

        rows = []
        for count in (1, 16):
            one, two = speed(ours, count), speed(theirs, count)
            rows.append((count, f"{one:,.0f}", f"{two:,.0f}", f"{one / two:.2f}"))
        rows.append(("16 draws of one prompt", *shared(ours, theirs)))
    table(("rows at once", "ours", "generate", "ratio"), rows)


def shared(*writers: Callable[[list[str]], None]) -> tuple[str, str, str]:
    """Speeds where all prompts are equal: ours are read once."""
    found = [speed(lambda texts, write=write: write(texts[:1] * 16), 16) for write in writers]
    return f"{found[0]:,.0f}", f"{found[1]:,.0f}", f"{found[0] / found[1]:.2f}"


def request(text: str) -> Request:
    """What one prompt is asked by."""
    return Request("m", (Message("user", text),), Sampling(temperature=0.0, max_tokens=WRITTEN))


if __name__ == "__main__":
    main()
