"""Tiny models of random weights in directories, as transformers writes them."""

from __future__ import annotations

from contextlib import redirect_stderr
from functools import cache
from io import StringIO

SAID = "the cat sat on the mat and 47 + 38 = 85 - äöü ки <extra_0> 🙂 user assistant\n"
CHAT = (
    "{% for turn in messages %}{% if turn.role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}<s>{{ turn.role }}\n{{ turn.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)

PLAIN = "{% for turn in messages %}<s>{{ turn.role }}\n{{ turn.content }}</s>{% endfor %}"


@cache
def tokenizer(template=None, extra=()):
    """A byte-level tokenizer: every text is tokens, and comes back."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    bytes_ = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<s>", "</s>", *extra], initial_alphabet=bytes_
    )
    made.train_from_iterator([SAID] * 3, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    fast.chat_template = template
    return fast


@cache
def letters(signs="abcdefghijklmnopqrstuvwxyz 0123456789\n.,+-=:", template=None):
    """A tokenizer whose tokens are single signs, so that a text has one spelling only."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    codes = {sign: code for code, sign in enumerate(["<s>", "</s>", *sorted(set(signs))])}
    made = Tokenizer(models.WordLevel(codes, " "))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    fast.chat_template = template
    return fast


def settings(words, **more):
    """The fields of a small Llama's configuration."""
    return {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 1,
        **more,
    }


def written(model, words, place, **generation):
    """The directory that holds a model, its weights made lively, and its tokenizer."""
    import torch

    torch.manual_seed(7)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0, 0.3)
    for name, value in generation.items():
        setattr(model.generation_config, name, value)
    with redirect_stderr(StringIO()):
        model.save_pretrained(place)
        words.save_pretrained(place)
    return str(place)
