"""A panel: route, draft, judge, decide; and everything that may go wrong on the way."""

import asyncio
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.runtime.clock import instantly


def model(name, text="yes", seconds=0.0, **more):
    return of.Model(name, provider=of.Fake((text,), seconds=(seconds,), **more))


def down(name, seconds=0.0, error="Unreachable"):
    return model(name, seconds=seconds, error=error)


def statuses(answer):
    return [draft.status for draft in answer.drafts]


def test_drafts_stand_in_member_order_whoever_came_first():
    answer = instantly(of.Panel([model("a", "x", 3), model("b", "y", 1), model("c", "x", 2)])("q"))
    assert [(d.source, d.text, d.seconds) for d in answer.drafts] == [
        ("a", "x", 3),
        ("b", "y", 1),
        ("c", "x", 2),
    ]
    assert (answer.text, answer.agreement, answer.seconds) == ("x", pytest.approx(2 / 3), 3)


def test_a_failing_member_starts_the_next_at_once():
    panel = of.Panel([down("a", 2), model("b", seconds=3)], stagger=60, stop="first")
    answer = instantly(panel("q"))
    assert (answer.seconds, statuses(answer)) == (5, ["failed", "answered"])


def test_by_default_half_of_the_members_must_answer():
    two_of_four = [model("a"), model("b"), down("c"), down("d")]
    answer = instantly(of.Panel(two_of_four)("q"))
    assert (answer.quorum, statuses(answer)) == (2, ["answered"] * 2 + ["failed"] * 2)
    with pytest.raises(of.NoAnswer, match="1 of 4 members answered, 2 are needed") as caught:
        instantly(of.Panel([model("a"), down("b"), down("c"), down("d", error="Refused")])("q"))
    assert "Unreachable: b was told to fail" in str(caught.value)
    assert [draft.status for draft in caught.value.drafts] == ["answered"] + ["failed"] * 3


def test_of_three_members_two_must_answer():
    with pytest.raises(of.NoAnswer, match="1 of 3 members answered, 2 are needed"):
        instantly(of.Panel([model("a"), down("b"), down("c")])("q"))


def test_a_stop_that_is_satisfied_with_less_lowers_the_default_quorum():
    panel = of.Panel(
        [down("a"), down("b"), model("c", seconds=1), model("d", seconds=9)], stop="first"
    )
    answer = instantly(panel("q"))
    assert statuses(answer) == ["failed", "failed", "answered", "cancelled"]
    assert answer.quorum == 1


def test_an_explicit_quorum_holds_against_any_stop():
    members = [
        model("a", seconds=1),
        model("b", seconds=2),
        model("c", seconds=3),
        model("d", seconds=4),
    ]
    answer = instantly(of.Panel(members, stop="first", quorum=3)("q"))
    assert statuses(answer) == ["answered"] * 3 + ["cancelled"]
    with pytest.raises(of.NoAnswer, match="2 of 3 members answered, 3 are needed"):
        instantly(of.Panel([*members[:2], down("c")], stop="first", quorum=3)("q"))


def test_a_quorum_of_one_is_content_with_one():
    answer = instantly(of.Panel([model("a"), down("b"), down("c"), down("d")], quorum=1)("q"))
    assert answer.text == "yes"


def test_an_unread_answer_is_an_answer_for_the_quorum_but_no_vote():
    answer = instantly(of.Panel([model("a"), model("b", " "), model("c", "")])("q"))
    assert statuses(answer) == ["answered", "abstained", "abstained"]
    assert answer.agreement == pytest.approx(1 / 3)
    with pytest.raises(of.NoAnswer, match="none of which could be read"):
        instantly(of.Panel([model("a", " "), model("b", " ")])("q"))


def test_everyone_failing_is_no_answer_with_all_the_causes():
    with pytest.raises(of.NoAnswer, match=r"0 of 2.*RateLimited: a.*TimedOut: b"):
        instantly(of.Panel([down("a", error="RateLimited"), down("b", error="TimedOut")])("q"))


