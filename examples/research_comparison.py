"""An experiment: record five models once, then compare vote rules offline, with intervals."""

import onefold as of

MODELS = {f"model_{i}": of.Sim(0.70 + 0.04 * i, correlation=0.5) for i in range(5)}  # simulated
sums = [of.Example(of.Query(f"What is {n} * 9 - 4?", id=str(n)), n * 9 - 4) for n in range(500)]

everyone = of.Panel(list(MODELS), reads="number")
run = of.instantly(of.arun(everyone, sums, session=of.Session(MODELS)))
recording = of.Recording.of(
    (each.query, outcome.answer, each.expected) for each, outcome in zip(sums, run, strict=True)
)  # a file does as well: of.Recording.load("drafts.parquet")
ballots = of.Ballots(recording, of.Number())  # from here on nothing is asked, and nothing paid

best = max(MODELS, key=lambda name: ballots.accuracy()[name])
alone = ballots.vote([best])
RULES = {
    "majority of the best three": ballots.vote(list(MODELS)[-3:]),
    "majority of five": ballots.vote(),
    "weighted by confidence": ballots.vote(weights="confidence"),
    "weighted by accuracy": ballots.vote(weights=ballots.accuracy()),
}
print(f"{len(recording)} drafts; {best} alone is right {alone.accuracy:.1%} of the time\n")
for name, verdict in RULES.items():
    _, low, high = verdict.gain(alone)  # paired bootstrap over questions, 95 %
    said = "better" if low > 0 else "worse" if high < 0 else "no difference shown"
    print(f"{name:<27} {verdict.accuracy:.1%}  gain {low:+.1%} to {high:+.1%}: {said}")
