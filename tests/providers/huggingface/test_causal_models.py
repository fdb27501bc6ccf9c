"""Causal models of transformers, on tiny ones made here: beside what the library itself writes."""

import asyncio
import math
from contextlib import aclosing

import pytest

pytest.importorskip("torch", reason="the extra `transformers` is not installed")
pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

import tiny_models as tiny
import torch
import transformers

from onefold.core.errors import ConfigError, Refused, TooLong, Unreadable
from onefold.core.query import Message, Query
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.delivery.session import Session
from onefold.operators.model import Model
from onefold.providers.huggingface import causal, generation
from onefold.providers.huggingface.causal import Transformers
from onefold.steps import steps

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own

PROMPTS = ("the cat", "the mat sat on the cat and 47 + 38", "äöü", "1", "the cat")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    words = tiny.tokenizer()
    config = transformers.LlamaConfig(**tiny.settings(words))
    model = transformers.LlamaForCausalLM(config)
    return tiny.written(model, words, tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    words = tiny.tokenizer()
    config = transformers.GPT2Config(
        vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=128, eos_token_id=1
    )
    model = transformers.GPT2LMHeadModel(config)
    return tiny.written(model, words, tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="module")
def sliding(tmp_path_factory):
    """A model whose cache forgets, so that rows cannot join those that are written."""
    words = tiny.tokenizer()
    config = transformers.MistralConfig(**tiny.settings(words), sliding_window=8)
    model = transformers.MistralForCausalLM(config)
    return tiny.written(model, words, tmp_path_factory.mktemp("sliding"))


def request(text, begun="", sample=0, logprobs=None, system="", **sampling):
    said = [Message("system", system)] if system else []
    said += [Message("user", text)]
    said += [Message("assistant", begun)] if begun else []
    return Request("mine", tuple(said), Sampling(**sampling), sample=sample, logprobs=logprobs)


def together(part, *requests):
    async def asked():
        return await asyncio.gather(*map(part.complete, requests))

    return asyncio.run(asked())


def library(path):
    """The library's own model and tokenizer."""
    model = transformers.AutoModelForCausalLM.from_pretrained(path)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(path)


@pytest.fixture(params=["llama", "gpt2", "sliding"])
def path(request):
    return request.getfixturevalue(request.param)


def test_the_likeliest_text_is_what_the_library_generates_rows_of_all_lengths_together(path):
    model, words = library(path)
    part = Transformers(path, device="cpu")
    replies = together(part, *(request(prompt, max_tokens=24) for prompt in PROMPTS))
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        codes = words(prompt, return_tensors="pt").input_ids
        made = model.generate(codes, max_new_tokens=24, do_sample=False)
        new = made[0, codes.shape[1] :]
        assert reply.text == words.decode(new, skip_special_tokens=True)
        assert reply.tokens_in == codes.shape[1]
        assert reply.tokens_out == len(new)
        assert reply.finish == ("stop" if new[-1] == words.eos_token_id else "length")


def test_log_probabilities_are_those_of_the_library(path):
    model, words = library(path)
    part = Transformers(path, device="cpu")
    replies = together(part, *(request(p, max_tokens=12, logprobs=3) for p in PROMPTS))
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        codes = words(prompt, return_tensors="pt").input_ids
        made = model.generate(codes, max_new_tokens=12, do_sample=False)
        with torch.no_grad():
            chances = torch.log_softmax(model(made).logits[0], -1)
        behind = range(codes.shape[1] - 1, made.shape[1] - 1)
        wanted = [float(chances[place, made[0, place + 1]]) for place in behind]
        wanted = wanted[: len(reply.tokens)]
        assert [token.logprob for token in reply.tokens] == pytest.approx(wanted, abs=1e-4)
        for place, token in zip(behind, reply.tokens, strict=False):
            best = sorted(token.top.values(), reverse=True)
            assert best[0] == pytest.approx(float(chances[place].max()), abs=1e-4)
            assert 1 <= len(best) <= 3
        if reply.finish == "length":
            mean = math.exp(sum(wanted) / len(wanted))
            assert reply.confidence == pytest.approx(mean, rel=1e-3)
        assert "".join(token.text for token in reply.tokens) == reply.text


def test_a_draw_is_the_same_alone_and_among_others(path):
    part = Transformers(path, device="cpu", batch=8)
    asked = [
        request(PROMPTS[place % 4], sample=place, temperature=0.9, top_p=0.95, max_tokens=4 + place)
        for place in range(20)
    ]
    many = together(part, *asked)
    alone = [together(part, one)[0] for one in asked]
    assert [reply.text for reply in many] == [reply.text for reply in alone]
    assert len({reply.text for reply in many}) > 15


@pytest.mark.parametrize("name", ["llama", "sliding"])
def test_whoever_comes_later_joins_or_waits_and_gets_the_same(name, request, monkeypatch):
    path = request.getfixturevalue(name)
    part = Transformers(path, device="cpu")
    seen = []
    read = generation.Reader.read

    def watched(self, codes, mask, cache):
        seen.append(codes.shape)
        return read(self, codes, mask, cache)

    monkeypatch.setattr(generation.Reader, "read", watched)

    async def asked():
        first = part.stream(one("the cat", max_tokens=60, temperature=1.0))
        async with aclosing(first):
            await anext(first)
            late = await part.complete(one("the mat sat on", max_tokens=10, temperature=1.0))
            return [piece async for piece in first][-1], late

    one = globals()["request"]
    first, late = asyncio.run(asked())
    joined = any(rows == 2 for rows, columns in seen if columns == 1)
    assert joined == (name == "llama")
    monkeypatch.undo()
    [alone] = together(part, one("the cat", max_tokens=60, temperature=1.0))
    assert first.text == alone.text
    [alone] = together(part, one("the mat sat on", max_tokens=10, temperature=1.0))
    assert late.text == alone.text


def test_equal_prompts_are_read_once(llama, monkeypatch):
    read, rows = generation.Reader.read, []

    def watched(self, codes, mask, cache):
        rows.append(len(codes))
        return read(self, codes, mask, cache)

    monkeypatch.setattr(generation.Reader, "read", watched)
    part = Transformers(llama, device="cpu")
    asked = [request("the cat", sample=n, temperature=1.0, max_tokens=3) for n in range(10)]
    replies = together(part, *asked)
    assert rows[0] == 1
    assert rows[1] == 10
    assert len({reply.text for reply in replies}) > 5


def test_a_partial_answer_is_continued_as_if_it_had_not_been_interrupted(tmp_path):
    words = tiny.letters()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    part = Transformers(tiny.written(model, words, tmp_path), device="cpu")
    [whole] = together(part, request("the cat", max_tokens=20))
    for count in (1, 7, 19):
        [half] = together(part, request("the cat", max_tokens=count))
        begun = request("the cat", begun=half.text, max_tokens=20 - count)
        [rest] = together(part, begun)
        assert half.text + rest.text == whole.text
        assert rest.tokens_in == half.tokens_in + count


def test_a_stop_text_ends_a_reply_and_is_no_part_of_it(llama):
    part = Transformers(llama, device="cpu")
    [free] = together(part, request("the cat", max_tokens=40, logprobs=0))
    stop = free.text[5:7]
    place = free.text.find(stop)
    [reply] = together(part, request("the cat", max_tokens=40, logprobs=0, stop=(stop, "#never#")))
    assert (reply.text, reply.finish) == (free.text[:place], "until")
    assert reply.tokens_out < free.tokens_out
    assert "".join(token.text for token in reply.tokens) == reply.text


def test_a_stream_tells_the_text_in_pieces_and_never_the_beginning_of_a_stop(llama):
    part = Transformers(llama, device="cpu")
    [free] = together(part, request("the cat", max_tokens=40))
    stop = free.text[8:10]

    async def heard():
        asked = request("the cat", max_tokens=40, stop=(stop,))
        return [piece async for piece in part.stream(asked)]

    *pieces, reply = asyncio.run(heard())
    assert isinstance(reply, Reply)
    assert "".join(pieces) == reply.text == free.text[: free.text.find(stop)]
    assert len(pieces) > 2


def test_an_end_token_ends_a_reply_by_itself(llama):
    part = Transformers(llama, device="cpu")
    asked = [request("the", sample=n, temperature=5.0, max_tokens=100) for n in range(40)]
    replies = [reply for reply in together(part, *asked) if reply.finish == "stop"]
    assert replies
    assert all("</s>" not in reply.text for reply in replies)
    assert all(reply.tokens_out <= 100 for reply in replies)


def test_seed_and_sample_make_the_draw(llama):
    part = Transformers(llama, device="cpu")

    def text(**fields):
        [reply] = together(part, request("the", temperature=1.0, max_tokens=12, **fields))
        return reply.text

    assert text(seed=1) == text(seed=1) != text(seed=2) != text(seed=2, sample=2**47)
    [likeliest] = together(part, request("the", max_tokens=12))
    assert text(top_k=1) == text(top_p=1e-6) == likeliest.text


def test_draws_are_as_frequent_as_their_chances():
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)

    class Drawing:
        def __init__(self, number):
            self.temperature, self.top_k, self.top_p = 2.0, 3, 0.9
            self.luck = generation.Random(f"{number}")

    codes = generation.drawn(logits, [Drawing(number) for number in range(4000)])
    shares = torch.bincount(codes, minlength=4) / 4000
    wanted = torch.softmax(torch.tensor([1.0, 0.5, 0.0]), 0)
    assert shares[:3].tolist() == pytest.approx(wanted.tolist(), abs=0.03)
    assert shares[3] == 0


