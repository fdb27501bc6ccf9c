"""The engine below every search: steps and their ends, failures, unreadable scores, the record."""

import asyncio

import pytest
from stepping import NAMES, STEPWISE, Stepping, model, search, tree

import onefold as of
from onefold.core.spec import build, dump
from onefold.delivery.provider import Provider, Reply
from onefold.operators.search.beams import Beam
from onefold.operators.search.search import Search
from onefold.operators.search.whole import BestOfN
from onefold.runtime.clock import instantly
from onefold.verbs import Judge


class Script(Provider, name="script"):
    """Says the next of its replies, each `(text, finish)`, by how much is begun."""

    replies: tuple[tuple[str, str], ...] = ()
    tells = False
    heard = []

    def _continues(self):
        return True

    async def complete(self, request):
        Script.heard.append(request)
        text, finish = self.replies[request.begun.count("\n")]
        return Reply(text, 1, tokens_out=1, finish=finish)


@pytest.fixture
def script():
    """`script((text, finish), …)` is a search over a model that says these steps."""
    Script.heard.clear()

    def made(*replies, strategy=None, **about):
        scripted = of.Model("m", provider=Script(replies))
        about = {"judge": "constant", **about}
        return Search(scripted, strategy=strategy or Beam(1, 1), **about)

    return made


def test_a_step_that_ends_at_its_separator_goes_on_and_the_models_own_end_is_the_end(script):
    answer = script(("1+1=2", "until"), ("2+2=4", "until"), ("Answer: 4", "stop")).ask("1+1+2?")
    assert answer.text == "1+1=2\n2+2=4\nAnswer: 4"
    assert [request.begun for request in Script.heard] == ["", "1+1=2\n", "1+1=2\n2+2=4\n"]
    assert all(request.sampling.stop == ("\n",) for request in Script.heard)
    assert all(request.sampling.max_tokens == 64 for request in Script.heard)
    assert all(request.prompt == "1+1+2?" for request in Script.heard)


def test_where_a_service_does_not_tell_its_end_the_last_line_or_an_empty_reply_does(script):
    assert script(("a", "stop"), ("Answer: 4", "stop"), ("more", "stop")).ask("?").text == (
        "a\nAnswer: 4"
    )
    assert script(("a", "stop"), ("b", "stop"), ("", "stop")).ask("?").text == "a\nb\n"
    assert script(("a", "stop"), ("so x", "stop"), ends="^so").ask("?").text == "a\nso x"


def test_a_step_that_was_cut_off_ends_the_answer_as_cut_off(script):
    answer = script(("a", "until"), ("and then", "length")).ask("?")
    assert (answer.text, answer.drafts[0].finish) == ("a\nand then", "length")


def test_steps_without_end_are_cut_off_after_the_most(script):
    answer = script(*[("a", "until")] * 9, most_steps=3).ask("?")
    assert (answer.text, answer.drafts[0].finish) == ("a\na\na\n", "length")


def test_an_empty_step_is_a_step(script):
    answer = script(("a", "until"), ("", "until"), ("Answer: 1", "stop")).ask("?")
    assert answer.text == "a\n\nAnswer: 1"


def test_a_conversation_labels_and_a_begun_answer_are_kept_for_every_step(script):
    query = of.Query(
        messages=(
            of.Message("user", "Hi"),
            of.Message("assistant", "Hello"),
            of.Message("user", "4?"),
        ),
        system="Be brief.",
        labels=("yes", "no"),
    )
    script(("a", "until"), ("Answer: yes", "stop")).ask(query)
    first, second = (request.messages for request in Script.heard)
    assert second[:-1] == first
    assert [said.role for said in second] == ["system", "user", "assistant", "user", "assistant"]
    begun = of.Query(messages=(of.Message("user", "4?"), of.Message("assistant", "Well")))
    Script.heard.clear()
    script((", a", "until"), ("Answer: 4", "stop")).ask(begun)
    assert [request.begun for request in Script.heard] == ["Well", "Well, a\n"]


