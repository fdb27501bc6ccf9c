"""Parts and YAML, both ways: `build(dump(part)) == part` for every part there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import NODEFAULT, structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import Part, converted, fields, kind_of, lookup, no_such

Kind = TypeVar("Kind", bound=Part)
LARGEST = 4_000_000


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
        return value
    if isinstance(value, str):
        return from_name(kind, value, where)
    if isinstance(value, Mapping):
        return from_mapping(kind, value, where)
    if isinstance(value, list | tuple):
        return kind_of(kind)._from_many(list(value))
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


def plainly(part: Part) -> Any:
    """A part as the shortest data that builds it again: a text, or `{name: fields}`.

    Raises:
        ConfigError: it holds a function without a registered name.
    """
    text = part._to_text()
    if text is not None:
        return text
    given = {}
    for name, field in fields(type(part)).items():
        value = getattr(part, name)
        if field.default is not NODEFAULT and value == default_of(field):
            continue
        if field.kind is None or value is None:
            given[name] = msgspec.to_builtins(value)
        elif field.many:
            given[name] = listed(field.kind, value)
        else:
            given[name] = plainly(value)
    return {part.name_of_part: given} if given else part.name_of_part


def default_of(field: Any) -> Any:
    """A field's default, as it is after fitting."""
    if field.kind is None or field.default is None:
        return converted(field.default, field.type)
    return (
        several(field.kind, field.default, "") if field.many else coerce(field.kind, field.default)
    )


def listed(kind: type[Part], parts: tuple[Part, ...]) -> Any:
    """Several parts as a list, or as a mapping where every one of them has a name of its own."""
    named = lookup(kind, "named")
    own = {part.name for part in parts if type(part) is named}  # type: ignore[attr-defined]
    if parts and len(own) == len(parts):
        return {part.name: plainly(part.operator) for part in parts}  # type: ignore[attr-defined]
    return [plainly(part) for part in parts]


def dump(part: Part) -> str:
    """A part as YAML. Only what differs from the defaults is written."""
    import yaml

    data = plainly(part)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    return text.removesuffix("\n...\n") + "\n" if isinstance(data, str) else text


def build(spec: Any, kind: type[Kind] | None = None) -> Kind:
    """A part from YAML text or from the data in it; an operator unless another kind is asked for.

    Raises:
        ConfigError: names the place, the value, the rule and the nearest known name.
    """
    wanted: Any = kind or lookup_kind("Operator")
    try:
        made: Kind = coerce(wanted, loaded(spec) if isinstance(spec, str) else spec)
    except RecursionError:
        raise ConfigError("the configuration is nested too deeply, or holds itself") from None
    return made


def lookup_kind(name: str) -> type[Part]:
    """A kind by its class name."""
    from onefold.core.part import announced, registry

    announced()
    return next(kind for kind in registry if kind.__name__ == name)


def loaded(text: str, what: str = "the configuration") -> Any:
    """Data from YAML (or JSON, which is YAML): no tags, no key twice, no endless file.

    Raises:
        ConfigError: with line and column.
    """
    import yaml

    class Plain(yaml.SafeLoader):
        """Refuses keys that come twice, which YAML would silently overwrite."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    place = line(key.start_mark)
                    raise ConfigError(f"{what}: a key is a name, not a list or mapping{place}")
                if key.value in seen:
                    raise ConfigError(
                        f"{what}: {key.value!r} stands twice{line(key.start_mark)}; rename one"
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    if len(text) > LARGEST:
        raise ConfigError(f"{what} has {len(text)} characters; at most {LARGEST} are read")
    try:
        if repeats(yaml.parse(text, Plain)):
            raise ConfigError(
                f"{what} uses aliases (*name): write the value out where it is needed"
            )
        return yaml.load(text, Plain)
    except yaml.constructor.ConstructorError as error:
        raise ConfigError(
            f"{what}: {error.problem}{line(error.problem_mark)}; "
            "only plain values are read, no tags"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"{what} is no YAML: {getattr(error, 'problem', error)}{line(mark)}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{what} is nested too deeply") from None


def repeats(events: Iterable[Any]) -> bool:
    """Whether a YAML text refers back to itself: aliases can make a small file endless."""
    return any(type(event).__name__ == "AliasEvent" for event in events)


def line(mark: Any) -> str:
    """A place in a file, for people: counted from one."""
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