def test_a_bug_in_a_member_is_a_failed_draft_and_a_wrong_configuration_is_fatal():
    def buggy(query):
        raise ZeroDivisionError("bug")

    def wrong(query):
        raise of.ConfigError("wrong")

    answer = instantly(of.Panel([buggy, model("a")])("q"))
    assert answer.drafts[0].error == of.Failure("ZeroDivisionError", "bug")
    with pytest.raises(of.ConfigError, match="wrong"):
        instantly(of.Panel([wrong, model("a"), model("b")])("q"))


def test_a_member_that_cancels_something_of_its_own_does_not_take_the_others_down():
    @of.operator
    async def test_panel_odd(query):
        task = asyncio.create_task(asyncio.sleep(9))
        task.cancel()
        await task

    answer = instantly(
        of.Panel([test_panel_odd, model("a", seconds=1), model("b", seconds=2)])("q")
    )
    assert statuses(answer) == ["failed", "answered", "answered"]


def test_patience_takes_the_vote_over_what_came():
    members = [model("a", seconds=1), model("b", seconds=2), model("c", seconds=60)]
    answer = instantly(of.Panel(members, patience=5)("q"))
    assert (statuses(answer), answer.seconds) == (["answered", "answered", "cancelled"], 5)
    with pytest.raises(of.NoAnswer, match="c: Cancelled"):
        instantly(of.Panel(members, patience=1.5)("q"))


def test_members_that_were_not_needed_are_named_and_cost_nothing():
    answer = instantly(
        of.Panel([model("a"), model("b"), model("c")], stop="first", stagger=inf)("q")
    )
    assert (answer.unasked, answer.usage.calls) == (("b", "c"), 1)


def test_a_panel_of_panels_counts_each_panel_as_one_member():
    left = of.Panel([model("a", "x"), model("b", "x"), model("c", "y")])
    right = of.Panel([model("d", "y"), model("e", "y"), model("f", "x")])
    answer = instantly(of.Panel({"left": left, "right": right, "alone": model("g", "y")})("q"))
    assert answer.votes == {"y": 2, "x": 1}
    assert [draft.source for draft in answer.drafts] == ["left", "right", "alone"]
    assert len(answer.leaves) == 7
    assert answer.usage.calls == 7


def test_a_nested_panel_that_finds_no_answer_is_one_failed_member():
    torn = of.Panel([model("a", "x"), model("b", "y")], vote="unanimous")
    answer = instantly(of.Panel([torn, model("c"), model("d")])("q"))
    assert statuses(answer) == ["failed", "answered", "answered"]
    assert answer.drafts[0].error.kind == "NoAnswer"
    assert answer.usage.calls == 4, "what the failed panel spent is counted"


def test_cancelling_an_outer_panel_cancels_the_innermost_calls():
    ended = []

    @of.operator
    async def test_panel_waits(query):
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(asyncio.get_running_loop().time())

    inner = of.Panel([of.Within(of.Panel([test_panel_waits] * 2), 600)] * 3)
    instantly(of.Panel([inner, model("quick", seconds=1)], stop="first")("q"))
    assert ended == [1.0] * 6


def test_members_that_stand_there_several_times_draw_different_samples():
    teller = of.Model("m", provider=of.Fake(("red", "green", "blue", "red")))
    answer = instantly(of.Panel([teller] * 4)("q"))
    assert [draft.text for draft in answer.drafts] == ["red", "green", "blue", "red"]
    assert [draft.source for draft in answer.drafts] == ["m", "m#2", "m#3", "m#4"]


def test_draws_of_nested_panels_are_all_different():
    seen = []

    class Sampled(of.Provider, name="test_panel_sampled"):
        async def complete(self, request):
            seen.append(request.sample)
            return of.Reply("x")

    teller = of.Model("m", provider=Sampled())
    instantly(of.Panel([of.Panel([teller] * 3)] * 4)("q"))
    assert sorted(seen) == list(range(12))


