"""Social choice: what voters prefer becomes one order of the candidates. Pure functions.

`beats[i][j]` is the weight of the voters that prefer candidate i to j, half of those that see no
difference; each rule gives every candidate a share in [0, 1], the highest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Beats = Sequence[Sequence[float]]
Scores = Sequence[Sequence[float | None]]
Rule = Literal["borda", "copeland", "ranked_pairs", "approval"]


def places(ranking: Sequence[int], count: int) -> list[float]:
    """A ranking, best first, as scores of all candidates; those it leaves out share last place."""
    scores = [0.0] * count
    for place, candidate in enumerate(ranking):
        scores[candidate] = float(count - place)
    return scores


def preferences(scores: Scores) -> list[list[float]]:
    """How many voters prefer which candidate to which: (voters, candidates) to `beats`.

    A voter that has None for a candidate does not compare it with any other.
    """
    count = len(scores[0]) if scores else 0
    beats = [[0.0] * count for _ in range(count)]
    for voter in scores:
        for i, mine in enumerate(voter):
            for j, other in enumerate(voter):
                if i != j and mine is not None and other is not None:
                    beats[i][j] += won(mine, other)
    return beats


def won(mine: float, other: float) -> float:
    """1 where mine is higher, ½ where they are equal, else 0."""
    return 0.5 if mine == other else float(mine > other)


def borda(beats: Beats) -> list[float]:
    """Share of all comparisons that a candidate won; ½ where it was in none (Borda 1781)."""
    return [share(sum(mine), sum(row[i] for row in beats)) for i, mine in enumerate(beats)]


def copeland(beats: Beats) -> list[float]:
    """Share of the other candidates that a majority puts below it, ties half (Copeland 1951)."""
    count = len(beats)
    wins = [
        sum(won(beats[i][j], beats[j][i]) for j in range(count) if j != i) for i in range(count)
    ]
    return [each / (count - 1) for each in wins] if count > 1 else [1.0] * count


def ranked_pairs(beats: Beats) -> list[float]:
    """Share of the others below it once majorities are locked in, clearest first (Tideman 1987).

    A majority that would close a circle is left out; those without order count half. Equal margins
    go by the larger majority, then by the candidates' order.
    """
    count = len(beats)
    pairs = [(i, j) for i in range(count) for j in range(count) if beats[i][j] > beats[j][i]]
    pairs.sort(key=lambda p: (beats[p[1]][p[0]] - beats[p[0]][p[1]], -beats[p[0]][p[1]]))
    below: list[set[int]] = [set() for _ in range(count)]
    for i, j in pairs:
        if i not in below[j]:
            for k in range(count):
                if k == i or i in below[k]:
                    below[k] |= {j} | below[j]
    if count < 2:
        return [1.0] * count
    above = [sum(i in each for each in below) for i in range(count)]
    return [(1 + (len(below[i]) - above[i]) / (count - 1)) / 2 for i in range(count)]


def approval(scores: Scores, at: float) -> list[float]:
    """Share of the voters that score a candidate `at` or more (Brams and Fishburn 1978).

    Voters that have None for it do not count; 0 where all have.
    """
    heard = [[score for score in each if score is not None] for each in zip(*scores, strict=True)]
    return [sum(score >= at for score in each) / max(1, len(each)) for each in heard]


def share(wins: float, losses: float) -> float:
    """Wins among all games, ½ where there were none."""
    return wins / (wins + losses) if wins + losses else 0.5
