"""2,000 questions; the money runs out half-way; the same call goes on and pays nothing twice."""

from pathlib import Path
from tempfile import TemporaryDirectory

import onefold as of

MODELS = {
    "cheap": of.Sim(0.75, price=(0.1, 0.4)),
    "fair": of.Sim(0.82, price=(0.5, 2.0)),
    "dear": of.Sim(0.92, price=(3.0, 15.0)),
}
panel = of.sequential(list(MODELS), agree=0.6, reads="number")
questions = [of.Example(of.Query(f"What is {n} + {n}?"), 2 * n) for n in range(2000)]


def attempt(out: Path, budget: float | None) -> of.Run:
    """One try at all questions, in virtual time since the models are simulated."""
    session = of.Session(MODELS, budget=budget)
    return of.instantly(of.arun(panel, questions, out=out, session=session, concurrency=100))


with TemporaryDirectory() as folder:
    first = attempt(Path(folder, "run"), budget=0.02)
    print(f"{len(first)} answered, then: {first.stopped:.60}…")
    second = attempt(Path(folder, "run"), budget=None)
    once = attempt(Path(folder, "uninterrupted"), budget=None)

paid, at_once = of.statistics(second).usage, of.statistics(once).usage
print(f"{len(second)} answered after the second call")
print(f"paid in two parts ${paid.usd:.6f}, in one ${at_once.usd:.6f}")
assert abs(paid.usd - at_once.usd) < 1e-9
print(of.report(of.statistics(second)))
