"""What the tests of graphs share: models that say one thing, and operators that keep a diary."""

from asyncio import get_running_loop, sleep

import onefold as of
from onefold.operators.graph.graph import Graph
from onefold.operators.graph.node import Node

__all__ = ["Diary", "Graph", "Node", "broken", "says"]


def says(text, seconds=0.0, **more):
    """A model that says one text after so many seconds."""
    return of.Model(text, provider=of.Fake((text,), seconds=(seconds,), **more))


def broken(error="Unreachable", seconds=0.0):
    """A model that fails."""
    return of.Model("broken", provider=of.Fake(error=error, seconds=(seconds,)))


class Diary:
    """Operators that note when they were asked what, and when they answered."""

    def __init__(self):
        self.began, self.ended, self.queries = {}, {}, {}
        self.running = self.most = 0

    def node(self, name, seconds=0.0, error=None):
        """An operator that says its name and what it saw."""

        async def kept(query):
            self.running += 1
            self.most = max(self.most, self.running)
            self.began[name] = get_running_loop().time()
            self.queries[name] = query
            try:
                await sleep(seconds)
                if error is not None:
                    raise error
                return f"{name}({','.join(draft.text for draft in query.drafts)})"
            finally:
                self.running -= 1
                self.ended[name] = get_running_loop().time()

        return of.operator(kept)
