"""The house keeps its own rules: floors, cycles, sizes, names, the public face, the corridor."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import onefold

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
HOUSE = SOURCE / "onefold"

FLOORS = {
    "core": 0,
    **dict.fromkeys(("fence", "runtime", "steps"), 1),
    **dict.fromkeys(("delivery", "fitted", "recording"), 2),
    **dict.fromkeys(("experience", "verbs"), 3),
    **dict.fromkeys(
        ("encoders", "functions", "judges", "markers", "providers", "readers", "routers", "stops"),
        4,
    ),
    "signatures": 4.5,
    "operators": 5,
    "promises": 5.5,
    "learn": 6,
    **dict.fromkeys(("lab", "classify", "scale"), 7),
    "face": 7.5,
    "": 7.6,  # onefold/__init__.py
    **dict.fromkeys(("cli", "gateway"), 8),
    "__main__": 9,
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the source by its dotted name."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def ours(path: Path) -> bool:
    """Whether a file is the project's, not in a folder that a tool made."""
    return not any(part.startswith(".") for part in path.relative_to(ROOT).parts)


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text("utf-8"), str(path))


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call in a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def place(path: Path, node: Any) -> str:
    """Where something stands, for people."""
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def none(wrong: Iterable[str]) -> None:
    """Fail with all that is wrong, a line each."""
    listed = sorted(wrong)
    assert not listed, "\n" + "\n".join(listed)


@cache
def imports(module: str) -> list[tuple[str, str]]:
    """What a module imports of the house, wherever in it: (module, place)."""
    path = modules()[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, place(path, node)) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).rstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.append((inner if inner in modules() else base, place(path, node)))
        elif isinstance(node, ast.Call) and "import" in ast.unparse(node.func):
            said = [a.value for a in node.args if isinstance(a, ast.Constant)]
            found += [(name, place(path, node)) for name in said if isinstance(name, str)]
    return [(name, where) for name, where in found if name.split(".")[0] == "onefold"]


def room(module: str) -> str:
    """The room a module is in: the first name below `onefold`."""
    return [*module.split("."), ""][1]


def test_every_module_lives_in_a_room_that_has_a_floor():
    homeless = {module for module in modules() if room(module) not in FLOORS}
    none(homeless)  # give the room a floor, here and in the floor plan


@pytest.mark.parametrize("module", modules())
def test_imports_go_down_the_floor_plan_and_siblings_do_not_see_each_other(module):
    wrong = [
        f"{where} imports {name}"
        for name, where in imports(module)
        if room(name) != room(module) and FLOORS[room(name)] >= FLOORS[room(module)]
    ]
    none(wrong)


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: {name for name, _ in imports(module)} - {module} for module in modules()}
    while leaves := [module for module, seen in graph.items() if not seen & set(graph)]:
        for module in leaves:
            del graph[module]
    while roots := set(graph) - set().union(*graph.values()):
        for module in roots:
            del graph[module]
    cycles = [f"{module} imports {', '.join(seen & set(graph))}" for module, seen in graph.items()]
    none(cycles)


@pytest.mark.parametrize("folder", ["src", "tests", "examples", "benchmarks"])
def test_files_have_at_most_400_lines_and_folders_at_most_12_files(folder):
    paths = [path for path in (ROOT / folder).rglob("*.py") if ours(path)]
    lines = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in paths}
    held = [path.parent.relative_to(ROOT) for path in paths]
    none(f"{path}: {count} lines" for path, count in lines.items() if count > 400)
    none({f"{parent}: {held.count(parent)} files" for parent in held if held.count(parent) > 12})


def test_init_files_hold_names_only():
    lazy = {"__getattr__", "__dir__"}
    wrong = []
    for path in HOUSE.rglob("__init__.py"):
        for node in outer(tree(path).body):
            first = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            imported = isinstance(node, ast.Import | ast.ImportFrom)
            named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__")
            if path.parent == HOUSE:  # the one that is lazy
                named |= ast.unparse(node) in ("TYPE_CHECKING = False", "del TYPE_CHECKING")
                named |= isinstance(node, ast.FunctionDef) and node.name in lazy
            if not (first or imported or named):
                wrong.append(place(path, node))
    none(wrong)


