"""One model as an operator: it renders the query into messages and answers with the reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.query import Message, Query
from onefold.delivery.deliver import deliver
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider, Request, Sampling
from onefold.delivery.session import here
from onefold.signatures.shapes import shape
from onefold.signatures.typed import Typed, held_to, holds, instructed
from onefold.verbs import Operator

Positive = Annotated[int, Meta(ge=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class Model(Operator, name="model"):
    """A model by its name in the session, or by `provider:model`.

    temperature, top_p, top_k, max_tokens, seed, until, presence_penalty, frequency_penalty: how
        it draws; None leaves it to the service. `until` are texts at which it stops.
    system: instructions that stand before the query's own.
    provider: the provider itself, for a model that no session needs to know.
    effort: how long it thinks, in its service's words: low, medium, high.
    logprobs: alternatives to report beside each token; 0 only the token's own log-probability.
        The answer's confidence is then the geometric mean of its tokens' probabilities.
    schema: JSON Schema that its replies must fit, unless the query has one.
    """

    model: str
    temperature: Annotated[float, Meta(ge=0)] | None = None
    max_tokens: Positive | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    seed: int | None = None
    until: tuple[str, ...] = ()
    system: str = ""
    provider: Provider | None = None
    top_k: Positive | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    effort: str | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    schema: Mapping[str, Any] | None = None

    async def answer(self, query: Query) -> Answer:
        request = self._request(query)
        if isinstance(query.reads, Typed):
            return await held_to(query.reads.output, request, self._said)
        return await self._said(request)

    async def _said(self, request: Request) -> Answer:
        """What comes back, as an answer."""
        reply = await deliver(request, self._own())
        return Answer(
            reply.text,
            source=self.model,
            confidence=reply.confidence,
            probs=reply.probs,
            model=self.model,
            sample=request.sample,
            finish=reply.finish,
            tokens=reply.tokens,
            reasoning=reply.reasoning,
        )

    def _request(self, query: Query) -> Request:
        """The query as it is sent."""
        sampling = Sampling(
            self.temperature,
            self.top_p,
            self.max_tokens,
            self.seed,
            self.until,
            self.top_k,
            self.presence_penalty,
            self.frequency_penalty,
            self.effort,
        )
        messages = rendered(query, self.system)
        if "user" not in [message.role for message in messages]:
            raise ConfigError(f"nothing to send to {self.model}: the query has no text or messages")
        schema = self.schema if query.schema is None else query.schema
        if isinstance(query.reads, Typed):
            schema = shape(query.reads.output).schema if schema is None else schema
            if not self._structured():
                messages, schema = instructed(messages, schema), None
        return Request(
            self.model,
            messages,
            sampling,
            query.labels,
            query.id,
            query.sample,
            query.prompt,
            schema,
            self.logprobs,
        )

    def _own(self) -> Deployment | None:
        """The deployment that the model brings itself, if it does."""
        return None if self.provider is None else here().models.owned(self.model, self.provider)

    def _structured(self) -> bool:
        """Whether whoever may answer can hold a reply to a JSON Schema."""
        models = here().models
        return all(holds(one.provider) for one in models.members(self._own() or self.model))

    def _check(self) -> None:
        if not self.model.strip():
            raise ConfigError("a model needs a name, such as provider:model")

    def _to_text(self) -> str | None:
        plain = all(
            getattr(self, name) in (None, (), "")
            for name in self.__struct_fields__
            if name != "model"
        )
        return self.model if plain and ":" in self.model else None


def rendered(query: Query, system: str = "") -> tuple[Message, ...]:
    """A query as messages: system, conversation, text; drafts are shown to whoever comes after."""
    if not (query.messages or query.drafts or query.labels or query.system or system):
        return (Message("user", query.text),) if query.text else ()
    instructions = "\n\n".join(text for text in (system, query.system) if text)
    head = (Message("system", instructions),) if instructions else ()
    told = [query.text] if query.text else []
    if query.drafts:
        shown = (f"Draft {i} ({d.source}):\n{d.text}" for i, d in enumerate(query.drafts, 1))
        told.append("\n\n".join(["Answers given so far:", *shown]))
    if query.labels:
        told.append(f"Answer with one of: {', '.join(query.labels)}")
    before = query.messages
    if told and not query.text and before and before[-1].role == "user":
        before, told = before[:-1], [before[-1].content, *told]
    tail = (Message("user", "\n\n".join(told)),) if told else ()
    return (*head, *before, *tail)
