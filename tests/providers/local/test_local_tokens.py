"""Text as tokens: what models of this house say comes back as it was."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.lab.puzzles.orders import orders
from onefold.lab.puzzles.sayings import fact, saying
from onefold.lab.puzzles.stories import easy, hard, shop
from onefold.lab.puzzles.strings import strings
from onefold.providers.local.local import SHIPPED
from onefold.providers.local.tokens import ANSWER, LINE, Spelling, Tokens
from onefold.providers.local.weights import read

TOKENS = Tokens(read(SHIPPED / "small.safetensors")[0].words)


@pytest.mark.parametrize("maker", [easy, hard, shop, strings, orders, fact, saying])
def test_every_solution_comes_back_as_it_was(maker):
    draw = Random(3)
    for _ in range(300):
        solution = maker(draw).solution
        assert TOKENS.decode(TOKENS.encode(solution)) == solution


def test_numbers_up_to_499_are_one_token_and_larger_ones_are_spelled():
    assert len(TOKENS.encode("0 7 499")) == 3
    assert len(TOKENS.encode("500")) == 3
    assert TOKENS.decode(TOKENS.encode("500")) == "500"
    assert TOKENS.encode("007") == TOKENS.encode("7")


def test_what_is_quoted_is_spelled_and_an_open_quote_ends_with_its_line():
    assert len(TOKENS.encode('"have"')) == 6
    assert len(TOKENS.encode("have")) == 1
    assert TOKENS.encode('"have\nhave')[-1] == TOKENS.encode("have")[0]


def test_unknown_words_are_tried_in_lower_case_then_spelled():
    assert TOKENS.encode("Have") == TOKENS.encode("have")
    assert TOKENS.decode(TOKENS.encode("zyx")) == "zyx"


def test_the_answer_and_the_end_of_a_line_are_tokens_of_their_own():
    assert TOKENS.encode("1+2=3\nAnswer: 3")[-3:] == [LINE, ANSWER, TOKENS.codes["3"]]


@given(st.text(max_size=60))
def test_any_text_becomes_tokens_that_exist(text):
    codes = TOKENS.encode(text)
    assert all(0 <= code < len(TOKENS) for code in codes)
    assert TOKENS.decode(codes).isprintable() or "\n" in TOKENS.decode(codes)


def test_a_text_that_goes_on_is_spaced_like_one_that_was_written_at_once():
    codes = TOKENS.encode("Ann:red Ben:blue")
    for cut in range(len(codes)):
        begun = TOKENS.decode(codes[:cut])
        spelling = Spelling(TOKENS, codes[:cut])
        assert begun + "".join(map(spelling.add, codes[cut:])) == "Ann:red Ben:blue"
