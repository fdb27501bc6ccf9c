"""`tune`: from a recording to the panel that is worth most, and what it may promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter

import numpy as np
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.core.usage import Price
from onefold.lab.tuning.board import Board
from onefold.lab.tuning.candidates import Candidate, Played, lineups, play
from onefold.lab.tuning.ground import ground
from onefold.lab.tuning.learned import Learned, contenders, preferred
from onefold.lab.tuning.promise import Floats, Promise, Trial, promised, trials
from onefold.lab.tuning.search import CAUTION, EQUAL, Chosen, Wish, choices
from onefold.recording.recording import Recording
from onefold.verbs import Reader

QUESTIONS = 200
HIGHER = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05)
BUDGETS = 8


class Pick(Struct, frozen=True, eq=False):
    """A panel or single member that was chosen, and what it promises."""

    system: Candidate | Learned
    promise: Promise


class Scout(Struct, frozen=True, eq=False):
    """What came of a wish: the pick, the single member to beat, and the pick's mean gain in score
    over it on questions that neither was chosen by, with its standard error.
    """

    pick: Pick
    single: Pick
    gain: tuple[float, float]


class Tuned(Struct, frozen=True, eq=False):
    """What tuning found.

    pick: what to use. single: the best single member for the same wish, which is the pick itself
        where no panel was better on questions that it was not chosen by.
    gain: the pick's mean gain over the single member on such questions, and its standard error.
    frontier: the best picks for rising budgets. reached: whether the promise grants the wish.
    candidates: panels tried. seconds: how long it took.
    """

    wish: Wish
    pick: Pick
    single: Pick
    gain: tuple[float, float]
    reached: bool
    frontier: tuple[Pick, ...]
    board: Board
    reader: Reader | None
    candidates: int
    seconds: float
    seed: int
    notes: tuple[str, ...] = ()


def tune(
    recording: Recording,
    *,
    usd: float | None = None,
    quality: float | None = None,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    prices: Mapping[str, Price] | None = None,
    questions: int = QUESTIONS,
    learned: bool = False,
    seed: int = 0,
) -> Tuned:
    """Search the panels of recorded members for the best one at a price, or the cheapest one of a
    quality, and say what it will keep on questions that it has not seen.

    usd: US dollars that a question may cost on average. quality: mean score wanted, in [0, 1].
    members: whom to search among; everybody with a known cost by default, further draws included.
    prices: by member, where the recording does not hold costs.
    questions: how many new questions the promised intervals are for.
    learned: whether a cascade, a vote and a router are fitted too, which takes longer.

    Raises:
        ConfigError: not exactly one wish, one that nobody can grant, or too little to learn from.
    """
    began = perf_counter()
    wish = wished(usd, quality)
    if questions < 1:
        raise ConfigError(f"questions={questions}: promise for at least one new question")
    recording = recording.priced(prices or {})
    board, reader, notes = ground(recording, members, reads)
    affordable(board, wish)
    tiers = aims(wish)
    scouts, tried = scouted_all(board, [*tiers, Wish(), *budgets(board)], questions, seed)
    scout = granted(wish, scouts[: len(tiers) + 1])
    if learned:
        within = wish if promises(scout, wish) else Wish()
        found = list(contenders(recording, board, reader, within, seed))
        notes += tuple(each for each in found if isinstance(each, str))
        fitted = [each for each in found if isinstance(each, Learned)]
        scout = challenged(scout, fitted, within, questions, seed)
    return Tuned(
        wish,
        scout.pick,
        scout.single,
        scout.gain,
        promises(scout, wish),
        undominated([scout.pick, *(each.pick for each in scouts[len(tiers) :])]),
        board,
        reader,
        tried,
        perf_counter() - began,
        seed,
        (*notes, *verdict(scout, wish)),
    )


def wished(usd: float | None, quality: float | None) -> Wish:
    """The one wish.

    Raises:
        ConfigError: there are none or two, or it is out of range.
    """
    if (usd is None) == (quality is None):
        raise ConfigError("wish for one thing: a budget (--budget-usd), or a quality (--quality)")
    if quality is not None:
        if not 0 < quality <= 1:
            raise ConfigError(
                f"quality {quality!r}: a share of right answers in (0, 1], such as 0.95"
            )
        return Wish(quality=quality)
    assert usd is not None
    if not 0 <= usd < float("inf"):
        raise ConfigError(f"budget {usd!r}: US dollars that a question may cost, zero or more")
    return Wish(usd=usd)


def affordable(board: Board, wish: Wish) -> None:
    """Check that a budget pays for somebody.

    Raises:
        ConfigError: it does not.
    """
    costs = board.usd.mean(axis=1)
    if wish.usd < costs.min() * (1 - EQUAL):
        raise ConfigError(
            f"a question costs at least ${costs.min():.3g} ({board.members[int(costs.argmin())]}), "
            f"and ${wish.usd:.3g} are given: raise the budget, or add a cheaper member"
        )


def aims(wish: Wish) -> list[Wish]:
    """The wish, and for a quality also higher ones, for when what is promised falls short."""
    if wish.quality is None:
        return [wish]
    return [Wish(quality=min(1.0, wish.quality + higher)) for higher in HIGHER]


def budgets(board: Board) -> list[Wish]:
    """Rising budgets, from that of the cheapest member to that of the dearest."""
    costs = board.usd.mean(axis=1)
    low, high = float(costs.min()), float(costs.max())
    if not 0 < low < high:
        return []
    return [Wish(usd=1.05 * float(usd)) for usd in np.geomspace(low, high, BUDGETS)]


def scouted_all(
    board: Board, wishes: Sequence[Wish], questions: int, seed: int
) -> tuple[list[Scout], int]:
    """What comes of each wish, and how many candidates were tried."""
    everything = np.arange(board.questions)
    played = play(board, lineups(board, everything))
    final = choices(played, everything, wishes)
    tried = trials(board, wishes, seed)
    scouts = [
        scouted(played, wish, chosen, trial, questions, seed)
        for wish, chosen, trial in zip(wishes, final, tried, strict=True)
    ]
    return scouts, len(played.made)


def scouted(
    played: Played, wish: Wish, chosen: Chosen, trial: Trial, questions: int, seed: int
) -> Scout:
    """What came of a wish.

    For a budget, a panel must have gained on questions that it was not chosen by; else the single
    member stays.
    """
    single = pick_of(played, chosen.single, trial.optimism(1), questions, seed)
    gain, error = trial.gain
    proved = wish.quality is not None or gain > 0
    if chosen.panel == chosen.single or not proved:
        return Scout(single, single, (0.0, 0.0))
    panel = pick_of(played, chosen.panel, trial.optimism(0), questions, seed)
    return Scout(panel, single, (gain, error))


def pick_of(played: Played, place: int, optimism: Floats, questions: int, seed: int) -> Pick:
    """A candidate and its promise."""
    promise = promised(played.score[place], played.usd[place], optimism, questions, seed)
    return Pick(played.candidate(place), promise)


def granted(wish: Wish, scouts: Sequence[Scout]) -> Scout:
    """The scout whose pick grants a wish: for a quality the cheapest that promises it, else the
    best at any price, which comes last.
    """
    if wish.quality is None:
        return scouts[0]
    for scout in scouts[:-1]:
        enough = [
            pick for pick in (scout.single, scout.pick) if pick.promise.quality >= wish.quality
        ]
        if enough:
            pick = min(enough, key=lambda each: each.promise.usd)
            return scout if pick is scout.pick else Scout(pick, pick, (0.0, 0.0))
    return scouts[-1]


def undominated(picks: Sequence[Pick]) -> tuple[Pick, ...]:
    """Picks by rising cost, without those that promise no more than a cheaper one.

    One that was chosen for several wishes promises the least of what it was promised to be.
    """
    lowest: dict[Candidate | Learned, Pick] = {}
    for pick in sorted(picks, key=lambda each: each.promise.quality):
        lowest.setdefault(pick.system, pick)
    kept: list[Pick] = []
    for pick in sorted(lowest.values(), key=lambda p: (p.promise.usd, -p.promise.quality)):
        if not kept or pick.promise.quality > kept[-1].promise.quality:
            kept.append(pick)
    return tuple(kept)


def promises(scout: Scout, wish: Wish) -> bool:
    """Whether what came of a wish promises to grant it."""
    return wish.quality is None or scout.pick.promise.quality >= wish.quality


def challenged(
    scout: Scout, fitted: Sequence[Learned], wish: Wish, questions: int, seed: int
) -> Scout:
    """The scout, or a fitted contender in place of its pick where one is clearly better."""
    for found in fitted:
        held = scout.pick.promise
        if preferred(found, held.quality, held.usd, wish):
            gain = found.sure - scout.single.promise.quality
            error = (found.quality - found.sure) / CAUTION
            pick = Pick(found, found.promise(questions, seed))
            scout = Scout(pick, scout.single, (gain, error))
    return scout


def verdict(scout: Scout, wish: Wish) -> list[str]:
    """What should be known of the pick, in sentences."""
    notes = []
    if scout.pick is scout.single:
        notes.append(
            "no panel was better than the best single member on questions that it was not chosen "
            "by: the recipe is that member"
        )
    if isinstance(scout.pick.system, Learned):
        notes += scout.pick.system.fit.notes
    if not promises(scout, wish):
        notes.append(
            f"nobody promises the quality {wish.quality:g}: the recipe is the best at any price, "
            f"which promises {scout.pick.promise.quality:.4f}"
        )
    return notes
