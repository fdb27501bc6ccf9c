"""Where parts are known: by kind and name, ours and those of installed packages alike."""

from __future__ import annotations

from functools import cache
from typing import Any

from onefold.core.errors import ConfigError, OnefoldError, unknown

registry: dict[Any, dict[str, Any]] = {}


def kind_of(cls: Any) -> Any:
    """The kind a part belongs to: the abstract class right below Part."""
    kinds = [base for base in cls.__mro__[::-1] if "abstract" in vars(base)]
    if len(kinds) < 2:
        raise TypeError(f"{cls.__name__} is no kind of part")
    return kinds[1]


def register(kind: Any, name: str, thing: Any) -> None:
    """Make a part class, or a ready part, known under a name of its kind.

    Raises:
        ConfigError: another part of this kind has the name.
    """
    held = registry.setdefault(kind_of(kind), {})
    other = held.get(name)
    if other is not None and origin(other) != origin(thing):
        noun = kind_of(kind).__name__.lower()
        raise ConfigError(
            f"two {noun}s named {name!r}: {origin(other)} and {origin(thing)}; rename one"
        )
    held[name] = thing


def origin(thing: Any) -> str:
    """Where a registered thing was defined; running a notebook cell again is no clash."""
    source = thing if isinstance(thing, type) else getattr(thing, "call", thing)
    return f"{getattr(source, '__module__', '')}.{getattr(source, '__qualname__', repr(source))}"


@cache
def announced() -> None:
    """Load what installed packages announce under the entry point `onefold.parts`, once."""
    from importlib.metadata import entry_points

    for point in entry_points(group="onefold.parts"):
        try:
            point.load()
        except OnefoldError:
            raise
        except Exception as error:
            raise ConfigError(f"the plug-in {point.value!r} does not load: {error!r}") from error


def lookup(kind: Any, name: str) -> Any:
    """The class or ready part registered under a name, None where there is none."""
    held = registry.get(kind_of(kind), {})
    if name not in held:
        announced()
        held = registry.get(kind_of(kind), {})
    return held.get(name)


def names(kind: Any) -> list[str]:
    """All names known for a kind."""
    announced()
    return sorted(registry.get(kind_of(kind), {}))


def no_such(kind: Any, name: object) -> ConfigError:
    """The error for an unknown name of a kind."""
    return unknown(kind_of(kind).__name__.lower(), name, names(kind))


def lookup_kind(name: str) -> Any:
    """A kind by its class name."""
    announced()
    return next(kind for kind in registry if kind.__name__ == name)
