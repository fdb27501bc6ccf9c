"""Fits a judge of drafts: the probability that this draft is right, from what can be seen on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs

from onefold.fitted.artifact import Artifact, revived
from onefold.fitted.calibration import ece, sigmoid
from onefold.fitted.drafts import NAMES, draft_features, standard, with_prior
from onefold.fitted.forest import Forest
from onefold.fitted.sparse import Floats, Ints, Sparse, product
from onefold.fitted.texts.words import Words
from onefold.judges.learned import LearnedJudge
from onefold.learn.ballots import Ballots
from onefold.learn.calibrate import calibrated
from onefold.learn.fit import Fit
from onefold.learn.logistic import binary
from onefold.learn.outcomes import folds, outcomes
from onefold.recording.recording import Recording
from onefold.verbs import Reader

STRENGTH, FREER = 1.0, 0.2
# How freely weights move, beside a word's: of features, of the prior, of members' levels.
SHOWN, BELIEVED, OWN = 0.15, 0.5, 0.75
EDGE = 1e-3
CLOSE = 3e-3
FEWEST_TEXTS, VOCABULARY = 3, 5_000
TREES = Path(__file__).with_name("drafts.npz")


class Seen(Struct, frozen=True, eq=False):
    """Graded drafts and what they show.

    who, question: (drafts) member and question of each. score: (drafts) how right, in [0, 1].
    features: (drafts, features), as in `NAMES`, and what the prior says. asked, said: (questions,
    words), (drafts, words). members: names. prompts: of the questions. words: the vocabulary.
    """

    who: Ints
    question: Ints
    score: Floats
    features: Floats
    asked: Sparse
    said: Sparse
    members: list[str]
    prompts: list[str]
    words: Words
    prior: Forest

    def take(self, rows: Ints) -> Seen:
        """Some of the drafts."""
        return structs.replace(
            self,
            who=self.who[rows],
            question=self.question[rows],
            score=self.score[rows],
            features=self.features[rows],
            said=self.said.take(rows),
        )

    def questions(self, rows: Ints) -> Seen:
        """The drafts to some of the questions, numbered anew in their order."""
        place = np.full(len(self.prompts), -1)
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero(place[self.question] >= 0)
        some = self.take(kept[np.argsort(place[self.question[kept]], kind="stable")])
        return structs.replace(
            some,
            question=place[some.question],
            asked=self.asked.take(rows),
            prompts=[self.prompts[row] for row in rows],
        )

    def split(self, count: int, seed: int) -> list[tuple[Ints, Ints]]:
        """Drafts (train, test) of each fold; those of one question stay together."""
        parts = folds(self.prompts, count, seed)
        return [
            (np.flatnonzero(np.isin(self.question, a)), np.flatnonzero(np.isin(self.question, b)))
            for a, b in parts
        ]


class Weights(Struct, frozen=True, eq=False):
    """A fitted judge before calibration; the fields are as in `DraftJudge`."""

    centre: Floats
    scale: Floats
    weights: Floats
    said: Floats
    asked: Floats
    base: Floats

    def odds(self, seen: Seen) -> Floats:
        """Log-odds that each draft is right (drafts)."""
        rows = standard(seen.features, self.centre, self.scale)
        asked = product(seen.asked, self.asked[:, None])[seen.question, 0]
        said = product(seen.said, self.said[:, None])[:, 0]
        made: Floats = rows @ self.weights + said + asked + self.base[seen.who]
        return made


def fit_judge(
    recording: Recording,
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    prior: bool = True,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit a `LearnedJudge` to graded drafts, cross-validated by question and calibrated.

    prior: whether it begins with what drafts of many models to word problems taught
    (`docs/measured/cascades.md`); False where just those questions are measured on.
    It falls back to each member's own rate where the drafts tell no more than that, and says so.

    Raises:
        ConfigError: too few questions are graded, a member is not recorded, or all are right.
    """
    data = outcomes(recording, reads, members)
    seen = seen_in(data.ballots, prior=prior)
    tried = {strength: cross_fitted(seen, folds, seed, strength) for strength in (STRENGTH, FREER)}
    strength = min(tried, key=lambda each: loss(tried[each][0], seen.score))
    odds, rates = tried[strength]
    told, plain = loss(odds, seen.score), loss(rates, seen.score)
    notes = list(data.notes)
    fitted = weighed(seen, strength)
    if told >= plain:
        notes.append("the drafts tell no more than who wrote them: each member has its own rate")
        fitted, odds = levelled(seen), rates
    verdict = calibrated("auto", sigmoid(odds), seen.score, seed=seed)
    figures = {
        "drafts": len(seen.score),
        "log_loss": min(told, plain),
        "log_loss_of_rates": plain,
        "auc": auc(odds, seen.score),
        "auc_within_members": within(odds, seen),
        "ece": ece(verdict.apply(sigmoid(odds)), seen.score),
    }
    about = {"members": seen.members, "labels": data.labels, "seed": seed, "figures": figures}
    artifact = Artifact("judge", about, {**arrays(fitted, seen), **verdict.arrays("verdict")})
    return Fit(artifact, LearnedJudge, figures, tuple(notes))


