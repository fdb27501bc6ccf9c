"""A Python function as an operator: its arguments come by name, from inputs or from a draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from inspect import Parameter, signature
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from onefold.core.answer import Answer, answered
from onefold.core.errors import ConfigError, Unreadable, unknown
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.functions import FunctionOperator, called, known, named
from onefold.readers.json import documents
from onefold.verbs import Operator


def tool(call: Callable[..., Any]) -> Operator:
    """Turn a function into an operator that is called with named arguments.

    They come from the query's inputs; where some are missing, from the JSON object in the draft
    that is handed on, else in the query's text; a single missing one may be that text itself. Each
    is checked against its annotation. What the function returns is the answer's value.

    Configurations know it by the function's name. Blocking functions run in a thread.

    Raises:
        ConfigError: the function cannot be called by names; on asking, an input is missing or
            does not fit.
        Unreadable: on asking, what a model wrote holds no such arguments.
    """
    return known(FunctionOperator(Call(call), named(call)))


class Argument(Struct, frozen=True):
    """One parameter of a function: its type, and whether it must be given."""

    type: Any
    needed: bool


class Call:
    """A function that takes a query; two are equal where the function is the same."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        self.name = named(function) or repr(function)
        self.arguments = arguments(function, self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and other.function == self.function

    def __hash__(self) -> int:
        return hash(self.function)

    async def __call__(self, query: Query) -> Answer:
        """What the function returns, as an answer."""
        said = await called(partial(self.function, **self._given(query)))
        if said is None or isinstance(said, str | Answer):
            return answered(said)
        return Answer(spell(said), said)

    def _given(self, query: Query) -> dict[str, Any]:
        """The arguments that a query gives, each as its type wants it."""
        given = {}
        for name, value in query.inputs.items():
            if name in self.arguments:
                given[name], wrong = self._fitting(name, value)
                if wrong:
                    raise ConfigError(f"{wrong}: give another input")
        missing = [n for n, each in self.arguments.items() if each.needed and n not in given]
        return given | self._written(query, given, missing) if missing else given

    def _written(
        self, query: Query, given: Mapping[str, Any], missing: list[str]
    ) -> dict[str, Any]:
        """The arguments that somebody wrote: in the last draft, else in the query's text.

        Raises:
            ConfigError: nobody wrote anything.
            Unreadable: what was written does not hold what is missing, or something else.
        """
        draft = query.drafts[-1] if query.drafts else Answer(query.prompt, source="the query")
        text, who = draft.text.strip(), draft.source
        if not text:
            raise ConfigError(f"{self._needs(missing)}: give it in the query's inputs")
        written = draft.value if isinstance(draft.value, Mapping) else found(text)
        if written is None and len(missing) == 1:
            written = {missing[0]: text}
        if written is None:
            raise Unreadable(f"{self._needs(missing)}, {who} wrote no JSON object: {text[:200]!r}")
        said = {}
        for name in written:
            if name not in self.arguments:
                raise Unreadable(f"{self.name}: {unknown('argument', name, self.arguments)}")
            said[name], wrong = self._fitting(name, written[name])
            if wrong:
                raise Unreadable(f"{wrong}: {who} wrote {text[:200]!r}")
        left = [name for name in missing if name not in said]
        if left:
            raise Unreadable(f"{self._needs(left)}, {who} wrote {text[:200]!r}")
        return {name: value for name, value in said.items() if name not in given}

    def _fitting(self, name: str, value: Any) -> tuple[Any, str]:
        """A value as an argument's type wants it, and what is wrong with it."""
        try:
            return msgspec.convert(value, self.arguments[name].type, strict=False), ""
        except (msgspec.ValidationError, TypeError) as error:
            return None, f"{self.name}: {name}={value!r:.80} does not fit: {error}"

    def _needs(self, names: list[str]) -> str:
        return f"{self.name} needs {', '.join(names)}"


def arguments(function: Callable[..., Any], name: str) -> dict[str, Argument]:
    """The parameters of a function by name, those that have one of their own.

    Raises:
        ConfigError: it does not say them, or one that it needs cannot be given by name.
    """
    try:
        known, hints = signature(function).parameters, get_type_hints(function)
    except (TypeError, ValueError, NameError) as error:
        raise ConfigError(
            f"{name} does not say which arguments it takes ({error}): wrap it in a function that "
            "does"
        ) from None
    found = {}
    for each in known.values():
        needed = each.default is Parameter.empty
        if each.kind is Parameter.POSITIONAL_ONLY and needed:
            raise ConfigError(
                f"{name} takes {each.name} by place, a tool's arguments come by name: wrap it in a "
                "function that names it"
            )
        if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            found[each.name] = Argument(hints.get(each.name, Any), needed)
    return found


def found(text: str) -> Mapping[str, Any] | None:
    """The JSON object in a text, if there is one."""
    return next((value for value in documents(text) if isinstance(value, Mapping)), None)