def test_a_query_s_own_sample_shifts_all_draws():
    teller = of.Model("m", provider=of.Fake(tuple("abcdef")))
    panel = of.Panel([teller] * 2)
    answers = [instantly(panel(of.Query("q", sample=sample))) for sample in range(3)]
    drawn = [[draft.text for draft in answer.drafts] for answer in answers]
    assert drawn == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_single_members_share_the_query_s_sample():
    answer = instantly(
        of.Panel([of.Model(n, provider=of.Fake(("a", "b"))) for n in "xy"])(of.Query("q", sample=1))
    )
    assert [draft.text for draft in answer.drafts] == ["b", "b"]


def test_members_given_by_name_are_called_by_it():
    answer = instantly(of.Panel({"left": "fake:x", "right": "fake:x"})("q"))
    assert [draft.source for draft in answer.drafts] == ["left", "right"]


def test_a_router_chooses_members_in_its_order():
    @of.router
    async def test_panel_prefers(query):
        return {"b": 0.2, "c": 0.9, "a": 0.0}

    members = {name: model(name, name) for name in "abc"}
    answer = instantly(of.Panel(members, route=test_panel_prefers, stop="first", stagger=inf)("q"))
    assert answer.text == "c"
    assert answer.unasked == ("b",)


def test_a_router_that_names_nobody_known_is_refused_with_the_nearest():
    @of.router
    async def test_panel_lost(query):
        return ["rihgt"]

    panel = of.Panel({"left": "fake:x", "right": "fake:y"}, route=test_panel_lost)
    with pytest.raises(of.ConfigError, match="'rihgt'; did you mean 'right'"):
        instantly(panel("q"))


def test_the_default_quorum_is_half_of_the_routed():
    @of.router
    async def test_panel_two(query):
        return ["a", "b"]

    members = {"a": model("a"), "b": down("b"), "c": model("c"), "d": model("d")}
    answer = instantly(of.Panel(members, route=test_panel_two)("q"))
    assert (answer.quorum, statuses(answer)) == (1, ["answered", "failed"])


def test_a_judge_s_score_becomes_the_confidence_and_steers_the_vote():
    @of.judge
    async def test_panel_likes_long(query, answer):
        return len(answer.text) / 10

    members = [model("a", "xx"), model("b", "xx"), model("c", "yyyyyy")]
    answer = instantly(of.Panel(members, vote="best", judge=test_panel_likes_long)("q"))
    assert (answer.text, answer.confidence) == ("yyyyyy", 0.6)
    weighted = instantly(of.Panel(members, vote="weighted", judge=test_panel_likes_long)("q"))
    assert weighted.votes == {"xx": pytest.approx(0.4), "yyyyyy": pytest.approx(0.6)}


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.01, 1.01, 95])
def test_a_score_that_is_no_share_is_an_error_and_never_a_zero(score):
    @of.judge
    async def test_panel_off(query, answer):
        return score

    with pytest.raises(of.OnefoldError, match="score"):
        instantly(of.Panel([model("a"), model("b")], judge=test_panel_off)("q"))


@pytest.mark.parametrize("said", ["good", None])
def test_a_judge_that_cannot_be_read_fails_the_draft_and_never_means_zero(said):
    @of.judge
    async def test_panel_mute(query, answer):
        return said if answer.text == "bad" else 0.5

    members = [model("a", "good"), model("b", "bad"), model("c", "good")]
    answer = instantly(of.Panel(members, judge=test_panel_mute)("q"))
    assert statuses(answer) == ["answered", "failed", "answered"]


def test_a_panel_reads_by_its_own_reader_before_the_query_s_before_the_plain_one():
    def first(text):
        return text[:1]

    members = [model("a", "Yes"), model("b", " yes "), model("c", "YEAH")]
    assert instantly(of.Panel(members)("q")).votes == {"yes": 2, "yeah": 1}
    assert instantly(of.Panel(members)(of.Query("q", reads="plain"))).votes == {
        "Yes": 1,
        "yes": 1,
        "YEAH": 1,
    }
    assert instantly(of.Panel(members, reads=first)(of.Query("q", reads="plain"))).votes == {
        "Y": 2,
        " ": 1,
    }


