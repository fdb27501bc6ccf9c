"""Replies from one network: batched or alone, seeded, stopped, continued, given up."""

import math
from collections import Counter

import numpy as np
import pytest
from tiny_network import WORDS, network

from onefold.delivery.provider import Sampling
from onefold.providers.local.engine import MOST, Engine, Row, narrowed
from onefold.providers.local.local import SHIPPED, opened, stamp
from onefold.providers.local.tokens import Tokens

TOKENS = Tokens(WORDS)
ENGINE = Engine(network(), TOKENS)


def row(prompt="Ann has 3 apples", begun="", draw=0, alternatives=None, tell=None, **sampling):
    sampling.setdefault("max_tokens", 12)
    return Row(TOKENS, prompt, begun, Sampling(**sampling), draw, alternatives, tell)


def written(*rows):
    """The rows, written to their ends, all at once."""
    for each in rows:
        ENGINE.begin(each)
    return [each.done.result(timeout=60) for each in rows]


def test_a_reply_does_not_depend_on_who_is_written_beside_it():
    settings = [{"draw": n, "temperature": 0.7 if n % 2 else 0.0} for n in range(3 * MOST)]
    prompts = ["Ann has 3 apples", "Ben has many apples, has Ann?", "yes"]
    rows = [row(prompts[n % 3], **each) for n, each in enumerate(settings)]
    together = [each.text for each in written(*rows)]
    few = range(0, len(rows), 7)
    alone = [written(row(prompts[n % 3], **settings[n]))[0].text for n in few]
    assert [together[n] for n in few] == alone


def test_draws_differ_and_the_same_draw_is_the_same():
    texts = [written(row(draw=n, temperature=1.0, seed=5))[0].text for n in (1, 2, 1)]
    assert texts[0] == texts[2] != texts[1]
    assert written(row(draw=1, temperature=1.0, seed=6))[0].text != texts[0]


def test_without_temperature_the_likeliest_token_is_taken_whatever_the_draw():
    assert len({each.text for each in written(*[row(draw=n) for n in range(5)])}) == 1


def test_it_stops_before_a_given_text_and_says_so():
    whole = written(row(max_tokens=30))[0].text
    assert len(whole) > 6
    stop = whole[4:6]
    cut = written(row(max_tokens=30, stop=(stop, "never said")))[0]
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish == "until"


def test_it_says_when_it_was_cut_off():
    cut = written(row(max_tokens=3))[0]
    assert (cut.finish, cut.count) == ("length", 3)


def test_a_reply_that_is_continued_is_the_reply_that_was_written_at_once():
    path = SHIPPED / "small.safetensors"
    engine = opened(path, stamp(path))
    asked = "Ann has 34 apples. Ben gives Ann 12 apples. How many apples does Ann have now?"

    def said(begun):
        made = Row(engine.tokens, asked, begun, Sampling(max_tokens=40))
        engine.begin(made)
        return made.done.result(timeout=60)

    whole = said("")
    codes = engine.tokens.encode(whole.text)
    assert len(codes) + 1 == whole.count > 5
    for cut in range(len(codes)):
        rest = said(engine.tokens.decode(codes[:cut]))
        assert engine.tokens.decode(codes[:cut]) + rest.text == whole.text
        assert len(rest.codes) == len(whole.codes) + cut


def test_pieces_are_the_text_and_never_a_stop_that_is_about_to_come():
    whole = written(row(max_tokens=30))[0].text
    for stop in ("", whole[5:8]):
        told = []
        cut = written(row(max_tokens=30, stop=(stop,) if stop else (), tell=told.append))[0]
        assert "".join(told) == cut.text
        assert stop or len(told) > 5


def test_log_probabilities_are_those_of_the_tokens_with_the_likeliest_beside():
    said = written(row(alternatives=3))[0]
    assert len(said.said) == said.count
    for token in said.said:
        assert token.logprob == pytest.approx(max(token.top.values()))
        assert len(token.top) <= 3
    mean = sum(token.logprob for token in said.said) / said.count
    assert said.confidence == pytest.approx(math.exp(mean))


def test_chances_are_narrowed_to_the_likeliest():
    chances = np.array([0.1, 0.4, 0.2, 0.3], dtype=np.float32)
    assert narrowed(chances, Sampling(top_k=2)).tolist() == pytest.approx([0, 0.4, 0, 0.3])
    assert narrowed(chances, Sampling(top_p=0.5)).tolist() == pytest.approx([0, 0.4, 0, 0.3])
    assert narrowed(chances, Sampling(top_p=0.3)).tolist() == pytest.approx([0, 0.4, 0, 0])


def test_samples_follow_the_chances():
    rows = [row("yes", draw=n, temperature=1.0, max_tokens=1, alternatives=5) for n in range(600)]
    drawn = written(*rows)
    chances = {text: math.exp(chance) for text, chance in drawn[0].said[0].top.items()}
    found = Counter(each.said[0].text for each in drawn if each.said)
    for text, chance in chances.items():
        assert found[text] / 600 == pytest.approx(chance, abs=4 * math.sqrt(chance / 600) + 0.01)


def test_a_row_that_is_given_up_frees_its_place():
    long = row(max_tokens=400)
    long.given_up = True
    assert written(long)[0].count <= 1


def test_an_error_reaches_everybody_who_waits_and_the_next_are_served():
    broken = Engine(network(), TOKENS)
    step, broken.network.step = broken.network.step, None
    rows = [row(), row()]
    for each in rows:
        broken.begin(each)
    for each in rows:
        with pytest.raises(TypeError):
            each.done.result(timeout=60)
    broken.network.step = step
    again = row()
    broken.begin(again)
    assert again.done.result(timeout=60).text == written(row())[0].text
