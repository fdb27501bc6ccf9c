"""Operators drawn: as a tree of lines, and as a Mermaid flowchart."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from onefold.core.errors import ConfigError
from onefold.core.part import Part, coerce, fields
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node
from onefold.operators.model import Model
from onefold.operators.notation.writing import differing, text, value
from onefold.operators.panel import Panel
from onefold.operators.wrappers import Named
from onefold.verbs import Chain, Judge, Marker, Operator, Router

ACTING = (Operator, Judge, Marker, Router)
"""What is drawn as a thing of its own; other parts are settings of what holds them."""

LONGEST = 40
UNSAFE = re.compile(r"[^\w :,/=()\[\]{}+×….-]|^[-+]|^\d(?=\d*\.)")
SHAPES = ((Router, '{"', '"}'), (Judge, '{{"', '"}}'), (Model, '["', '"]'), (Part, '("', '")'))
ENDS = '(["', '"])'
KIND: Any = Operator


def tree(operator: Operator | str | Any) -> str:
    """An operator as a tree: a line for each model, vote, judge and router, with its parameters.

    Parameters at their defaults are left out, long ones are cut; equal members in a row share a
    line. What a part holds first goes without saying what it is there.
    """
    drawn = held(coerce(KIND, operator))
    return "\n".join([drawn.title(), *below(drawn, "")])


def mermaid(operator: Operator | str | Any) -> str:
    """An operator as a Mermaid flowchart, from the question to the answer.

    Arrows are what is handed on: the question, drafts, answers. Dotted ones lead to whom a part
    asks. Panels, chains and graphs are boxes around what is in them.
    """
    chart = Chart()
    question = chart.box(*ENDS, "question")
    _, last = chart.drawn(held(coerce(KIND, operator)), [question])
    chart.arrows.append(f"{last} --> {chart.box(*ENDS, 'answer')}")
    return "\n    ".join(["flowchart LR", *chart.lines, *chart.arrows])


class Held(NamedTuple):
    """Something that a part holds: what it is there, and how many equal ones stand in a row.

    node: its place in a graph.
    """

    part: Part
    name: str = ""
    number: int = 1
    node: Node | None = None

    def title(self, arrows: bool = False) -> str:
        """It in a line; with an arrow from the nodes whose answers it is given."""
        number = f"{self.number} × " if self.number > 1 else ""
        if self.node is None:
            return f"{number}{self.name}{': ' if self.name else ''}{heading(self.part)}"
        after = f" ← {', '.join(self.node.after)}" if arrows and self.node.after else ""
        place = spelled(self.node, ("operator", "after", "fallback"))
        return f"{number}{self.name}{place}{after}: {heading(self.part)}"


def held(part: Part, name: str = "", count: int = 1) -> Held:
    """A part that is held, without what only names it or gives it its place in a graph."""
    node = None
    while isinstance(part, Named | Node):
        if isinstance(part, Named):
            name = f"{name}: {shown(part.name)}" if name else shown(part.name)
        else:
            node = part
        part = part.operator
    return Held(part, name, count, node)


def inside(outer: Held) -> Iterator[Held]:
    """What a part holds that acts, in order."""
    for place, (name, field) in enumerate(fields(type(outer.part)).items()):
        each = getattr(outer.part, name) if acts(field) else None
        if each is not None:
            for part, count in rows(each if field.many else [each], outer.part):
                yield held(part, name if place else "", count)
    if outer.node is not None and outer.node.fallback is not None:
        yield held(outer.node.fallback, "fallback")


def rows(parts: Iterable[Part], outer: Part) -> Iterator[tuple[Part, int]]:
    """Parts, and how many equal ones stand in a row; the steps of a chain stay apart."""
    if isinstance(outer, Chain):
        return ((part, 1) for part in parts)
    return ((part, len(list(same))) for part, same in groupby(parts))


def acts(field: Any) -> bool:
    """Whether a field holds what is drawn as a thing of its own."""
    return field.kind is not None and issubclass(field.kind, ACTING)


def heading(part: Part) -> str:
    """A part's name, or its model's, with its parameters."""
    if isinstance(part, Model):
        return shown(part.model) + spelled(part, ("model",))
    if hasattr(part, "call"):  # a function
        return str(getattr(part, "name", "")) or part.name_of_part
    acting = [name for name, field in fields(type(part)).items() if acts(field)]
    return part.name_of_part + spelled(part, acting)


def shown(name: str) -> str:
    """A name, in quotes where it would break its line."""
    return name if name.isprintable() else text(name)


def spelled(part: Part, without: Collection[str]) -> str:
    """Parameters as in notation; long ones are cut, a function without a name is `…`."""
    given = []
    for name, plain in differing(part, without):
        try:
            said = value(plain())
        except ConfigError:
            said = "…"
        given.append(f"{name}={said if len(said) <= LONGEST else said[: LONGEST - 1] + '…'}")
    return f"({', '.join(given)})" if given else ""


def below(outer: Held, margin: str) -> Iterator[str]:
    """The lines of what a part holds."""
    parts = list(inside(outer))
    for place, each in enumerate(parts, 1):
        last = place == len(parts)
        yield f"{margin}{'└─ ' if last else '├─ '}{each.title(arrows=True)}"
        yield from below(each, margin + ("   " if last else "│  "))


class Chart:
    """A flowchart as it is drawn: boxes in the order of their numbers, then arrows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.arrows: list[str] = []
        self.number = 0
        self.margin = ""

    def id(self) -> str:
        """A name that no other box has."""
        self.number += 1
        return f"n{self.number}"

    def box(self, left: str, right: str, label: str) -> str:
        """A box of its own; the id that arrows know it by."""
        name = self.id()
        self.lines.append(f"{self.margin}{name}{left}{escaped(label)}{right}")
        return name

    def drawn(self, each: Held, sources: Sequence[str]) -> tuple[str, str]:
        """A part, fed by these boxes: the id of it all, and of the box that its answer leaves."""
        part = each.part
        if not isinstance(part, Panel | Chain | Graph):
            left, right = next(
                (left, right) for kind, left, right in SHAPES if isinstance(part, kind)
            )
            name = self.box(left, right, each.title())
            self.arrows += [f"{source} --> {name}" for source in sources]
            self.asking(name, inside(each))
            return name, name
        name, margin = self.id(), self.margin
        self.lines.append(f'{margin}subgraph {name}["{escaped(each.title())}"]')
        self.margin += "    "
        last = self.composed(part, sources)
        self.margin = margin
        self.lines.append(f"{margin}end")
        if each.node is not None and each.node.fallback is not None:
            self.asking(name, [held(each.node.fallback, "fallback")])
        return name, last

    def asking(self, name: str, others: Iterable[Held]) -> None:
        """Dotted arrows to whom a part asks."""
        for other in others:
            self.arrows.append(f"{name} -.-> {self.drawn(other, [])[0]}")

    def composed(self, part: Panel | Chain | Graph, sources: Sequence[str]) -> str:
        """What is inside a panel, a chain or a graph; the id of the box that its answer leaves."""
        if isinstance(part, Panel):
            return self.panel(part, sources)
        if isinstance(part, Chain):
            for step in part.steps:
                sources = [self.drawn(held(step), sources)[1]]
            return sources[0]
        layout = part._layout
        leaves: dict[int, str] = {}
        for place in layout.order:
            given = [leaves[needed] for needed in layout.steps[place].needs]
            leaves[place] = self.drawn(held(part.nodes[place]), given or sources)[1]
        return leaves[layout.output]

    def panel(self, part: Panel, sources: Sequence[str]) -> str:
        """Route, members, judge, vote."""
        if part.route is not None:
            sources = [self.drawn(held(part.route, "route"), sources)[1]]
        members = [held(member, "", count) for member, count in rows(part.members, part)]
        drafts = [self.drawn(member, sources)[1] for member in members]
        if part.judge is not None:
            drafts = [self.drawn(held(part.judge, "judge"), drafts)[1]]
        return self.drawn(held(part.vote, "vote"), drafts)[1]


def escaped(label: str) -> str:
    """A label that Mermaid shows as it is."""
    return UNSAFE.sub(lambda found: f"#{ord(found[0])};", label)
