"""Modules: an operator with a persona, a way to think, and a signature of what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.operators.model import Model, Positive
from onefold.signatures.signature import Signature
from onefold.signatures.typed import Typed
from onefold.verbs import Asks, Operator, perform


class Module(Operator, name="module"):
    """Someone with a job: a model, who it is, how it thinks, and what it is asked.

    operator: who answers: a model by its name, or anything else that answers.
    signature: what it is asked: a query's named inputs are rendered by it. A query that is just a
        text is its only input; inputs that it does not know are left to others.
    persona: who it is, as after «You are»: `a terse editor`.
    reasoning: how it is to think before it answers: `Check each figure twice.`
    temperature, top_p, max_tokens: how it draws, for a single model; None leaves it as it is.
    """

    operator: Operator
    signature: Signature | None = None
    persona: str = ""
    reasoning: str = ""
    temperature: Annotated[float, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Positive | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            operator: Operator | str | Any,
            signature: Signature | str | Any = None,
            persona: str = "",
            reasoning: str = "",
            temperature: float | None = None,
            top_p: float | None = None,
            max_tokens: int | None = None,
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        return await perform(self._speaker(), self._asked(query))

    def _asks(self, query: Query) -> Asks:
        """Its operator, once."""
        return [(self._speaker(), self._asked(query), (1.0, 1.0, 1.0))]

    def _speaker(self) -> Operator:
        """Who answers, drawing as it is told to."""
        changes = self._draws()
        return structs.replace(self.operator, **changes) if changes else self.operator

    def _draws(self) -> dict[str, Any]:
        """How it draws, where that is said."""
        said = {name: getattr(self, name) for name in ("temperature", "top_p", "max_tokens")}
        return {name: value for name, value in said.items() if value is not None}

    def _asked(self, query: Query) -> Query:
        """The query as it is put to the operator.

        Raises:
            ConfigError: an input that the signature needs is missing, or is of the wrong type.
        """
        if self.signature is not None:
            asked = self.signature(**self._inputs(query))
            held = isinstance(query.reads, Typed)  # to what another signature says
            query = query.but(
                text=asked.text,
                inputs=asked.inputs,
                system="\n\n".join(filter(None, (asked.system, query.system))),
                reads=asked.reads or (None if held else query.reads),
                schema=asked.schema or (None if held else query.schema),
            )
        persona = self.persona and f"You are {self.persona.rstrip('.')}."
        system = "\n\n".join(filter(None, (persona, query.system, self.reasoning)))
        return query.but(system=system)

    def _inputs(self, query: Query) -> dict[str, Any]:
        """The inputs that a query brings for the signature."""
        assert self.signature is not None, "asked for only where there is one"
        known = self.signature._inputs()
        if not query.inputs and len(known.needed) == 1:
            return {known.needed[0]: query.prompt}
        return {name: value for name, value in query.inputs.items() if name in known.names}

    def _check(self) -> None:
        if self._draws() and not isinstance(self.operator, Model):
            names = ", ".join(self._draws())
            raise ConfigError(f"{names}: only a single model draws so: say it where the models are")


def call(operator: Operator | str | Any, /, **inputs: Any) -> Answer:
    """Ask with named inputs and wait: `call(summarise, text="…")`."""
    asked: Operator = coerce(Operator, operator)
    return asked.ask(Query(inputs=inputs))
