"""What fitted votes win, on pools, tasks and members that their shipped weights were not made on.

python -m benchmarks.learning.votes [--data DIR]     seed 20261121

"Left-out weights" are made by `benchmarks.learning.vote_prior` without the task they are tried on.
The single best member is picked on the same graded questions that the vote is fitted on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from benchmarks.learning.vote_prior import FILES, WORLDS, designs, learned, pools, recorded, world
from benchmarks.learning.vote_prior import POOLS as DRAWN
from benchmarks.measuring import SEED, bootstrap, data_folder, table
from msgspec import structs

from onefold.fitted.calibration import ece
from onefold.fitted.votes.fusing import Fusion, revive
from onefold.learn.ballots import Ballots
from onefold.learn.outcomes import folds
from onefold.learn.votes.prior import WEIGHTS
from onefold.learn.votes.sample import Sample, sampled
from onefold.learn.votes.vote import fit_vote, graded, plurality
from onefold.learn.votes.weighing import Begun
from onefold.recording.recording import Recording

BUDGETS, HARM = {25: 100, 50: 100, 100: 300, 300: 100}, 0.3
SPLITS, BINS = 40, 10


def names(sample: Sample) -> list[str]:
    """Members by number."""
    return [str(place) for place in range(sample.score.shape[1])]


def share(gains: Iterable[float]) -> str:
    """Mean gain in points, and the share of pools harmed."""
    points = 100 * np.array(list(gains))
    low, high = bootstrap(points)
    return f"{points.mean():+.2f} ({low:+.2f} to {high:+.2f}), {np.mean(points < -HARM):.1%} harmed"


def harm(name: str, sample: Sample, prior: np.ndarray) -> list[list[str]]:
    """Random pools by budget: gains over the single best, by plurality and by the fusion."""
    rows = []
    for budget, count in BUDGETS.items():
        most, fused = [], []
        for pool in pools(sample, count, SEED, budget):
            taught, asked = pool.graded, pool.others
            alone = asked.score[:, int(taught.single().argmax())].mean()
            made = graded(taught, names(taught), Begun(prior))[0]
            most.append(float(plurality(asked).mean() - alone))
            said = made.decide(asked.board, asked.notes).said(asked.score)
            fused.append(float(said.mean() - alone))
        rows.append([name, str(budget), str(count), share(most), share(fused)])
    return rows


def crossed(sample: Sample, prior: np.ndarray) -> tuple[np.ndarray, ...]:
    """Five folds: how right the single best, the plurality and the fusion are; what it states."""
    single, fused, stated = np.zeros((3, len(sample)))
    for train, test in folds(sample.prompts, 5, SEED):
        learnt, asked = sample.take(train), sample.take(test)
        made = graded(learnt, names(learnt), Begun(prior))[0]
        decision = made.decide(asked.board, asked.notes)
        single[test] = asked.score[:, int(learnt.single().argmax())]
        fused[test] = decision.said(asked.score)
        stated[test] = made.calibration.apply(decision.plain)
    return single, plurality(sample), fused, stated


def everyone(name: str, sample: Sample, prior: np.ndarray) -> list[str]:
    """All members, five folds."""
    single, most, fused, stated = crossed(sample, prior)
    low, high = bootstrap(100 * (fused - single))
    gain = 100 * (fused - single).mean()
    return [
        name,
        f"{100 * single.mean():.2f}",
        f"{100 * most.mean():.2f}",
        f"{100 * fused.mean():.2f}",
        f"{gain:+.2f} ({low:+.2f} to {high:+.2f})",
        f"{ece(stated, fused, BINS):.3f}",
    ]


def others(path: Path) -> list[int]:
    """Places of the members that are no o1 model."""
    members = Recording.load(path, names={"value": "parsed_answer"}).members
    return [place for place, name in enumerate(members) if not name.startswith("o1")]


def timed(task: tuple[str, Sample]) -> list[str]:
    """CPU time of deciding on all questions at once, once their texts were looked at."""
    name, sample = task
    made = graded(sample.take(np.arange(100)), names(sample), Begun(WEIGHTS))[0]
    begun = time.process_time()
    for _ in range(10):
        made.decide(sample.board, sample.notes)
    spent = (time.process_time() - begun) / 10 / len(sample)
    return [name, str(len(made.members)), f"{1e6 * spent:.0f}"]


def covered(fused: Fusion, asked: Sample) -> list[bool]:
    """Whether each tenth of the questions is right as often as its intervals say, noise allowed."""
    decision = fused.decide(asked.board, asked.notes)
    right = decision.said(asked.score)
    stated = fused.calibration.apply(decision.plain)
    low, high = fused.calibration.interval(decision.plain)
    found = []
    for part in np.array_split(np.argsort(stated, kind="stable"), BINS):
        observed, middle = right[part].mean(), stated[part].mean()
        noise = middle * (1 - middle) / len(part)
        half = (high[part].mean() - middle, middle - low[part].mean())[int(observed < middle)]
        found.append(abs(observed - middle) <= np.sqrt(half**2 + 1.96**2 * noise))
    return found


def honest() -> list[list[str]]:
    """Calibration on made-up worlds of 10,000 questions, by graded questions."""
    rows = []
    for budget in (50, 100, 200, 500):
        errors, inside = [], []
        for turn in range(10):
            sample = world(SEED + 500 + turn, 10_000, 7)
            made = graded(sample.take(np.arange(budget)), names(sample), Begun(WEIGHTS))[0]
            asked = sample.take(np.arange(budget, len(sample)))
            decision = made.decide(asked.board)
            stated = made.calibration.apply(decision.plain)
            errors.append(ece(stated, decision.said(asked.score), BINS))
            inside += covered(made, asked)
        rows.append([str(budget), f"{np.mean(errors):.3f}", f"{np.mean(inside):.1%}"])
    return rows


def calibration(name: str, sample: Sample, prior: np.ndarray) -> list[list[str]]:
    """Random pools: error and coverage on the questions that were not graded."""
    rows = []
    for budget in (100, 300):
        stated, right, inside = [], [], []
        for pool in pools(sample, SPLITS, SEED + 1, budget):
            made = graded(pool.graded, names(pool.graded), Begun(prior))[0]
            decision = made.decide(pool.others.board, pool.others.notes)
            stated.append(made.calibration.apply(decision.plain))
            right.append(decision.said(pool.others.score))
            inside += covered(made, pool.others)
        each = [ece(s, r, BINS) for s, r in zip(stated, right, strict=True)]
        pooled = ece(np.concatenate(stated), np.concatenate(right), BINS)
        rows.append(
            [name, str(budget), f"{np.mean(each):.3f}", f"{pooled:.3f}", f"{np.mean(inside):.1%}"]
        )
    return rows


def new_task(name: str, source: Recording, target: Recording, prior: np.ndarray) -> list[list[str]]:
    """A task without a grade: skills from the other task and from its own drafts."""
    rows = []
    for kind, barred in (("not o1", "o1"), ("all", "none")):
        both = [m for m in source.members if m in target.members and not m.startswith(barred)]
        hidden = Recording(structs.replace(d, correct=None, expected=None) for d in target)
        fit = fit_vote(hidden, members=both, skills=[source], prior=prior.tolist())
        ballots = Ballots(target, members=both)
        sample = sampled(ballots, np.arange(len(ballots.queries)), text=True)[0]
        decision = revive(fit.artifact).decide(sample.board, sample.notes)
        right = decision.said(sample.score)
        known = Ballots(source, members=both).accuracy()
        single = sample.score[:, both.index(max(known, key=lambda m: known[m]))]
        low, high = bootstrap(100 * (right - single))
        stated = revive(fit.artifact).calibration.apply(decision.plain)
        gain = f"{100 * (right - single).mean():+.2f} ({low:+.2f} to {high:+.2f})"
        best = 100 * sample.score.mean(axis=0).max()
        shares = [100 * single.mean(), best, 100 * plurality(sample).mean(), 100 * right.mean()]
        error = f"{ece(stated, right, BINS):.3f}"
        rows.append([f"{name}, {kind}", *(f"{s:.2f}" for s in shares), gain, error])
    return rows


def main() -> None:
    """Every table."""
    folder = data_folder(*FILES.values())
    tasks = {name: recorded(Path(folder) / file) for name, file in FILES.items()}
    made_up = designs([world(SEED + turn) for turn in range(WORLDS)], DRAWN, SEED)
    parts = {name: designs([sample], DRAWN, SEED) for name, sample in tasks.items()}
    left_out = {
        name: learned([made_up, *(part for other, part in parts.items() if other != name)])
        for name in tasks
    }
    print("\n### Do no harm: random pools of 3 to 9 members, left-out weights")
    head = ("task", "graded", "pools", "plurality", "fused")
    table(head, (row for n, s in tasks.items() for row in harm(n, s, left_out[n])))
    print("\n### All members, five folds, left-out weights")
    head = ("task", "single", "plurality", "fused", "gain", "ECE, held out")
    some = {f"{n}, not o1": s.among(others(folder / FILES[n])) for n, s in tasks.items()}
    every = {**some, **{f"{n}, all": s for n, s in tasks.items()}}
    table(head, (everyone(n, s, left_out[n.partition(",")[0]]) for n, s in every.items()))
    print("\n### Time of a decision")
    table(("task", "members", "microseconds a question, in batch"), map(timed, tasks.items()))
    print("\n### A task without labels, left-out weights")
    head = ("task", "single, best on the other task", "best single in hindsight", "plurality")
    held = {
        n: Recording.load(folder / f, names={"value": "parsed_answer"}) for n, f in FILES.items()
    }
    pairs = (("CRUX", "GSM8K"), ("GSM8K", "CRUX"))
    found = (new_task(new, held[old], held[new], left_out[new]) for new, old in pairs)
    table((*head, "fused", "gain on the first", "ECE"), (row for rows in found for row in rows))
    print("\n### Calibration, left-out weights")
    head = ("task", "graded", "ECE of a pool", "ECE over pools", "tenths covered")
    table(head, (row for n, s in tasks.items() for row in calibration(n, s, left_out[n])))
    print("\n### Calibration on made-up worlds of 10,000 questions")
    table(("graded", "ECE", "tenths covered"), honest())


if __name__ == "__main__":
    main()
