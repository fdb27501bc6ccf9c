"""Makes tiny models with random weights on the spot, and serves one with llama.cpp's own server.

python tiny.py directory PATH    a model directory, as transformers reads it
python tiny.py gguf PATH         a GGUF file, as llama.cpp reads it
python tiny.py serve PATH PORT [vectors]    llama.cpp's server; ends with its standard input

Each runs in the environment of the server that it is for. The weights are drawn from a fixed seed;
the rows that would make a special token, a bare byte or half a word likely are zero, so that greedy
replies are words, always the same ones, and end where the limit says.
"""

from __future__ import annotations

import os
import sys

SEED = 20261121
WORDS = (
    "the of and to in is that it for was on are as with his they at be this from have or by one "
    "had not but what all were when we there can an your which their said if do will each about "
    "how up out them then she many some so these would other into has more her two like him see "
    "time could no make than first been its who now people my made over did down only way find "
    "use may water long little very after words called just where most know"
)
SIGNS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,:;?!'+-=()[]{}\"\n"
FOREIGN = "é漢🙂"  # of two, three and four bytes
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
WIDTH, LAYERS, HEADS, WINDOW = 64, 2, 4, 512


def directory(path: str) -> None:
    """Write a Llama of two layers, its tokenizer and a chat template into a directory."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.decoder = decoders.Metaspace()
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    trained.train_from_iterator([WORDS, SIGNS + FOREIGN], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=WINDOW,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            initializer_range=0.3,
        )
    )
    with torch.no_grad():
        model.lm_head.weight[: len(special)] = 0
    model.generation_config.do_sample = False
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def gguf(path: str) -> None:
    """Write a Llama of two layers with a vocabulary of words, signs and bytes into a GGUF file."""
    import numpy as np
    from gguf import GGUFWriter

    words = {f"▁{word}" for word in WORDS.split()}
    begun = {word[:end] for word in words for end in range(1, len(word))}  # a merge needs its parts
    signs = set(SIGNS + FOREIGN) - {" "}
    letters = {sign for sign in signs if sign.isascii() and sign.isalpha()}
    bare = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    spoken = [*sorted(words), *sorted(begun - words), *sorted(signs)]
    size = len(bare) + len(spoken)
    out = GGUFWriter(path, "llama")
    out.add_context_length(WINDOW)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(2 * WIDTH)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_vocab_size(size)
    out.add_tokenizer_model("llama")
    out.add_token_list([*bare, *spoken])
    out.add_token_scores([0.0] * len(bare) + [-float(place) for place in range(len(spoken))])
    out.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(spoken))  # unknown, control, byte, normal
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_space_prefix(False)  # its grammars want the generation prompt as it stands
    out.add_chat_template(TEMPLATE)
    chance = np.random.default_rng(SEED)

    def drawn(*shape: int, scale: float = 0.3) -> np.ndarray:
        return (chance.standard_normal(shape) * scale).astype(np.float32)

    said = drawn(size, WIDTH, scale=1.0)
    silent = letters | (begun - words)  # so that what is said is read again as the same tokens
    said[: len(bare)] = 0
    said[[len(bare) + place for place, piece in enumerate(spoken) if piece in silent]] = 0
    out.add_tensor("token_embd.weight", drawn(size, WIDTH, scale=1.0))
    out.add_tensor("output.weight", said)
    out.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            out.add_tensor(f"blk.{layer}.{name}.weight", drawn(WIDTH, WIDTH))
        for name in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
        for name in ("ffn_gate", "ffn_up"):
            out.add_tensor(f"blk.{layer}.{name}.weight", drawn(2 * WIDTH, WIDTH))
        out.add_tensor(f"blk.{layer}.ffn_down.weight", drawn(WIDTH, 2 * WIDTH))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def serve(path: str, port: str, what: str = "") -> None:
    """Run llama.cpp's server on the loopback interface until the standard input ends."""
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = path
    wanted.model_alias = {"tiny"}
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = int(port)
    wanted.api_keys = [os.environ["SERVER_KEY"]]
    wanted.n_parallel = 4 if what else 16
    wanted.n_ctx = wanted.n_parallel * WINDOW
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.offline = True
    if what:
        wanted.embedding = True
        wanted.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(wanted)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    {"directory": directory, "gguf": gguf, "serve": serve}[sys.argv[1]](*sys.argv[2:])
