"""Fits the nearest router: from a table of texts and labels, or from recorded outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from onefold.core.errors import ConfigError, unknown
from onefold.core.example import Example
from onefold.core.part import coerce
from onefold.core.spec import dump
from onefold.core.tally import spell
from onefold.fitted.index import (
    USUAL,
    Index,
    Near,
    Pull,
    Suited,
    directions,
    grouped,
    nearest,
    pull_at,
    surprise,
)
from onefold.learn.fit import Fit
from onefold.learn.logistic import minimised
from onefold.learn.outcomes import folds as split
from onefold.learn.outcomes import outcomes
from onefold.recording.recording import Recording
from onefold.recording.tables import read_table
from onefold.routers.nearest import Nearest
from onefold.runtime.bridge import bridge
from onefold.verbs import Encoder, Reader

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Grouping = Callable[[Floats, Ints], Ints]  # (all rows, places) → the group of each place
Suits = str | Sequence[str] | Mapping[str, float]
FEWEST = 10
NEIGHBOURS = 15
OPINION = 0.3
CALIBRATED = 1000  # prototypes that the pull is fitted on at most
STRANGERS = 0.5  # weight of texts whose label is taken away, beside those that keep theirs
SHRINK = 3.0  # questions that a member's mean over all counts for in each label
CLUSTERS = (4, 8, 16, 32, 64)
ROUNDS = 15  # of k-means


class Setting(NamedTuple):
    """How an index is fitted: labels that there are, neighbours looked at, folds, seed."""

    labels: int
    neighbours: int
    folds: int
    seed: int


def fit_taxonomy(
    examples: str | Path | Iterable[Example | tuple[str, str]],
    to: Mapping[str, Suits] | None = None,
    *,
    encoder: Encoder | str | Any = "hashing",
    at: float = OPINION,
    neighbours: int = NEIGHBOURS,
    most: int = 2000,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit the nearest router to labelled texts (the taxonomy router of arXiv 2504.10681).

    examples: pairs (text, label), Examples with the label as `expected`, or the path of a table
        with columns `text` and `label`.
    to: who suits a label: a name, several of them, the first first, or `{name: weight}`; left
        out, the labels are the members.
    at: as for `Nearest`. most: texts that are kept.

    Raises:
        ConfigError: too few texts or labels, or `to` names a label that no text has.
    """
    texts, said, notes = cleaned(pairs(examples))
    labels = sorted(set(said))
    if len(texts) < FEWEST or len(labels) < 2:
        raise ConfigError(
            f"{len(texts)} texts of {len(labels)} labels: give at least {FEWEST} texts, of at "
            "least two labels"
        )
    members, worth = listed(labels, {label: label for label in labels} if to is None else to)
    codes = np.searchsorted(labels, said).astype(np.int64)
    kept = balanced(codes, most, seed)
    if len(kept) < len(texts):
        notes.append(f"{len(kept)} of {len(texts)} texts were kept, labels evenly (most={most})")
    texts, codes = [texts[place] for place in kept], codes[kept]
    counts = np.bincount(codes, minlength=len(labels))
    if few := [label for label, count in zip(labels, counts, strict=True) if count < 5]:
        notes.append(f"fewer than five texts for {', '.join(few)}: poorly recognised")
    if silent := [label for label, row in zip(labels, worth, strict=True) if not row.any()]:
        notes.append(f"nobody is named for {', '.join(silent)}: no opinion there")
    part = coerce(Encoder, encoder)
    rows = encoded(part, texts)
    setting = Setting(len(labels), neighbours, folds, seed)
    figures = recognition(rows, codes, texts, setting, at)
    index = calibrated(rows, codes, setting)
    made = Suited(index, tuple(labels), members, worth, np.zeros(len(members)), dump(part))
    return fit_of(made, part, at, figures, notes, seed)


