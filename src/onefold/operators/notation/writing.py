"""An operator written down as a line of notation, which reads as the same operator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from msgspec import NODEFAULT

from onefold.core.errors import ConfigError
from onefold.core.part import Part, fields
from onefold.core.spec import default_of, listed, plainly
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.model import Model
from onefold.operators.notation.words import ANSWER, CODES, CONSTANTS, GIVEN, MODEL, NAME, held
from onefold.operators.panel import Panel
from onefold.operators.wrappers import Named
from onefold.verbs import Chain, Operator

LETTERS = {kind: code for code, kind in CODES.items()}
BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")


def noted(operator: Operator) -> str:
    """The line of notation that stands for an operator: `notation(noted(operator)) == operator`.

    Raises:
        ConfigError: it holds a function without a registered name, or a number that is none.
    """
    return flow(operator, ())


def flow(operator: Operator, around: Collection[str]) -> str:
    """An operator as a whole notation, inside flows of these names."""
    if composed(operator) and not settings(operator, GIVEN[operator.name_of_part]):
        return body(operator, around)
    return unit(operator, around)


def composed(operator: Operator) -> bool:
    """Whether an operator is what a flow of several stages, or of named flows, stands for."""
    if isinstance(operator, Panel):
        return len(operator.members) > 1
    if isinstance(operator, Chain):
        return len(operator.steps) > 1
    return isinstance(operator, Graph)


def body(operator: Any, around: Collection[str]) -> str:
    """The flow of a composed operator, without its settings."""
    if isinstance(operator, Panel):
        return f"{stage(operator.members, around)} -> {tail(operator.vote, around, Panel, Chain)}"
    if isinstance(operator, Chain):
        *steps, last = operator.steps
        return " -> ".join([*(unit(step, around) for step in steps), tail(last, around, Panel)])
    return script(operator, around)


def tail(operator: Operator, around: Collection[str], *opened: type[Operator]) -> str:
    """The end of a flow; what would not read back as one operator stands in parentheses."""
    return (flow if isinstance(operator, opened) else unit)(operator, around)


def stage(members: Sequence[Operator], around: Collection[str]) -> str:
    """Operators side by side; equal ones in a row are counted."""
    counted = [(len(list(same)), member) for member, same in groupby(members)]
    return ", ".join(unit(member, around, count) for count, member in counted)


def unit(operator: Operator, around: Collection[str], count: int = 1, alias: str = "") -> str:
    """One operator, so many times."""
    if isinstance(operator, Named) and not alias:
        return unit(operator.operator, around, count, f"!{spelled_name(operator.name)}")
    number = str(count) if count > 1 else ""
    if isinstance(operator, Model):
        return f"{number}E{alias}@{model(operator)}"
    if composed(operator):
        given = settings(operator, GIVEN[operator.name_of_part])
        return f"{number}({body(operator, around)}){given}{alias}"
    if isinstance(operator, Named):
        return f"{number}({unit(operator, around)}){alias}"
    return f"{number}{other(operator, alias, around)}"


def other(operator: Operator, alias: str, around: Collection[str]) -> str:
    """An operator by its code or name, with its parameters, on what it stands on."""
    place = held(type(operator))
    name, given = operator._to_text() or "", ""  # a function has the name that it is known by
    if not name:
        name, given = operator.name_of_part, settings(operator, (place,))
    word = LETTERS.get(type(operator), name)
    if not NAME.fullmatch(word) or name in CODES:
        raise ConfigError(f"an operator named {name!r} cannot be noted: rename it")
    on = "" if place is None else f"@{target(getattr(operator, place), around)}"
    if word in around and not (given or on or alias):
        given = "()"  # else it would read as the flow of this name
    return f"{word}{given}{alias}{on}"


def target(operator: Operator, around: Collection[str]) -> str:
    """What stands behind `@`."""
    if isinstance(operator, Model):
        return model(operator)
    written = unit(operator, around)
    return written if composed(operator) else f"({written})"


def model(part: Model) -> str:
    """A model's name with its parameters."""
    name = part.model if MODEL.fullmatch(part.model) else text(part.model)
    return f"{name}{settings(part, ('model',))}"


def script(graph: Any, around: Collection[str]) -> str:
    """The named flows of a graph; the last one needs no name where it is the answer."""
    nodes = {each.name: each.operator for each in graph.nodes}
    scope = {*around, *nodes}
    lines = []
    for place, (name, operator) in enumerate(nodes.items(), 1):
        given = ""
        after: tuple[str, ...] = ()
        if isinstance(operator, Node):
            after = operator.after
            given = settings(operator, ("operator", "after")) or ("" if after else "()")
            operator = operator.operator
        what = tail(operator, scope, Panel, Chain)
        before = f"{', '.join(map(spelled_name, after))} -> " if after else ""
        last = place == len(nodes) > 1
        unnamed = last and name == ANSWER and not (given or graph.output)
        called = "" if unnamed else f"{spelled_name(name)}{given} = "
        lines.append(f"{called}{before}{what}")
    if graph.output:
        lines.append(spelled_name(graph.output))
    return "; ".join(lines)


def settings(part: Part, without: Collection[str | None]) -> str:
    """What differs from the defaults, as `(key=value, …)`; empty where nothing does."""
    given = [f"{name}={value(plain())}" for name, plain in differing(part, without)]
    return f"({', '.join(given)})" if given else ""


def differing(
    part: Part, without: Collection[str | None]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The fields of a part that differ from their defaults, and what makes plain data of each."""
    for name, field in fields(type(part)).items():
        if name not in without:
            here = getattr(part, name)
            if field.default is NODEFAULT or here != default_of(field):
                yield name, partial(plain, part, here, field)


def plain(part: Part, here: Any, field: Any) -> Any:
    """A field's value as plain data."""
    if field.kind is None or here is None:
        return part._plain(here)
    return listed(field.kind, here) if field.many else plainly(here)


def value(data: Any) -> str:
    """Plain data as a value of the notation."""
    if isinstance(data, Mapping):
        pairs = (f"{spelled_name(key)}: {value(held)}" for key, held in data.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(data, list | tuple):
        return f"[{', '.join(map(value, data))}]"
    if isinstance(data, str):
        return data if MODEL.fullmatch(data) and data not in CONSTANTS else text(data)
    if data is None or isinstance(data, bool):
        return json.dumps(data)
    if isinstance(data, int | float) and data == data:
        return repr(data)
    raise ConfigError(
        f"{data!r:.60} cannot be noted: a value is a number, a text, a list, a mapping"
    )


def spelled_name(name: Any) -> str:
    """A name, in quotes where it is no word."""
    if not isinstance(name, str):
        raise ConfigError(f"the key {name!r:.60} cannot be noted: keys are texts")
    return name if NAME.fullmatch(name) else text(name)


def text(said: str) -> str:
    """A text in quotes, on one line."""
    quoted = json.dumps(said, ensure_ascii=False)
    return BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
