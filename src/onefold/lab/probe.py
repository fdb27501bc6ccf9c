"""What a model really does, found by a few tiny questions, each for one capability."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from onefold.core.errors import BudgetExceeded, ConfigError, ModelError
from onefold.core.query import Message
from onefold.core.usage import NOTHING, Usage
from onefold.delivery.budget import bounded
from onefold.delivery.deliver import deliver
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider, Reply, Request, Sampling
from onefold.delivery.session import Session
from onefold.providers.wires.embeddings import Embedder
from onefold.providers.wires.wire import Wire
from onefold.runtime.trace import Listener, Phase, Span

MOST = 256  # tokens a reply may have: hidden reasoning counts too
PATIENCE = 60.0  # seconds that one question may take, its retries included
BEGUN = "Counting: 1, 2, 3, 4, 5,"  # as nobody begins who has not read it
SCHEMA = {
    "type": "object",
    "properties": {"days": {"type": "integer"}},
    "required": ["days"],
    "additionalProperties": False,
}
ASKED = {
    "text": "Reply with one word: ready",
    "stream": "Count from 1 to 20, in digits, with commas between them.",
    "continues": "Count from 1 to 8, in digits, with commas between them.",
    "schema": "How many days does a week have?",
    "logprobs": "Reply with one word: ready",
}


class Finding(Struct, frozen=True):
    """One capability of a model, as it is declared and as it was seen.

    what: text, usage, stream, continues, schema, logprobs; or vectors, of a model that embeds.
    declared: whether its provider says that it has it; None where it does not say.
    works: whether it was seen to have it; None where that was not found out.
    said: what was seen, or why it was not.
    """

    what: str
    declared: bool | None
    works: bool | None
    said: str


class Probed(Struct, frozen=True):
    """What was found about a model, and what all questions about it used."""

    model: str
    findings: tuple[Finding, ...]
    usage: Usage = NOTHING

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it was seen to do, in the words of `Deployment.capabilities`."""
        return tuple(finding.what for finding in self.findings if finding.works)


async def probe(name: str, session: Session) -> Probed:
    """Ask a model of a session what it can do; where it gives no text, nothing more is asked.

    The calls walk the corridor as all others: they are paid for and journalled, and a cache
    answers those that it holds.

    Raises:
        ConfigError: no such model, no key for it, or it is a fleet; nothing was called.
        BudgetExceeded: not even the first question fits.
    """
    model = deployed(name, session)
    findings: list[Finding] = []
    used = NOTHING
    with session:
        for what, request in questions(model).items():
            declared = declares(model.provider, what)
            if not asks(what, declared):
                findings.append(Finding(what, declared, None, "not declared, so not asked"))
                continue
            pieces = Pieces()
            heard: tuple[Listener, ...] = (pieces,) if what == "stream" else ()
            with Span("answer", name, request, None, (*session.listeners, *heard)) as span:
                seen, reply = await tried(request, pieces, what)
            used += span.usage
            findings.append(Finding(what, declared, *seen))
            if reply is None and len(findings) == 1:
                break
            if what == "text" and reply is not None:
                findings.append(Finding("usage", None, *told(reply)))
    return Probed(name, tuple(findings), used)


def deployed(name: str, session: Session) -> Deployment:
    """The one deployment behind a name.

    Raises:
        ConfigError: nobody knows the name, or a fleet has it.
    """
    found = session.models.find(name)
    if isinstance(found, Deployment):
        return found
    raise ConfigError(f"{name} is a fleet: probe its deployments ({', '.join(found.of)})")


def questions(model: Deployment) -> dict[str, Request]:
    """What a model is asked, by the capability that it is asked for."""
    provider = model.provider
    if isinstance(provider, Embedder):
        return {"vectors": Request(model.name, (Message("user", "ready"),))}
    capped = not isinstance(provider, Wire) or "max_tokens" not in provider.service.lacks
    sampling = Sampling(max_tokens=MOST) if capped else Sampling()
    made = {}
    for what, text in ASKED.items():
        messages: tuple[Message, ...] = (Message("user", text),)
        if what == "continues":
            messages = (*messages, Message("assistant", BEGUN))
        schema = SCHEMA if what == "schema" else None
        logprobs = 0 if what == "logprobs" else None
        made[what] = Request(
            model.name, messages, sampling, asked=text, schema=schema, logprobs=logprobs
        )
    return made