def arrays(fitted: Weights, seen: Seen) -> dict[str, Any]:
    """A judge's weights as an artifact holds them, with what drafts are seen by."""
    held = {name: getattr(fitted, name) for name in fitted.__struct_fields__}
    return {**held, **seen.words.arrays(), **seen.prior.arrays()}


@cache
def shipped() -> Forest:
    """The trees that judges begin with; `benchmarks/learning/draft_prior.py` made them."""
    return revived(str(TREES), "", "trees", lambda artifact: Forest.revived(artifact.arrays))


def seen_in(
    ballots: Ballots, rows: Ints | None = None, columns: Ints | None = None, prior: bool = True
) -> Seen:
    """What graded drafts show, question by question.

    rows, columns: some of the questions and members, numbered anew; None takes all.
    """
    trees = shipped() if prior else Forest.none()
    rows = np.arange(len(ballots.queries)) if rows is None else rows
    columns = np.arange(len(ballots.members)) if columns is None else columns
    score = ballots.score[np.ix_(rows, columns)]
    places = np.argwhere(~np.isnan(score))
    features, texts = np.zeros((len(places), len(NAMES))), []
    for place, (row, column) in enumerate(places):
        question, member = rows[row], columns[column]
        draft, code = ballots.drafts[question][member], ballots.codes[question, member]
        assert draft is not None, "what is graded is there"
        value = ballots.keys[question][code] if code >= 0 else None
        features[place] = draft_features(ballots.prompts[question], draft.text, value)
        texts.append(draft.text)
    asked = [ballots.prompts[row] for row in rows]
    words = Words.of([*asked, *texts], FEWEST_TEXTS, VOCABULARY)
    return Seen(
        places[:, 1],
        places[:, 0],
        score[~np.isnan(score)],
        with_prior(features, trees),
        words.rows(asked),
        words.rows(texts),
        [ballots.members[column] for column in columns],
        [prompt or ballots.queries[row] for prompt, row in zip(asked, rows, strict=True)],
        words,
        trees,
    )


def weighed(seen: Seen, strength: float = STRENGTH) -> Weights:
    """Features and words weighed by logistic regression, each member with a level of its own."""
    centre, scale = seen.features.mean(axis=0), seen.features.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    own = OWN * np.eye(len(seen.members))[seen.who]
    free = np.append(np.full(len(centre) - 1, SHOWN), BELIEVED)
    shown = free * standard(seen.features, centre, scale)
    rows = side_by_side(seen.said, seen.asked.take(seen.question))
    found = binary(rows.beside(np.hstack([shown, own])), seen.score[:, None], strength, close=CLOSE)
    width, count = seen.said.width, shown.shape[1]
    said, asked, weights, levels = np.split(
        found.weights[:, 0], (width, 2 * width, 2 * width + count)
    )
    base = found.intercept[0] + OWN * levels
    return Weights(centre, scale, free * weights, said, asked, base)


def side_by_side(left: Sparse, right: Sparse) -> Sparse:
    """The columns of two matrices with the same rows."""
    order = np.argsort(np.concatenate([left.rows, right.rows]), kind="stable")
    values = np.concatenate([left.values, right.values])[order]
    columns = np.concatenate([left.columns, right.columns + left.width])[order]
    return Sparse(values, columns, left.starts + right.starts, left.width + right.width)


def levelled(seen: Seen) -> Weights:
    """Neither features nor words count, only each member's own rate."""
    width, count, words = seen.features.shape[1], len(seen.members), seen.said.width
    right = np.bincount(seen.who, seen.score, count) + seen.score.mean()
    rate = np.clip(right / (np.bincount(seen.who, minlength=count) + 1.0), EDGE, 1 - EDGE)
    none, plain = np.zeros(width), np.zeros(words)
    return Weights(none, np.ones(width), none, plain, plain, np.log(rate / (1 - rate)))


def cross_fitted(
    seen: Seen, folds: int, seed: int, strength: float = STRENGTH
) -> tuple[Floats, Floats]:
    """Held-out log-odds of each draft: by a fitted judge, and by the members' rates."""
    odds, rates = np.zeros((2, len(seen.score)))
    for train, test in seen.split(folds, seed):
        known, new = seen.take(train), seen.take(test)
        odds[test] = weighed(known, strength).odds(new)
        rates[test] = levelled(known).odds(new)
    return odds, rates


def loss(odds: Floats, score: Floats) -> float:
    """Mean log-loss of log-odds."""
    return float((np.logaddexp(0.0, odds) - score * odds).mean())


def auc(odds: Floats, score: Floats) -> float:
    """P(a right draft has higher odds than a wrong one), ties counted half; .5 of one class."""
    right = score >= 0.5
    count = int(right.sum())
    if count in (0, len(right)):
        return 0.5
    _, place, times = np.unique(odds, return_inverse=True, return_counts=True)
    rank = np.cumsum(times) - (times - 1) / 2
    above = rank[place][right].sum() - count * (count + 1) / 2
    return float(above / (count * (len(right) - count)))


def within(odds: Floats, seen: Seen) -> float:
    """The mean over members of their own drafts' AUC."""
    each = [auc(odds[seen.who == m], seen.score[seen.who == m]) for m in np.unique(seen.who)]
    return float(np.mean(each))
