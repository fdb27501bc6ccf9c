"""What feedback taught: outcomes by member, kept on disk, how they stand, and what changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from onefold.core.answer import Answer, hearers
from onefold.core.errors import ConfigError
from onefold.core.tally import spell, wilson
from onefold.delivery.session import here
from onefold.experience.drift import Change, Drift
from onefold.recording.recording import Draft, Recording
from onefold.runtime.trace import Phase, Span

if TYPE_CHECKING:
    from onefold.experience.nearness import Nearness

HORIZON = 200.0
KEPT = 4_000


class Standing(Struct, frozen=True):
    """How a member fared lately: older outcomes weigh less, by half every 140.

    outcomes: how many there were, in all. weight: what they count for together. score: weighted
    mean in [0, 1]; low, high: its 95 % interval.
    """

    outcomes: int = 0
    weight: float = 0.0
    score: float = 0.0
    low: float = 0.0
    high: float = 1.0


class Member:
    """A member's live sums."""

    __slots__ = ("count", "drifts", "total", "weight")

    def __init__(self) -> None:
        self.count = 0
        self.total = self.weight = 0.0
        self.drifts: dict[str, Drift] = {}

    def add(self, share: float) -> None:
        """One more outcome in [0, 1]."""
        fade = 1.0 - 1.0 / HORIZON
        self.total, self.weight = fade * self.total + share, fade * self.weight + 1.0
        self.count += 1


