"""Votes that count: each rule, its ties, its abstentions, and what it takes for no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of


def draft(value, source="m", confidence=None, usd=0.0):
    usage = of.Usage(usd=usd)
    return of.Answer(str(value or "?"), value, source, confidence, usage=usage)


def drafts(*values, **more):
    return tuple(draft(value, f"m{i}", **more) for i, value in enumerate(values))


def vote(rule, *given):
    """What a vote says of drafts; counting never waits, so no loop is needed."""
    try:
        rule.answer(of.Query("q", drafts=tuple(given))).send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a vote that counts waited for something")


def test_majority_takes_the_most_common_answer_in_the_words_of_its_first_supporter():
    given = (of.Answer("It is 4.", 4, "a"), of.Answer("4.0!", 4.0, "b"), of.Answer("5", 5, "c"))
    answer = vote(of.Majority(), *given)
    assert (answer.text, answer.value, answer.source) == ("It is 4.", 4, "a")
    assert answer.votes == {"4": 2, "5": 1}
    assert answer.confidence == answer.agreement == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("ties", "winner"),
    [("first", "b"), ("smallest", "a"), ("confident", "c"), ("cheapest", "a")],
)
@pytest.mark.parametrize("rule", [of.Majority, of.Weighted])
def test_ties_go_to_whom_the_policy_names(rule, ties, winner):
    more = {"weights": {"x": 1}} if rule is of.Weighted else {}
    given = (draft("b", "1", 0.5, 3.0), draft("c", "2", 0.9, 2.0), draft("a", "3", 0.1, 1.0))
    assert vote(rule(ties=ties, **more), *given).text == winner


def test_abstentions_lower_the_agreement_unless_they_are_ignored():
    given = drafts("a", "a", None, None, None)
    assert vote(of.Majority(), *given).agreement == 0.4
    assert vote(of.Majority(abstentions="ignore"), *given).agreement == 1.0


def test_an_agreement_below_least_is_no_answer_with_the_drafts_attached():
    given = drafts("a", "a", "b")
    assert vote(of.Majority(least=2 / 3), *given).text == "a"
    with pytest.raises(of.NoAnswer, match=r"agreement 0.667 is below the 0.7") as caught:
        vote(of.Majority(least=0.7), *given)
    assert caught.value.drafts == given


@pytest.mark.parametrize("rule", [of.Majority(), of.Weighted(), of.Best(), of.Unanimous()])
def test_without_any_vote_there_is_no_answer(rule):
    with pytest.raises(of.NoAnswer, match="none of which could be read"):
        vote(rule, *drafts(None, None))


@pytest.mark.parametrize("rule", [of.Majority(), of.Weighted(), of.Best(), of.Unanimous()])
def test_one_draft_alone_wins(rule):
    answer = vote(rule, draft("a", "m", 0.4))
    assert (answer.text, answer.source) == ("a", "m")


def test_weights_by_name_decide_and_a_member_without_one_weighs_one():
    rule = of.Weighted({"m0": 3.0, "m3": 0.0})
    answer = vote(rule, *drafts("a", "b", "b", "b"))
    assert answer.votes == {"a": 3.0, "b": 2.0}
    assert (answer.text, answer.agreement) == ("a", 0.6)


def test_without_weights_confidence_weighs_and_the_unstated_get_the_mean():
    given = (draft("a", "x", 0.9), draft("b", "y", 0.3), draft("b", "z"))
    assert vote(of.Weighted(), *given).votes == {"a": 0.9, "b": pytest.approx(0.3 + 0.6)}


def test_where_nobody_states_a_confidence_weighted_is_majority():
    given = drafts("a", "b", "b", None)
    assert vote(of.Weighted(), *given).votes == vote(of.Majority(), *given).votes


def test_the_winner_speaks_in_the_words_of_its_heaviest_supporter():
    given = (of.Answer("weak", 1, "x", 0.2), of.Answer("strong", 1, "y", 0.8))
    assert vote(of.Weighted(), *given).text == "strong"


def test_all_weights_zero_still_has_a_winner_and_no_agreement():
    answer = vote(of.Weighted({"m0": 0, "m1": 0}), *drafts("a", "b"))
    assert (answer.text, answer.agreement) == ("a", 0.0)


def test_best_takes_the_most_confident_alone():
    given = (draft("a", "x", 0.6), draft("a", "y", 0.7), draft("b", "z", 0.9))
    answer = vote(of.Best(), *given)
    assert (answer.text, answer.confidence, answer.agreement) == ("b", 0.9, 0.9)


def test_best_puts_the_unstated_last_and_takes_the_first_where_nobody_states():
    assert vote(of.Best(), draft("a"), draft("b", "y", 0.1)).text == "b"
    assert vote(of.Best(), *drafts("a", "b")).text == "a"


def test_best_is_no_answer_below_least():
    with pytest.raises(of.NoAnswer, match="below"):
        vote(of.Best(least=0.8), draft("a", "x", 0.7))


def test_best_never_takes_a_confident_abstention():
    assert vote(of.Best(), draft(None, "x", 1.0), draft("a", "y", 0.2)).text == "a"


def test_unanimous_wants_all_to_say_the_same():
    assert vote(of.Unanimous(), *drafts("a", "a")).agreement == 1.0
    with pytest.raises(of.NoAnswer, match=r"no unanimity.*'a' \(2\), 'b' \(1\)"):
        vote(of.Unanimous(), *drafts("a", "a", "b"))


def test_abstentions_break_unanimity_unless_they_are_ignored():
    with pytest.raises(of.NoAnswer, match="unread: m1"):
        vote(of.Unanimous(), *drafts("a", None))
    assert vote(of.Unanimous("ignore"), *drafts("a", None)).text == "a"


def test_a_confidence_that_is_no_share_is_refused_with_its_source():
    with pytest.raises(of.ConfigError, match="m states a confidence of 95"):
        vote(of.Weighted(), draft("a", "m", 95))


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([None, 0.1, 0.5, 1.0])),
        min_size=1,
        max_size=7,
    ),
    st.randoms(use_true_random=False),
    st.sampled_from(
        [of.Majority("smallest"), of.Weighted(ties="smallest"), of.Best("smallest"), of.Unanimous()]
    ),
)
def test_votes_ignore_the_order_of_drafts(given, random, rule):
    def verdict(some):
        try:
            answer = vote(rule, *some)
        except of.NoAnswer:
            return None
        return answer.tally.winner, round(answer.agreement, 9)

    one = [draft(value, f"m{i}", confidence) for i, (value, confidence) in enumerate(given)]
    other = list(one)
    random.shuffle(other)
    assert verdict(one) == verdict(other)


def test_votes_can_be_asked_without_a_panel_by_giving_them_drafts():
    said = of.build("majority").ask(of.Query(drafts=drafts("a", "b", "b")))
    assert said.text == "b"
    with pytest.raises(of.NoAnswer, match="no drafts to vote on"):
        of.Majority().ask("q")
