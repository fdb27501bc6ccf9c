"""A router that is asked again before each start: who comes next depends on what came."""

from math import inf

import onefold as of
from onefold.runtime.clock import instantly
from onefold.verbs import Router

SEEN = []


class Escalating(Router, name="escalating_in_tests"):
    """Prefers `c` once somebody was unsure, else goes on in the panel's order."""

    again = True

    async def route(self, query):
        SEEN.append([(d.source, d.confidence) for d in query.drafts])
        if any((d.confidence or 0) < 0.5 for d in query.drafts):
            return {"c": 1.0}
        return {}


def panel(confidences, **more):
    members = {
        name: of.Model(name, provider=of.Fake((name,), confidence=c))
        for name, c in zip("abc", confidences, strict=True)
    }
    return of.Panel(members, route=Escalating(), **{"stagger": inf, **more})


def order(answer):
    return [draft.source for draft in answer.drafts]


def test_the_next_member_is_chosen_by_what_came_so_far():
    SEEN.clear()
    answer = instantly(panel([0.2, 0.9, 0.9], stop=of.First(2))("q"))
    assert (order(answer), answer.unasked) == (["a", "c"], ("b",))
    assert SEEN == [[], [("a", 0.2)]]


def test_without_an_opinion_the_members_stand_as_they_are():
    answer = instantly(panel([0.9, 0.9, 0.9])("q"))
    assert order(answer) == ["a", "b", "c"]


def test_who_was_asked_is_not_asked_again_whatever_the_router_says():
    answer = instantly(panel([0.2, 0.2, 0.2])("q"))
    assert order(answer) == ["a", "c", "b"]


def test_members_that_start_at_once_each_get_a_place_of_their_own():
    answer = instantly(panel([0.2, 0.2, 0.2], stagger=0)("q"))
    assert sorted(order(answer)) == ["a", "b", "c"]