def cost(name: str, session: Session) -> Usage:
    """The most that probing a model can use, where each question is asked once.

    Raises:
        ConfigError: as `probe`.
    """
    model = deployed(name, session)
    asked = [
        model.bound(request.most_tokens_in, 0 if what == "vectors" else MOST)
        for what, request in questions(model).items()
        if asks(what, declares(model.provider, what))
    ]
    return sum(asked, NOTHING)


def declares(provider: Provider, what: str) -> bool | None:
    """Whether a provider says that it has a capability; None where it does not say."""
    if not isinstance(provider, Wire):
        return None
    if what == "continues":
        return (provider.continues or provider.service.continues) != "none"
    if what in ("schema", "logprobs"):
        return what not in provider.service.lacks
    return True


def asks(what: str, declared: bool | None) -> bool:
    """Whether a capability is asked for: what is declared, and what may be there unsaid."""
    return declared is not False and (declared is True or what != "continues")


async def tried(
    request: Request, pieces: Pieces, what: str
) -> tuple[tuple[bool | None, str], Reply | None]:
    """What one question shows, and its reply, None where it brought none.

    Raises:
        BudgetExceeded: the first question does not fit. ConfigError: it cannot be asked.
    """
    try:
        with bounded(PATIENCE, None):
            reply = await deliver(request)
    except BudgetExceeded as error:
        if what == "text":
            raise
        return (None, str(error)), None
    except ModelError as error:
        passing = error.retryable and what != "text"
        return (None if passing else False, f"{type(error).__name__}: {error}"), None
    if what == "stream":
        return streamed(pieces.count), reply
    return SEEN[what](reply), reply


class Pieces:
    """A listener that counts the pieces in which words come."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        if phase == "note" and what == "token":
            self.count += 1


def spoke(reply: Reply) -> tuple[bool, str]:
    """Whether there is a text."""
    if reply.text.strip():
        return True, f"{reply.text.strip()!r:.40}"
    if reply.finish == "length":  # it was there, and thought for longer
        return True, f"nothing said in {MOST} tokens: it reasons, give it more"
    return False, f"an empty reply, finish {reply.finish!r}"


def told(reply: Reply) -> tuple[bool, str]:
    """Whether the service counts its tokens."""
    if reply.tokens_in is None or reply.tokens_out is None:
        return False, "not told: tokens and money are estimated"
    return True, f"{reply.tokens_in} tokens in, {reply.tokens_out} out"


def streamed(pieces: int) -> tuple[bool, str]:
    """Whether words come in more pieces than one."""
    return pieces > 1, f"in {pieces} pieces" if pieces > 1 else "all at once"


def continued(reply: Reply) -> tuple[bool, str]:
    """Whether it counts on from where its reply was left."""
    first = re.search(r"\d+", reply.text)
    if first is not None and first[0] == "6":
        return True, "goes on where it was left"
    if first is not None and first[0] == "1":
        return False, "begins anew: declare it as continues: none"
    return False, f"does not go on where it was left: {reply.text.strip()!r:.40}"


def fits(reply: Reply) -> tuple[bool, str]:
    """Whether the reply has the form that was asked for."""
    try:
        found = msgspec.json.decode(reply.text)
    except (msgspec.DecodeError, UnicodeError):
        return False, f"no JSON: {reply.text.strip()!r:.40}"
    if isinstance(found, dict) and set(found) == {"days"} and type(found["days"]) is int:
        return True, reply.text.strip()[:40]
    return False, f"JSON of another form: {reply.text.strip()!r:.40}"


def weighed(reply: Reply) -> tuple[bool, str]:
    """Whether tokens come with log-probabilities."""
    if not reply.tokens:
        return False, "none came"
    if any(token.logprob > 0 for token in reply.tokens):
        return False, "some are positive, which no log-probability is"
    return True, f"of {len(reply.tokens)} tokens"


def embedded(reply: Reply) -> tuple[bool, str]:
    """Whether there is a vector."""
    if len(reply.vectors) != 1 or not reply.vectors[0]:
        return False, f"{len(reply.vectors)} vectors for one text"
    return True, f"of {len(reply.vectors[0])} dimensions"


SEEN: dict[str, Callable[[Reply], tuple[bool, str]]] = {
    "text": spoke,
    "continues": continued,
    "schema": fits,
    "logprobs": weighed,
    "vectors": embedded,
}
