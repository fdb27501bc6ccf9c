"""A part: a frozen value that does one verb, known by its kind and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, dataclass_transform, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct, StructMeta, structs

from onefold.core.errors import ConfigError, OnefoldError, unknown

registry: dict[type[Part], dict[str, Any]] = {}


@dataclass_transform(frozen_default=True)
class PartMeta(StructMeta):
    """Makes parts frozen, registers them by kind and name, and keeps them abstract or final."""

    def __new__(
        mcls,
        cls_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        name: str | None = None,
        abstract: bool = False,
        **options: Any,
    ) -> Any:
        for base in bases:
            if isinstance(base, PartMeta) and not base.__dict__.get("abstract"):
                raise TypeError(f"{base.__name__} is final: hold one in a part of your own instead")
        cls: Any = super().__new__(mcls, cls_name, bases, namespace, frozen=True, **options)
        cls.abstract = abstract
        if abstract:
            return cls
        verbs = [
            v for v in dir(cls) if getattr(getattr(cls, v, None), "__isabstractmethod__", False)
        ]
        if verbs:
            raise TypeError(f"{cls_name} must define {', '.join(verbs)}")
        cls.name_of_part = name or snake(cls_name)
        register(cls, cls.name_of_part, cls)
        return cls


class Part(Struct, metaclass=PartMeta, abstract=True):
    """Base of everything that is built from configuration: immutable, comparable, printable.

    Subclass an abstract kind (`Operator`, `Judge`, `Reader`, …), give it a name, and annotate its
    fields; it can then be built, dumped and found by that name.
    """

    abstract: ClassVar[bool] = True
    name_of_part: ClassVar[str] = ""

    if TYPE_CHECKING:  # class keywords go to the metaclass

        def __init_subclass__(
            cls, *, name: str | None = None, abstract: bool = False, **options: Any
        ) -> None: ...

    def __post_init__(self) -> None:
        if type(self).abstract:
            raise TypeError(f"{type(self).__name__} is abstract: use one of {names(type(self))}")
        from onefold.core.spec import fit

        fit(self)
        self._check()

    def _check(self) -> None:
        """Rules that types cannot say; raises ConfigError."""

    def __hash__(self) -> int:
        return hash((type(self), *(frozen(getattr(self, f)) for f in self.__struct_fields__)))

    @classmethod
    def _from_text(cls, text: str) -> Any:
        """A part of this kind from a text that is no registered name, or None."""
        return None

    @classmethod
    def _from_many(cls, items: list[Any]) -> Any:
        """A part of this kind from a list, or None."""
        return None

    def _to_text(self) -> str | None:
        """The text that builds this part, where there is one shorter than the mapping."""
        return None


def frozen(value: Any) -> Any:
    """A hashable stand-in for a field's value."""
    if isinstance(value, Mapping):
        return frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def snake(name: str) -> str:
    """`LowercaseTrim` → `lowercase_trim`."""
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


def kind_of(cls: Any) -> Any:
    """The kind a part belongs to: the abstract class right below Part."""
    for base in cls.__mro__[::-1]:
        if isinstance(base, PartMeta) and base is not Part:
            return base
    raise TypeError(f"{cls.__name__} is no part")


def register(kind: type[Part], name: str, thing: Any) -> None:
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
    source = getattr(thing, "call", thing)
    return f"{getattr(source, '__module__', '')}.{getattr(source, '__qualname__', repr(source))}"


@cache
def announced() -> None:
    """Load what installed packages announce under the entry point `onefold.parts`, once."""
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


class Field(Struct, frozen=True):
    """One field of a part: its type, and which kind of part it holds, if any."""

    name: str
    type: Any
    default: Any
    kind: Any = None
    many: bool = False
    optional: bool = False


@cache
def fields(cls: type[Part]) -> dict[str, Field]:
    """The fields of a part class by name, in order."""
    hints = get_type_hints(cls, include_extras=True)
    made = {}
    for info in structs.fields(cls):
        hint = hints[info.name]
        default = info.default
        if info.default_factory is not NODEFAULT:
            default = info.default_factory()
        kind, many, optional = held_kind(hint)
        made[info.name] = Field(info.name, hint, default, kind, many, optional)
    return made


def held_kind(hint: Any) -> tuple[Any, bool, bool]:
    """Whether a type says «a part», «several parts», «a part or none»: (kind, many, optional)."""
    if isinstance(hint, PartMeta):
        return hint, False, False
    arguments = getattr(hint, "__args__", ())
    kinds = [a for a in arguments if isinstance(a, PartMeta)]
    if not kinds:
        return None, False, False
    return kinds[0], getattr(hint, "__origin__", None) is tuple, type(None) in arguments


def walk(part: Part) -> Iterator[Part]:
    """The part and every part it holds, outermost first."""
    yield part
    for name, field in fields(type(part)).items():
        if field.kind is None:
            continue
        held = getattr(part, name)
        for inner in held if field.many else (held,):
            if inner is not None:
                yield from walk(inner)


def converted(value: Any, hint: Any) -> Any:
    """A plain value checked against its type; lists become tuples, whole numbers floats."""
    if hint is Any or hint is Callable or getattr(hint, "__origin__", None) is Callable:
        return value
    return msgspec.convert(value, hint)