def test_the_directory_s_own_settings_count_where_none_are_given(tmp_path):
    words = tiny.tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    own = {"do_sample": True, "temperature": 1.5, "max_new_tokens": 7}
    part = Transformers(tiny.written(model, words, tmp_path, **own), device="cpu")
    plain, drawn = together(part, request("the"), request("the", sample=1))
    assert plain.tokens_out == drawn.tokens_out == 7
    assert plain.text != drawn.text
    cold = [request("the", sample=n, temperature=0.0, max_tokens=5) for n in range(2)]
    assert len({reply.text for reply in together(part, *cold)}) == 1


def test_a_chat_template_is_kept_to_and_what_it_refuses_is_refused(tmp_path):
    words = tiny.tokenizer(tiny.CHAT)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    part = Transformers(tiny.written(model, words, tmp_path), device="cpu")
    [reply] = together(part, request("the cat", max_tokens=4))
    assert reply.tokens_in == len(words("<s>user\nthe cat</s><s>assistant\n").input_ids)
    [begun] = together(part, request("the cat", begun="the mat\n", max_tokens=4))
    spoken = "<s>user\nthe cat</s><s>assistant\nthe mat\n"
    assert begun.tokens_in == len(words(spoken).input_ids)
    with pytest.raises(Refused, match="its chat template refuses the conversation: no system"):
        together(part, request("the cat", system="Be brief."))
    own = Transformers(part.path, device="cpu", template="{{ messages[-1].content }}!")
    [reply] = together(own, request("the cat", system="Be brief.", max_tokens=4))
    assert reply.tokens_in == len(words("the cat!").input_ids)


