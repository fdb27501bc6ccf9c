"""What can go wrong, drawn as one tree.

OnefoldError
├── ConfigError          a part, name, file or value is wrong; nothing was called
├── ModelError           one member failed; a panel goes on without it
│   ├── RateLimited      the service asks for patience (`retry_after` seconds)
│   ├── Unreachable      no connection, or it broke
│   ├── TimedOut         the deadline passed first
│   ├── Refused          the service or the model declined this request
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
    """One member failed. `model` names it."""

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class RateLimited(ModelError):
    """The service limits the rate; `retry_after` is in seconds, None where it did not say."""

    def __init__(self, message: str, *, model: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, model=model)
        self.retry_after = retry_after


class Unreachable(ModelError):
    """No connection could be made, or it broke before the reply was whole."""


class TimedOut(ModelError):
    """The deadline passed before the reply came."""


class Refused(ModelError):
    """The service or the model declined this request; asking again will not help."""


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
