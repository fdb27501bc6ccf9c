"""Where parts are known: by kind and name, ours and those of installed packages alike."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

from onefold.core.errors import ConfigError, OnefoldError, unknown

registry: dict[Any, dict[str, Any]] = {}
rooms: dict[str, str] = {}
"""The modules of public classes, by `bare` name: parts load from there when they are looked up."""


@cache
def homes(face: str) -> dict[str, str]:
    """The module of each public name, as a face imports them; nothing of it is imported.

    face: a module of nothing but imports. They are run with an `__import__` that only notes.
    """
    found: dict[str, str] = {}

    def noted(module: str, *given: Any) -> SimpleNamespace:
        wanted = given[2] or ()  # after globals and locals, before the level
        found.update(dict.fromkeys(wanted, module))
        return SimpleNamespace(**dict.fromkeys(wanted, True))

    spec: Any = find_spec(face)
    exec(spec.loader.get_code(face), {"__builtins__": {"__import__": noted}})
    own = f"{face.partition('.')[0]}."
    found = {name: module for name, module in found.items() if module.startswith(own)}
    rooms.update({bare(name): module for name, module in found.items() if name[0].isupper()})
    return found


def bare(name: str) -> str:
    """A name without marks and capitals: that of a part and that of its class are the same."""
    return name.replace("_", "").replace("-", "").lower()


def housed(name: object) -> None:
    """Load the public class that is spelled as a part's name, if there is one."""
    if room := rooms.get(bare(str(name))):
        import_module(room)


def kind_of(cls: Any) -> Any:
    """The kind a part belongs to: the abstract class right below Part."""
    kinds = [base for base in cls.__mro__[::-1] if "abstract" in vars(base)]
    if len(kinds) < 2:
        raise TypeError(f"{cls.__name__} is no kind of part")
    return kinds[1]


def register(kind: Any, name: str, thing: Any) -> None:
    """Make a part class, or a ready part, known under a name of its kind.

    Raises:
        ConfigError: another part of this kind has the name, or it has a colon.
    """
    if ":" in name:
        raise ConfigError(f"no part can be named {name!r}: the colon stands before a model's name")
    if not origin(thing).startswith("onefold."):
        housed(name)
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
    held = registry.setdefault(kind_of(kind), {})
    if name not in held and ":" not in str(name):  # `openai:gpt-4o` is no part's name
        housed(name)
        if name not in held:
            announced()
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
    if all(kind.__name__ != name for kind in registry):
        announced()
    return next(kind for kind in registry if kind.__name__ == name)
