"""Label network flows: three detectors vote on every flow, all flows side by side, typed."""

import re
from collections.abc import Callable
from typing import Literal

import onefold as of

FLOWS = {
    "tcp 10.0.0.5 -> 10.0.0.9:443, 40 packets, 31000 bytes, 12 s": 0,
    "tcp 10.0.0.7 -> 10.0.0.9:22, 900 packets, 54000 bytes, 9 s": 1,
    "tcp 10.0.0.8 -> 203.0.113.9:4444, 25 packets, 90000 bytes, 700 s": 1,
    "tcp 10.0.0.5 -> 10.0.0.9:443, 6000 packets, 4200000 bytes, 60 s": 0,
}
RULES: dict[str, Callable[[int, int, int, int], bool]] = {  # of port, packets, bytes, seconds
    "port": lambda *flow: flow[0] in (22, 23, 4444),
    "rate": lambda *flow: flow[1] / flow[3] > 45,
    "size": lambda *flow: not 70 < flow[2] / flow[1] < 3000,
}
label = of.Signature(
    "You are a network security expert. Label the flow 0 (benign) or 1 (malicious):\n{item}",
    output=Literal[0, 1],
)


def detector(name: str) -> of.Module:
    """A function that stands for a model: it knows one rule, and has a blind spot of its own."""

    def model(text: str) -> str:
        found = re.search(r":(\d+), (\d+) packets, (\d+) bytes, (\d+) s", text)
        return str(int(found is not None and RULES[name](*map(int, found.groups()))))

    return of.Module(of.Model(name, provider=model), label)


panel = of.Panel({name: detector(name) for name in RULES})
query = of.Query("Label all flows.", inputs={"flows": list(FLOWS)})
answer = of.Graph({"labels": of.Node(panel, each="query.inputs.flows")}).ask(query)
for (flow, truth), said in zip(FLOWS.items(), answer.draft("labels").drafts, strict=True):
    print(f"{said.value} (is {truth})  votes {said.votes}  {flow}")
