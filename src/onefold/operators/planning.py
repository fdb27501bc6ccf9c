"""What an operator would cost: a walk over the value, with the real stop on imagined drafts."""

from __future__ import annotations

from asyncio import get_running_loop, sleep
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import singledispatch
from math import inf
from random import Random

from onefold.core.answer import Answer
from onefold.core.part import Part, fields
from onefold.core.query import Query, asked
from onefold.core.usage import Usage
from onefold.delivery.deployment import Deployment
from onefold.delivery.session import here
from onefold.delivery.traffic.fleet import Fleet
from onefold.operators.model import Model
from onefold.operators.panel import Panel, seated
from onefold.runtime.clock import instantly
from onefold.runtime.plan import FREE, Cost, Plan
from onefold.runtime.relay import Relay, relay
from onefold.signatures.typed import Typed
from onefold.stops.bounds import AllOf, AnyOf, Never
from onefold.verbs import Judge, Marker, Operator, Race, Router, Stop

ALIKE = 0.8
DRAWS = 100


def planned(operator: Operator, queries: Sequence[str | Query]) -> Plan:
    """The plan for many questions; panels that may stop early are imagined once, not per query."""
    shares: dict[int, Imagined] = {}
    total = Plan(queries=len(queries))
    for query in queries:
        total += cost(operator, asked(query), shares)
    return total


@singledispatch
def cost(part: Part, query: Query, shares: dict[int, Imagined]) -> Plan:
    """The plan of one question: whom the part says it asks, else everything it holds, once."""
    total = Plan()
    if hasattr(part, "_asks"):
        for inner, asked_of, times in part._asks(query):
            total += repeated(cost(inner, asked_of, shares), times)
        return total
    for name, field in fields(type(part)).items():
        if field.kind is None or not issubclass(field.kind, Operator | Judge | Marker | Router):
            continue
        held = getattr(part, name)
        for inner in held if field.many else (held,):
            if inner is not None:
                total += cost(inner, query, shares)
    return total


def repeated(plan: Plan, times: tuple[float, float, float]) -> Plan:
    """A plan carried out so often: at least, as expected, at worst."""
    least, expected, worst = times
    return Plan(
        plan.least.times(least),
        plan.expected.times(expected),
        plan.worst.times(worst),
        assumption=plan.assumption,
    )


@cost.register(Model)
def model_cost(part: Model, query: Query, _: dict[int, Imagined]) -> Plan:
    """One call; a reply of the wrong form is asked for again."""
    request = part._request(query)
    models = here().models
    asked_of = part._own() or models.find(part.model)
    costs = [one_call(model, model.estimate(request)) for model in models.members(asked_of)]
    dear = sorted(costs, key=lambda cost: inf if cost.usd is None else cost.usd)
    cheapest = isinstance(asked_of, Fleet) and asked_of.pick == "cheapest"
    worst = dear[-1].times(2.0) if isinstance(query.reads, Typed) else dear[-1]
    return Plan(dear[0], dear[0] if cheapest else costs[0], worst)


def one_call(model: Deployment, used: Usage) -> Cost:
    """The cost of one call to a deployment."""
    return Cost(1.0, used.tokens_in, used.tokens_out, used.usd, model.typical_seconds)


@cost.register(Panel)
def panel_cost(part: Panel, query: Query, shares: dict[int, Imagined]) -> Plan:
    """Members as far as the stop lets them start, their judge, and the vote."""
    drafts = [cost(member, query, shares) for member in part.members]
    if part.judge is not None:
        judged = cost(part.judge, query, shares)
        drafts = [draft + judged for draft in drafts]
    vote = cost(part.vote, query.but(drafts=expected_drafts(part, drafts)), shares)
    everyone = [1.0] * len(drafts)
    fewest = started_at_least(part)
    first = [float(i < fewest) for i in range(len(drafts))]
    least = summed([d.least for d in drafts], first, part.stagger)
    if part.route is not None:
        least = smallest([d.least for d in drafts])
    if isinstance(part.stop, Never) and part.route is None and part.patience == inf:
        expected = summed([d.expected for d in drafts], everyone, part.stagger)
        note = next((draft.assumption for draft in drafts if draft.assumption), "")
    else:
        imagined = shares.get(id(part))
        if imagined is None:
            imagined = shares[id(part)] = Imagined(part, [d.expected.seconds for d in drafts])
        expected = summed([d.expected for d in drafts], imagined.started, part.stagger)
        expected = expected.lasting(imagined.seconds)
        note = f"expected: as if members gave the same answer {ALIKE:.0%} of the time"
    worst = summed([d.worst for d in drafts], everyone, part.stagger)
    routed = Plan() if part.route is None else cost(part.route, query, shares)
    asked = Plan(worst=routed.worst)  # a router that holds a model rarely needs it
    return Plan(least, expected, worst, assumption=note) + vote + asked


