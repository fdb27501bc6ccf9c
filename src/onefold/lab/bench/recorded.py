"""Systems on a recording: members and plain votes as matrices, everything else replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, unknown
from onefold.core.example import Example
from onefold.core.part import walk
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.core.usage import Price, estimated_tokens
from onefold.lab.bench.prices import member_prices
from onefold.lab.bench.results import Result, fingerprint, of_outcome
from onefold.lab.bench.systems import System
from onefold.lab.run import arun
from onefold.learn.ballots import ABSENT, Ballots
from onefold.operators.model import Model
from onefold.operators.panel import PLAIN, Panel
from onefold.operators.votes.counting import Majority, Weighted
from onefold.recording.recording import Draft, Recording
from onefold.runtime.clock import instantly
from onefold.stops.bounds import Never
from onefold.verbs import Reader

Told = Callable[[str], None]


class Stage:
    """A recording made ready to be benched: priced, cut to length, graded as it says itself.

    reads: makes drafts comparable where a recipe does not say how.

    Raises:
        ConfigError: it is empty, a system wants somebody who is not in it, or prices do not fit.
    """

    def __init__(
        self,
        recording: Recording,
        dataset: str,
        systems: Sequence[System],
        prices: Mapping[str, Price],
        reads: Reader | None = None,
        limit: int | None = None,
    ) -> None:
        if not recording.drafts:
            raise ConfigError("the recording is empty: there is nothing to bench")
        for name in sorted({name for system in systems for name in models(system)}):
            if name not in recording.members:
                raise unknown("recorded member", name, recording.members)
        recipes = [system.recipe for system in systems]
        self.prices = member_prices(prices, recipes, recording.members)
        kept = set(recording.queries[:limit])
        drafts = [draft for draft in recording if draft.query_id in kept]
        self.recording = Recording(drafts, recording.faults).priced(self.prices)
        self.spoken = spoken(self.recording)
        self.dataset, self.systems, self.reads = dataset, systems, reads
        self.timed = any(draft.seconds is not None for draft in drafts)
        self.examples = [
            Example(Query(about.prompt or name, id=name, reads=reads), about.expected)
            for name, about in ((n, self.recording.prompts[n]) for n in self.recording.queries)
        ]
        self.marks: dict[tuple[str, str, str], float] = {}
        for draft in reversed(self.spoken):
            mark = marked(draft)
            if mark is not None:
                for member in (draft.member, ""):
                    self.marks[draft.query_id, member, draft.text] = mark
        self.gradable = {name for name, _, _ in self.marks} | {
            example.query.id for example in self.examples if example.expected is not None
        }

    def members(self, names: Sequence[str] | None) -> Iterator[Result]:
        """The rows of single members, all of them unless some are named."""
        ballots = Ballots(self.recording, self.reads, names)
        for column, member in enumerate(ballots.members):
            for row in range(len(ballots.queries)):
                if ballots.drafts[row][column] is not None:
                    draft = ballots.drafts[row][column]
                    assert draft is not None
                    made = self._row(ballots, row, [column], column)
                    yield structs.replace(
                        made, system=member, family="member", confidence=draft.confidence
                    )

    def rows(self, told: Told | None = None) -> Iterator[Result]:
        """The rows of systems: plain votes counted in matrices, everything else replayed."""
        systems = self.systems
        plain = {system.name: ballot_reader(system, self.reads) for system in systems}
        counted: dict[Reader, Ballots] = {}
        for reader in {reader for reader in plain.values() if reader is not None}:
            wanted = {m for s in systems if plain[s.name] == reader for m in models(s)}
            names = [name for name in self.recording.members if name in wanted]
            counted[reader] = Ballots(self.recording, reader, names)
        replayed = [system for system in systems if plain[system.name] is None]
        with Replayed(self, replayed) as path:
            for system in systems:
                if told:
                    told(system.name)
                ballots = counted.get(plain[system.name])  # type: ignore[arg-type]
                if ballots is None:
                    yield from self._asked(system, path)
                else:
                    yield from self._counted(system, ballots)

    def _asked(self, system: System, path: str) -> Iterator[Result]:
        """A system that answers every question from the recording, in virtual time."""
        recipe = system.recipe.replayed(path, 1.0)
        session = recipe.session(cache=None, budget=None)
        work = arun(recipe.operator, self.examples, session=session, concurrency=256)
        for outcome in instantly(work):
            made = of_outcome(self.dataset, system.name, system.family, outcome)
            score = self._score(outcome.id, outcome.answer, made.score)
            yield structs.replace(
                made,
                score=score,
                correct=None if score is None else score >= 0.5,
                seconds=made.seconds if self.timed else None,
            )

    def _score(self, question: str, answer: Answer, read: float | None) -> float | None:
        """An answer's score: the recording's own for those words, else as it was read."""
        if question not in self.gradable:
            return None
        if answer.error is not None:
            return 0.0
        said = [leaf for leaf in answer.leaves if leaf.text == answer.text]
        own = [leaf for leaf in said if leaf.source == answer.source]
        member = (own or said or [answer])[0].model
        default = self.marks.get((question, "", answer.text), read)
        return self.marks.get((question, member, answer.text), default) or 0.0

    def _counted(self, system: System, ballots: Ballots) -> Iterator[Result]:
        """A panel that asks everyone and counts, over all questions at once."""
        panel: Any = system.recipe.operator
        names = [member.model for member in panel.members]
        weights = panel.vote.weights if isinstance(panel.vote, Weighted) else {}
        verdict = ballots.vote(
            names, {n: weights.get(n, 1.0) for n in names}, panel.vote.abstentions
        )
        columns = ballots.columns(names)
        codes = ballots.codes[:, columns]
        weight = np.array([weights.get(name, 1.0) for name in names])
        backed = np.where(codes == verdict.winners[:, None], weight, -inf)
        heaviest = columns[backed.argmax(axis=1)]
        came = codes > ABSENT
        enough = (came.sum(axis=1) >= max(1, (len(names) + 1) // 2)) & (verdict.winners >= 0)
        combined = max if panel.stagger == 0 else sum
        for row in range(len(ballots.queries)):
            asked = [int(column) for column, there in zip(columns, came[row], strict=True) if there]
            spoke = int(heaviest[row]) if enough[row] else None
            made = self._row(ballots, row, asked, spoke, combined)
            sure = min(1.0, float(verdict.agreement[row])) if enough[row] else None
            yield structs.replace(made, system=system.name, family=system.family, confidence=sure)

    def _row(
        self,
        ballots: Ballots,
        row: int,
        asked: Sequence[int],
        spoke: int | None,
        combined: Callable[[list[float]], float] = sum,
    ) -> Result:
        """What some members came to on a question; `spoke` gave the answer, None failed to."""
        drafts = [draft for column in asked if (draft := ballots.drafts[row][column]) is not None]
        usd = [draft.usd for draft in drafts]
        seconds = [draft.seconds for draft in drafts]
        name = ballots.queries[row]
        about = self.recording.prompts[name]
        code = -1 if spoke is None else int(ballots.codes[row, spoke])
        score = None if spoke is None else ballots.score[row, spoke]
        if name not in self.gradable:
            score = None
        elif score is None or np.isnan(score):
            score = 0.0
        return Result(
            self.dataset,
            name,
            "",
            fingerprint=fingerprint(about.prompt),
            value=ballots.keys[row][code] if code >= 0 else None,
            expected=None if about.expected is None else spell(about.expected),
            correct=None if score is None else bool(score >= 0.5),
            score=None if score is None else float(score),
            source="" if spoke is None else ballots.members[spoke],
            asked=tuple(ballots.members[column] for column in asked),
            usd=None if None in usd else float(sum(usd)),  # type: ignore[arg-type]
            tokens_in=sum(count(draft.tokens_in, draft.prompt) for draft in drafts),
            tokens_out=sum(count(draft.tokens_out, draft.text) for draft in drafts),
            seconds=None if None in seconds or not seconds else float(combined(seconds)),  # type: ignore[arg-type]
            calls=len(drafts),
            estimated=any(draft.tokens_in is None or draft.tokens_out is None for draft in drafts),
            error=None if spoke is not None else "NoAnswer: too few drafts, or none can be read",
        )


class Replayed:
    """A file, while it is needed, from which the models of some systems answer again."""

    def __init__(self, stage: Stage, systems: Sequence[System]) -> None:
        self.wanted = {name for system in systems for name in models(system)}
        self.drafts = [draft for draft in stage.spoken if draft.member in self.wanted]

    def __enter__(self) -> str:
        self.folder = TemporaryDirectory()
        path = str(Path(self.folder.name) / "recording.jsonl")
        Recording(self.drafts).write(path)
        return path

    def __exit__(self, *raised: object) -> None:
        self.folder.cleanup()


def models(system: System) -> set[str]:
    """The recorded members that a system asks."""
    parts = walk(system.recipe.operator)
    return {part.model for part in parts if isinstance(part, Model) and part.provider is None}


def ballot_reader(system: System, reads: Reader | None) -> Reader | None:
    """The reader of a panel that asks everyone and only counts; None for any other system."""
    panel = system.recipe.operator
    if not isinstance(panel, Panel) or not isinstance(panel.vote, Majority | Weighted):
        return None
    names = [m.model for m in panel.members if isinstance(m, Model) and m.provider is None]
    vote = panel.vote
    plain = (
        len(set(names)) == len(panel.members)
        and (isinstance(vote, Majority) or bool(vote.weights))
        and (vote.ties, vote.least) == ("first", 0.0)
        and isinstance(panel.stop, Never)
        and panel.stagger in (0.0, inf)
        and panel.patience == inf
        and (panel.quorum, panel.route, panel.judge) == (None, None, None)
    )
    return (panel.reads or reads or PLAIN) if plain else None


def spoken(recording: Recording) -> list[Draft]:
    """Drafts with texts: where none was recorded at all, their values, or who gave them."""
    if any(draft.text for draft in recording):
        return recording.drafts
    return [
        structs.replace(d, text=f"({d.member})" if d.value is None else spell(d.value))
        for d in recording
    ]


def marked(draft: Draft) -> float | None:
    """A draft's own grading as a share, None where it has none."""
    if draft.score is not None:
        return draft.score
    return None if draft.correct is None else float(draft.correct)


def count(tokens: int | None, text: str) -> int:
    """Tokens of a text, estimated where they were not recorded."""
    return estimated_tokens(text) if tokens is None else tokens
