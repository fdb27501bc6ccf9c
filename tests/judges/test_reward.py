"""Reward models: every protocol over HTTP on loopback, through the corridor like any model."""

import asyncio
from math import exp

import pytest
from score_server import PATHS, scoring

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.reward import Reward, asked
from onefold.providers.wires.scores import Scores
from onefold.verbs import Judge

QUERY = of.Query("What is 2+2?", system="Be brief.")
ANSWER = of.Answer("4", source="m")


def score(judge, query=QUERY, answer=ANSWER):
    return asyncio.run(judge.score(query, answer))


def reached(path, number=0.75, **fields):
    """A reward from one endpoint, and what was asked of it."""

    async def run():
        async with scoring(number) as endpoint:
            found = await Reward(f"{endpoint.url}/{path}", **fields).score(QUERY, ANSWER)
            return found, endpoint.asked

    return asyncio.run(run())


@pytest.mark.parametrize("path", PATHS)
def test_every_protocol_gives_its_number(path):
    # labels are in order, so the last of bad and good is good's
    assert reached(path)[0] == pytest.approx(0.75)


def test_chat_protocols_get_the_conversation_and_pairs_get_two_texts():
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 2+2?"},
        {"role": "assistant", "content": "4"},
    ]
    assert reached("classify")[1] == [{"messages": turns}]
    both = "system: Be brief.\n\nuser: What is 2+2?"
    assert reached("score")[1] == [{"text_1": both, "text_2": "4"}]
    assert reached("rerank")[1] == [{"query": both, "texts": ["4"]}]


@pytest.mark.parametrize(
    ("scale", "number", "expected"),
    [
        ("sigmoid", 2.0, 1 / (1 + exp(-2.0))),
        ("sigmoid", -40.0, 0.0),
        ((-5, 5), 2.5, 0.75),
        ((-5, 5), 7.0, 1.0),
        ((1, 0), 0.25, 0.75),
    ],
)
def test_raw_rewards_are_brought_to_shares(scale, number, expected):
    assert reached("pooling", number, scale=scale)[0] == pytest.approx(expected)


def test_a_raw_reward_read_as_a_share_is_an_error_that_says_how():
    with pytest.raises(of.Unreadable, match="say scale: sigmoid"):
        reached("score", 3.5)


def test_a_class_is_picked_by_place_or_by_label():
    assert reached("classify", 0.9, pick=0)[0] == pytest.approx(0.1)
    assert reached("predict", 0.9, pick="bad")[0] == pytest.approx(0.1)
    with pytest.raises(of.Unreadable, match=r"gave no score 'ugly'.*'bad', 'good'"):
        reached("predict", 0.9, pick="ugly")
    with pytest.raises(of.Unreadable, match="gave no score 5"):
        reached("score", 0.9, pick=5)


def test_a_session_counts_it_as_any_model_with_its_key_its_price_and_its_cache():
    async def run():
        async with scoring() as endpoint:
            provider = Scores("skywork", base_url=f"{endpoint.url}/classify", key="env:REWARD_KEY")
            entry = {"provider": provider, "price": of.Price(1.0, 0.0)}
            with of.Session({"good": entry}, cache="memory", budget=1.0) as session:
                endpoint.failures = [503]
                for _ in range(2):
                    assert await Reward("good").score(QUERY, ANSWER) == pytest.approx(0.75)
                spent = session.usage()["good"]
        return endpoint, spent

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REWARD_KEY", "canary-key")
        endpoint, spent = asyncio.run(run())
    assert endpoint.asked[0]["model"] == "skywork"
    assert endpoint.keys == ["Bearer canary-key"] * 2  # a retry, and nothing paid twice
    assert spent.used.tokens_in == 12
    assert spent.used.usd == pytest.approx(12e-6)


def test_a_panel_says_what_its_reward_cost():
    async def run():
        async with scoring() as endpoint:
            return await of.Panel(["fake:a"], judge=Reward(f"{endpoint.url}/score"))("?")

    answer = asyncio.run(run())
    assert answer.drafts[0].confidence == pytest.approx(0.75)
    assert answer.usage.calls == 2
    assert of.plan(of.Panel(["fake:a"], judge=Reward("http://localhost:1/score")), "?").calls == 2


def test_a_service_that_is_down_fails_the_draft_and_is_no_score(instantly):
    with of.Session({"gone": {"provider": Scores("m", base_url="http://127.0.0.1:9/score")}}):
        panel = of.Panel(["fake:a"], judge=Reward("gone"), patience=60)
        with pytest.raises(of.NoAnswer, match="fake:a: Unreachable"):
            instantly(panel("?"))


def test_any_model_that_states_a_confidence_is_a_reward_model():
    assert score(Reward(of.Model("m", provider=of.Fake(("fine",), confidence=0.4)))) == 0.4
    assert score(Reward("fake:0.25")) == 0.25
    with pytest.raises(of.Unreadable, match="name an endpoint that scores"):
        score(Reward("fake:very good"))


@pytest.mark.parametrize("said", ["true", "[true]", '["0.5"]', "[]", "{}", "NaN", "[[0.5]]"])
def test_what_is_no_number_is_no_score(said):
    with pytest.raises(of.Unreadable):
        score(Reward(of.Model("m", provider=of.Fake((said,)))))


def test_an_address_says_its_protocol_and_is_all_that_yaml_needs():
    judge = Reward("http://gpu:8000/classify", scale="sigmoid")
    assert dump(judge) == "reward:\n  model: http://gpu:8000/classify\n  scale: sigmoid\n"
    assert build(dump(judge), Judge) == judge
    assert build("reward: http://gpu:8000/v1/score", Judge) == Reward("http://gpu:8000/v1/score")
    with pytest.raises(of.ConfigError, match="it must end with /classify"):
        of.plan(of.Panel(["fake:a"], judge=Reward("http://gpu:8000/scores")), "?")
    with pytest.raises(of.ConfigError, match="must differ"):
        Reward("http://gpu:8000/score", scale=(1, 1))


def test_the_answer_is_the_last_turn_of_the_conversation_before_it():
    history = (of.Message("user", "a"), of.Message("assistant", "b"))
    query = of.Query("c", messages=history, labels=("x",), drafts=(ANSWER,), sample=3)
    found = asked(query, "d")
    assert [turn.content for turn in found.messages] == ["a", "b", "c", "d"]
    assert (found.labels, found.drafts, found.sample, found.text) == ((), (), 3, "")


def test_a_score_writes_nothing_and_fits_under_a_cap():
    judge = of.Reward("http://127.0.0.1:9/classify")
    plan = of.plan(of.Panel(["fake:a"], judge=judge), "q")
    assert plan.worst.tokens_out == of.plan(of.Panel(["fake:a"]), "q").worst.tokens_out
