"""Reward models in directories, on tiny ones made here: beside the formulas of model cards."""

import asyncio
import json

import pytest

pytest.importorskip("torch", reason="the extra `transformers` is not installed")
pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

import tiny_models as tiny
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, Refused, TooLong
from onefold.core.query import Message, Query
from onefold.delivery.provider import Request, Sampling
from onefold.delivery.session import Session
from onefold.judges.reward import Reward
from onefold.markers.conventions import QWEN
from onefold.markers.reward import StepReward
from onefold.operators.model import Model
from onefold.providers.huggingface.causal import Transformers
from onefold.providers.huggingface.scoring import TransformersScores

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own

ANSWERS = ("sat on the mat", "47 + 38 = 85", "a", "the cat sat on the mat and the cat sat")
STEPS = ("the cat sat", "47 + 38 = 85", "on the mat")


def request(answer, text="the cat", **sampling):
    said = (Message("user", text), Message("assistant", answer))
    return Request("mine", said, Sampling(**sampling))


def scored(part, *requests):
    async def asked():
        return await asyncio.gather(*map(part.complete, requests))

    return [json.loads(reply.text) for reply in asyncio.run(asked())]


def marked(marker):
    return asyncio.run(marker.mark(Query("the cat"), STEPS))


def flat(rows):
    return pytest.approx([number for row in rows.tolist() for number in row], abs=1e-5)


def classifier(place, template=None, **fields):
    words = tiny.tokenizer(template)
    config = transformers.LlamaConfig(**tiny.settings(words), **fields)
    return tiny.written(transformers.LlamaForSequenceClassification(config), words, place)


def causal(place, template=None):
    words = tiny.tokenizer(template)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    return tiny.written(model, words, place), model.eval(), words


def test_a_reward_is_the_first_logit_of_the_conversation_in_its_template(tmp_path):
    path = classifier(tmp_path, tiny.CHAT, num_labels=1)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(path).eval()
    words = tiny.tokenizer(tiny.CHAT)
    many = scored(TransformersScores(path, device="cpu"), *map(request, ANSWERS))
    for answer, numbers in zip(ANSWERS, many, strict=True):
        text = f"<s>user\nthe cat</s><s>assistant\n{answer}</s>"
        with torch.no_grad():
            wanted = model(torch.tensor([words(text).input_ids])).logits
        assert numbers == flat(wanted)


def test_labels_get_their_shares_and_a_model_without_a_template_two_texts(tmp_path):
    words = tiny.tokenizer(None, ("<sep>",))
    words.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A", pair="$A <sep> $B:1", special_tokens=[("<sep>", 2)]
    )
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, num_labels=3, id2label={0: "bad", 1: "fair", 2: "good"},
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config).eval()
    part = TransformersScores(tiny.written(model, words, tmp_path), device="cpu", batch=3)

    async def asked():
        return await asyncio.gather(*(part.complete(request(answer)) for answer in ANSWERS))

    for answer, reply in zip(ANSWERS, asyncio.run(asked()), strict=True):
        with torch.no_grad():
            both = words("the cat", answer, return_tensors="pt", return_token_type_ids=True)
            wanted = model(**both).logits.softmax(-1)
        assert both.token_type_ids.sum() > 0
        assert json.loads(reply.text) == flat(wanted)
        assert reply.probs["good"] == pytest.approx(float(wanted[0, 2]), abs=1e-5)


def test_math_shepherd_s_steps_are_scored_at_their_tag(tmp_path):
    path, model, words = causal(tmp_path)
    part = TransformersScores(path, device="cpu", at="ки", among=("+", "-"))
    marks = marked(StepReward(Model("mine", provider=part), "shepherd"))
    answer = "\n".join(f"Step {place}: {step} ки" for place, step in enumerate(STEPS, 1))
    codes = torch.tensor([words("the cat " + answer).input_ids])
    tag, good, bad = (words(word).input_ids[-1] for word in (" ки", "+", "-"))
    with torch.no_grad():
        rows = model(codes).logits[:, :, [good, bad]].softmax(-1)[:, :, 0]
    assert marks == pytest.approx(rows[codes == tag].tolist(), abs=1e-5)


def test_rlhflow_s_steps_are_scored_by_a_causal_model_s_next_token(tmp_path):
    words = tiny.letters("+-abc \n<>/s", tiny.CHAT)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words))).eval()
    part = Transformers(tiny.written(model, words, tmp_path), device="cpu")
    asked = Model("mine", provider=part, logprobs=20, max_tokens=1)
    marks = marked(StepReward(asked, "rlhflow"))
    turns, wanted = [], []
    plus, minus = (words(word).input_ids[-1] for word in "+-")
    for number, step in enumerate(STEPS):
        said = step if number else f"the cat {step}"
        turns += [{"role": "user", "content": said}, {"role": "assistant", "content": "+"}]
        codes = words(words.apply_chat_template(turns, tokenize=False)).input_ids
        with torch.no_grad():
            logits = model(torch.tensor([codes])).logits
        wanted.append(float(logits[0, -3, [plus, minus]].softmax(-1)[0]))
    assert marks == pytest.approx(wanted, abs=1e-5)


