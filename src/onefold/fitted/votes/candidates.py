"""What speaks for a candidate answer: the crowd behind it, and how its drafts are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p

import msgspec
import numpy as np

from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.votes.crowd import CONCENTRATION, Board, posterior, scatter

TRAITS = ("concluded", "repeated", "malformed", "cut", "hedging", "length", "void")
FEATURES = ("crowd", "expert", "alike", *TRAITS)
LEAST = -30.0  # log-probabilities below this are all the same
BEFORE = 160  # characters before the final statement in which its value is looked for
HEDGES = re.compile(
    r"\b(?:wait|however|actually|mistake|incorrect|re-?evaluat\w*|re-?check\w*|correction|assum\w+"
    r"|approximately|sorry|cannot|can't|unclear|impossible|seems?|error|contradict\w*)\b",
    re.IGNORECASE,
)
VOID = frozenset(("nan", "null", "n/a", "error", "unknown"))
MARKS = re.compile(r"[\s\"'`$,]+")


def bare(key: str) -> str:
    """A candidate without case, spaces, quotes, thousands' commas and a last full stop."""
    return MARKS.sub("", key).lower().rstrip(".")


def traits(text: str, key: str) -> tuple[float, ...]:
    """How a draft is written, as numbers in the order of TRAITS.

    concluded: whether its value stands in the words that lead to the final statement. repeated:
    log(1 + times that it stands there). malformed: whether what looks like JSON is none. cut:
    whether it ends in the middle. hedging: words of doubt, 1 for four and more. length: log(1 +
    characters). void: whether the value is a word for none, or breaks off with a backslash.
    """
    text = text.rstrip()
    words, value = MARKS.sub("", text).lower(), bare(key)
    last = words.rfind(value) if value else -1
    return (
        float(last > 0 and value in words[max(0, last - BEFORE) : last]),
        log1p(words.count(value)) if value else 0.0,
        float(malformed(text)),
        float(bool(text) and text[-1].isalnum()),
        min(1.0, len(HEDGES.findall(text)) / 4),
        log1p(len(text)),
        float(key.strip().lower() in VOID or key.endswith("\\")),
    )


def malformed(text: str) -> bool:
    """Whether a text opens a JSON object that cannot be read."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return False
    try:
        msgspec.json.decode(text[start : end + 1])
    except msgspec.DecodeError:
        return True
    return False


class Written(msgspec.Struct, frozen=True, eq=False):
    """How drafts are written.

    traits: (questions, members, traits). loose: (questions, members) the candidate as on a Board,
    but the same for those that differ only in case, spaces and quotes. lengths: (questions,
    members) log(1 + characters) of the candidate, 0 for none.
    """

    traits: Floats
    loose: Ints
    lengths: Floats

    def take(self, rows: Ints) -> Written:
        """The same for some of the questions."""
        return Written(self.traits[rows], self.loose[rows], self.lengths[rows])

    def among(self, members: Sequence[int]) -> Written:
        """The same for some of the members."""
        return Written(self.traits[:, members], self.loose[:, members], self.lengths[:, members])

    @property
    def alike(self) -> Floats:
        """(questions, members) drafts of the question that say loosely the same; 0 for none."""
        counts = np.take_along_axis(Board.of(self.loose).sums(), np.maximum(self.loose, 0), axis=1)
        return np.where(self.loose >= 0, counts, 0.0)


def written(
    codes: Ints, keys: Sequence[Sequence[str]], texts: Sequence[Sequence[str | None]]
) -> Written:
    """How drafts are written, where they disagree; but for lengths all zero where they do not.

    codes: (questions, members). keys: each question's candidates by code. texts: what was said.
    """
    found, loose = np.zeros((*codes.shape, len(TRAITS))), codes.copy()
    lengths = np.zeros(codes.shape)
    for row, known in enumerate(keys):
        lengths[row] = np.log1p([*map(len, known), 0])[np.maximum(codes[row], -1)]
    for row in np.flatnonzero(contested(codes)).tolist():
        plain: dict[str, int] = {}
        same = [plain.setdefault(bare(key), len(plain)) for key in keys[row]]
        for column, code in enumerate(codes[row]):
            if code >= 0:
                found[row, column] = traits(texts[row][column] or "", keys[row][code])
                loose[row, column] = same[code]
    return Written(found, loose, lengths)


def contested(codes: Ints) -> Ints:
    """(questions) whether at least two candidates are backed."""
    most = codes.max(axis=1, initial=-1)
    least = np.where(codes >= 0, codes, most[:, None]).min(axis=1, initial=most.max(initial=0))
    return np.asarray(least < most)


def scattered(board: Board, notes: Written | None) -> Floats | float:
    """The concentration of wrong answers: (questions) by their lengths, where those are known."""
    return CONCENTRATION if notes is None else scatter(notes.lengths, board.voted)


def features(board: Board, skills: Floats, notes: Written | None) -> tuple[Floats, Floats]:
    """(questions, width, features) what speaks for each candidate, in the order of FEATURES, and
    (questions) the log-probability that none is right.

    How drafts are written is the mean over a candidate's backers, less that over all candidates of
    the question; without notes it is 0. A place without a candidate has 0 everywhere.
    """
    crowd = np.maximum(posterior(board, skills, concentration=scattered(board, notes)), LEAST)
    counts, first = board.sums(), board.first(skills)
    there = counts > 0
    made = np.zeros((*there.shape, len(FEATURES)))
    made[..., 0] = np.where(there, crowd[:, :-1], 0.0)
    leading = np.where(there, skills[first], skills.min())
    made[..., 1] = np.where(there, leading - leading.max(axis=1, keepdims=True), 0.0)
    if notes is not None:
        backers = np.maximum(counts, 1.0)
        loose = board.sums(notes.alike) / backers
        made[..., 2] = np.where(there, np.log(np.maximum(loose, backers)) - np.log(backers), 0.0)
        for trait in range(len(TRAITS)):
            mean = board.sums(notes.traits[..., trait]) / backers
            middle = mean.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
            made[..., 3 + trait] = np.where(there, mean - middle[:, None], 0.0)
    return made, crowd[:, -1]
