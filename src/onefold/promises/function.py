"""`@jit`: a plain function becomes an operator, and the calls in it run side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from inspect import Parameter, isasyncgenfunction, isgeneratorfunction, signature
from typing import Any

from onefold.core.answer import Answer, answered
from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.functions import known, named, spelled
from onefold.operators.planning import cost
from onefold.promises.body import Body
from onefold.runtime.plan import Plan
from onefold.verbs import Operator, label, read

LISTED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class JitFunction(Operator, name="jit"):
    """A function `question -> Answer | text | value` in which every call returns at once.

    call: plain or async. Its first parameter is the question's text, or the whole query where it
        is annotated `Query` or named `query`; `*drafts` are the drafts; every other parameter is
        the input of its name in `query.inputs`.
    """

    call: Callable[..., Any]
    name: str = ""

    async def answer(self, query: Query) -> Answer:
        listed, by_name, takes_drafts = bound(self.call, query)
        body = Body(label(self), query.but(drafts=()) if takes_drafts else query)
        result = made(await body.run(partial(self.call, *listed, **by_name)))
        if query.reads is not None and body.gave(result):
            return result.but(value=read(result.text, query))
        return result

    def _check(self) -> None:
        if isinstance(self.call, Operator):
            raise ConfigError(f"{label(self.call)} is an operator already: jit takes a function")
        if not callable(self.call):
            raise ConfigError(f"jit takes a function, not {self.call!r:.80}")
        if isgeneratorfunction(self.call) or isasyncgenfunction(self.call):
            raise ConfigError(f"{named(self.call)} is a generator: jit takes one that returns")

    def _to_text(self) -> str | None:
        return spelled(self)


def jit(call: Callable[..., Any]) -> JitFunction:
    """Turn a function into an operator whose calls run side by side as their data allows.

    In it a call to an operator returns a promise at once. A promise given to another operator
    is handed on when it is kept; using its value waits for that one alone. Configurations know it
    by the function's name, unless another operator has that.
    """
    part = JitFunction(call, named(call))
    try:
        return known(part)
    except ConfigError:
        return part


@cost.register(JitFunction)
def jit_cost(part: JitFunction, *_: Any) -> Plan:
    """Nothing that could be said before it runs."""
    return Plan(assumption=f"{label(part)} is a function: whom it asks is known when it runs")


@lru_cache(1024)
def parameters(call: Callable[..., Any]) -> tuple[Parameter, ...]:
    """A function's parameters, in order."""
    return tuple(signature(call).parameters.values())


def bound(call: Callable[..., Any], query: Query) -> tuple[list[Any], dict[str, Any], bool]:
    """A function's arguments, listed and by name, from a query; whether drafts are among them.

    Raises:
        ConfigError: it wants an input that the query has not.
    """
    listed: list[Any] = []
    by_name: dict[str, Any] = {}
    drafts = False
    for place, parameter in enumerate(parameters(call)):
        name = parameter.name
        if parameter.kind is Parameter.VAR_POSITIONAL:
            listed += query.drafts
            drafts = True
        elif parameter.kind is not Parameter.VAR_KEYWORD:
            value = argument(parameter, query, place == 0)
            if parameter.kind in LISTED:
                listed.append(value)
            else:
                by_name[name] = value
    return listed, by_name, drafts


def argument(parameter: Parameter, query: Query, first: bool) -> Any:
    """What a parameter gets of a query."""
    name = parameter.name
    if name in query.inputs:
        return query.inputs[name]
    if first:
        kind = getattr(parameter.annotation, "__name__", str(parameter.annotation))
        return query if name == "query" or kind.rpartition(".")[2] == "Query" else query.prompt
    if parameter.default is not Parameter.empty:
        return parameter.default
    raise ConfigError(
        f"the function wants {name!r}, and the query has no input of that name: "
        f"give it as Query(…, inputs={{{name!r}: …}})"
    )


def made(result: Any) -> Answer:
    """The answer in what a function returned; of several answers, one that has them as drafts."""
    if isinstance(result, list | tuple) and result and all(isinstance(a, Answer) for a in result):
        texts = "\n\n".join(draft.text for draft in result)
        return Answer(texts, [draft.value for draft in result], drafts=tuple(result))
    if isinstance(result, Mapping) and not {"response", "text", "content"} & set(result):
        return Answer(str(result), result)
    return answered(result)
