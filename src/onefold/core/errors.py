"""What can go wrong, drawn as one tree.

OnefoldError
├── ConfigError          a part, name, file or value is wrong; nothing was called
├── ModelError           one member failed; a panel goes on without it
│   ├── RateLimited      the service asks for patience (`retry_after` seconds)
│   ├── Unreachable      no connection, it broke, or the service is down (5xx)
│   ├── TimedOut         the deadline passed first
│   ├── Refused          the service or the model declined this request
│   │   ├── WrongKey     the key is unknown, or may not do this
│   │   ├── NoSuchModel  the service does not know the model
│   │   ├── TooLong      more tokens than the model's context window holds
│   │   ├── Filtered     the service's content filter stopped it
│   │   └── NoCredit     the account's money or quota is used up
│   └── Unreadable       a reply came that makes no sense
├── NoAnswer             everyone failed, or quorum, unanimity or `least` was missed
├── BudgetExceeded       the next call would cost more than is left
├── NotRecorded          the journal cannot be written; nothing further is paid for
└── MissingExtra         an optional dependency is not installed
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class OnefoldError(Exception):
    """The root: catch this to catch everything that onefold raises on purpose."""


class ConfigError(OnefoldError):
    """A value given by the caller is wrong; the message names it, the rule and the way out."""


class ModelError(OnefoldError):
    """One member failed.

    model: who. status: the service's HTTP status, 0 where none came.
    retry_after: seconds that the service asks to wait, None where it did not say.
    retryable: whether the same request may succeed a little later.
    billed: whether the service may charge for it all the same.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        status: int = 0,
        retry_after: float | None = None,
        billed: bool = False,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.status = status
        self.retry_after = retry_after
        self.billed = billed


class RateLimited(ModelError):
    """The service limits the rate."""

    retryable = True


class Unreachable(ModelError):
    """No connection could be made, it broke before the reply was whole, or the service is down."""

    retryable = True


class TimedOut(ModelError):
    """The deadline passed before the reply came."""

    retryable = True


class Refused(ModelError):
    """The service or the model declined this request; asking again will not help."""


class WrongKey(Refused):
    """The service does not accept the key, or the key may not do this (401, 403)."""


class NoSuchModel(Refused):
    """The service does not know the model, or not at this address (404)."""


class TooLong(Refused):
    """The prompt, with what may be written, is longer than the model's context window."""


class Filtered(Refused):
    """The service's content filter stopped the prompt or the reply."""


class NoCredit(Refused):
    """The account's money or quota is used up; waiting does not bring it back."""


class Unreadable(ModelError):
    """A reply came, and it does not say what it must."""


class NoAnswer(OnefoldError):
    """No answer could be given. `drafts` holds what came and what failed, for the record."""

    def __init__(self, message: str, *, drafts: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.drafts = drafts


class BudgetExceeded(OnefoldError):
    """The next call would cost more than is left; it was not made."""


class NotRecorded(OnefoldError):
    """The journal cannot be written: rows already there are safe, no further call is made."""


class MissingExtra(OnefoldError):
    """An optional dependency is missing; the message is the line that installs it."""

    def __init__(self, extra: str, what: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'onefold[{extra}]'")
        self.extra = extra


def unknown(what: str, name: object, known: Iterable[str]) -> ConfigError:
    """The one wording for a name nobody knows: the value, the nearest known one, all known ones."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    listed = f" Known: {', '.join(names)}." if names else " None is known."
    return ConfigError(f"no {what} named {name!r}{hint}{listed}")
