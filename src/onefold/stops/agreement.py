"""Enough by what the replies say to each other: first, agree, decided, certified."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import factorial
from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.tally import spell
from onefold.verbs import Race, Stop, Vote

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]


class First(Stop):
    """Enough once `count` members gave an answer that can be read."""

    count: Count = 1

    def enough(self, race: Race) -> bool:
        return sum(answer.value is not None for answer in race.replies) >= self.count


class Agree(Stop):
    """Enough once one answer alone holds `share` of the replies, of which there are `least`.

    Failures do not count, abstentions stay in the denominator, a tie is no agreement.
    """

    share: Share = 0.7
    least: Count = 2

    def enough(self, race: Race) -> bool:
        total = len(race.replies)
        if total < self.least:
            return False
        top, second = leaders(race)
        return top > second and top / total >= self.share


class Decided(Stop):
    """Enough once the members still out can no longer change the result; never changes a winner.

    Works with votes that know how they count; with any other vote it waits for everyone.
    """

    def enough(self, race: Race) -> bool:
        return isinstance(race.vote, Vote) and race.vote.settled(race.replies, race.out)


class Certified(Stop):
    """Enough once the leader is the most common answer with probability `at`.

    beta: P(p > ½), p ~ Beta(a + 1, b + 1), for the leader's count a and the runner-up's b.
    dirichlet: P(the leader's share is the largest) under Dirichlet(counts + 1) over the answers
        seen, at least two.
    Members are taken for independent draws from one population, as in Adaptive-Consistency
    (arXiv 2305.11860); members that copy each other's mistakes make it too sure.
    """

    at: Share = 0.95
    prior: Literal["beta", "dirichlet"] = "beta"

    def enough(self, race: Race) -> bool:
        counts = counted(race)
        if not counts:
            return False
        certain = lead_beta(*leaders(race)) if self.prior == "beta" else lead_dirichlet(counts)
        return certain >= self.at


def counted(race: Race) -> tuple[int, ...]:
    """Supporters of each answer, most first; abstentions support nothing."""
    board: dict[str, int] = {}
    for answer in race.replies:
        if answer.value is not None:
            key = spell(answer.value)
            board[key] = board.get(key, 0) + 1
    return tuple(sorted(board.values(), reverse=True))


def leaders(race: Race) -> tuple[int, int]:
    """Supporters of the leader and of the runner-up, 0 where there is none."""
    counts = (*counted(race), 0, 0)
    return counts[0], counts[1]


@lru_cache(4096)
def lead_beta(top: int, second: int) -> float:
    """P(p > ½) for p ~ Beta(top + 1, second + 1): exact, a sum of binomials."""
    n, term, total = top + second + 1, 1, 0
    for k in range(top + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return float(Fraction(total, 2**n))


@lru_cache(4096)
def lead_dirichlet(counts: tuple[int, ...]) -> float:
    """P(the first share is the largest) under Dirichlet(counts + 1), exact.

    The shares are independent Gamma(count + 1, 1) draws: P = ∫ f₁ ∏ Fᵢ. For whole counts
    Fᵢ(x) = 1 − e⁻ˣ Pᵢ(x) with a polynomial Pᵢ, so the product expands into terms e⁻ᵏˣ xʲ,
    summed in rational numbers.
    """
    top, others = counts[0], counts[1:] or (0,)
    terms: dict[int, list[Fraction]] = {0: [Fraction(1)]}
    for count in others:
        poly = [Fraction(1, factorial(j)) for j in range(count + 1)]
        terms = {
            k: added(terms.get(k), times(terms.get(k - 1), poly, -1)) for k in range(len(terms) + 1)
        }
    total = Fraction(0)
    for k, poly in terms.items():
        for j, factor in enumerate(poly):
            if factor:
                total += factor * Fraction(
                    factorial(top + j), factorial(top) * (k + 1) ** (top + j + 1)
                )
    return float(total)


def times(a: list[Fraction] | None, b: list[Fraction], sign: int) -> list[Fraction]:
    """Product of two polynomials, with a sign."""
    product = [Fraction(0)] * (len(a) + len(b) - 1 if a else 0)
    for i, x in enumerate(a or ()):
        for j, y in enumerate(b):
            product[i + j] += sign * x * y
    return product


def added(a: list[Fraction] | None, b: list[Fraction]) -> list[Fraction]:
    """Sum of two polynomials."""
    long, short = sorted((a or [], b), key=len, reverse=True)
    return [x + (short[i] if i < len(short) else 0) for i, x in enumerate(long)]