def headed(place, template, **tensors):
    """A transformer saved without its language head, and with tensors of another."""
    words = tiny.tokenizer(template, ("<extra_0>",))
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**tiny.settings(words)))
    path = tiny.written(model, words, place)
    held = load_file(place / "model.safetensors")
    held = {name: tensor for name, tensor in held.items() if not name.startswith("lm_head")}
    save_file({**held, **tensors}, place / "model.safetensors", {"format": "pt"})
    return path, model.model.eval(), words


def test_qwen_s_steps_are_scored_by_a_head_of_two_layers(tmp_path):
    torch.manual_seed(3)
    first, second = torch.nn.Linear(32, 32), torch.nn.Linear(32, 2)
    tensors = {
        "score.0.weight": first.weight.data,
        "score.0.bias": first.bias.data,
        "score.2.weight": second.weight.data,
        "score.2.bias": second.bias.data,
    }
    path, model, words = headed(tmp_path, tiny.CHAT, **tensors)
    answer = "<extra_0>".join(STEPS) + "<extra_0>"
    part = TransformersScores(path, device="cpu", at="<extra_0>", template=tiny.PLAIN)
    marks = marked(StepReward(Model("mine", provider=part)))
    told = f"<s>system\n{QWEN}</s><s>user\nthe cat</s><s>assistant\n{answer}</s>"
    codes = torch.tensor([words(told).input_ids])
    with torch.no_grad():
        hidden = model(codes).last_hidden_state
        shares = second(torch.relu(first(hidden))).softmax(-1)[:, :, 1]
    wanted = shares[codes == words("<extra_0>").input_ids[0]].tolist()
    assert marks == pytest.approx(wanted, abs=1e-5)


def test_skywork_s_steps_are_scored_by_a_value_at_each_line_s_end(tmp_path):
    torch.manual_seed(3)
    value = torch.nn.Linear(32, 1)
    tensors = {"v_head.summary.weight": value.weight.data, "v_head.summary.bias": value.bias.data}
    path, model, words = headed(tmp_path, None, **tensors)
    template = "{{ messages[0].content }}\n{{ messages[1].content }}"
    part = TransformersScores(path, device="cpu", at="\n", template=template)
    marks = marked(StepReward(Model("mine", provider=part), "skywork", raw=True))
    line = words("\n").input_ids
    codes, ends = list(words("the cat\n").input_ids), []
    for step in STEPS:
        codes += words(step).input_ids + line
        ends.append(len(codes) - 1)
    with torch.no_grad():
        wanted = value(model(torch.tensor([codes])).last_hidden_state[0, ends]).sigmoid()[:, 0]
    assert marks == pytest.approx(wanted.tolist(), abs=1e-5)


def test_a_separator_that_is_no_token_is_an_error(tmp_path):
    path, _, _ = causal(tmp_path)
    part = TransformersScores(path, device="cpu", at="qx", among=("+", "-"))
    with pytest.raises(ConfigError, match="at 'qx' is no token of this model's"):
        scored(part, request("x a qx"))


def test_a_checkpoint_without_the_head_that_is_asked_for_is_refused(tmp_path):
    path, _, _ = causal(tmp_path)
    with pytest.raises(ConfigError, match=r"has no weights for score\.weight, and made-up ones"):
        scored(TransformersScores(path, device="cpu"), request("a"))
    with pytest.raises(ConfigError, match="has no head for single tokens"):
        scored(TransformersScores(path, device="cpu", at="ки"), request("a ки"))


def test_what_cannot_be_scored_is_refused_and_harms_no_other(tmp_path):
    path, _, _ = causal(tmp_path)
    part = TransformersScores(path, device="cpu", at="ки", among=("+", "-"))
    nothing = Request("mine", (Message("user", "?"),))
    wrong = (request("no step"), request("a " * 200 + "ки"), nothing, request("ки", top_k=3))

    async def asked():
        asking = map(part.complete, (*wrong, request("a ки")))
        return await asyncio.gather(*asking, return_exceptions=True)

    *errors, right = asyncio.run(asked())
    assert [type(error) for error in errors] == [Refused, TooLong, Refused, Refused]
    assert "no step that ends with 'ки'" in str(errors[0])
    assert "there is none: end with an assistant's message" in str(errors[2])
    assert "transformers-scores has no top_k" in str(errors[3])
    assert len(json.loads(right.text)) == 2


def test_the_judge_reward_asks_one_through_the_corridor(tmp_path):
    path = classifier(tmp_path, tiny.CHAT, num_labels=1)
    [[raw]] = scored(TransformersScores(path, device="cpu"), request("sat"))
    judge = Reward("mine", scale="sigmoid")
    with Session({"mine": {"provider": {"transformers-scores": {"path": path}}}}) as session:
        share = asyncio.run(judge.score(Query("the cat"), Answer("sat")))
        assert share == pytest.approx(1 / (1 + torch.tensor(-raw).exp().item()), abs=1e-5)
        assert session.usage()["mine"].calls == 1
