"""The models of this house, asked like any other."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tiny_network import HEADS, LAYERS, WORDS, arrays

import onefold as of
from onefold.core.errors import ConfigError, Refused, TooLong
from onefold.delivery.provider import Request, Sampling
from onefold.lab.puzzles.puzzle import drawn
from onefold.lab.puzzles.stories import easy
from onefold.providers.local.local import SHIPPED, Local
from onefold.providers.local.weights import Shape, read, written

ASKED = "Ann has 34 apples. Ben gives Ann 12 apples. How many apples does Ann have now?"


def complete(model, prompt=ASKED, begun="", **about):
    messages = (of.Message("user", prompt), *([of.Message("assistant", begun)] if begun else []))
    return asyncio.run(model.complete(Request("local", messages, **about)))


def test_a_shipped_model_works_a_problem_out_step_by_step_without_a_key():
    answer = of.Model("local:small").ask(ASKED)
    assert answer.text == "34+12:44=46\nAnswer: 46"
    assert answer.finish == "stop"
    assert (answer.usage.tokens_in, answer.usage.tokens_out, answer.usage.usd) == (21, 11, 0.0)
    assert 0.5 < answer.confidence <= 1.0


def test_every_model_that_the_page_names_is_shipped_and_answers():
    names = sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    assert names == ["general", "orders", "small", "strings", "strong"]
    for name in names:
        assert of.Model(f"local:{name}").ask(ASKED).text


def test_all_of_them_together_are_a_few_megabytes():
    assert sum(path.stat().st_size for path in SHIPPED.glob("*.safetensors")) < 6_000_000


def test_many_at_once_are_written_in_one_batch_and_say_what_they_say_alone():
    source = drawn(easy, 5)
    prompts = [next(source).prompt for _ in range(40)]
    model = of.Model("local:small")

    async def everyone():
        return await asyncio.gather(*map(model, prompts))

    together = [answer.text for answer in asyncio.run(everyone())]
    assert together[::10] == [model.ask(prompt).text for prompt in prompts[::10]]


def test_a_stream_is_the_reply_in_pieces():
    events = [*of.Model("local:small").stream(ASKED)]
    pieces = [event.text for event in events if event.kind == "token"]
    assert len(pieces) > 5
    assert "".join(pieces) == events[-1].answer.text == "34+12:44=46\nAnswer: 46"


def test_a_partial_answer_is_continued_even_a_wrong_one():
    reply = complete(Local("small"), begun="34+12:44=47\n")
    assert reply.text == "Answer: 47"


def test_it_stops_at_a_given_text_and_says_so():
    reply = complete(Local("small"), sampling=Sampling(stop=("\n",)))
    assert (reply.text, reply.finish) == ("34+12:44=46", "until")


def test_log_probabilities_come_where_they_are_asked_for():
    reply = complete(Local("small"), logprobs=2)
    assert "".join(token.text for token in reply.tokens) == reply.text
    assert all(len(token.top) == 2 for token in reply.tokens)
    assert complete(Local("small")).tokens == ()


def test_samples_of_a_panel_differ_and_a_rerun_gives_them_again():
    model = of.Model("local:small", temperature=1.0, seed=4)
    hard = "Ann has 19 more coins than Ben. Ben has 4 times as many coins as Leo. Leo has 17 coins."
    texts = [[d.text for d in of.Panel([model] * 6).ask(hard).drafts] for _ in range(2)]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 1


def test_an_unknown_model_is_an_error_that_names_those_there_are():
    with pytest.raises(ConfigError, match=r"no local model 'mall': there are .*small"):
        of.Model("local:mall").ask(ASKED)


def test_what_local_models_do_not_know_is_refused():
    with pytest.raises(Refused, match="local models know no presence_penalty: leave it out"):
        complete(Local("small"), sampling=Sampling(presence_penalty=0.5))
    with pytest.raises(Refused, match="know no schema"):
        complete(Local("small"), schema={"type": "object"})


def test_a_prompt_that_leaves_no_room_is_refused_before_it_is_read():
    with pytest.raises(TooLong, match="reads 512 tokens with its reply, and the prompt has 1"):
        complete(Local("small"), prompt="apples " * 1000)


@pytest.mark.parametrize("prompt", ["Привет, как дела?", "1" * 400, '"' * 300, "🙂", "\n\n?"])
def test_strange_prompts_get_some_answer(prompt):
    assert complete(Local("small"), prompt=prompt).finish in ("stop", "length")


def test_a_model_of_ones_own_is_asked_by_its_path(tmp_path):
    path = tmp_path / "mine.safetensors"
    size = written(path, arrays(), Shape(LAYERS, HEADS, WORDS, {"by": "a test"}))
    assert size == path.stat().st_size
    assert of.Model("mine", provider=Local(str(path)), max_tokens=5).ask("yes").usage.tokens_out
    shape, packed = read(path)
    assert shape.about == {"by": "a test"}
    assert packed["embed"].dtype == np.int8


def test_a_file_that_is_no_model_is_named_with_the_way_out(tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"bad\.safetensors cannot be read as a model"):
        of.Model("m", provider=Local(str(bad))).ask("yes")
    few = arrays()
    del few["blocks.0.up"]
    written(bad, few, Shape(LAYERS, HEADS, WORDS))
    with pytest.raises(ConfigError, match=r"lacks its weights 'blocks\.0\.up'"):
        of.Model("m", provider=Local(str(bad))).ask("yes")
    written(bad, arrays(), Shape(LAYERS, HEADS, WORDS[:-1]))
    with pytest.raises(ConfigError, match="rows of weights for"):
        of.Model("m", provider=Local(str(bad))).ask("yes")
    from safetensors.numpy import save

    bad.write_bytes(save({"x": np.zeros(3)}))
    with pytest.raises(ConfigError, match="is no model of this house"):
        of.Model("m", provider=Local(str(bad))).ask("yes")


def test_a_file_that_was_replaced_is_read_again(tmp_path):
    path = tmp_path / "mine.safetensors"
    texts = []
    for seed in (0, 1):
        written(path, arrays(seed), Shape(LAYERS, HEADS, (*WORDS, *["x"] * 0)))
        texts.append(complete(Local(str(path)), prompt="yes", sampling=Sampling(max_tokens=8)).text)
    assert texts[0] != texts[1]


def test_a_call_that_is_cancelled_frees_its_place():
    model = of.Model("local:small")

    async def given_up():
        task = asyncio.create_task(model(ASKED))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await model(ASKED)

    assert asyncio.run(given_up()).text.endswith("46")


def test_models_are_part_of_the_package():
    import onefold

    assert SHIPPED.is_relative_to(Path(onefold.__file__).parent)