def test_a_conversation_without_a_template_is_one_text(llama):
    words = tiny.tokenizer()
    part = Transformers(llama, device="cpu")
    [reply] = together(part, request("the cat", system="Sit.", begun=" sat", max_tokens=2))
    told = "system: Sit.\n\nuser: the cat\n\nassistant: sat"
    assert reply.tokens_in == len(words(told).input_ids)


def test_what_does_not_fit_is_refused_or_cut(llama):
    part = Transformers(llama, device="cpu")
    [reply] = together(part, request("1 " * 50, max_tokens=1000, temperature=0.01))
    assert reply.finish in ("length", "stop")
    assert reply.tokens_in + reply.tokens_out <= 128
    with pytest.raises(TooLong, match="mine reads 128 tokens, and this has"):
        together(part, request("1 " * 500))
    sampling, schema = Sampling(presence_penalty=1.0), {"type": "null"}
    asked = Request("mine", (Message("user", "?"),), sampling, schema=schema)
    with pytest.raises(Refused, match="transformers has no presence_penalty, schema"):
        together(part, asked)


def test_one_that_is_refused_harms_no_other(llama):
    part = Transformers(llama, device="cpu")

    async def asked():
        both = part.complete(request("1 " * 500)), part.complete(request("the", max_tokens=3))
        return await asyncio.gather(*both, return_exceptions=True)

    wrong, right = asyncio.run(asked())
    assert isinstance(wrong, TooLong)
    assert right.tokens_out == 3


