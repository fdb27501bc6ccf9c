"""Parallel, one by one, hedged and cascaded: accuracy, cost and time over 300 sums, simulated."""

import onefold as of

TAIL = of.Latency(median=0.4, sigma=1.0)
session = of.Session(
    {
        "cheap": of.Sim(0.75, latency=TAIL, price=(0.1, 0.4)),
        "fair": of.Sim(0.82, latency=TAIL, price=(0.5, 2.0)),
        "dear": of.Sim(0.92, latency=TAIL, price=(3.0, 15.0)),
    }
)
names = ["cheap", "fair", "dear"]
WAYS = {
    "dear alone": of.Read("dear", "number"),
    "parallel": of.parallel(names, reads="number"),
    "parallel, until decided": of.parallel(names, stop="decided", reads="number"),
    "one by one, 2 of 3": of.sequential(names, agree=0.6, reads="number"),
    "hedged after 0.8 s": of.hedged(["dear", "fair"], after=0.8, reads="number"),
    "cascade, 0.9 sure": of.cascade(names, at=0.9, reads="number"),
}
sums = [of.Example(of.Query(f"What is {n} * 13 + 5?"), n * 13 + 5) for n in range(300)]

print(f"{'way':<25} {'right':>6} {'cost':>9} {'median':>8} {'99th':>8} {'calls':>6}")
for name, way in WAYS.items():
    numbers = of.statistics(of.instantly(of.arun(way, sums, session=session)))
    print(
        f"{name:<25} {numbers.accuracy:>6.1%} {numbers.usage.usd:>9.4f} "
        f"{numbers.seconds_p50:>6.2f} s {numbers.seconds_p99:>6.2f} s {numbers.usage.calls:>6}"
    )
