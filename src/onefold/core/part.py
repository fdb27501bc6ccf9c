"""A part: a frozen value that does one verb, made from objects, names or mappings alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    TypeVar,
    dataclass_transform,
    get_type_hints,
)

import msgspec
from msgspec import NODEFAULT, Meta, Struct, StructMeta, structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.registry import kind_of, lookup, names, no_such, register

Kind = TypeVar("Kind", bound="Part")
FilePath = Annotated[str, Meta(min_length=1, extra={"file": True})]
"""The path of a file that a part needs; relative to the recipe's folder in a recipe."""


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

    if not TYPE_CHECKING:  # type checkers know the fields themselves

        def __call__(cls, *args, **fields):  # noqa: ANN002, ANN003, ANN204, N805 (a metaclass: its self is a class)
            """Make a part; a field that nobody knows is an error that names the nearest one."""
            for name in fields:
                if name not in cls.__struct_fields__:
                    raise at(cls.name_of_part, unknown("field", name, cls.__struct_fields__))
            return super().__call__(*args, **fields)


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

    @classmethod
    def _from_part(cls, part: Part) -> Any:
        """A part of this kind from one of another kind, or None."""
        return None

    def _to_text(self) -> str | None:
        """The text that builds this part, where there is one shorter than the mapping."""
        return None

    def _plain(self, value: Any) -> Any:
        """A plain field's value as data for YAML."""
        return msgspec.to_builtins(value)


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


def located(part: Kind, folder: Path) -> Kind:
    """The part with every file below it found from a folder: relative paths become absolute."""
    changes: dict[str, Any] = {}
    for name, field in fields(type(part)).items():
        value = getattr(part, name)
        if field.kind is None:
            if field.type is FilePath or FilePath in getattr(field.type, "__args__", ()):
                changes[name] = value and str((folder / value).resolve())
        elif value is not None:
            found = [located(each, folder) for each in (value if field.many else (value,))]
            changes[name] = tuple(found) if field.many else found[0]
    changes = {name: new for name, new in changes.items() if new != getattr(part, name)}
    return structs.replace(part, **changes) if changes else part


def converted(value: Any, hint: Any) -> Any:
    """A plain value checked against its type; lists become tuples, whole numbers floats."""
    if isinstance(value, Enum):
        value = value.value
    if hint is Any or hint is Callable or getattr(hint, "__origin__", None) is Callable:
        return value
    return msgspec.convert(value, hint)


def coerce(kind: type[Kind], value: Any, where: str = "") -> Kind:
    """A part of a kind from its spelling: a part, a name, `{name: fields}`, a function.

    Raises:
        ConfigError: the name or a field is unknown, or a value is wrong; says where.
    """
    made = spelled(kind, value, where)
    if not isinstance(made, kind):
        noun = kind_of(kind).__name__.lower()
        raise ConfigError(f"{where or noun}: {value!r:.80} is no {noun}")
    return made


def spelled(kind: type[Part], value: Any, where: str) -> Any:
    """The part that a spelling means, or something that is none."""
    if isinstance(value, Part):
        return value if isinstance(value, kind) else kind_of(kind)._from_part(value)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return from_name(kind, value, where)
    if isinstance(value, Mapping):
        return from_mapping(kind, value, where)
    if isinstance(value, list | tuple):
        return kind_of(kind)._from_many(list(value))
    if isinstance(value, type) and issubclass(value, Part):
        return made(value, {}, where or value.__name__)
    if callable(value):
        function = lookup(kind, "function")
        return function(value) if function else None
    return None


def from_name(kind: type[Part], name: str, where: str) -> Part:
    """A part from a bare name: a registered one, or what the kind makes of other texts."""
    found = lookup(kind, name)
    if found is None:
        found = kind_of(kind)._from_text(name)
    if found is None:
        raise at(where, no_such(kind, name))
    return made(found, {}, where or name) if isinstance(found, type) else found


def from_mapping(kind: type[Part], value: Mapping[str, Any], where: str) -> Any:
    """A part from `{name: fields}`; a single value instead of fields is the first field."""
    if len(value) != 1:
        noun = kind_of(kind).__name__.lower()
        raise ConfigError(
            f"{where or noun}: {noun} must be one name with its fields, not {len(value)} keys: "
            f"{', '.join(map(str, value)) or 'none'}"
        )
    name, given = next(iter(value.items()))
    found = lookup(kind, name)
    path = f"{where}.{name}" if where else str(name)
    if found is None:
        raise at(where, no_such(kind, name))
    if not isinstance(found, type):
        raise ConfigError(f"{path}: {name!r} takes no fields; write just its name")
    if given is None:
        given = {}
    elif not (isinstance(given, Mapping) and set(given) <= set(fields(found))):
        first = next(iter(fields(found).values()), None)
        single = first is not None and (not isinstance(given, Mapping) or takes_mapping(first))
        if first is not None and single:
            given = {first.name: given}
    return made(found, given, path)


def takes_mapping(field: Any) -> bool:
    """Whether a mapping can be a field's whole value: plain mappings, parts, named members."""
    plain = getattr(field.type, "__origin__", None) in (dict, Mapping)
    return bool(plain) and field.default is NODEFAULT


def made(cls: type[Part], given: Mapping[str, Any], path: str) -> Part:
    """A part of a class from its fields; errors say where they stand."""
    known = fields(cls)
    for key in given:
        if key not in known:
            raise at(path, unknown("field", key, known))
    missing = [n for n, f in known.items() if f.default is NODEFAULT and n not in given]
    if missing:
        raise ConfigError(f"{path}: {cls.name_of_part} needs {', '.join(missing)}")
    try:
        return cls(**given)
    except ConfigError as error:
        raise at(path, error) from None


def fit(part: Part) -> None:
    """Turn a part's fields into what their types say: names into parts, lists into tuples."""
    for name, field in fields(type(part)).items():
        value = getattr(part, name)
        if field.kind is None:
            new = plain(value, field.type, name)
        elif value is None and field.optional:
            continue
        elif field.many:
            new = several(field.kind, value, name)
        else:
            new = coerce(field.kind, value, name)
        if new is not value:
            structs.force_setattr(part, name, new)


def plain(value: Any, hint: Any, name: str) -> Any:
    """A plain field's value, checked against its type."""
    try:
        return converted(value, hint)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"{name}: {value!r:.80} does not fit: {error}") from None


def several(kind: type[Part], value: Any, name: str) -> tuple[Part, ...]:
    """Several parts from a list, or from a mapping that names them."""
    if isinstance(value, Mapping):
        named = lookup(kind, "named")
        return tuple(named(key, coerce(kind, item, f"{name}.{key}")) for key, item in value.items())
    if isinstance(value, str | Part) or not hasattr(value, "__iter__"):
        raise ConfigError(f"{name}: expected a list or a mapping, got {value!r:.80}")
    items = list(value)
    if isinstance(value, tuple) and all(isinstance(item, kind) for item in items):
        return value
    return tuple(coerce(kind, item, f"{name}[{i}]") for i, item in enumerate(items))


def at(where: str, error: ConfigError) -> ConfigError:
    """The same error with its place in front."""
    return ConfigError(f"{where}: {error}") if where else error