def test_whoever_leaves_frees_the_row(llama, monkeypatch):
    part = Transformers(llama, device="cpu", batch=1)
    read, steps_made = generation.Reader.read, []

    def watched(self, codes, mask, cache):
        steps_made.append(len(codes))
        return read(self, codes, mask, cache)

    monkeypatch.setattr(generation.Reader, "read", watched)

    async def asked():
        leaving = part.stream(request("the cat", max_tokens=100, temperature=1.0))
        await anext(leaving)
        await leaving.aclose()
        gone = asyncio.create_task(part.complete(request("the cat", max_tokens=100)))
        await asyncio.sleep(0)
        gone.cancel()
        return await part.complete(request("the mat", max_tokens=3))

    assert asyncio.run(asked()).tokens_out == 3
    assert len(steps_made) < 100
    worker = part._worker()
    assert not any(not job.done.done() for job in worker.taken)


def test_weights_that_compute_nonsense_are_an_error(tmp_path):
    words = tiny.tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    path = tiny.written(model, words, tmp_path)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    model.save_pretrained(path)
    with pytest.raises(Unreadable, match="computed nan instead of a chance"):
        together(Transformers(path, device="cpu"), request("the"))


def test_weights_that_are_not_there_are_not_made_up(tmp_path):
    words = tiny.tokenizer()
    config = transformers.LlamaConfig(**tiny.settings(words), num_labels=1)
    model = transformers.LlamaForSequenceClassification(config)
    path = tiny.written(model, words, tmp_path)
    with pytest.raises(ConfigError, match=r"has no weights for lm_head\.weight"):
        together(Transformers(path, device="cpu"), request("the"))
    (tmp_path / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        together(Transformers(path, device="cpu"), request("the"))


def test_a_directory_written_anew_is_loaded_anew(tmp_path):
    words = tiny.tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    part = Transformers(tiny.written(model, words, tmp_path), device="cpu")
    [before] = together(part, request("the cat", max_tokens=9))
    with torch.no_grad():
        model.lm_head.weight.mul_(-1)
    model.save_pretrained(part.path)
    [after] = together(part, request("the cat", max_tokens=9))
    assert before.text != after.text


def test_an_operator_asks_it_through_the_corridor(llama):
    with Session({"mine": f"transformers:{llama}"}) as session:
        model = Model("mine", max_tokens=6, temperature=1.0, logprobs=1)
        session.ready(model)
        answer = asyncio.run(model(Query("the cat", sample=3)))
        assert answer.usage.usd == 0.0
        assert answer.usage.tokens_out == 6
        assert len(answer.tokens) == 6
        assert not answer.usage.estimated
        assert 0 < answer.confidence < 1
        assert session.usage()["mine"].calls == 1
    assert steps(answer.text, answer.finish)[-1].ended in ("length", "stop")


def test_models_on_several_loops_share_one_thread(llama):
    part = Transformers(llama, device="cpu")
    together(part, request("the", max_tokens=2))
    together(part, request("the", max_tokens=2))
    assert part._worker() is Transformers(llama, device="cpu")._worker()
    assert causal.writer.cache_info().currsize <= 4
