"""Signatures: named inputs become a query, and its answer a typed output."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from inspect import Parameter, getdoc
from inspect import signature as inspected
from typing import Any, get_type_hints

import msgspec
from msgspec import structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import Part
from onefold.core.query import Query
from onefold.core.registry import lookup
from onefold.signatures.inputs import Inputs, check_type, fields, inputs_of, listed, rendered, taken
from onefold.signatures.shapes import shape
from onefold.signatures.typed import Typed
from onefold.signatures.types import type_name, type_named
from onefold.verbs import Reader


class Form(Part, abstract=True):
    """Makes queries of named inputs."""

    @abstractmethod
    def __call__(self, /, **inputs: Any) -> Query:
        """The query that asks about these inputs."""

    @classmethod
    def _from_text(cls, text: str) -> Any:
        return Signature(text)


class Signature(Form, name="signature"):
    """A prompt with named inputs and a typed output: `sig(question="…")` is a query.

    template: the prompt, its inputs in braces: `{question}`, `{price:.2f}`; `{{` is a brace.
        Texts stand as they are, other values as JSON. Empty: the inputs below each other.
    inputs: a class with fields, names with their types, or names alone. Left out: the template's.
    output: what an answer holds: `str` for the text itself, or whatever `Typed` reads.
    system: instructions that stand before the prompt.
    reads: the reader of a text output, where it is more than the text.
    """

    template: str = ""
    inputs: Any = ()
    output: Any = str
    system: str = ""
    reads: Reader | None = None

    def __call__(self, /, **inputs: Any) -> Query:
        given = taken(self._inputs(), inputs, "the signature")
        reads = self.reads if self.output is str else Typed(self.output)
        schema = None if self.output is str else shape(self.output).schema
        text = rendered(self.template, given)
        return Query(text, system=self.system, inputs=given, reads=reads, schema=schema)

    def _inputs(self) -> Inputs:
        """The inputs there are."""
        return inputs_of(self.inputs if self.inputs != () else fields(self.template))

    def _check(self) -> None:
        structs.force_setattr(self, "inputs", inputs_from(self.inputs))
        if isinstance(self.output, str):
            structs.force_setattr(self, "output", type_named(self.output))
        if self.output is not str:
            shape(self.output)
            if self.reads is not None:
                raise ConfigError("reads: only a text is read: leave it out, or the output")
        known, used = self._inputs().names, fields(self.template)
        if not self.template.strip() and not known:
            raise ConfigError("a signature needs a template, or inputs")
        for name in used:
            if name not in known:
                raise ConfigError(f"template: {unknown('input', name, known)}")
        for name in known:
            if self.template and name not in used:
                raise ConfigError(
                    f"the input {name!r} is nowhere in the template: write {{{name}}} where it "
                    "belongs, or leave it out"
                )

    def _plain(self, value: Any) -> Any:
        return msgspec.to_builtins(value, enc_hook=type_name)

    def _to_text(self) -> str | None:
        plain = (self.inputs, self.output, self.system, self.reads) == ((), str, "", None)
        return self.template if plain and lookup(Form, self.template) is None else None


def inputs_from(given: Any) -> Any:
    """Inputs as a signature holds them: names, a mapping of names to types, or a class."""
    if isinstance(given, str):
        return type_named(given)
    if isinstance(given, list | tuple):
        return listed(given, "inputs")
    if isinstance(given, Mapping):
        listed(given, "inputs")
        kinds = {k: type_named(v) if isinstance(v, str) else v for k, v in given.items()}
        for name, kind in kinds.items():
            check_type(name, kind)
        return kinds
    return given


def signature(call: Callable[..., Any]) -> Signature:
    """Make a signature of a function that is only declared: parameters are its inputs, the
    docstring is the template, and what it returns is the output.

    Raises:
        ConfigError: it has no docstring, a parameter has a default, or a type is not known.
    """
    name = getattr(call, "__name__", "the function")
    parameters = inspected(call).parameters
    for one in parameters.values():
        if one.default is not Parameter.empty or one.kind in (
            Parameter.VAR_POSITIONAL,
            Parameter.VAR_KEYWORD,
        ):
            raise ConfigError(
                f"{name}: {one} is no input that must be given: take a class of inputs, whose "
                "fields may have defaults"
            )
    template = getdoc(call)
    if not template:
        raise ConfigError(f"{name} has no docstring: it is the template")
    try:
        hints = get_type_hints(call, include_extras=True)
    except NameError as error:
        raise ConfigError(
            f"{name}: {error}: annotate with types from the top level of a module"
        ) from None
    inputs = {key: hints.get(key, Any) for key in parameters}
    return Signature(template, inputs, hints.get("return", str))
