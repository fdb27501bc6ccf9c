"""Parts and YAML, both ways: `build(dump(part)) == part` for every part there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec import NODEFAULT

from onefold.core.errors import ConfigError
from onefold.core.part import Part, coerce, converted, fields, several
from onefold.core.registry import lookup, lookup_kind

Kind = TypeVar("Kind", bound=Part)
LARGEST = 4_000_000
DEEPEST = 300


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
            given[name] = part._plain(value)
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
    data = plainly(part)
    text = written(data)
    return text.removesuffix("\n...\n") + "\n" if isinstance(data, str) else text


def written(data: Any) -> str:
    """Plain data as YAML that reads back as the same data."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Escapes the line ends that YAML would fold into spaces."""

    def text(dumper: Any, value: str) -> Any:
        style = '"' if any(end in value for end in "\x85\u2028\u2029\ufeff") else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


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
        harmless(yaml.parse(text, Plain), what)
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


def harmless(events: Iterable[Any], what: str) -> None:
    """Refuse what makes a small YAML text endless or more than plain values.

    Raises:
        ConfigError: it has a tag, an alias, or is nested more than 100 deep.
    """
    depth = 0
    for event in events:
        kind = type(event).__name__
        if kind == "AliasEvent":
            raise ConfigError(f"{what} uses aliases (*name): write the value out instead")
        tag = getattr(event, "tag", None)
        if tag is not None:
            place = line(event.start_mark)
            raise ConfigError(f"{what}: only plain values are read, not the tag {tag!r}{place}")
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > DEEPEST:
            raise ConfigError(f"{what} is nested too deeply: at most {DEEPEST} levels are read")


def line(mark: Any) -> str:
    """A place in a file, for people: counted from one."""
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
