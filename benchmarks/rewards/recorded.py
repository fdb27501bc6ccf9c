"""Rewards on recorded drafts: which is right, and which step is the first wrong one.

python -m benchmarks.rewards.recorded --data DIR     seed 20261121
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.measuring import SEED, between, bootstrap, data_folder, percent, table

from onefold.core.tally import spell
from onefold.fitted.calibration import ece
from onefold.fitted.drafts import standard
from onefold.fitted.rewards import OutcomeReward
from onefold.fitted.texts.sheet import Sheet, completeness, marks
from onefold.fitted.texts.words import Words
from onefold.learn.judge import auc, fit_judge
from onefold.learn.logistic import binary
from onefold.learn.outcomes import folds
from onefold.learn.reward import fit_reward
from onefold.recording.recording import Draft, Recording
from onefold.recording.tables import read_table

OUTCOMES, TRACES = (
    "rewards/outcome_gsm8k.parquet",
    ("rewards/steps_bbmistake.parquet", "rewards/steps_mrben.parquet"),
)
Verdicts = tuple[np.ndarray, np.ndarray]


def recorded(rows: Sequence[dict[str, Any]]) -> Recording:
    """The drafts of the four generators, without what their source says is right."""
    return Recording(
        Draft(
            str(row["qid"]),
            row["generator"],
            "\n".join(row["steps"]),
            prompt=row["question"],
            value=row["answer"] or None,
            correct=bool(row["correct"]),
        )
        for row in rows
    )


def some(recording: Recording, names: set[str]) -> Recording:
    """The drafts to some of the questions."""
    return Recording(draft for draft in recording if draft.query_id in names)


def scored(reward: OutcomeReward, recording: Recording) -> Verdicts:
    """P(right) of each draft and whether it is: (questions, members) each."""
    said, right = [], []
    for name in recording.queries:
        drafts = [draft for draft in recording if draft.query_id == name]
        said.append(
            [
                reward.score(
                    one.prompt,
                    one.text,
                    one.value,
                    one.member,
                    [(other.member, other.value) for other in drafts if other is not one],
                )
                for one in drafts
            ]
        )
        right.append([float(bool(draft.correct)) for draft in drafts])
    return np.array(said), np.array(right)


def told(name: str, said: np.ndarray, right: np.ndarray, proper: bool = True) -> list[str]:
    """A row of the table of outcome rewards."""
    chosen = right[np.arange(len(said)), said.argmax(axis=1)]
    inside = [auc(s, r) for s, r in zip(said, right, strict=True) if 0 < r.sum() < len(r)]
    return [
        name,
        f"{auc(said.ravel(), right.ravel()):.3f}",
        f"{np.mean(inside):.3f}",
        f"{ece(said.ravel(), right.ravel()):.3f}" if proper else "–",
        percent(chosen.mean()),
        between(bootstrap(chosen)),
    ]


def rewards(rows: Sequence[dict[str, Any]]) -> None:
    """Outcome rewards, each draft judged by a fit that never saw its question."""
    recording = recorded(rows)
    names = np.array(recording.queries)
    rng = np.random.default_rng(SEED)
    held: dict[str, list[Verdicts]] = {}
    for train, test in folds(names, 5, SEED):
        new = some(recording, set(names[test]))
        for labels in (50, 100, len(train)):
            picks = train if labels == len(train) else rng.choice(train, labels, replace=False)
            fit = fit_reward(some(recording, set(names[picks])), seed=SEED)
            label = "learned reward" + ("" if labels == len(train) else f", {labels} questions")
            held.setdefault(label, []).append(scored(OutcomeReward(fit.artifact), new))
    board = {
        key: [np.concatenate(both) for both in zip(*parts, strict=True)]
        for key, parts in held.items()
    }
    right = board["learned reward"][1]
    columns = right.mean(axis=0)
    lines = [told(key, *both) for key, both in board.items()]
    lines += [told(name, said, kept, False) for name, said, kept in plain(recording, names)]
    print(f"\n{len(recording)} drafts, {len(names)} questions, 5-fold by question")
    table(["judge", "AUC", "AUC within a question", "ECE", "best of 4", "95 % interval"], lines)
    print(
        f"\nmean generator {percent(columns.mean())}, best generator {percent(columns.max())}, "
        f"at least one right {percent(right.max(axis=1).mean())}; `fit_judge` (one draft alone): "
        f"AUC {fit_judge(recording, seed=SEED).figures['auc']:.3f}"
    )


def plain(recording: Recording, names: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Judges that nothing was fitted for, on the questions in the same order of drafts."""
    drafts = [[d for d in recording if d.query_id == name] for name in names]
    right = np.array([[float(bool(d.correct)) for d in row] for row in drafts])
    values = [[None if d.value is None else spell(d.value) for d in row] for row in drafts]
    same = [[v is not None and row.count(v) / len(row) for v in row] for row in values]
    holds, whole = [], []
    for row in drafts:
        lines = [draft.text.split("\n") for draft in row]
        found = [marks(row[0].prompt, each) for each in lines]
        holds.append([min([m for m in each if m is not None], default=0.5) for each in found])
        met = [completeness(row[0].prompt, each) for each in lines]
        whole.append([0.0 if each is None else sum(each) / 4 for each in met])
    yield "agreement", np.array(same, float), right
    yield "process of arithmetic", np.array(holds), right
    yield "complete, as shares", np.array(whole), right
    yield "agreement + complete / 10", np.array(same, float) + np.array(whole) / 10, right