def test_a_function_votes_and_sees_every_draft_that_came():
    seen = []

    @of.operator
    async def test_panel_longest(query):
        seen.extend(draft.source for draft in query.drafts)
        return max(query.drafts, key=lambda draft: len(draft.text))

    members = [model("a", "x"), down("b"), model("c", "the longest"), model("d", "xx")]
    answer = instantly(of.Panel(members, vote=test_panel_longest)("q"))
    assert (answer.text, seen) == ("the longest", ["a", "c", "d"])
    assert statuses(answer) == ["answered", "failed", "answered", "answered"]


def test_a_model_that_votes_is_shown_the_drafts_and_the_question():
    heard = []

    class Blends(of.Provider, name="test_panel_blends"):
        async def complete(self, request):
            heard.append(request.messages[-1].content)
            return of.Reply("blended")

    panel = of.Panel([model("a", "red"), model("b", "blue")], vote=of.Model("v", provider=Blends()))
    answer = instantly(panel("which colour?"))
    assert answer.text == "blended"
    for words in ("which colour?", "red", "blue"):
        assert words in heard[0]
    assert [draft.text for draft in answer.drafts] == ["red", "blue"]


def test_a_vote_that_fails_is_no_answer_with_its_cause_and_the_paid_drafts():
    panel = of.Panel([model("a"), model("b")], vote=down("v", error="Refused"))
    with pytest.raises(of.NoAnswer, match="v was told to fail") as caught:
        instantly(panel("q"))
    assert isinstance(caught.value.__cause__, of.Refused)
    assert [draft.text for draft in caught.value.drafts] == ["yes", "yes"]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y", " ", "fail"]), st.integers(0, 9)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([0.0, 0.5, 2.0, inf]),
    st.sampled_from(
        ["never", "first", "decided", {"agree": 0.6}, "certified", {"spent": {"calls": 2}}]
    ),
    st.sampled_from([inf, 4.5]),
)
def test_whatever_happens_the_books_are_straight(members, stagger, stop, patience):
    panel = of.Panel(
        {
            f"m{i}": down("m", s) if text == "fail" else model("m", text, s)
            for i, (text, s) in enumerate(members)
        },
        stop=stop,
        stagger=stagger,
        patience=patience,
    )
    calls = []

    def listen(phase, span, what, value):
        if phase == "stop" and span.verb == "complete":
            calls.append(span.status)

    with of.Session(listeners=[listen]):
        try:
            answer = instantly(panel("q"))
            drafts, unasked = answer.drafts, answer.unasked
            assert answer.usage.calls == len(calls) - calls.count("failed")
            assert answer.text in {text for text, _ in members}
        except of.NoAnswer as error:
            drafts, unasked = error.drafts, None
    if unasked is not None:
        assert [d.source for d in drafts] + list(unasked) == [f"m{i}" for i in range(len(members))]
    for draft, (text, _) in zip(drafts, members, strict=False):
        assert draft.status == "cancelled" or (draft.status == "failed") == (text == "fail")
        assert draft.status != "answered" or draft.text == text
    assert calls.count("cancelled") == sum(
        d.status == "cancelled" and d.usage.calls for d in drafts
    )


def test_ten_thousand_panels_in_flight_on_one_loop():
    panel = of.Panel(
        [model("a", "x", 3), model("b", "y", 1), model("c", "x", 60)],
        stop="decided",
    )

    async def main():
        answers = await asyncio.gather(*(panel(f"q{i}") for i in range(10_000)))
        return answers, asyncio.get_running_loop().time()

    answers, finished = instantly(main())
    assert finished == 60
    assert {(a.text, a.votes["x"], a.usage.calls) for a in answers} == {("x", 2, 3)}


def test_a_panel_is_asked_on_the_bridge_and_in_a_loop_with_one_result():
    panel = of.Panel([model("a", "x"), model("b", "x"), model("c", "y")])
    assert panel.ask("q").tally == asyncio.run(panel("q")).tally
