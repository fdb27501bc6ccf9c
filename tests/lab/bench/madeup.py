"""Made-up recordings: members of known skill, and rows that say what a test wants."""

import random

import onefold as of
from onefold.lab.bench.results import Result

SKILLS = {"cheap": 0.6, "fair": 0.75, "dear": 0.9}
PRICES = {"cheap": of.Price(1, 2), "fair": of.Price(5, 10), "dear": of.Price(50, 100)}


def recording(count=60, seed=3, skills=SKILLS, **about):
    """Members that answer sums; wrong answers cluster on two values."""
    draw = random.Random(seed)
    drafts = []
    for number in range(count):
        for member, skill in skills.items():
            right = draw.random() < skill
            said = str(number) if right else str(1000 + draw.randrange(2))
            drafts.append(
                of.Draft(f"q{number}", member, f"It is {said}", f"{number} + 0?", None, str(number),
                         **about)
            )  # fmt: skip
    return of.Recording(drafts)


def row(question, system, score=None, **about):
    """A row of results."""
    correct = None if score is None else score >= 0.5
    about = {"dataset": "d", "correct": correct, "score": score, **about}
    return Result(question=question, system=system, **about)


def rows(system, scores, family="member", **about):
    """A system's rows, a score each; value 1 is right and 0 is wrong."""
    return [
        row(f"q{n}", system, score, family=family, value=str(int(score)), **about)
        for n, score in enumerate(scores)
    ]