def checks(rows: Sequence[dict[str, Any]]) -> None:
    """How often the step check stops right and wrong solutions."""
    lines = []
    for name, options in {
        "sums only": {"sources": False, "answer": "free"},
        "sums, and the answer is the last result": {"sources": False},
        "all (default)": {},
    }.items():
        stopped = [0.0 in marks(row["question"], row["steps"], **options) for row in rows]
        right = np.array([bool(row["correct"]) for row in rows])
        hit = np.array(stopped)
        lines.append([name, percent(hit[right].mean()), percent(hit[~right].mean())])
    table(["arithmetic", "right solutions stopped", "wrong solutions stopped"], lines)


def traces(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[str], int]]:
    """Traces with a wrong step and a step to tell it from: (source, question, steps, first)."""
    found = []
    for row in rows:
        steps = row["steps"] if isinstance(row["steps"], list) else ast.literal_eval(row["steps"])
        first = int(row["first_error"])
        if 0 <= first < len(steps) and len(steps) > 1:
            found.append((row["source"], row["question"], [str(step) for step in steps], first))
    return found


def seen(question: str, steps: Sequence[str]) -> np.ndarray:
    """What can be seen on each step: (steps, 10)."""
    sheet, count, before, made = Sheet(question, sources=False), len(steps), "", []
    for place, step in enumerate(steps):
        mark = sheet.mark(step)
        words = set(step.lower().split())
        known = set(f"{question} {before}".lower().split())
        made.append(
            [
                place / max(1, count - 1),
                np.log1p(place),
                float(place == count - 1),
                float(place == 0),
                np.log1p(len(step)),
                np.log1p(len(step)) - np.mean([np.log1p(len(each)) for each in steps]),
                float(mark == 0.0),
                float(mark == 1.0),
                len(words - known) / (1 + len(words)),
                float(any(word in step.lower() for word in ("so ", "therefore", "thus", "hence"))),
            ]
        )
        before += f" {step}"
    return np.array(made)


def ranks(each: Sequence[np.ndarray], firsts: Sequence[int]) -> float:
    """P(the first wrong step has a higher score than another of its trace), ties counted half."""
    found = []
    for scores, first in zip(each, firsts, strict=True):
        rest = np.delete(scores, first)
        found.append(((scores[first] > rest) + 0.5 * (scores[first] == rest)).mean())
    return float(np.mean(found))


def first_wrong(name: str, kept: list[tuple[str, str, list[str], int]]) -> list[str]:
    """A row of the table of first wrong steps: 5-fold by question, ranked within each trace."""
    firsts = [first for *_, first in kept]
    shown = [seen(question, steps) for _, question, steps, _ in kept]
    texts = [step for _, _, steps, _ in kept for step in steps]
    words = Words.of(texts, 5, 3000)
    ends = np.cumsum([0, *(len(steps) for _, _, steps, _ in kept)])
    said: list[np.ndarray] = [np.zeros(0)] * len(kept)
    placed: list[np.ndarray] = list(said)
    for train, test in folds([question for _, question, _, _ in kept], 5, SEED):
        learned = partial(weighed, kept, shown, words, texts, ends, train, test)
        for place, both in zip(test, zip(learned(10), learned(4, False), strict=True), strict=True):
            said[place], placed[place] = both
    lengths = [np.array([len(step) for step in steps], float) for _, _, steps, _ in kept]
    sums = [-each[:, 6] for each in shown]
    return [
        name,
        str(len(kept)),
        f"{ranks([-each[:, 0] for each in shown], firsts):.3f}",
        f"{ranks(placed, firsts):.3f}",
        f"{ranks(lengths, firsts):.3f}",
        f"{1 - ranks(sums, firsts):.3f}",
        f"{ranks(said, firsts):.3f}",
    ]


def weighed(
    kept: list[tuple[str, str, list[str], int]],
    shown: list[np.ndarray],
    words: Words,
    texts: list[str],
    ends: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    width: int = 10,
    wordy: bool = True,
) -> list[np.ndarray]:
    """Log-odds of each step of the test traces, by a logistic regression over the train ones."""
    rows = np.concatenate([shown[i][:, :width] for i in train])
    targets = np.concatenate([np.arange(len(kept[i][2])) == kept[i][3] for i in train])
    centre, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    matrix: Any = standard(rows, centre, scale)
    if wordy:
        spoken = [text for i in train for text in texts[ends[i] : ends[i + 1]]]
        matrix = words.rows(spoken).beside(0.5 * matrix)
    found = binary(matrix, targets.astype(float)[:, None], 3.0, close=1e-3)
    made = []
    for i in test:
        shape: Any = standard(shown[i][:, :width], centre, scale)
        if wordy:
            shape = words.rows(texts[ends[i] : ends[i + 1]]).beside(0.5 * shape)
        made.append(found.scores(shape)[:, 0])
    return made


def steps(folder: Path) -> None:
    """First wrong steps of both sets, by source."""
    lines = []
    for file in TRACES:
        kept = traces(read_table(folder / file)[0])
        for source in sorted({each[0] for each in kept}):
            part = [each for each in kept if each[0] == source]
            if len(part) >= 50:
                lines.append(first_wrong(source, part))
    head = [
        "source",
        "traces",
        "earlier first",
        "position",
        "longer first",
        "a false sum",
        "learned",
    ]
    table(head, lines)


def main() -> None:
    """All tables."""
    folder = data_folder(OUTCOMES, *TRACES)
    rows = read_table(folder / OUTCOMES)[0]
    checks(rows)
    rewards(rows)
    steps(folder)


if __name__ == "__main__":
    main()
