"""An ensemble verifies an ensemble: three models answer, three others check, and put right."""

import json
import re
from random import Random

import onefold as of

WORLD = [of.Example(of.Query(f"What is {n} * 17?"), n * 17) for n in range(11, 91)]


def checker(name: str) -> of.Model:
    """Works the sum out itself, rules on the answer, and slips one time in ten."""

    def model(text: str) -> str:
        first, second = map(int, re.search(r"What is (\d+) \* (\d+)", text).groups())
        right = first * second + 10 * (Random(f"{name} {first}").random() < 0.1)
        holds = f" {right}." in re.search(r"\[answer \w+\]\n(.*)", text)[1]
        said = (
            {"verdict": "right", "answer": ""} if holds else {"verdict": "wrong", "answer": right}
        )
        mark = re.search(r'"mark": "(\w+)"', text)[1]
        return json.dumps({"mark": mark, "reason": f"I get {right}.", **said})

    return of.Model(name, provider=model)


primary = of.Panel(["sim:small", "sim:small", "sim:medium"], reads="number")
checkers = of.Panel([checker(name) for name in ("dora", "emil", "fay")])
SYSTEMS = {
    "one model": of.Read("sim:medium", "number"),
    "an ensemble": primary,
    "verified by one": of.Read(primary >> of.Verifier(checker("dora")), "number"),
    "verified by an ensemble": of.Read(primary >> of.Verifier(checkers), "number"),
}
for name, system in SYSTEMS.items():
    numbers = of.statistics(of.instantly(of.arun(system, WORLD)))
    print(f"{name:<24} {numbers.accuracy:>6.1%} right, {numbers.usage.calls} calls")