def test_draws_differ_by_seed_by_sample_and_by_place(script):
    samples = set()
    for seed, sample in ((0, 0), (1, 0), (0, 1)):
        Script.heard.clear()
        made = script(("Answer: 4", "stop"), strategy=BestOfN(4), seed=seed)
        made.ask(of.Query("?", sample=sample))
        samples |= {request.sample for request in Script.heard}
    assert len(samples) == 12
    assert all(0 <= sample < 2**48 for sample in samples)


@pytest.mark.parametrize("strategy", NAMES)
def test_a_failing_call_kills_its_node_only(strategy):
    answer = search(strategy, model=model(fails=0.3)).ask("?")
    assert answer.text.splitlines()[-1].startswith("Answer: ")
    failed = [draft for draft in answer.drafts if draft.error is not None]
    assert {draft.error.kind for draft in failed} <= {"Unreachable"}
    assert answer.tally.votes


@pytest.mark.parametrize("strategy", NAMES)
def test_where_all_calls_fail_there_is_no_answer_and_it_says_why(strategy):
    with pytest.raises(of.NoAnswer, match=r"none of \d+ answers .* Unreachable: as told") as caught:
        search(strategy, model=model(fails=1.0)).ask("?")
    assert caught.value.drafts


class Flaky(Judge, name="flaky"):
    """Scores answers that end in an even digit at the best, the others not at all."""

    value: float = float("nan")

    async def score(self, query, answer):
        if int(answer.text.strip()[-1]) % 2:
            return self.value
        return 0.01


@pytest.mark.parametrize("strategy", [name for name in NAMES if name != "majority"])
@pytest.mark.parametrize("value", [float("nan"), 2.0])
def test_what_cannot_be_scored_never_wins_over_what_can(strategy, value):
    answer = search(strategy, Flaky(value), model=model(depth=3), seed=3).ask("?")
    assert int(answer.text[-1]) % 2 == 0
    unscored = [draft for draft in answer.drafts if draft.error is not None]
    assert all(draft.error.kind == "Unreadable" and draft.text for draft in unscored)


def test_where_nothing_can_be_scored_there_is_no_answer_and_the_texts_are_kept():
    with pytest.raises(of.NoAnswer, match="must lie in") as caught:
        search("best_of_n", {"constant": {"value": float("nan")}}).ask("?")
    assert all("Answer: " in draft.text for draft in caught.value.drafts)


def test_the_guide_scores_what_goes_on_and_the_judge_what_has_ended():
    seen = []

    def scorer(name):
        def score(query, answer):
            seen.append((name, answer.text.count("\n"), answer.text.count("Answer")))
            return 0.5

        return score

    search(Beam(1, 2), scorer("judge"), guide=scorer("guide")).ask("?")
    assert {(name, ended) for name, _, ended in seen} == {("guide", 0), ("judge", 1)}


@pytest.mark.parametrize("strategy", ["beam", "dvts", "particles", "rebase", "mcts", "tree"])
def test_a_search_ends_early_once_an_answer_is_good_enough(strategy):
    easy = search(strategy, {"known": {"sharp": False}}, enough=0.0).ask("?")
    full = search(strategy, {"known": {"sharp": False}}).ask("?")
    assert easy.usage.calls <= full.usage.calls
    drawn = search(BestOfN(16), enough=1.0, seed=2).ask("?")
    assert drawn.confidence == 1.0
    assert drawn.usage.calls < 16


def test_steps_are_asked_for_only_where_they_can_be_had():
    mute = of.Model("mute", provider=Stepping(steady=False))
    for strategy in STEPWISE:
        with pytest.raises(of.ConfigError, match=rf"{strategy} .* mute .*best_of_n"):
            search(strategy, model=mute).ask("?")
        with pytest.raises(of.ConfigError, match=rf"{strategy} .* single model, not panel"):
            search(strategy, model=of.Panel(["fake:a"])).ask("?")
    stopped = of.Model("steps", until=("END",), provider=Stepping())
    with pytest.raises(of.ConfigError, match=r"until=\['END'\] in at="):
        search("beam", model=stopped).ask("?")
    for strategy in ("best_of_n", "weighted_best_of_n", "majority", "adaptive"):
        assert search(strategy, model=mute).ask("?").text.count("Answer: ") == 1


