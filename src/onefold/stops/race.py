"""Enough by a lead: the weighted race."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from onefold.core.tally import same, spell
from onefold.verbs import Race, Stop


class Lead(Stop):
    """Enough once one answer's supporters weigh `at` more than those of any other.

    weights: weight of each member by name; a member without one has weight 1, and all draws of a
        member have its weight. Good ones are log-odds of being right, ln(a / (1 − a)) + 1 for a
        share a of right answers: the lead is then the log-odds that the leader is right, as in a
        sequential probability ratio test (Wald 1945).
    """

    at: Annotated[float, Meta(gt=0)] = 2.0
    weights: Mapping[str, Annotated[float, Meta(ge=0, le=1e12)]] = {}

    def enough(self, race: Race) -> bool:
        board: dict[str, float] = {}
        for answer in race.replies:
            if answer.value is not None:
                key, name = spell(answer.value), answer.source
                weight = self.weights.get(name, self.weights.get(name.partition("#")[0], 1.0))
                board[key] = board.get(key, 0.0) + weight
        top, second, *_ = (*sorted(board.values(), reverse=True), 0.0, 0.0)
        lead = top - second
        return lead > self.at or same(lead, self.at)