def expected_drafts(panel: Panel, plans: Sequence[Plan]) -> tuple[Answer, ...]:
    """What a vote will be shown: a draft a member, as long as usual, each another answer."""
    return tuple(
        Answer("x" * round(4 * plan.expected.tokens_out), seat.name, seat.name)
        for seat, plan in zip(seated(panel.members), plans, strict=True)
    )


def summed(costs: Sequence[Cost], shares: Sequence[float], stagger: float) -> Cost:
    """The members' costs, each by its share; their times overlap as the stagger lets them."""
    total, start, ends = FREE, 0.0, [0.0]
    for each, share in zip(costs, shares, strict=True):
        total += each.times(share)
        if share:
            ends.append(start + each.seconds * share)
            start = min([start + stagger, *(end for end in ends if end > start)])
    return total.lasting(max(ends))


def smallest(costs: Sequence[Cost]) -> Cost:
    """The least of each figure, for a router that may ask anyone."""
    prices = [cost.usd for cost in costs if cost.usd is not None]
    return Cost(
        min(cost.calls for cost in costs),
        min(cost.tokens_in for cost in costs),
        min(cost.tokens_out for cost in costs),
        min(prices) if len(prices) == len(costs) else None,
        min(cost.seconds for cost in costs),
    )


def started_at_least(panel: Panel) -> int:
    """How many members are started whatever they say."""
    count = len(panel.members)
    if panel.route is not None:
        return 1
    if panel.stagger == 0 or (isinstance(panel.stop, Never) and panel.patience == inf):
        return count
    if panel.patience < inf:
        return 1
    return min(count, max(needed(panel.stop), panel.quorum or 1))


def needed(stop: Stop) -> int:
    """How many replies a stop wants at least."""
    if isinstance(stop, AnyOf):
        return min(map(needed, stop.stops))
    if isinstance(stop, AllOf):
        return max(map(needed, stop.stops))
    for field in ("least", "count"):
        number = getattr(stop, field, None)
        if isinstance(number, int):
            return number
    return 1


class Imagined:
    """How far a panel gets on imagined drafts, with its real stop and relay in virtual time.

    started: share of the questions in which each member is started. seconds: mean time.
    """

    def __init__(self, panel: Panel, seconds: Sequence[float]) -> None:
        draw = Random(0)
        worlds = [imagined_drafts(panel, draw) for _ in range(DRAWS)]
        with ThreadPoolExecutor(1) as thread:  # a loop of its own, inside any running one
            races = thread.submit(instantly, all_races(panel, worlds, seconds)).result()
        count = len(panel.members)
        self.started = [sum(r.started > i for r, _ in races) / DRAWS for i in range(count)]
        self.seconds = sum(end for _, end in races) / DRAWS


def imagined_drafts(panel: Panel, draw: Random) -> list[Answer]:
    """One imagined answer a member: the common one, or one of its own."""
    drafts = []
    for seat in seated(panel.members):
        value = "same" if draw.random() < ALIKE else seat.name
        drafts.append(Answer(value=value, source=seat.name, confidence=draw.random()))
    return drafts


async def all_races(
    panel: Panel, worlds: Sequence[Sequence[Answer]], seconds: Sequence[float]
) -> list[tuple[Relay[Answer], float]]:
    """A run of the panel's relay in each imagined world, and how long it took."""
    return [await race(panel, drafts, seconds) for drafts in worlds]


async def race(
    panel: Panel, drafts: Sequence[Answer], seconds: Sequence[float]
) -> tuple[Relay[Answer], float]:
    """One run of the panel's relay over imagined drafts, and how long it took."""
    began = get_running_loop().time()

    async def run(index: int) -> Answer:
        await sleep(seconds[index])
        return drafts[index]

    def enough(results: list[Answer | None], started: int) -> bool:
        came = tuple(draft for draft in results if draft is not None)
        if len(came) < (panel.quorum or 0):
            return False
        out = tuple(d.source for d, r in zip(drafts, results, strict=True) if r is None)
        used = Usage(calls=started)
        return panel.stop.enough(
            Race(came, out, panel.vote, used, get_running_loop().time() - began)
        )

    done = await relay(
        run, len(drafts), stagger=panel.stagger, patience=panel.patience, enough=enough
    )
    return done, get_running_loop().time() - began