def test_a_fleet_goes_step_by_step_where_all_of_it_can():
    models = {"a": Stepping(), "b": Stepping(), "c": Stepping(steady=False)}
    models |= {"good": {"fleet": ["a", "b"]}, "mixed": {"fleet": ["a", "c"]}}
    with of.Session(models):
        assert search("beam", model=of.Model("good")).ask("?").confidence == 1.0
        with pytest.raises(of.ConfigError, match="does not continue a partial answer"):
            search("beam", model=of.Model("mixed")).ask("?")


def test_any_operator_can_be_searched_for_whole_answers():
    panel = of.Panel([model(), model(depth=1)], vote="best", judge="known")
    answer = search(BestOfN(3), model=panel).ask("?")
    assert [draft.source for draft in answer.drafts] == ["panel#0", "panel#1", "panel#2"]
    assert all(len(draft.drafts) == 2 for draft in answer.drafts)


def test_the_answer_is_decided_by_a_vote_over_its_leaves_and_knows_all_that_it_used():
    answer = search("majority").ask("?")
    assert (answer.tally.rule, len(answer.drafts), answer.usage.calls) == ("majority", 8, 8)
    weighted = search("best_of_n", vote="weighted").ask("?")
    assert weighted.tally.rule == "weighted"
    assert search("beam").ask("?").usage.tokens_out > 0


def test_the_trace_shows_each_step_and_each_score():
    spans = []

    def listen(phase, span, what, value):
        if phase == "stop":
            spans.append((span.verb, span.name))

    with of.Session(listeners=[listen]):
        search(Beam(1, 2)).ask("?")
    assert spans.count(("draft", "steps#0")) == 1
    assert ("score", "known") in spans
    assert spans[-2:] == [("decide", "best"), ("answer", "search")]


def test_a_stream_shows_the_answers_to_decide_among():
    kinds = [event.kind for event in search(BestOfN(2)).stream("?")]
    assert kinds == ["draft", "draft", "answer"]


def test_a_cancelled_search_is_cancelled():
    async def given_up():
        async with asyncio.timeout(0.1):
            await search("beam", model=model(slow=1, depth=9))("?")

    with pytest.raises(TimeoutError):
        instantly(given_up())


def test_a_search_is_configuration_like_any_other():
    text = """
    search:
      model: {model: {model: steps, provider: stepping}}
      judge: known
      strategy: {beam: {width: 2, candidates: 3}}
      budget: {calls: 64}
    """
    made = build(text)
    assert made.strategy == Beam(2, 3)
    assert build(dump(made)) == made
    assert made.ask("?").confidence == 1.0
    with pytest.raises(of.ConfigError, match="did you mean 'beam'"):
        build("search: {model: 'fake:a', judge: known, strategy: beem}")
    with pytest.raises(of.ConfigError, match="give the search a judge, or use majority"):
        search("best_of_n", judge=None)
    with pytest.raises(of.ConfigError, match="is no regular expression"):
        search("best_of_n", ends="(")
    with pytest.raises(of.ConfigError, match="calls, tokens or usd"):
        search("best_of_n", budget={})
    with pytest.raises(of.ConfigError, match="unknown field"):
        search("best_of_n", budget={"cals": 3})


def test_the_same_tree_grows_again_and_another_seed_grows_another():
    first, again, other = (tree(search("beam", seed=seed).ask("?")) for seed in (0, 0, 5))
    assert first == again != other


def test_a_plan_counts_steps_calls_and_what_is_read_again():
    plan = of.plan(search(Beam(2, 2), most_steps=9), "?")
    assert (plan.least.calls, plan.expected.calls, plan.worst.calls) == (4, 16, 36)
    assert plan.worst.tokens_in > 9 * plan.least.tokens_in
    assert (plan.least.seconds, plan.worst.seconds) == (1.0, 9.0)
    capped = of.plan(search(Beam(2, 2), most_steps=3, budget={"calls": 6}), "?")
    assert capped.worst.calls == 6
    assert of.plan(search("best_of_n"), "?").calls == 8
