"""What a graph will take: cost and time of each node, which go first, and the critical path."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from math import ceil, inf
from typing import Any

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.operators.graph.condition import Holds
from onefold.operators.graph.layout import Layout, Step
from onefold.operators.graph.node import Node
from onefold.operators.graph.paths import ITEM, QUERY, Path, asked_item
from onefold.operators.planning import Imagined, cost, repeated
from onefold.runtime.plan import FREE, Cost, Plan, Task

ITEMS = 4


def planned(
    layout: Layout, query: Query, most: int | None, first: str, shares: dict[int, Imagined]
) -> Plan:
    """The plan of a graph for one question, with its tasks."""
    layout.check(query)
    plans = step_plans(layout, query, shares)
    order = ranked(layout, plans, first)
    least = summed(layout, [plan.least for plan in plans], most, order)
    expected = summed(layout, [plan.expected for plan in plans], most, order)
    worst = summed(layout, [plan.worst for plan in plans], most, order)
    costs = [plan.expected for plan in plans]
    seconds = [each.seconds for each in costs]
    critical = set(critical_path(layout, seconds))
    ends = timed(layout, seconds, most, order)
    tasks = tuple(
        Task(
            step.name,
            tuple(layout.steps[place].name for place in step.needs),
            costs[index],
            ends[index] - seconds[index],
            index in critical,
        )
        for index, step in enumerate(layout.steps)
    )
    return Plan(least, expected, worst, assumption=assumed(layout, plans), tasks=tasks)


def ranks(layout: Layout, query: Query, first: str) -> list[Any]:
    """What each step stands for where not all may start: the lowest goes first."""
    return ranked(layout, step_plans(layout, query, {}), first) if first != "listed" else []


def ranked(layout: Layout, plans: Sequence[Plan], first: str) -> list[Any]:
    """The same, once the steps are planned."""
    costs = [plan.expected for plan in plans]
    if first == "cheapest":
        return [(inf if each.usd is None else each.usd, each.tokens_out) for each in costs]
    if first == "longest":
        return [-left for left in remaining(layout, [each.seconds for each in costs])]
    return []


def assumed(layout: Layout, plans: Sequence[Plan]) -> str:
    """What the expected case takes for granted."""
    said = [next((plan.assumption for plan in plans if plan.assumption), "")]
    if any(step.when is not None for step in layout.steps):
        said.append("expected: as if every condition held")
    if any(step.each is not None and step.each.root != QUERY for step in layout.steps):
        said.append(f"a list that a node makes counts as {ITEMS} items")
    return "; ".join(filter(None, said))


def step_plans(layout: Layout, query: Query, shares: dict[int, Imagined]) -> list[Plan]:
    """A plan a step; each is shown answers as long as those before it usually write."""
    plans = [Plan()] * len(layout.steps)
    answers = [Answer()] * len(layout.steps)
    optional = [False] * len(layout.steps)
    for index in layout.order:
        step = layout.steps[index]
        asked = imagined_query(layout, step, query, answers)
        plan = cost(step.operator, asked, shares)
        if step.each is not None:
            plan = for_each(plan, step, asked, step.each)
        if step.when is not None and isinstance(step.when, Holds):
            plan = cost(step.when.operator, asked, shares) + plan
        optional[index] = step.when is not None or skippable(layout, step, optional)
        if optional[index]:
            plan = Plan(FREE, plan.expected, plan.worst, assumption=plan.assumption)
        plans[index] = plan
        text = "x" * round(4 * plan.expected.tokens_out)
        answers[index] = Answer(text, text, step.name)
    return plans


def skippable(layout: Layout, step: Step, optional: Sequence[bool]) -> bool:
    """Whether a step may be skipped, as what it waits for may not come."""
    seen = [layout.places[path.root] for _, path in step.paths() if path.root in layout.places]
    nobody = bool(step.after) and all(optional[index] for index in step.after)
    return nobody or any(optional[index] for index in seen)


def for_each(plan: Plan, step: Step, query: Query, listed: Path) -> Plan:
    """The plan of a step for all items of a list, as many at a time as may be."""
    count, least = ITEMS, 0
    if listed.root == QUERY:
        count = least = len(listed.of(query))
    turns = ceil(count / step.most_concurrent) if step.most_concurrent else min(count, 1)
    many = repeated(plan, (least, count, count))
    return Plan(
        many.least.lasting(plan.least.seconds * turns if least else 0.0),
        many.expected.lasting(plan.expected.seconds * turns),
        many.worst.lasting(plan.worst.seconds * turns),
        assumption=plan.assumption,
    )


def imagined_query(layout: Layout, step: Step, query: Query, answers: Sequence[Answer]) -> Query:
    """What a step will probably be asked."""

    def imagined(path: Path) -> Any:
        root = query if path.root == QUERY else answers[layout.places[path.root]]
        try:
            return path.of(root)
        except Unreadable:
            return answers[layout.places[path.root]].text if path.root != QUERY else ""

    if step.after or step.inputs:
        inputs = {name: imagined(path) for name, path in step.inputs if path.root != ITEM}
        query = query.but(
            drafts=tuple(answers[index] for index in step.after),
            inputs=inputs if step.inputs else query.inputs,
        )
    if step.each is None:
        return query
    items = imagined(step.each)
    if isinstance(items, str):
        return asked_item(query, items[: len(items) // ITEMS], ())
    return asked_item(query, items[0], step.inputs) if items else query


def summed(layout: Layout, costs: Sequence[Cost], most: int | None, order: Sequence[Any]) -> Cost:
    """The cost of all steps together, over the time until the last has ended."""
    total = FREE
    for each in costs:
        total += each
    return total.lasting(max(timed(layout, [each.seconds for each in costs], most, order)))


def timed(
    layout: Layout, seconds: Sequence[float], most: int | None, order: Sequence[Any]
) -> list[float]:
    """When each step ends, in seconds from the question, if they start as in a run."""
    ends = [0.0] * len(seconds)
    waits = list(layout.waits)
    ready = [(order[index] if order else index, index) for index in layout.first]
    heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and (most is None or len(running) < most):
            _, index = heappop(ready)
            ends[index] = now + seconds[index]
            heappush(running, (ends[index], index))
        now, index = heappop(running)
        for dependent in layout.steps[index].dependents:
            waits[dependent] -= 1
            if not waits[dependent]:
                heappush(ready, (order[dependent] if order else dependent, dependent))
    return ends


def remaining(layout: Layout, seconds: Sequence[float]) -> list[float]:
    """Seconds from each step's start to the graph's end, along the longest way."""
    left = list(seconds)
    for index in reversed(layout.order):
        left[index] += max((left[other] for other in layout.steps[index].dependents), default=0.0)
    return left


def critical_path(layout: Layout, seconds: Sequence[float]) -> list[int]:
    """The steps along the longest way through the graph, in their order."""
    left = remaining(layout, seconds)
    way = [max(layout.first, key=left.__getitem__)]
    while following := layout.steps[way[-1]].dependents:
        way.append(max(following, key=left.__getitem__))
    return way


@cost.register(Node)
def node_cost(part: Node, query: Query, shares: dict[int, Imagined]) -> Plan:
    """One try; at worst all of them, and then the fallback."""
    plan = cost(part.operator, query, shares)
    most = part.timeout or inf
    worst = capped(plan.worst, most).times(1 + part.retries)
    if part.fallback is not None:
        worst += cost(part.fallback, query, shares).worst
    least, expected = capped(plan.least, most), capped(plan.expected, most)
    return Plan(least, expected, worst, assumption=plan.assumption)


def capped(case: Cost, seconds: float) -> Cost:
    """A cost whose time a deadline ends."""
    return case.lasting(min(case.seconds, seconds))
