"""Best of k: a consortium of three models, k samples of each, and three ways to take the best.

Models are simulated; the judge is a noisy one that scores an answer by how near it is.
"""

from random import Random

import onefold as of

WORLD = [of.Example(of.Query(f"What is {n} * 13 + 5?"), n * 13 + 5) for n in range(60)]
TRUTH = {example.query.text: example.expected for example in WORLD}
MODELS = [
    of.Model(name, provider=of.Sim(accuracy, same_wrong=0.8))
    for name, accuracy in (("ant", 0.55), ("bee", 0.60), ("cow", 0.65))
]


@of.judge
def noisy(query: of.Query, answer: of.Answer) -> float:
    """Likes right answers, as a rule."""
    luck = Random(f"{query.text} {answer.value}").uniform(-0.35, 0.35)
    return 0.35 + 0.3 * (answer.value == TRUTH[query.text]) + luck


WAYS = {
    "majority": {"vote": "majority"},
    "best of all": {"vote": "best", "judge": noisy},
    "majority of the best half": {"vote": of.Shortlist(noisy, at=0.5, vote="majority")},
}
print(f"{'way':<28}" + "".join(f"k = {k}    " for k in (1, 3, 5)))
for way, settings in WAYS.items():
    print(f"{way:<28}", end="")
    for k in (1, 3, 5):
        consortium = of.Panel(MODELS * k, reads="number", **settings)
        numbers = of.statistics(of.instantly(of.arun(consortium, WORLD)))
        print(f"{numbers.accuracy:<9.0%}", end="")
    print()
