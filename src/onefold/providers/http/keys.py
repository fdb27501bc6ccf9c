"""Keys of services: named in a configuration, read where they lie, shown nowhere."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from onefold.core.errors import ConfigError

SECRET = re.compile(
    r"auth(?!or\b|ority)|cookie|token|secret|credential|password|(?<!idempotency-)key\b", re.I
)
HIDDEN = "[key]"


def named(spec: str) -> bool:
    """Whether a text says where a key lies, rather than being one."""
    return spec.startswith(("env:", "file:")) and len(spec.partition(":")[2].strip()) > 0


def check(spec: str, field: str) -> None:
    """Refuse a key that stands in the configuration itself.

    Raises:
        ConfigError: it does; its value is not shown.
    """
    if spec and not named(spec):
        raise ConfigError(
            f"{field}: a key does not belong into a configuration, which is printed and stored: "
            "write env:NAME or file:PATH"
        )


def check_headers(headers: dict[str, str]) -> None:
    """Refuse a header that carries a secret in the configuration itself.

    Raises:
        ConfigError: it does; its value is not shown.
    """
    for name, value in headers.items():
        if SECRET.search(name):
            check(value, f"headers.{name}")


def read(spec: str, variables: tuple[str, ...], who: str) -> str:
    """The key that `env:NAME` or `file:PATH` names; without either, of the first variable set.

    Raises:
        ConfigError: there is none, or it cannot be a header; its value is not shown.
    """
    if not spec:
        found = next((os.environ[name] for name in variables if os.environ.get(name)), "")
        if not found.strip():
            raise ConfigError(
                f"{who} has no key: set {' or '.join(variables)}, or say where it lies with "
                "key: env:NAME or key: file:PATH"
            )
        return clean(found, who)
    kind, _, place = spec.partition(":")
    place = place.strip()
    if kind == "env":
        value = os.environ.get(place, "")
        if not value.strip():
            raise ConfigError(f"{who} has no key: the environment variable {place} is not set")
        return clean(value, who)
    try:
        path = Path(place).expanduser()
        text = held(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text, or no path"
        raise ConfigError(f"{who} has no key: {place} cannot be read ({reason})") from None
    return clean(text, who)


@lru_cache(64)
def held(path: Path, changed: int) -> str:  # noqa: ARG001 (a part of the cache's key)
    """A file's text, read again when it has changed."""
    return path.read_text(encoding="utf-8")


def clean(value: str, who: str) -> str:
    """The key without the space around it.

    Raises:
        ConfigError: it has characters that no header may hold.
    """
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ConfigError(f"{who}: its key is empty or holds characters that no key has")
    return value


def scrubbed(text: str, *secrets: str) -> str:
    """A text, such as a service's own message, with every key in it hidden."""
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, HIDDEN)
    return text
