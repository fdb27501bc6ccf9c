"""The prompt, varied: what a variant is asked, and panels of variants."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.operators.composing.prompted import Prompted, joined, variants


class Echo(of.Provider, name="test_echo"):
    """Says what it was sent, role by role."""

    async def complete(self, request):
        said = "|".join(f"{message.role}:{message.content}" for message in request.messages)
        return of.Reply(f"{said}#{request.query_id}", 1, 0, 1)


ECHO = of.Model("echo", provider=Echo())


def said(query, **words):
    return asyncio.run(Prompted(ECHO, **words)(query)).text


def test_words_stand_around_the_question():
    assert said("Why?", prefix="Think.") == "user:Think.\n\nWhy?#"
    assert said("Why?", prefix="Q: ", suffix="\nA:") == "user:Q: Why?\nA:#"
    assert said("Why?", suffix="Be brief.") == "user:Why?\n\nBe brief.#"
    assert said("Why?") == "user:Why?#"


def test_a_system_stands_before_the_querys_own():
    query = of.Query("Why?", system="Be kind.")
    assert said(query, system="You are a poet.") == "system:You are a poet.\n\nBe kind.|user:Why?#"


def test_in_a_conversation_the_last_thing_said_is_varied():
    turns = (of.Message("user", "Hi"), of.Message("assistant", "Yes?"), of.Message("user", "Why?"))
    asked = said(of.Query(messages=turns), prefix="Think.")
    assert asked == "user:Hi|assistant:Yes?|user:Think.\n\nWhy?#"


def test_a_question_in_other_words_is_not_the_recorded_one():
    assert said(of.Query("Why?", id="q1"), prefix="Think.") == "user:Think.\n\nWhy?#"


def test_a_variant_is_known_by_what_it_holds():
    assert Prompted(ECHO, "x").ask("Why?").source == "echo"


@given(st.text(max_size=4), st.text(max_size=4))
def test_joining_keeps_both_texts(first, then):
    whole = joined(first, then)
    assert whole.startswith(first)
    assert whole.endswith(then)
    assert len(whole) - len(first) - len(then) in (0, 2)


def test_variants_ask_in_every_way():
    panel = variants(ECHO, prefixes=["P", "R"], suffixes=["", "S"], vote="majority")
    texts = [draft.text for draft in panel.ask("Why?").drafts]
    asked = ["P\n\nWhy?", "P\n\nWhy?\n\nS", "R\n\nWhy?", "R\n\nWhy?\n\nS"]
    assert texts == [f"user:{one}#" for one in asked]
    assert build(dump(of.Panel(["fake:a"], vote=variants("fake:b", ["P"])))).vote == variants(
        "fake:b", ["P"]
    )


def test_named_variants_are_members_by_these_names():
    panel = variants("fake:a", {"plain": "", "steps": "Think."}, {"": "", "brief": "Be brief."})
    sources = [draft.source for draft in panel.ask("Why?").drafts]
    assert sources == ["plain", "plain brief", "steps", "steps brief"]
    assert panel.members[0] == of.Named("plain", "fake:a")
    assert build(dump(panel)) == panel


def test_every_variant_draws_a_sample_of_its_own():
    model = of.Model("m", provider=of.Fake(("one", "two")))
    assert [draft.text for draft in variants(model, ["", ""]).ask("Why?").drafts] == ["one", "two"]


def test_variants_want_something_to_vary():
    with pytest.raises(of.ConfigError, match="give prefixes, suffixes or systems"):
        variants("fake:a")
    with pytest.raises(of.ConfigError, match=r"write \['Think'\]"):
        variants("fake:a", "Think")


def test_a_plan_counts_the_words_around():
    long = of.plan(Prompted("fake:a", "word " * 400), "Why?").expected
    assert long.tokens_in > 300
    assert long.calls == 1