def fit_nearest(
    recording: Recording,
    *,
    labels: Mapping[str, str] | None = None,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    encoder: Encoder | str | Any = "hashing",
    at: float = OPINION,
    neighbours: int = NEIGHBOURS,
    most: int = 2000,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit the nearest router to graded drafts: how good each member is on prompts like this one.

    A member's worth for a label is its mean score there, drawn towards its mean over all. Where
    held-out questions do not gain by it, every label gets the same worth: the best single member.

    labels: the kind of each question, by its id or its prompt; left out, prompts are put into
        clusters (spherical k-means), as many as serve held-out questions best.

    Raises:
        ConfigError: too few questions are graded, or too few of those have a prompt and a label.
    """
    found = outcomes(recording, reads, members)
    ballots, notes = found.ballots, list(found.notes)
    named = ["" for _ in ballots.queries]
    there = found.labelled & np.array([bool(prompt.strip()) for prompt in ballots.prompts])
    if labels is not None:
        keys = zip(ballots.queries, ballots.prompts, strict=True)
        named = [str(labels.get(query, labels.get(prompt, ""))) for query, prompt in keys]
        there &= np.array([bool(name) for name in named])
    places = np.flatnonzero(there)
    if len(places) < 2 * FEWEST:
        wanted = "a prompt and a grade" if labels is None else "a prompt, a grade and a label"
        raise ConfigError(
            f"{len(places)} of {len(there)} questions have {wanted}; {2 * FEWEST} are needed"
        )
    if left_out := len(there) - len(places):
        notes.append(f"{left_out} questions without prompt, grade or label were left out")
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).permutation(places)[:most])
        notes.append(f"{most} of {int(there.sum())} questions were kept (most={most})")
    texts, scores = [ballots.prompts[place] for place in places], ballots.score[places]
    for name, column in zip(ballots.members, scores.T, strict=True):
        if np.isnan(column).all():
            notes.append(f"{name} has no graded draft: it is never preferred")
    part = coerce(Encoder, encoder)
    rows = encoded(part, texts)
    ways = {count: clustering(count, seed) for count in CLUSTERS if count <= len(texts) // FEWEST}
    names: tuple[str, ...] = ()
    if labels is not None:
        names = tuple(sorted({named[place] for place in places}))
        codes = np.searchsorted(names, [named[place] for place in places])
        ways = {len(names): lambda _, some: codes[some]}
    settings = {count: Setting(count, neighbours, folds, seed) for count in ways}
    tried = {n: held_out(rows, scores, texts, ways[n], settings[n]) for n in ways}
    best = max(tried, key=lambda n: tried[n].sure)
    index = calibrated(rows, ways[best](rows, np.arange(len(rows))), settings[best])
    usual, worth = mean(scores), means(scores, index.codes, best)
    if tried[best].sure <= 0:
        worth = np.tile(usual, (best, 1))
        notes.append("likeness of prompts did not tell who is better: best single member preferred")
    names = names or tuple(f"cluster {number}" for number in range(1, best + 1))
    made = Suited(index, names, tuple(ballots.members), worth, usual, dump(part), labels is None)
    return fit_of(made, part, at, tried[best].figures(), notes, seed)


def fit_of(
    made: Suited, part: Encoder, at: float, figures: Mapping[str, Any], notes: list[str], seed: int
) -> Fit:
    """The fit, whose router has the encoder that made the prototypes."""
    artifact = made.artifact({"figures": dict(figures), "seed": seed})

    def make(path: str, hash: str) -> Nearest:
        return Nearest(path, hash, at, part)

    return Fit(artifact, make, figures, tuple(notes))


def pairs(source: str | Path | Iterable[Example | tuple[str, str]]) -> list[tuple[str, str]]:
    """Texts and labels, as they are given."""
    if isinstance(source, str | Path):
        rows, _ = read_table(source)
        missing = {"text", "label"} - {name for row in rows for name in row}
        if missing:
            raise ConfigError(f"{source} has no column {' and no column '.join(sorted(missing))}")
        return [(spell(row.get("text") or ""), spell(row.get("label") or "")) for row in rows]
    found = []
    for each in source:
        if isinstance(each, Example):
            each = (each.query.prompt, "" if each.expected is None else spell(each.expected))
        if isinstance(each, str) or len(each) != 2:
            raise ConfigError(f"an example is a pair (text, label), not {each!r:.80}")
        found.append((each[0], each[1]))
    return found


def cleaned(given: list[tuple[str, str]]) -> tuple[list[str], list[str], list[str]]:
    """Texts, their labels, and notes on what was left out: blanks, doubles, contradictions."""
    whole = [(text, label.strip()) for text, label in given if text.strip() and label.strip()]
    board: dict[str, set[str]] = {}
    for text, label in whole:
        board.setdefault(text, set()).add(label)
    kept = {text: said.pop() for text, said in board.items() if len(said) == 1}
    unclear = sum(text not in kept for text, _ in whole)
    counts = {
        "without a text or a label": len(given) - len(whole),
        "with several labels": unclear,
        "that stand twice": len(whole) - unclear - len(kept),
    }
    notes = [f"{count} texts {why} were left out" for why, count in counts.items() if count]
    return list(kept), list(kept.values()), notes


def listed(labels: Sequence[str], to: Mapping[str, Suits]) -> tuple[tuple[str, ...], Floats]:
    """The members that suit labels, the first named first, and their worth (labels, members)."""
    board: dict[str, dict[str, float]] = {}
    for label, who in to.items():
        if label not in labels:
            raise unknown("label", label, labels)
        named = who if isinstance(who, Mapping) else [who] if isinstance(who, str) else list(who)
        board[label] = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named, 1.0)
        for name, weight in board[label].items():
            if not 0 <= weight <= 1:
                raise ConfigError(f"to.{label}.{name}: {weight!r} is no share in [0, 1]")
    members = tuple(dict.fromkeys(name for suits in board.values() for name in suits))
    if not members:
        raise ConfigError("to: nobody is named for any label: give {label: member}")
    worth = [[board.get(label, {}).get(name, 0.0) for name in members] for label in labels]
    return members, np.array(worth)


def balanced(codes: Ints, most: int, seed: int) -> Ints:
    """At most so many places, drawn by seed, so that small labels keep theirs."""
    order = np.random.default_rng(seed).permutation(len(codes))
    rank = np.zeros(len(codes), dtype=np.int64)
    for label in np.unique(codes):
        own = order[codes[order] == label]
        rank[own] = np.arange(len(own))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:most])


def encoded(part: Encoder, texts: Sequence[str]) -> Floats:
    """The encoder's rows.

    Raises:
        ConfigError: it gave no numbers.
    """
    rows = bridge.run(part.encode(texts))
    if len(rows) != len(texts) or not np.isfinite(rows).all():
        raise ConfigError(f"encoder {part.name_of_part} gave rows that are no numbers")
    return rows


class Held(NamedTuple):
    """Scores on questions that were not fitted on: of the member preferred, of the best single
    member, of whoever was best (questions) each."""

    routed: Floats
    single: Floats
    oracle: Floats

    @property
    def sure(self) -> float:
        """The mean gain over the best single member, less its standard error."""
        gain = self.routed - self.single
        return float(gain.mean() - gain.std() / len(gain) ** 0.5)

    def figures(self) -> dict[str, float]:
        """Means, and the share of the way from the best single member to the oracle."""
        routed, single, oracle = (float(np.mean(each)) for each in self)
        closed = (routed - single) / (oracle - single) if oracle > single else 0.0
        return {"routed": routed, "single": single, "oracle": oracle, "gap_closed": closed}


def held_out(
    rows: Floats, scores: Floats, texts: Sequence[str], way: Grouping, setting: Setting
) -> Held:
    """What a grouping is worth on questions that it did not see."""
    picked, best = np.zeros((2, len(texts)), dtype=np.int64)
    for train, test in split(texts, setting.folds, setting.seed):
        index = calibrated(rows[train], way(rows, train), setting)
        usual = mean(scores[train])
        worth = means(scores[train], index.codes, setting.labels)
        shares = index.shares(rows[test])
        weights = shares @ worth + (1.0 - shares.sum(axis=1, keepdims=True)) * usual
        there = ~np.isnan(scores[test])
        picked[test] = np.where(there, weights, -1.0).argmax(axis=1)
        best[test] = np.where(there, usual, -1.0).argmax(axis=1)
    each = np.arange(len(texts))
    return Held(scores[each, picked], scores[each, best], np.nanmax(scores, axis=1))


def mean(scores: Floats) -> Floats:
    """Mean score of each member over its graded drafts (members); 0 where it has none."""
    made: Floats = np.nansum(scores, axis=0) / np.maximum((~np.isnan(scores)).sum(axis=0), 1)
    return made


def means(scores: Floats, codes: Ints, labels: int) -> Floats:
    """Mean score of each member in each group, drawn towards its mean (labels, members)."""
    groups = (np.arange(labels)[:, None] == codes).astype(np.float64)
    total, count = groups @ np.nan_to_num(scores), groups @ ~np.isnan(scores)
    made: Floats = (total + SHRINK * mean(scores)) / (count + SHRINK)
    return made


def clustering(count: int, seed: int) -> Grouping:
    """Puts rows into clusters by direction: spherical k-means, started far apart (k-means++)."""

    def cluster(rows: Floats, places: Ints) -> Ints:
        texts = Index(rows[places], np.zeros(len(places), dtype=np.int64), 1, 1).prototypes
        chance = np.random.default_rng(seed)
        centres = texts[chance.integers(len(texts), size=1)]
        while len(centres) < count:
            far = np.maximum(1.0 - (texts @ centres.T).max(axis=1), 1e-9).astype(np.float64)
            centres = np.vstack([centres, texts[chance.choice(len(texts), p=far / far.sum())]])
        for _ in range(ROUNDS):
            sums = grouped(texts, (texts @ centres.T).argmax(axis=1), count)
            centres = np.where(sums.any(axis=1, keepdims=True), directions(sums), centres)
        codes: Ints = (texts @ centres.T).argmax(axis=1)
        return codes

    return cluster


def recognition(
    rows: Floats, codes: Ints, texts: Sequence[str], setting: Setting, at: float
) -> dict[str, float]:
    """Cross-validated figures of how texts are recognised.

    accuracy: share put first under the right label. opinions, precision: share with a label of
    at least `at`, and how many of those are right. strangers: share with such a label among
    texts whose own label was left out.
    """
    found, sure = np.zeros((2, len(texts)))
    strange: list[float] = []
    for fold, (train, test) in enumerate(split(texts, setting.folds, setting.seed)):
        shares = calibrated(rows[train], codes[train], setting).shares(rows[test])
        found[test] = shares.argmax(axis=1) == codes[test]
        sure[test] = shares.max(axis=1) >= at
        out = codes % setting.folds == fold
        rest, left = train[~out[train]], test[out[test]]
        if len(left) and len(rest) >= FEWEST:
            index = calibrated(rows[rest], codes[rest], setting)
            strange += list(index.shares(rows[left]).max(axis=1) >= at)
    figures = {"accuracy": found.mean(), "opinions": sure.mean()}
    if sure.any():
        figures["precision"] = found[sure > 0].mean()
    if strange:
        figures["strangers"] = np.mean(strange)
    return {name: float(share) for name, share in figures.items()}


def calibrated(rows: Floats, codes: Ints, setting: Setting) -> Index:
    """An index whose probabilities fit its own prototypes, each compared to the others only."""
    index = Index(rows, codes, setting.labels, setting.neighbours)
    index.pull = fitted_pull(index, setting.seed)
    return index


def fitted_pull(index: Index, seed: int) -> Pull:
    """The pull under which held-out prototypes are most probable.

    Each prototype is seen twice: among the others, where its label is right; and among those of
    other labels only, as a stranger, where none is.
    """
    chosen = np.random.default_rng(seed).permutation(len(index.codes))[:CALIBRATED]
    own, texts = index.codes[chosen], index.prototypes[chosen]
    each, none = np.arange(len(chosen)), np.full(len(chosen), index.labels)
    likeness = texts @ index.prototypes.T
    likeness[each, chosen] = -np.inf
    centres = (texts @ index.centres.T).astype(np.float64)
    rest = directions(index.sums[own] - texts)
    alone = np.bincount(index.codes, minlength=index.labels)[own] < 2
    centres[each, own] = np.where(alone, -np.inf, (rest * texts).sum(axis=1))
    near = nearest(likeness, index.codes, index.neighbours, index.labels)
    likeness[own[:, None] == index.codes] = -np.inf
    strange = nearest(likeness, index.codes, index.neighbours, index.labels)
    without = centres.copy()
    without[each, own] = -np.inf
    known = ~alone
    views = [
        (centres[known], Near(near.likeness[known], near.codes[known], near.labels), own[known], 1),
        (without, strange, none, STRANGERS),
    ]
    start = np.array([USUAL.centre, USUAL.near, USUAL.stranger])
    return pull_at(minimised(lambda point: surprise(point, start, views), start))