def outer(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module, those under TYPE_CHECKING and its else included."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from outer([*node.body, *node.orelse])
        else:
            yield node


def test_the_public_face_offers_exactly_what_it_lists():
    face = importlib.import_module("onefold.face")
    brought = {
        alias.asname or alias.name
        for node in ast.walk(tree(HOUSE / "face.py"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("onefold.")
        for alias in node.names
    }
    assert sorted(face.__all__) == sorted(brought)
    loaded = {name: thing for name, thing in vars(face).items() if name in brought}
    assert {name: getattr(onefold, name) for name in loaded} == loaded
    assert all(hasattr(onefold, name) for name in brought)
    assert {*face.__all__, "__version__"} <= set(dir(onefold))
    assert onefold.__all__ == sorted(face.__all__)
    others = {name for name in vars(face) if not name.startswith("__")} - brought
    none(f"onefold.{name}" for name in {*others, "no_such_name"} if hasattr(onefold, name))


def test_a_star_import_brings_the_public_names_and_no_others():
    names: dict[str, Any] = {}
    exec("from onefold import *", names)
    assert set(names) - {"__builtins__"} == set(onefold.__all__)


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import onefold", "aiohttp numpy sklearn torch yaml typer rich asyncio msgspec"),
        ("import onefold; onefold.Panel", "aiohttp numpy sklearn torch typer rich"),
    ],
)
def test_importing_stays_light(code, heavy):
    said = f"{code}; import sys; print(*set({heavy.split()}) & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_every_module_class_and_function_says_what_it_is():
    silent = []
    for module, path in modules().items():
        if not ast.get_docstring(tree(path)):
            silent.append(str(path.relative_to(ROOT)))
        for node in tree(path).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                silent.append(f"{place(path, node)} {node.name}")
            if isinstance(node, ast.ClassDef):
                silent += [f"{place(path, node)} {name}" for name in undocumented(module, node)]
    none(silent)


def undocumented(module: str, node: ast.ClassDef) -> list[str]:
    """Public methods without a docstring of their own or of the verb they define."""
    cls = getattr(importlib.import_module(module), node.name)
    own = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    drawn = [n.name for n in own if ast.unparse(n.body[-1]) != "..."]  # protocols only draw
    names = [name for name in drawn if not name.startswith("_")]
    return [f"{node.name}.{name}" for name in names if not inspect.getdoc(getattr(cls, name))]


def test_names_are_whole_words_of_the_field():
    banned = {"util", "utils", "manager", "helper", "helpers", "impl"}
    wrong = [
        f"{path.relative_to(ROOT)}" for path in modules().values() if words(path.stem) & banned
    ]
    for path in modules().values():
        for node in ast.walk(tree(path)):
            name = getattr(node, "name", None) or getattr(node, "arg", None)
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                name = node.id if isinstance(node, ast.Name) else node.attr
            if isinstance(name, str) and not isinstance(node, ast.alias) and words(name) & banned:
                wrong.append(f"{place(path, node)} {name}")
    none(wrong)


def words(name: str) -> set[str]:
    """The words of a name: `LowercaseTrim` and `lowercase_trim` have the same two."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def test_only_the_command_line_prints():
    wrong = [
        place(path, call)
        for module, path in modules().items()
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "print" and room(module) != "cli"
    ]
    none(wrong)


def test_every_model_call_walks_the_one_corridor():
    wrong = []
    for module, path in modules().items():
        if room(module) in ("delivery", "providers"):
            continue
        for call in calls(path):
            if isinstance(call.func, ast.Attribute):
                held, verb = ast.unparse(call.func.value), call.func.attr
                if verb == "complete" or (verb == "stream" and held.endswith("provider")):
                    wrong.append(place(path, call))
    none(wrong)


def test_no_text_names_the_machine_it_was_written_on():
    texts = [
        path for kind in ("*.md", "*.toml", "Dockerfile", "Makefile") for path in ROOT.glob(kind)
    ]
    for folder in ("src", "docs", "examples", "recipes", "benchmarks"):
        kinds = (".py", ".md", ".yaml", ".yml", ".html", ".css", ".js")
        texts += [p for p in (ROOT / folder).rglob("*") if p.suffix in kinds and ours(p)]
    here = re.compile(r"(?<![\w.])/(?:work|tmp|farm)\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if here.search(line)
    ]
    none(wrong)


def test_the_network_is_off_but_for_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    with pytest.raises(RuntimeError, match="do not leave this machine"):
        socket.getaddrinfo("example.org", 80)
    with socket.socket() as outward, pytest.raises(RuntimeError, match="somewhere else"):
        outward.connect(("192.0.2.1", 80))
