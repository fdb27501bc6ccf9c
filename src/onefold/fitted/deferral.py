"""What drafts say about each other: how likely each candidate is right, and whom to ask next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.tally import Trust, spell
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration, log_odds
from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.steps import SILENT, UNASKED, Steps, Way, steps, way
from onefold.fitted.votes.crowd import Board, log_sum
from onefold.fitted.votes.crowd import joint as crowd


def joint(
    through: Steps, skills: Floats, spread: float, concentration: float, silent: float
) -> Floats:
    """P(what was said, which candidate is right) of each state: (states, members + 1), none last.

    The crowd's model (see `crowd`), in which a share `silent` of all drafts cannot be read.
    """
    board = Board(through.said, through.members)
    odds = log_sum(crowd(board, skills, spread, concentration), 2)
    mute = (through.said == SILENT).sum(axis=1, keepdims=True)
    named = (through.said > SILENT).sum(axis=1, keepdims=True)
    made: Floats = np.exp(odds) * silent**mute * (1.0 - silent) ** named
    return made


class Course:
    """A fitted cascade: what its members' drafts say about each other, and what asking costs.

    members: their names. joint: (states, members + 1) as `joint` gives it. costs: (members) mean
    price of a draft, in quality. last: whose word stands, -1 for nobody's. base: (members) log-odds
    of being right. faith: how much of a judge's verdict on a draft counts, from 0 to 1.
    """

    def __init__(
        self,
        members: Sequence[str],
        joint: Floats,
        costs: Floats,
        last: int,
        base: Floats,
        faith: float = 0.0,
    ) -> None:
        self.members = list(members)
        self.through = steps(len(self.members))
        self.joint = joint
        self.costs = costs
        self.last = last
        self.base = base
        self.faith = faith

    @cached_property
    def backed(self) -> Floats:
        """Whether each member backs each candidate: (states, members + 1, members)."""
        numbers = np.arange(len(self.members) + 1)[:, None]
        made: Floats = (self.through.said[:, None, :] == numbers).astype(np.float64)
        return made

    def way(self, odds: Floats | None = None, lost: Ints | None = None) -> Way:
        """The way from here on.

        odds: (n, members) log-odds that each draft is right, by a judge; 0 weighs nothing, and so
            does a draft that did not come yet. lost: members that cannot be asked any more.
        """
        costs = self.costs
        if lost is not None and len(lost):
            costs = costs.copy()
            costs[lost] = np.inf
        weights = self.joint[None]
        if odds is not None and self.faith:
            told = np.einsum("nm,scm->nsc", odds, self.backed)
            weights = weights * np.exp(np.clip(self.faith * told, -30, 30))
        return way(self.through, weights, costs, self.last)

    def at_price(self, factor: float) -> Course:
        """The same with all costs times a factor."""
        costs = self.costs * factor
        return Course(self.members, self.joint, costs, self.last, self.base, self.faith)

    def odds(self, probabilities: Floats) -> Floats:
        """What a judge's P(right) of each draft (n, members) says beyond the members' skill.

        NaN, for no verdict, says nothing.
        """
        known = ~np.isnan(probabilities)
        made: Floats = np.where(known, log_odds(np.where(known, probabilities, 0.5)) - self.base, 0)
        return made

    def follow(self, codes: Ints, probabilities: Floats | None = None) -> tuple[Ints, Floats]:
        """Ask, for each question, whom the way says until it is enough.

        codes: (n, members) what each member would say, as candidates. probabilities: (n, members)
            a judge's verdicts on that.
        Returns the states where it ends (n), and the chance of each candidate there, none last
        (n, members + 1).
        """
        through = self.through
        at = np.zeros(len(codes), dtype=np.int64)
        chance = np.zeros((len(codes), len(self.members) + 1))
        judged = probabilities is not None and self.faith > 0
        told = self.odds(probabilities) if probabilities is not None else np.zeros(codes.shape)
        plain = None if judged else self.way()
        live = np.arange(len(codes))
        while len(live):
            asked = through.said[at[live]] > UNASKED
            found = plain or self.way(np.where(asked, told[live], 0.0))
            rows = np.arange(len(live)) if judged else np.zeros(len(live), dtype=np.int64)
            chance[live] = found.chance[rows, at[live]]
            whom = found.next[rows, at[live]]
            live, whom = live[whom >= 0], whom[whom >= 0]
            at[live] = through.onward(at[live], codes[live], whom)
        return at, chance

    def winners(self, states: Ints, chance: Floats) -> Ints:
        """Who wins in these states (n), as a candidate; -1 where nobody said anything.

        chance: (n, members + 1) of each candidate, none last.
        """
        said = self.through.said[states]
        best = chance[:, :-1].argmax(axis=1)
        if self.last >= 0:
            best = np.where(said[:, self.last] >= 0, said[:, self.last], best)
        made: Ints = np.where(said.max(axis=1) >= 0, best, -1)
        return made


class Cascade:
    """A Course as its parts use it: on drafts by name."""

    def __init__(self, artifact: Artifact) -> None:
        about, arrays = artifact.about, artifact.arrays
        self.course = Course(
            about["members"],
            arrays["joint"],
            arrays["costs"],
            about["last"],
            arrays["base"],
            about["faith"],
        )
        self.calibration = Calibration.of(arrays)
        self.basis: str = about["basis"]
        self.cofailure: float | None = about["cofailure"]

    def at(self, drafts: Sequence[Answer], lost: Sequence[str] = ()) -> Spot:
        """Where the cascade is with these drafts, failed ones among them.

        lost: other members that cannot be asked.

        Raises:
            ConfigError: drafts came, and none of them from a member that it was fitted to.
        """
        places = {name: place for place, name in enumerate(self.course.members)}
        known = [draft for draft in drafts if draft.source in places]
        if drafts and not known:
            raise ConfigError(
                f"the cascade was fitted to {', '.join(places)}, and none of "
                f"{', '.join(draft.source for draft in drafts)} is among them: fit it to this panel"
            )
        codes = np.full((1, len(places)), UNASKED, dtype=np.int64)
        stated = np.full((1, len(places)), np.nan)
        gone = [places[name] for name in lost if name in places]
        numbers: dict[str, int] = {}
        for draft in known:
            place = places[draft.source]
            if draft.error is not None:
                gone.append(place)
            elif draft.value is None:
                codes[0, place] = SILENT
            else:
                codes[0, place] = numbers.setdefault(spell(draft.value), len(numbers))
            if draft.confidence is not None and draft.error is None:
                stated[0, place] = draft.confidence
        return Spot(self, codes, stated, np.array(gone, dtype=np.int64))


class Spot:
    """A place on a cascade's way."""

    def __init__(self, cascade: Cascade, codes: Ints, stated: Floats, lost: Ints) -> None:
        course = cascade.course
        self.cascade = cascade
        self.way = course.way(course.odds(stated), lost)
        self.state = int(course.through.find(codes)[0])

    @property
    def next(self) -> str:
        """Who should be asked now, empty where it is enough."""
        place = int(self.way.next[0, self.state])
        return "" if place < 0 else self.cascade.course.members[place]

    @property
    def worths(self) -> dict[str, float]:
        """What each member that can be asked is worth: 1 for the best, always more than 0."""
        asking = self.way.asking[0, self.state]
        members = self.cascade.course.members
        best = asking.max()
        return {
            name: float(np.exp(worth - best))
            for name, worth in zip(members, asking, strict=True)
            if np.isfinite(worth)
        }

    @property
    def chances(self) -> dict[str, float]:
        """P(right) of what each member said; 0 for one that the last word overrules."""
        course = self.cascade.course
        said = course.through.said[self.state]
        chance = self.way.chance[0, self.state]
        won = int(course.winners(np.array([self.state]), chance[None])[0])
        spoke = course.last >= 0 and said[course.last] >= 0
        return {
            name: float(chance[code]) if code == won or not spoke else 0.0
            for name, code in zip(course.members, said, strict=True)
            if code >= 0
        }

    def trust(self, chance: float) -> Trust:
        """The calibrated probability behind a chance."""
        trust = self.cascade.calibration.trust(chance, self.cascade.basis)
        return Trust(
            trust.probability,
            trust.low,
            trust.high,
            trust.outcomes,
            cofailure=self.cascade.cofailure,
            basis=trust.basis,
        )
