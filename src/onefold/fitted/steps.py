"""The states of a cascade: who was asked, and who said the same; and the best way through them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from msgspec import Struct

from onefold.fitted.sparse import Floats, Ints

SILENT, UNASKED = -1, -2
MOST = 6


class Steps(Struct, frozen=True, eq=False):
    """All states of a cascade of so many members, the fewest asked first.

    said: (states, members) the candidate that each member named, numbered in member order; -1
        where it could not be read, -2 where it was not asked.
    after: (states, members, 1 + members) the state after asking a member, by what it says:
        nothing, then each candidate, the first new one last; -1 where that cannot be.
    keys: (states) each state as one number, sorted, and order: (states) which state each is.
    levels: where the states with 0, 1, … members asked begin.
    """

    said: Ints
    after: Ints
    keys: Ints
    order: Ints
    levels: tuple[int, ...]

    @property
    def members(self) -> int:
        """How many members there are."""
        return int(self.said.shape[1])

    def find(self, codes: Ints) -> Ints:
        """The states (n) of drafts (n, members), as in `said` but for the numbers given."""
        return self.order[np.searchsorted(self.keys, keyed(renumbered(codes)))]

    def onward(self, states: Ints, codes: Ints, whom: Ints) -> Ints:
        """The states (n) after asking a member each (n), who says what it says in codes.

        codes: (n, members) as in `said` but for the numbers; only that of the members asked counts.
        """
        rows = np.arange(len(states))
        said, code = self.said[states], codes[rows, whom]
        alike = (codes == code[:, None]) & (said >= 0)
        known = said[rows, alike.argmax(axis=1)]
        named = np.where(alike.any(axis=1), known, said.max(axis=1).clip(SILENT) + 1)
        made: Ints = self.after[states, whom, np.where(code >= 0, named + 1, 0)]
        return made


def renumbered(codes: Ints) -> Ints:
    """Drafts (n, members) with their candidates numbered in member order."""
    named = codes >= 0
    made = np.where(named, 0, codes)
    fresh = named.copy()
    for j in range(codes.shape[1]):
        for i in range(j):
            fresh[:, j] &= codes[:, i] != codes[:, j]
    number = np.cumsum(fresh, axis=1) - 1
    for j in range(codes.shape[1]):
        first = number[:, j].copy()
        for i in reversed(range(j)):
            first = np.where(codes[:, i] == codes[:, j], number[:, i], first)
        made[:, j] = np.where(named[:, j], first, codes[:, j])
    return made


def keyed(said: Ints) -> Ints:
    """Each state (n, members) as one number."""
    base = said.shape[1] + 2
    made: Ints = (said + 2) @ base ** np.arange(said.shape[1])
    return made


@lru_cache(MOST)
def steps(members: int) -> Steps:
    """The states of a cascade of so many members, at most 6."""
    states = sorted(spoken(members), key=lambda state: (asked(state), state))
    said = np.array(states, dtype=np.int64)
    keys = keyed(said)
    order = np.argsort(keys)
    after = np.full((len(states), members, members + 1), -1, dtype=np.int64)
    count = said.max(axis=1).clip(SILENT) + 1
    for member in range(members):
        for outcome in range(members + 1):
            open_ = (said[:, member] == UNASKED) & (outcome <= count + 1)
            next_ = said[open_]
            next_[:, member] = outcome - 1
            found = np.searchsorted(keys[order], keyed(renumbered(next_)))
            after[open_, member, outcome] = order[found]
    many = (said > UNASKED).sum(axis=1)
    levels = tuple(int(np.searchsorted(many, level)) for level in range(members + 2))
    return Steps(said, after, keys[order], order, levels)


def asked(state: tuple[int, ...]) -> int:
    """How many members were asked."""
    return sum(code > UNASKED for code in state)


def spoken(members: int) -> Iterator[tuple[int, ...]]:
    """What so many members may have said, each in its three ways."""
    if not members:
        yield ()
        return
    for before in spoken(members - 1):
        fresh = max((SILENT, *before)) + 1
        yield from ((*before, code) for code in range(UNASKED, fresh + 1))


class Way(Struct, frozen=True, eq=False):
    """The best way through the states, for each of n questions.

    chance: (n, states, members + 1) probability that each candidate is right, none of them last.
    asking: (n, states, members) expected quality after asking each member, less all costs from
        here on; -inf where that cannot be.
    next: (n, states) the member to ask, -1 where it is enough.
    worth: (n, states) expected quality, less the costs from here on.
    """

    chance: Floats
    asking: Floats
    next: Ints
    worth: Floats


def way(through: Steps, joint: Floats, costs: Floats, last: int = -1) -> Way:
    """The way that maximises P(right) − costs, by going back from the end (Bellman 1957).

    joint: (n, states, members + 1) probability of what was said and of which candidate is right.
    costs: (members) of asking each, in quality; inf for those that cannot be asked.
    last: the member whose answer stands once it gave one; -1 for none.
    """
    total = joint.sum(axis=2)
    chance = joint / total[:, :, None]
    worth = decided(through, chance, last)
    spoken_for = through.said.max(axis=1) >= 0
    asking = np.full((*worth.shape, through.members), -np.inf)
    next_ = np.full(worth.shape, -1)
    for level in reversed(range(through.members)):
        here = slice(through.levels[level], through.levels[level + 1])
        after = through.after[here]  # (states, members, outcomes)
        gained = np.where(after >= 0, (total * worth)[:, after], 0.0).sum(axis=3)
        gained = gained / total[:, here, None] - costs
        gained[:, (after < 0).all(axis=2)] = -np.inf
        most = gained.max(axis=2)
        more = np.isfinite(most) & ((most > worth[:, here] + 1e-9) | ~spoken_for[here])
        asking[:, here] = gained
        next_[:, here] = np.where(more, gained.argmax(axis=2), -1)
        worth[:, here] = np.where(more, most, worth[:, here])
    return Way(chance, asking, next_, worth)


def decided(through: Steps, chance: Floats, last: int) -> Floats:
    """P(right) of deciding now (n, states): the last member's word, else the likeliest one's."""
    made: Floats = chance[:, :, :-1].max(axis=2)
    if last >= 0:
        spoke = through.said[:, last] >= 0
        made[:, spoke] = chance[:, spoke, through.said[spoke, last]]
    made[:, through.said.max(axis=1) < 0] = 0.0
    return made
