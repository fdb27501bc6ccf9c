"""A cost-quality frontier: models are recorded once, then many systems answer from the recording.

The models are simulated; a file of real drafts does as well: bench(…, recording="drafts.jsonl").
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import onefold as of
from onefold.lab.bench.bench import bench
from onefold.lab.bench.page import write_bench
from onefold.lab.bench.summary import figures, summary

MODELS = {
    "small": of.Sim(0.72, price=(0.1, 0.4), correlation=0.3),
    "medium": of.Sim(0.80, price=(0.5, 2.0), correlation=0.3),
    "other": of.Sim(0.81, price=(0.6, 2.4), correlation=0.3),
    "large": of.Sim(0.92, price=(3.0, 15.0), correlation=0.3),
}
sums = [of.Example(of.Query(f"What is {n} * 7 - 5?", id=str(n)), n * 7 - 5) for n in range(400)]
everyone = of.Panel(list(MODELS), reads="number")
run = of.instantly(of.arun(everyone, sums, session=of.Session(MODELS)))
recording = of.Recording.of((of.Query(o.prompt, id=o.id), o.answer, o.expected) for o in run)

SYSTEMS = {
    "vote of four": everyone,
    "one by one": of.sequential(["small", "medium", "other", "large"], reads="number"),
    "large last": of.sequential(["small", "large", "other"], reads="number"),
}
results = bench(SYSTEMS, recording=recording, vary=["stop.least=2,3"], dataset="sums")
for row in sorted(summary(results), key=lambda row: row.usd_per_question or 0.0):
    mark = "frontier" if row.hull else ""
    print(f"{row.system:<28} {row.quality:6.1%}  ${row.usd_per_question:.6f} a question  {mark}")
found = figures(results)
print(f"oracle {found.oracle:.1%}; worth {found.voters:.1f} independent voters")
with TemporaryDirectory() as folder:
    files = sorted(path.name for path in write_bench(results, Path(folder)).iterdir())
print(*files)
