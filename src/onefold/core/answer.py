"""A candidate, or the winner: an answer knows the drafts it was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct, structs

from onefold.core.errors import ConfigError, OnefoldError, Unreadable, unknown
from onefold.core.explain import explanation, html, table
from onefold.core.tally import Tally, Trust
from onefold.core.usage import NOTHING, Usage

hearers: list[Callable[[Any, float, Any], None]] = []  # who is told of feedback
Status = Literal["answered", "abstained", "failed", "cancelled", "skipped"]
UNDONE: dict[str, Status] = {"Cancelled": "cancelled", "Skipped": "skipped"}


class Failure(Struct, frozen=True):
    """Why a draft is missing: `kind` is the error's name, `Cancelled` for one no longer needed,
    `Skipped` for a node of a graph that did not run.
    """

    kind: str
    message: str = ""


class Token(Struct, frozen=True, omit_defaults=True):
    """A token of a reply: its text, its natural log-probability, and likely alternatives'."""

    text: str
    logprob: float
    top: dict[str, float] = {}


class Answer(Struct, frozen=True):
    """What one model said, or what a panel decided.

    text: the words as given; for a vote, the winner's own words.
    value: what the reader made of them; None means unread or unreadable.
    source: who said it.
    confidence: share in [0, 1], None where nobody stated one.
    probs: probability of each label, where the source gives them.
    tally: the counted vote behind it, None for a leaf.
    drafts: the answers it was made from, in member order; failed and cancelled ones included.
    unasked: members that were never asked, because it was enough without them.
    usage: everything called on the way to it.
    seconds: from the question to this answer.
    error: set on a draft that failed.
    model, sample: the model that spoke, and which of its draws it was; for leaves.
    finish: why a leaf's text ended: stop, until (at a text given as `until`, where the service
        tells), length (it was cut off), filtered, refused, tool.
    tokens: a leaf's tokens with their log-probabilities, where they were asked for.
    reasoning: what a leaf thought aloud, where its service tells it.
    trust: the fitted probability that it is right, where a fit stands behind `confidence`.
    asked: the prompt that it answers; only on what a caller gets, for `feedback`.
    unread: why a leaf has no typed value, where one was asked for.
    """

    text: str = ""
    value: Any = None
    source: str = ""
    confidence: float | None = None
    probs: dict[str, float] | None = None
    tally: Tally | None = None
    drafts: tuple[Answer, ...] = ()
    unasked: tuple[str, ...] = ()
    usage: Usage = NOTHING
    seconds: float = 0.0
    error: Failure | None = None
    model: str = ""
    sample: int = 0
    finish: str = ""
    tokens: tuple[Token, ...] = ()
    reasoning: str = ""
    trust: Trust | None = None
    asked: str = ""
    unread: str = ""

    @property
    def votes(self) -> dict[str, float]:
        """Score of each candidate; empty for a leaf."""
        return self.tally.votes if self.tally else {}

    @property
    def agreement(self) -> float:
        """The winner's share of the vote in [0, 1]; 1.0 for a leaf, which nobody contradicts."""
        return self.tally.agreement if self.tally else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the fitted probability, else of the agreement; (0, 1) for a leaf."""
        if self.trust is not None:
            return (self.trust.low, self.trust.high)
        return self.tally.interval if self.tally else (0.0, 1.0)

    @property
    def quorum(self) -> int:
        """Answers that the panel needed."""
        return self.tally.quorum if self.tally else 0

    @property
    def status(self) -> Status:
        """What became of it."""
        if self.error is not None:
            return UNDONE.get(self.error.kind, "failed")
        return "abstained" if self.value is None else "answered"

    @property
    def output(self) -> Any:
        """The value that was asked for, typed where the query says a type.

        Raises:
            Unreadable: there is none; says why.
        """
        if self.value is not None:
            return self.value
        who = self.source or "the answer"
        why = self.unread or f"cannot be read: {self.text[:200]!r}"
        if self.error is not None:
            why = f"failed: {self.error.kind}: {self.error.message}"
        raise Unreadable(f"{who} {why}", model=self.model)

    @property
    def leaves(self) -> tuple[Answer, ...]:
        """The answers at the bottom: each model that was asked, once."""
        if not self.drafts:
            return (self,)
        return tuple(leaf for draft in self.drafts for leaf in draft.leaves)

    def draft(self, source: str) -> Answer:
        """The draft of one member or node, by its name.

        Raises:
            ConfigError: none has it.
        """
        found = next((draft for draft in self.drafts if draft.source == source), None)
        if found is None:
            raise unknown("draft", source, (draft.source for draft in self.drafts))
        return found

    def but(self, **changes: Any) -> Answer:
        """The same answer with some fields changed."""
        return structs.replace(self, **changes)

    def feedback(self, score: float, right: Any = None) -> None:
        """Tell how good it was, in [0, 1]; what learns as it goes takes it into account.

        right: the value that would have been right, where it is known: then every draft is graded.

        Raises:
            ConfigError: the score is no share, or the answer is none that a caller got.
        """
        if not (isinstance(score, int | float) and 0 <= score <= 1):
            raise ConfigError(f"feedback {score!r}: a score is a share in [0, 1], 1 is right")
        if not self.asked:
            raise ConfigError("feedback needs an answer as it came from ask or `await op(query)`")
        for hearer in hearers:
            hearer(self, float(score), right)

    def explain(self) -> str:
        """Who said what, as read; weights, margin, pivotal members, dissent, failures."""
        return explanation(self)

    def __rich__(self) -> Any:
        return table(self)

    def _repr_html_(self) -> str:
        return html(self)


def failed(
    source: str, error: BaseException, usage: Usage = NOTHING, seconds: float = 0.0
) -> Answer:
    """The draft of a member that failed."""
    message = str(error) or type(error).__name__
    return Answer(
        source=source, error=Failure(type(error).__name__, message), usage=usage, seconds=seconds
    )


def cancelled(source: str, usage: Usage = NOTHING, seconds: float = 0.0) -> Answer:
    """The draft of a member that was no longer needed."""
    return Answer(
        source=source, error=Failure("Cancelled", "no longer needed"), usage=usage, seconds=seconds
    )


def no_share(who: str, confidence: float | None) -> str:
    """What is wrong with a confidence; empty where it is a share in [0, 1], or not stated."""
    if confidence is None or 0.0 <= confidence <= 1.0:
        return ""
    return (
        f"{who or 'a draft'} states a confidence of {confidence!r}; it must lie in [0, 1]: "
        "divide percentages by 100, leave it out where there is none"
    )


def answered(result: object) -> Answer:
    """An answer from what a function returned: an Answer, a text, a mapping, a number, None.

    A mapping gives its text under `response`, `text` or `content`, tried in this order, and may
    give `confidence` and `value`; other values are spelled out as text and kept as `value`.
    """
    if isinstance(result, Answer):
        return result
    if result is None:
        return Answer()
    if isinstance(result, str):
        return Answer(result)
    if isinstance(result, Mapping):
        text = next((result[k] for k in ("response", "text", "content") if k in result), "")
        return Answer(str(text), result.get("value"), confidence=result.get("confidence"))
    if isinstance(result, OnefoldError):
        raise result
    return Answer(str(result), result)
