"""What a notation means: the operator that its tree stands for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from msgspec import NODEFAULT

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import coerce, fields, walk
from onefold.core.registry import lookup, names
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.model import Model
from onefold.operators.notation.grammar import Definition, Flow, Script, Settings, Unit, script
from onefold.operators.notation.words import ANSWER, CODES, GIVEN, SHORT, fault, held
from onefold.operators.panel import Panel
from onefold.operators.wrappers import Named
from onefold.verbs import Chain, Operator

MOST = 100_000
PLAIN = Settings({}, {})
KIND: Any = Operator


def notation(text: str, parts: Mapping[str, Operator | str | Any] | None = None) -> Operator:
    """The operator that a line of notation stands for; docs/notation.md has its grammar.

    `3E@openai:gpt-4o-mini(temp=0.7) -> J@anthropic:claude-haiku-4-5` draws three samples side by
    side, of which a judge writes one answer.

    parts: operators, or their spellings, that the text may use as `$name`.

    Raises:
        ConfigError: what is wrong, in which column, and what was expected there.
    """
    known = {f"${name}": (coerce(KIND, part, name),) for name, part in (parts or {}).items()}
    return Meaning(text, known).script(script(text))


class Meaning:
    """A text, with what its components stand for and its flows are called where one reads.

    known: operators by `$name`. flows: names of flows whose answers stand in for themselves.
    """

    def __init__(
        self, text: str, known: Mapping[str, tuple[Operator, ...]], flows: Collection[str] = ()
    ) -> None:
        self.text = text
        self.known = dict(known)
        self.flows = flows

    def fault(self, at: int, said: object) -> ConfigError:
        """The error for something wrong at a place."""
        return fault(self.text, at, str(said))

    def script(self, read: Script) -> Operator:
        """The operator of a whole notation."""
        own = {each.name for each in read.nodes}
        here = Meaning(self.text, self.known, {*self.flows, *own})
        here.unlike([*read.components, *read.nodes])
        for each in read.components:
            stages = here.stages(each.flow)
            single = len(stages) == 1
            here.known[each.name] = stages[0] if single else (here.joined(stages, each.flow),)
            here.bounded(here.known[each.name], each.at)
        if read.nodes:
            return here.graph(read, own)
        if read.last is None:
            raise self.fault(read.at, "components alone answer nothing: end with a flow")
        return here.joined(here.stages(read.last), read.last)

    def unlike(self, definitions: Sequence[Definition]) -> None:
        """Refuse two definitions of one name."""
        seen = set()
        for each in definitions:
            if each.name in seen:
                raise self.fault(each.at, f"two flows named {each.name!r}: rename one")
            seen.add(each.name)

    def bounded(self, operators: Iterable[Operator], at: int) -> None:
        """Refuse more parts than anybody meant to write: a few letters can ask for billions."""
        parts = chain.from_iterable(walk(operator) for operator in operators)
        if sum(1 for _ in islice(parts, MOST + 1)) > MOST:
            raise self.fault(at, f"this makes more than {MOST} parts")

    def graph(self, read: Script, own: Collection[str]) -> Operator:
        """The graph of named flows; the last one is its answer."""
        output, flows, last = "", list(read.nodes), read.last
        if last is not None and len(last.stages) == 1 and refers(last.stages[0], own):
            output = last.stages[0][0].name
        elif last is not None:
            flows.append(Definition(ANSWER, last.at, None, last))
            self.unlike(flows)
        nodes = {each.name: self.node(each, own) for each in flows}
        self.bounded(nodes.values(), read.at)
        try:
            return Graph(nodes, output)
        except ConfigError as error:
            said = re.sub(r"output=('.*?')", r"ending with its name \1", str(error))
            words = re.split(r"[\s,;:.']+", said)
            blamed = next((each.at for each in flows if each.name in words), read.at)
            raise self.fault(blamed, said) from None

    def node(self, named: Definition, own: Collection[str]) -> Operator:
        """A named flow: the flows whose answers it is given, and what it makes of them."""
        first, *rest = named.flow.stages
        flow, after = named.flow, []
        if refers(first, own):
            after = [unit.name for unit in first]
            if not rest:
                raise self.fault(
                    first[0].at, f"{named.name!r} is but another name: go on with '->'"
                )
            flow = Flow(rest, rest[0][0].at, flow.end)
        operator = self.joined(self.stages(flow), flow)
        if not after and named.settings is None:
            return operator
        given = {"operator": operator, "after": after}
        made: Operator = self.part(Node, given, named.settings or PLAIN, named.at)
        return made

    def stages(self, flow: Flow) -> list[tuple[Operator, ...]]:
        """What stands side by side in each stage of a flow, each as often as its count says."""
        return [tuple(chain.from_iterable(map(self.unit, units))) for units in flow.stages]

    def joined(self, stages: Sequence[tuple[Operator, ...]], flow: Flow) -> Operator:
        """Stages as one operator: several side by side are a panel, one after the other a chain."""
        *before, (made, *others) = stages
        if others:
            raise self.fault(
                flow.end,
                f"{len(others) + 1} answers, and nothing makes one of them: go on with '-> M' (the "
                "most common), '-> best' or '-> J@provider:model'",
            )
        steps: tuple[Operator, ...] = (made,)
        try:
            for stage in reversed(before):
                made = Panel(stage, made) if len(stage) > 1 else Chain((*stage, *steps))
                steps = (made,) if len(stage) > 1 else (*stage, *steps)
        except ConfigError as error:
            raise self.fault(flow.at, error) from None
        self.bounded([made], flow.at)
        return made

    def unit(self, unit: Unit) -> tuple[Operator, ...]:
        """One thing so many times, under its alias."""
        if unit.count > MOST:
            raise self.fault(unit.at, f"a count is at most {MOST}")
        found = self.component(unit) if unit.form == "component" else (self.one(unit),)
        if not unit.alias:
            return found * unit.count
        if len(found) * unit.count > 1:
            raise self.fault(unit.at, f"several cannot all be named {unit.alias!r}")
        return (Named(unit.alias, found[0]),)

    def component(self, unit: Unit) -> tuple[Operator, ...]:
        """What a `$name` stands for."""
        if unit.name not in self.known:
            raise self.fault(unit.at, unknown("component", unit.name, self.known))
        return self.known[unit.name]

    def one(self, unit: Unit) -> Operator:
        """The operator of a unit, once and without its alias."""
        if unit.form == "component":
            found, *others = self.component(unit)
            if others:
                raise self.fault(unit.at, f"{unit.name} is {len(others) + 1} operators, not one")
            return found
        if unit.form == "model":
            made: Operator = self.part(Model, {"model": unit.name}, unit.settings or PLAIN, unit.at)
            return made
        if unit.body is not None:
            return self.changed(self.script(unit.body), unit)
        return self.operator(unit)

    def operator(self, unit: Unit) -> Operator:
        """An operator by its code or name, on what stands behind `@`."""
        found = self.named(unit)
        if unit.on is None:
            if isinstance(found, Operator) and not unit.settings:
                return found
            given = {}
        elif found is Model and unit.settings is None:
            return self.one(unit.on)
        elif found is Model:
            raise self.fault(unit.at, f"the parameters of {unit.name} stand behind its model")
        else:
            place = held(found) if isinstance(found, type) else None
            if place is None:
                raise self.fault(unit.on.at, f"{unit.name} stands on no operator: leave out '@'")
            given = {place: self.one(unit.on)}
        if isinstance(found, Operator):
            raise self.fault(unit.at, f"{unit.name} takes no parameters")
        made: Operator = self.part(found, given, unit.settings or PLAIN, unit.at, unit.name)
        return made

    def named(self, unit: Unit) -> Any:
        """The class behind a code or an operator's name, or an operator that is ready."""
        found = CODES.get(unit.name) or lookup(Operator, unit.name)
        if refers([unit], self.flows):
            raise self.fault(
                unit.at,
                f"the answer of {unit.name!r} stands first in a flow, beside other answers only: "
                "name those too",
            )
        if found is None and unit.name in self.flows:
            raise self.fault(unit.at, f"{unit.name!r} is an answer: write just its name")
        if found is None:
            known = [*CODES, *self.flows, *names(Operator)]
            raise self.fault(unit.at, unknown("operator", unit.name, known))
        return found

    def changed(self, operator: Operator, unit: Unit) -> Operator:
        """The operator of a group with the parameters behind it."""
        if not unit.settings:
            return operator
        closed = GIVEN.get(operator.name_of_part)
        if closed is None:
            said = "parameters behind ')' are those of a panel or a graph between the parentheses"
            raise self.fault(unit.at, said)
        has = {field: getattr(operator, field) for field in operator.__struct_fields__}
        made: Operator = self.part(type(operator), has, unit.settings, unit.at, closed=closed)
        return made

    def part(
        self,
        cls: Any,
        given: Mapping[str, Any],
        settings: Settings,
        at: int,
        name: str = "",
        closed: Collection[str] | None = None,
    ) -> Any:
        """A part of a class from what is known of it and its parameters.

        name: what the text calls it. closed: fields of those given that no parameter may change.
        """
        name = name or cls.name_of_part
        free = [
            field for field in fields(cls) if field not in (given if closed is None else closed)
        ]
        values, places = dict(given), {}
        for key, value in settings.values.items():
            field, place = SHORT.get(key, key), settings.places[key]
            if field not in free:
                raise self.fault(place, unknown(f"parameter of {name}", key, free))
            if field in places:
                raise self.fault(place, f"{field!r} stands twice")
            values[field], places[field] = value, place
        self.whole(cls, values, at, name)
        try:
            return cls(**values)
        except ConfigError as error:
            blamed = re.split(r"[\s\[.:]", str(error))[0]
            raise self.fault(places.get(blamed, at), error) from None

    def whole(self, cls: Any, values: Mapping[str, Any], at: int, name: str) -> None:
        """Refuse a part that lacks a field it must have."""
        needed = [field for field, about in fields(cls).items() if about.default is NODEFAULT]
        missing = [field for field in needed if field not in values]
        if missing:
            on = cls is Model or missing[0] == held(cls)
            way = f"{name}@provider:model" if on else f"{name}({missing[0]}=…)"
            raise self.fault(at, f"{name} needs {', '.join(missing)}: write {way}")


def refers(units: Sequence[Unit], flows: Collection[str]) -> bool:
    """Whether all these are bare names of flows."""
    return all(
        unit.form == "operator"
        and unit.name in flows
        and (unit.count, unit.settings, unit.alias, unit.on) == (1, None, "", None)
        for unit in units
    )
