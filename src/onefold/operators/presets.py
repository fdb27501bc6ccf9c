"""Panels by their usual names: parallel, sequential, hedged, cascade, best of n."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from onefold.core.errors import ConfigError
from onefold.core.part import Part, coerce
from onefold.operators.panel import Panel
from onefold.operators.wrappers import Named, Within
from onefold.stops.agreement import Agree, First
from onefold.stops.bounds import Sure
from onefold.verbs import Operator

Members = Sequence[Operator | str | Any] | Mapping[str, Operator | str | Any]


def parallel(members: Members, *, timeout: float | None = None, **panel: Any) -> Panel:
    """Ask everyone at once and vote. `timeout`: seconds that each member may take."""
    return Panel(limited(members, timeout), **panel)


def sequential(
    members: Members,
    *,
    agree: float = 0.7,
    least: int = 2,
    timeout: float | None = None,
    **panel: Any,
) -> Panel:
    """Ask one after the other until a share of `agree` says the same, of at least `least`."""
    return Panel(limited(members, timeout), stop=Agree(agree, least), stagger=inf, **panel)


def hedged(
    members: Members,
    *,
    after: float = 1.0,
    most: int | None = None,
    timeout: float | None = None,
    **panel: Any,
) -> Panel:
    """Ask the first, and the next one each `after` seconds or as soon as one fails; first wins.

    most: how many backups may be asked besides the first; None is all of them.
    """
    seats = limited(members, timeout)
    if most is not None:
        if most < 0:
            raise ConfigError(f"most={most}: the number of backups is zero or more")
        seats = seats[: most + 1]
    return Panel(seats, stop=First(), stagger=after, **{"quorum": 1, **panel})


def cascade(
    members: Members, *, at: float = 0.9, least: int = 1, timeout: float | None = None, **panel: Any
) -> Panel:
    """Ask from cheap to dear until one is at least `at` confident; the most confident wins.

    judge: scores each answer, where the models themselves state no confidence.
    """
    settings = {"vote": "best", "quorum": 1, **panel}
    return Panel(limited(members, timeout), stop=Sure(at, least), stagger=inf, **settings)


def best_of(count: int, member: Operator | str, judge: Any, **panel: Any) -> Panel:
    """Draw `count` samples of one member and take the one that the judge scores highest."""
    if count < 1:
        raise ConfigError(f"best_of({count}): draw at least one sample")
    return Panel([member] * count, **{"vote": "best", "judge": judge, "quorum": 1, **panel})


def limited(members: Members, timeout: float | None) -> list[Operator]:
    """The members as operators, each with a deadline where one is given."""
    kind: Any = Operator
    if isinstance(members, str | Part) or not isinstance(members, Iterable):
        raise ConfigError(f"members: a list or a mapping, not {members!r:.80}")
    if isinstance(members, Mapping):
        spelled = [(name, coerce(kind, each, f"members.{name}")) for name, each in members.items()]
        return [Named(name, within(each, timeout)) for name, each in spelled]
    return [within(coerce(kind, each, "members"), timeout) for each in members]


def within(member: Operator, timeout: float | None) -> Operator:
    """The member with a deadline, if there is one."""
    return member if timeout is None else Within(member, timeout)
