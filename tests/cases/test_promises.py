"""Every promise of CrucibleEnsemble's README (v0.1.0) holds here, those it breaks included."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Any

import pytest
from crucible import events, member, model
from hypothesis import given
from hypothesis import strategies as st

import onefold as of

NINE = {
    "predict.start",
    "predict.stop",
    "predict.exception",
    "model.start",
    "model.stop",
    "model.exception",
    "vote.complete",
    "consensus.reached",
    "consensus.failed",
}


def members(**scripts: str) -> list[of.Model]:
    """Models from scripts such as `X after 50 ms`."""
    return [member(name, script) for name, script in scripts.items()]


def spoken(*said: str, **settings: Any) -> of.Panel:
    """A panel of m1, m2, … that say this."""
    return of.Panel([model(f"m{i}", text) for i, text in enumerate(said, 1)], **settings)


def test_a_hedge_cuts_the_tail_and_leaves_the_rest_alone():
    tail = of.hedged(members(a="A after 2000 ms", b="B after 50 ms"), after=0.5)
    usual = of.hedged(members(a="A after 300 ms", b="B after 50 ms"), after=0.5)
    late, early = of.instantly(tail("?")), of.instantly(usual("?"))
    assert (late.text, late.seconds) == ("B", pytest.approx(0.55))
    assert (early.text, early.seconds, early.unasked) == ("A", pytest.approx(0.3), ("b",))


def test_the_first_of_a_hedge_still_wins_when_its_backup_is_slower():
    answer = of.instantly(
        of.hedged(members(a="A after 700 ms", b="B after 900 ms"), after=0.5)("?")
    )
    assert (answer.text, answer.seconds) == ("A", pytest.approx(0.7))
    assert answer.drafts[1].status == "cancelled"


def test_a_stream_brings_drafts_as_they_come_and_stops_early_on_agreement():
    said = members(a="X after 300 ms", b="X after 100 ms", c="Y after 200 ms", d="X after 9000 ms")
    panel = of.Panel(said, stop=of.Agree(0.6, least=3))

    async def follow() -> list[tuple[str, str, float]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        return [
            (event.kind, event.source, round(loop.time() - start, 3))
            async for event in panel.stream("?")
        ]

    assert of.instantly(follow()) == [
        ("draft", "b", 0.1),
        ("draft", "c", 0.2),
        ("draft", "a", 0.3),
        ("answer", "a", 0.3),
    ]


def test_a_stream_left_early_cancels_what_still_runs():
    seen: list[str] = []

    async def slow(query: of.Query) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "late"

    async def leave() -> None:
        stream = aiter(of.Panel([model("a", "X"), slow]).stream("?"))
        assert (await anext(stream)).text == "X"
        await stream.aclose()

    of.instantly(leave())
    assert seen == ["cancelled"]


def test_a_cascade_stops_at_the_first_that_is_sure_and_pays_nobody_else():
    sure = {"cheap": 0.4, "middle": 0.92, "dear": 0.99}
    panel = of.cascade([model(name, name, confidence=c) for name, c in sure.items()], at=0.85)
    answer = of.instantly(panel("?"))
    assert (answer.text, answer.usage.calls, answer.unasked) == ("middle", 2, ("dear",))


def test_a_judge_gives_a_cascade_the_confidence_that_its_models_do_not_state():
    @of.judge
    def long_enough(query: of.Query, answer: of.Answer) -> float:
        return min(1.0, len(answer.text) / 10)

    said = [model("a", "short"), model("b", "long enough"), model("c", "never asked")]
    answer = of.instantly(of.cascade(said, at=0.9, judge=long_enough)("?"))
    assert (answer.source, answer.confidence, answer.unasked) == ("b", 1.0, ("c",))


def test_one_by_one_costs_less_where_members_agree():
    one_by_one = of.sequential(members(a="X", b="X", c="X", d="X"), agree=0.7)
    assert of.instantly(one_by_one("?")).usage.calls == 2


@pytest.mark.parametrize("quorum", [1, 2, 3])
def test_as_many_must_answer_as_one_asks_for(quorum):
    panel = of.Panel(members(a="X", b="X", c="<fails>"), quorum=quorum)
    if quorum < 3:
        assert of.instantly(panel("?")).quorum == quorum
    else:
        with pytest.raises(of.NoAnswer, match="2 of 3 members answered, 3 are needed"):
            of.instantly(panel("?"))


def test_a_function_votes_and_its_consensus_is_kept():
    def confidence_weighted(query: of.Query) -> of.Answer:
        board: dict[Any, float] = {}
        for draft in query.drafts:
            weight = 0.5 if draft.confidence is None else draft.confidence
            board[draft.value] = board.get(draft.value, 0.0) + weight
        best = max(board, key=lambda key: board[key])
        ballots = tuple(of.Ballot(str(key), key, weight) for key, weight in board.items())
        return of.Answer(str(best), best, tally=of.Tally("mine", ballots))

    said = [model("a", "X", confidence=0.9), model("b", "Y", confidence=0.3), model("c", "Y")]
    answer = of.instantly(of.Panel(said, vote=confidence_weighted)("?"))
    assert (answer.value, answer.votes) == ("x", {"x": 0.9, "y": 0.8})
    assert answer.agreement == pytest.approx(0.9 / 1.7)


def test_weights_are_confidences_and_can_beat_the_majority():
    said = {"a": ("X", 0.95), "b": ("Y", 0.3), "c": ("Y", 0.4)}
    voices = [model(name, text, confidence=c) for name, (text, c) in said.items()]
    assert of.instantly(of.Panel(voices)("?")).value == "y"
    assert of.instantly(of.Panel(voices, vote="weighted")("?")).value == "x"
    assert of.instantly(of.Panel(voices, vote="best")("?")).agreement == 0.95


def test_all_nine_events_are_told_with_what_a_monitor_needs():
    good = events(spoken("4", "4", "5"))
    torn = events(of.Panel(members(a="X", b="<fails>"), vote=of.Majority(least=0.6), quorum=2))
    assert {name for name, *_ in good + torn} == NINE
    told = {name: (measured, about) for name, measured, about in good}
    measured, about = told["predict.stop"]
    assert set(measured) >= {"duration", "usd", "tokens"}
    assert about["consensus"] == pytest.approx(2 / 3)
    assert (about["answer"], about["votes"]) == ("4", {"4": 2, "5": 1})
    assert (about["successes"], about["failures"]) == (3, 0)
    assert told["consensus.reached"][1]["consensus"] == pytest.approx(2 / 3)
    assert told["model.stop"][1]["name"] == "m3"
    lost = {name: about for name, _, about in torn}
    assert isinstance(lost["predict.exception"]["error"], of.NoAnswer)
    assert (lost["predict.exception"]["successes"], lost["predict.exception"]["failures"]) == (1, 1)
    assert lost["model.exception"]["success"] is False
    assert "threshold" in lost["consensus.failed"]


def test_a_vote_below_the_asked_agreement_is_a_failed_consensus_that_says_its_threshold():
    heard = events(spoken("X", "X", "Y", vote=of.Majority(least=0.9)))
    about = next(about for name, _, about in heard if name == "consensus.failed")
    assert about["consensus"] == pytest.approx(2 / 3)
    assert about["threshold"] == 0.9


def test_a_task_runs_in_the_background_until_its_answer_is_wanted():
    task = of.start("What is the capital of France?", spoken("Paris", "Paris", "Lyon"))
    assert task.result(timeout=10).text == "Paris"


def test_a_task_can_be_cancelled():
    task = of.start("?", members(a="A after 60000 ms")[0])
    assert task.cancel()
    assert task.cancelled()


def test_many_tasks_at_once_take_as_long_as_the_slowest():
    questions = ["What is 10 * 10?", "What is 5 + 5?", "What is 100 - 50?"]
    panel = of.Panel(["sim:small", "sim:medium", "sim:large"], reads="number")

    async def all_at_once() -> list[of.Answer]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(panel(question)) for question in questions]
        assert asyncio.get_running_loop().time() == max(task.result().seconds for task in tasks)
        return [task.result() for task in tasks]

    at_once = of.instantly(all_at_once())
    alone = [of.instantly(panel(question)) for question in questions]
    assert [answer.value for answer in at_once] == [answer.value for answer in alone]


def test_a_function_of_the_query_selects_the_members():
    @of.router
    def by_question(query: of.Query) -> list[str]:
        if len(query.prompt) < 50:
            return ["flash", "mini"]
        return ["gpt4o", "sonnet"] if "code" in query.prompt else []

    panel = of.Panel({name: f"fake:{name}" for name in ("flash", "mini", "gpt4o", "sonnet")})
    routed = of.Panel(panel.members, route=by_question)
    asked = {
        "short": ["flash", "mini"],
        "Write code that turns a text round, please, in any language": ["gpt4o", "sonnet"],
        "Tell me of the history of the city of Bremen, at some length": ["flash", "mini", "gpt4o"],
    }
    for question, wanted in asked.items():
        came = [draft.source for draft in of.instantly(routed(question)).drafts]
        assert came[: len(wanted)] == wanted


def test_a_panel_is_a_member_of_a_panel_and_a_second_one_verifies_the_first():
    first = spoken("Paris", "Paris", "Lyon")
    verify = spoken("yes", "yes", reads="boolean")
    both = of.instantly((first >> verify)("What is the capital of France?"))
    assert both.value is True
    assert both.drafts
    nested = of.instantly(of.Panel([first, spoken("Lyon"), spoken("Paris")])("?"))
    assert (nested.text, nested.usage.calls, len(nested.leaves)) == ("Paris", 5, 5)


def test_a_service_with_a_cache_pays_once_until_its_time_is_over(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("onefold.delivery.cache.time.time", lambda: now[0])
    service = of.Cached(spoken("4", "4", "4"), seconds=3600)
    assert [of.instantly(service("2+2?")).usage.calls for _ in range(2)] == [3, 0]
    now[0] += 3601
    assert of.instantly(service("2+2?")).usage.calls == 3


def test_replies_are_cached_each_draw_apart():
    panel = of.Panel([of.Model("m", provider=of.Fake(("a", "b")))] * 2)
    with of.Session(cache="memory"):
        first, again = panel.ask("?"), panel.ask("?")
    assert [draft.text for draft in again.drafts] == ["a", "b"]
    assert (first.usage.calls, again.usage.calls) == (2, 0)


def test_configurations_are_profiled_by_time_money_and_agreement():
    ways = {
        "parallel": of.parallel(["sim:small", "sim:medium", "sim:large"]),
        "sequential": of.sequential(["sim:small", "sim:medium", "sim:large"]),
        "single": of.Panel(["sim:small"]),
    }
    profile = {name: of.instantly(way("What is 2 + 2?")) for name, way in ways.items()}
    cheapest = min(profile, key=lambda name: profile[name].usage.usd or 0.0)
    fastest = min(profile, key=lambda name: profile[name].seconds)
    assert (cheapest, fastest) == ("single", "single")
    assert profile["parallel"].seconds < profile["sequential"].seconds


def test_a_model_of_one_s_own_is_registered_and_asked_by_name():
    class Shout(of.Provider, name="shout"):
        word: str = "hey"

        async def complete(self, request: of.Request) -> of.Reply:
            return of.Reply(f"{self.word}: {request.prompt.upper()}", tokens_in=3, tokens_out=1)

    session = of.Session({"mine": {"provider": {"shout": {"word": "ho"}}}})
    session.register("priced", Shout(), price={"tokens_in": 1.0, "tokens_out": 2.0})
    with session:
        assert of.ask("hello", "mine").text == "ho: HELLO"
        assert of.ask("hello", "priced").usage.usd == pytest.approx(5e-6)


def test_a_vote_of_one_s_own_stands_in_a_recipe_by_its_name():
    class Shortest(of.Operator, name="shortest"):
        at_least: int = 0

        async def answer(self, query: of.Query) -> of.Answer:
            long = [draft for draft in query.drafts if len(draft.text) >= self.at_least]
            return min(long, key=lambda draft: len(draft.text))

    text = "panel: {members: ['fake:abc', 'fake:ab', 'fake:a'], vote: {shortest: {at_least: 2}}}"
    panel = of.build(text)
    assert of.instantly(panel("?")).text == "ab"
    assert of.build(of.dump(panel)) == panel


def test_a_failing_member_degrades_the_panel_and_is_named_in_the_answer():
    answer = of.instantly(of.Panel(members(a="X", b="<fails>", c="X"))("?"))
    assert (answer.text, answer.agreement) == ("X", 1.0)
    assert "b  failed" in answer.explain()
    assert "Unreachable: b was told to fail" in answer.explain()


def test_each_member_has_a_deadline_of_its_own():
    answer = of.instantly(of.parallel(members(a="A after 6000 ms", b="B", c="B"), timeout=5)("?"))
    assert (answer.text, answer.seconds) == ("B", pytest.approx(5))
    assert answer.drafts[0].error.kind == "TimedOut"


def test_a_rate_limit_is_waited_for_by_an_operator_of_six_lines():
    left = ["RateLimited", "RateLimited"]

    async def limited(query: of.Query) -> str:
        if left:
            raise of.RateLimited("slow down", model="m", retry_after=left.pop() and 1.0)
        return "here"

    async def patient(query: of.Query) -> of.Answer:
        for _ in range(3):
            try:
                return await of.Named("m", limited)(query)
            except of.RateLimited as error:
                await asyncio.sleep(error.retry_after or 1.0)
        raise of.NoAnswer("still limited")

    answer = of.instantly(of.Panel([patient])("?"))
    assert (answer.text, answer.seconds) == ("here", pytest.approx(2.0))


def test_what_a_call_costs_is_told_by_member_and_planned_before():
    recipe = of.load_recipe(Path(__file__).resolve().parents[2] / "recipes" / "crucible.yaml")
    with recipe.session():
        plan = of.plan(recipe.operator, "What is 2+2?")
        answer = of.instantly(recipe.operator("What is 2+2?"))
    breakdown = {draft.source: draft.usage.usd for draft in answer.drafts}
    assert list(breakdown) == ["gemini_flash", "openai_gpt4o_mini", "anthropic_haiku"]
    assert answer.usage.usd == pytest.approx(sum(breakdown.values()))
    assert plan.calls == answer.usage.calls == 3
    assert 0.5 < plan.usd / answer.usage.usd < 2


def test_a_research_run_gives_statistics_a_report_and_a_csv(tmp_path):
    questions = [of.Example(of.Query(f"What is {n} + {n}?", id=str(n)), 2 * n) for n in range(20)]
    panel = of.Panel(["sim:small", "sim:medium", "sim:large"], reads="number")
    run = of.instantly(of.arun(panel, questions, out=tmp_path))
    numbers = of.statistics(run)
    assert numbers.questions == numbers.answered == 20
    assert 0.0 < numbers.interval[0] <= numbers.accuracy <= numbers.interval[1] <= 1.0
    assert numbers.seconds_p50 <= numbers.seconds_p95 <= numbers.seconds_p99
    assert "Ensemble Performance Summary" in of.report(numbers)
    of.write_report(run, tmp_path)
    with (tmp_path / "answers.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 20


DRAFTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.none() | st.floats(0, 1)),
    min_size=1,
    max_size=8,
)
VOTES = [of.Majority(ties="smallest"), of.Weighted(ties="smallest"), of.Best(ties="smallest")]


def drafted(said: list[tuple[str | None, float | None]]) -> list[of.Answer]:
    """Drafts with these values and confidences."""
    return [of.Answer(v or "", v, f"m{i}", confidence=c) for i, (v, c) in enumerate(said)]


@pytest.mark.parametrize("vote", VOTES, ids=lambda vote: vote.name_of_part)
@given(said=DRAFTS, seed=st.randoms(use_true_random=False))
def test_a_vote_is_deterministic_ignores_order_and_agrees_within_bounds(vote, said, seed):
    drafts = drafted(said)
    mixed = seed.sample(drafts, len(drafts))
    count, other = vote.count(drafts), vote.count(mixed)
    assert count == vote.count(drafts)
    assert count.winner == other.winner
    assert count.agreement == pytest.approx(other.agreement)
    assert 0.0 <= count.interval[0] <= count.interval[1] <= 1.0
    assert (count.winner is None) == all(value is None for value, _ in said)


@pytest.mark.parametrize("vote", VOTES, ids=lambda vote: vote.name_of_part)
@given(said=DRAFTS, asked=st.integers(1, 8))
def test_what_is_decided_early_is_what_everyone_would_have_decided(vote, said, asked):
    drafts = drafted(said)
    out = [draft.source for draft in drafts[asked:]]
    if vote.settled(drafts[:asked], out):
        assert vote.count(drafts[:asked]).winner == vote.count(drafts).winner
