"""Made-up pools: members of known skill and price on questions of varying difficulty."""

import numpy as np

import onefold as of

SKILLS = {"small": (0.6, 0.001), "medium": (0.75, 0.003), "large": (0.88, 0.02)}


def pool(questions=120, skills=SKILLS, seed=0, absent=0.0, blank=0.0, draws=1, **more):
    """A recording: right answers are the question's number, wrong ones differ unless they meet."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(questions):
        ease = chance.normal(0.0, 0.15)
        for name, (skill, usd) in skills.items():
            for sample in range(draws):
                right = chance.random() < skill + ease
                said = number if right else number + 1 + int(chance.integers(0, 3))
                text = "no idea" if chance.random() < blank else f"The answer is {said}"
                if chance.random() >= absent:
                    rows.append(
                        of.Draft(
                            f"q{number}",
                            name,
                            text,
                            f"What is {number}?",
                            expected=number,
                            usd=float(usd * chance.uniform(0.5, 1.5)),
                            seconds=1.0,
                            sample=sample,
                            **more,
                        )
                    )
    return of.Recording(rows)
