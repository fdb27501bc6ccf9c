"""Operators that hold one operator: names, deadlines, readers."""

import asyncio

import pytest

import onefold as of
from onefold.runtime.clock import instantly


def model(name, text="yes", seconds=0.0, **more):
    return of.Model(name, provider=of.Fake((text,), seconds=(seconds,), **more))


def test_an_answer_comes_from_the_name_it_was_given():
    assert instantly(of.Named("judge", model("m"))("q")).source == "judge"


@pytest.mark.parametrize("name", ["", "  "])
def test_a_name_is_not_empty(name):
    with pytest.raises(of.ConfigError, match="empty"):
        of.Named(name, model("m"))


def test_a_deadline_lets_pass_what_comes_in_time():
    answer = instantly(of.Within(model("m", seconds=4.9), 5)("q"))
    assert (answer.text, answer.seconds) == ("yes", 4.9)


def test_a_deadline_cancels_everything_below_it_and_names_the_late_one():
    cancelled = []

    @of.operator
    async def test_wrappers_waits(query):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(asyncio.get_running_loop().time())
            raise

    slow = of.Within(of.Panel([test_wrappers_waits] * 3), 5)
    with pytest.raises(of.TimedOut, match="panel took longer than 5 s"):
        instantly(slow("q"))
    assert cancelled == [5, 5, 5]


def test_a_deadline_inside_a_panel_is_one_failed_member():
    answer = instantly(
        of.Panel([of.Within(model("slow", seconds=60), 5), model("b")], quorum=1)("q")
    )
    assert [draft.status for draft in answer.drafts] == ["failed", "answered"]
    assert answer.drafts[0].error.kind == "TimedOut"
    assert answer.drafts[0].usage.estimated, "what was cancelled is booked"


def test_the_inner_of_two_deadlines_is_named_when_it_passes_first():
    with pytest.raises(of.TimedOut, match="took longer than 1 s"):
        instantly(of.Within(of.Within(model("m", seconds=9), 1), 5)("q"))
    with pytest.raises(of.TimedOut, match="took longer than 1 s"):
        instantly(of.Within(of.Within(model("m", seconds=9), 5), 1)("q"))


def test_a_timeout_of_the_operator_s_own_is_not_taken_for_the_deadline():
    @of.operator
    async def test_wrappers_own(query):
        raise TimeoutError("my socket")

    with pytest.raises(Exception, match="my socket"):
        instantly(of.Within(test_wrappers_own, 600)("q"))


def test_errors_pass_a_deadline_unchanged():
    with pytest.raises(of.Refused):
        instantly(of.Within(model("m", error="Refused"), 5)("q"))


def test_cancelling_from_outside_is_no_deadline():
    async def main():
        task = asyncio.create_task(of.Within(model("m", seconds=60), 30)("q"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    instantly(main())


def test_a_reader_of_one_s_own_goes_before_the_query_s():
    loud = of.Read(model("m", " Yes "), "lowercase_trim")
    assert instantly(loud(of.Query("q", reads="plain"))).value == "yes"


def test_a_reader_around_a_panel_reads_each_draft():
    panel = of.Read(of.Panel([model("a", "1 apple"), model("b", "1 pear")]), lambda text: text[:1])
    assert instantly(panel("q")).votes == {"1": 2}


def test_wrappers_hand_on_usage_and_drafts():
    panel = of.Panel([model("a"), model("b")])
    for wrapped in (
        of.Named("n", panel),
        of.Within(panel, 9),
        of.Read(panel, "plain"),
        of.Cached(panel),
    ):
        with of.Session():
            answer = instantly(wrapped("q"))
        assert answer.usage.calls == 2
        assert len(answer.drafts) == 2