class Experience:
    """Outcomes that feedback taught, by member.

    path: a JSONL file that keeps them; it is a recording, for `onefold fit` and `onefold tune`.
        An unfinished last line, as after `kill -9`, is left out and told in `faults`.

    It is a listener too: among a session's `listeners` it also watches, without any feedback, how
    often each member fails, and how often it agrees with the panel. `changes` tells what moved.

    Raises:
        ConfigError: the file cannot be read or written.
    """

    wants_words = False

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.rows: deque[Draft] = deque(maxlen=KEPT)
        self.near: Nearness | None = None
        self.changes: list[Change] = []
        self.faults: list[str] = []
        self.members: dict[str, Member] = {}
        self.pupils: dict[Any, Any] = {}
        self._lock = Lock()
        if self.path is not None and self.path.is_file() and self.path.stat().st_size:
            held = Recording.load(self.path)
            self.faults = held.faults
            for row in held:
                self._take(row)
            if held.faults:
                held.write(self.path)

    def __iter__(self) -> Iterator[Draft]:
        return iter(tuple(self.rows))

    def add(self, answer: Answer, score: float, right: Any = None) -> None:
        """What the score of an answer says about each of its members.

        Who said the same has the same score. Where the answer was right (0.5 or more), who said
        something else or nothing was wrong; where it was wrong, nobody knows about the others,
        unless the right value is told too.

        Raises:
            ConfigError: the file cannot be written.
        """
        rows = list(outcomes(answer, score, right))
        with self._lock:
            if self.path is not None:
                lines = b"".join(msgspec.json.encode(row, enc_hook=spell) + b"\n" for row in rows)
                try:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    with self.path.open("ab") as file:
                        file.write(lines)
                except OSError as error:
                    raise ConfigError(f"{self.path} cannot be written: {error}") from None
            for row in rows:
                self._take(row)

    def standing(self, member: str) -> Standing:
        """How a member fared lately; nothing is known about one that had no outcome."""
        held = self.members.get(plain(member))
        if held is None or not held.count:
            return Standing()
        score = held.total / held.weight
        low, high = wilson(score, held.weight)
        return Standing(held.count, held.weight, score, low, high)

    def since(self, heard: int) -> tuple[int, list[Draft]]:
        """How many outcomes there were in all, and those after the first `heard`, as far as kept.

        What learns from them as they come keeps its state in `pupils`, and asks what is new.
        """
        with self._lock:
            count = sum(member.count for member in self.members.values())
            first = len(self.rows) - min(count - heard, len(self.rows))
            return count, list(islice(self.rows, first, None))

    def like(self, prompt: str, alike: float) -> dict[str, tuple[float, float]]:
        """What outcomes count for a prompt, by member: (weight, weight of what was right).

        alike: share in [0, 1] of an outcome's weight that depends on how like its prompt is.
        """
        from onefold.experience.nearness import Nearness

        with self._lock:
            if not self.rows:
                return {}
            if self.near is None:
                self.near = Nearness(KEPT)
                for row in self.rows:
                    self.near.add(row.prompt)
            rows = tuple(self.rows)
            start = self.near.count - len(rows)
            close = self.near.alike(prompt) if alike else None
        sums: dict[str, tuple[float, float]] = {}
        later: dict[str, int] = {}
        for number in range(len(rows) - 1, -1, -1):  # latest first
            row = rows[number]
            age = later.get(row.member, 0)
            later[row.member] = age + 1
            if age >= self._lately(row.member):
                continue
            weight = (1.0 - 1.0 / HORIZON) ** age
            if close is not None:
                weight *= 1.0 - alike + alike * float(close[(start + number) % KEPT])
            count, good = sums.get(row.member, (0.0, 0.0))
            sums[row.member] = (count + weight, good + weight * (row.score or 0.0))
        return sums

    def _lately(self, member: str) -> float:
        """How many outcomes of a member came since it last changed."""
        found = self.members[member].drifts.get("score")
        return float("inf") if found is None else found.length

    def _take(self, row: Draft) -> None:
        """Count a row, and tell those who learn from it."""
        share = row.score or 0.0
        self.rows.append(row)
        if self.near is not None:
            self.near.add(row.prompt)
        held = self.members.setdefault(row.member, Member())
        held.add(share)
        if self._watch(row.member, "score", share):
            found = held.drifts["score"]  # what was before the change says nothing any more
            held.total, held.weight = found.total, float(found.length)

    def _watch(self, member: str, what: str, share: float) -> bool:
        """Whether one more outcome shows that a member has changed."""
        held = self.members.setdefault(member, Member())
        found = held.drifts.setdefault(what, Drift())
        changed = found.add(share)
        if changed is not None:
            before, after, since = changed
            self.changes.append(Change(member, what, before, after, since, held.count))
        return changed is not None

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        """Listen to a panel's end: who failed, and who agreed with its answer."""
        answer = span.answer
        if phase != "stop" or span.verb != "answer" or not isinstance(answer, Answer):
            return
        readable = sum(draft.value is not None for draft in answer.drafts) > 1
        with self._lock:
            for draft in answer.drafts:
                if draft.status == "cancelled":
                    continue
                member = plain(draft.source)
                self._watch(member, "failures", float(draft.error is not None))
                if draft.error is None and readable and answer.value is not None:
                    self._watch(member, "agreement", float(same(draft.value, answer.value)))


def outcomes(answer: Answer, score: float, right: Any = None) -> Iterator[Draft]:
    """The rows that the score of an answer is worth, one a draft that it says something about."""
    for draft in answer.drafts or (answer,):
        if draft.status not in ("answered", "abstained") or not draft.source:
            continue
        if same(draft.value, answer.value):
            share = score
        elif right is not None:
            share = float(same(draft.value, right))
        elif score >= 0.5:
            share = 0.0
        else:
            continue
        yield Draft(
            answer.asked,
            plain(draft.source),
            draft.text,
            answer.asked,
            draft.value,
            usd=draft.usage.usd,
            seconds=draft.seconds,
            sample=draft.sample,
            score=share,
        )


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal answers; what could not be read equals nothing."""
    return one is not None and other is not None and spell(one) == spell(other)


def plain(source: str) -> str:
    """A member's name without the number of its draw: `m#2` is `m`."""
    name, mark, number = source.rpartition("#")
    return name if mark and number.isdigit() else source


def lived() -> Experience:
    """The experience of the session that counts here, made on first use."""
    session = here()
    if not isinstance(session.experience, Experience):
        session.experience = Experience(session.experience)
    return session.experience


def heard(answer: Answer, score: float, right: Any) -> None:
    """Feedback, as `Answer.feedback` gives it."""
    lived().add(answer, score, right)


hearers.append(heard)
