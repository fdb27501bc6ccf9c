"""A graph: operators as named nodes that see each other's answers, run as a dataflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.operators.graph.flow import Flow
from onefold.operators.graph.layout import Layout
from onefold.operators.graph.schedule import planned, ranks
from onefold.operators.planning import Imagined, cost
from onefold.runtime.plan import Plan
from onefold.verbs import Operator


class Graph(Operator, name="graph", dict=True):
    """Operators as named nodes. Each starts when what it waits for is there, and not later.

    nodes: `{name: operator}`; a `Node` says besides what it waits for and what it is given.
        Those that ask the same of equal operators draw different samples.
    output: the node whose answer is the graph's; the only one that no other waits for, unless
        said. All nodes run, and all their answers are its drafts.
    most_concurrent: nodes that run at a time: 1 is one after the other, None all that can.
    first: which of the nodes that could start goes first where not all may: as `listed`, the
        `cheapest`, or that with the `longest` way to the end; both as planned.
    """

    nodes: tuple[Operator, ...]
    output: str = ""
    most_concurrent: Annotated[int, Meta(ge=1)] | None = None
    first: Literal["listed", "cheapest", "longest"] = "listed"

    if TYPE_CHECKING:

        def __init__(
            self,
            nodes: Mapping[str, Operator | str | Any] | Sequence[Operator],
            output: str = "",
            most_concurrent: int | None = None,
            first: Literal["listed", "cheapest", "longest"] = "listed",
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        bounded = self.most_concurrent is not None and self.first != "listed"
        order = ranks(self._layout, query, self.first) if bounded else ()
        return await Flow(self._layout, query, self.most_concurrent, order).run()

    @cached_property
    def _layout(self) -> Layout:
        """Who waits for whom; worked out once, as a graph never changes."""
        return Layout(self.nodes, self.output)

    def _check(self) -> None:
        if not self.nodes:
            raise ConfigError("the graph is empty: give it at least one node")
        self._layout  # noqa: B018 (a graph that cannot run is refused when it is built)


@cost.register(Graph)
def graph_cost(part: Graph, query: Query, shares: dict[int, Imagined]) -> Plan:
    """All nodes, each as soon as what it waits for is there."""
    return planned(part._layout, query, part.most_concurrent, part.first, shares)
