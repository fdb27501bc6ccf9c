"""What is written for people is run: code blocks, commands, examples, recipes, links.

A block under `<!-- no-run: reason -->` is only compiled; one under `<!-- file: name -->` is written
to that file for the blocks after it. `# → value` at the end of a line says what it shows.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import io
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from onefold.core.part import walk
from onefold.core.registry import names, registry
from onefold.core.spec import build, dump, loaded
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider, Reply, Request
from onefold.delivery.session import Session
from onefold.lab.recipe import Recipe, load_recipe, recipe
from onefold.verbs import Operator

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
OUTER = re.compile(r"[a-z]+:|//")  # http:, mailto:
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+|~~~+) *(?P<language>[\w+-]*)")
MARK = re.compile(r"^\s*<!-- *(no-run|file): *(.*?) *-->\s*$")
SHOWN = re.compile(r"# → (.+?)\s*$")
EXITS = re.compile(r"# exits (\d+)\s*$")
LANGUAGES = {"py": "python", "yml": "yaml", "sh": "bash", "shell": "bash", "console": "bash"}
ALONE = """
import runpy, sys
import pytest
sys.path.insert(0, sys.argv[1])
from conftest import cut
cut(pytest.MonkeyPatch())
del sys.path[0], sys.argv[:2]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Block(NamedTuple):
    """A fenced block: `line` is that of its first line, from one."""

    language: str
    text: str
    line: int
    marks: dict[str, str]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, with the marks that stand above them."""
    lines = text.splitlines()
    marks: dict[str, str] = {}
    at = 0
    while at < len(lines):
        fence, mark = FENCE.match(lines[at]), MARK.match(lines[at])
        at += 1
        if fence:
            start, closing = at, re.compile(rf"^ *{fence['ticks']}`*~* *$")
            while at < len(lines) and not closing.match(lines[at]):
                at += 1
            assert at < len(lines), f"the block at line {start} does not end"
            code = textwrap.dedent("\n".join(lines[start:at])) + "\n"
            language = LANGUAGES.get(fence["language"], fence["language"])
            yield Block(language, code, start + 1, marks)
            marks = {}
            at += 1
        elif mark:
            assert mark[2], f"line {at}: {mark[1]} needs a reason or a name"
            marks[mark[1]] = mark[2]
        elif lines[at - 1].strip():
            marks = {}


def compiled(node: ast.stmt | ast.expr, where: str) -> Any:
    """One statement, or one expression with a value; both may await."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if isinstance(node, ast.expr):
        return compile(ast.Expression(node), where, "eval", flags)
    return compile(ast.Module([node], []), where, "exec", flags)


def parsed(block: Block, where: str) -> list[ast.stmt]:
    """The statements of a Python block, with the lines of its page."""
    body = ast.parse(block.text, where).body
    return [ast.increment_lineno(node, block.line - 1) for node in body]


def run_python(block: Block, where: str, space: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run a block statement by statement, and compare what it says it shows."""
    lines = block.text.splitlines()
    for node in parsed(block, where):
        code = compiled(node.value if isinstance(node, ast.Expr) else node, where)
        with redirect_stdout(io.StringIO()) as out:
            value = eval(code, space)
            if code.co_flags & inspect.CO_COROUTINE:
                value = runner.run(value)
        said = SHOWN.search(lines[(node.end_lineno or 0) - block.line])
        if said:
            shown = {repr(value), str(value), out.getvalue().strip()}
            assert said[1] in shown, f"{where}:{node.end_lineno} shows {shown}, not {said[1]}"


def run_bash(block: Block, where: str) -> None:
    """Run the lines that call onefold; other lines are the reader's own, or what it printed."""
    lines = [line.removeprefix("$ ") for line in block.text.replace("\\\n", " ").splitlines()]
    for command in [line for line in lines if line.startswith("onefold ")]:
        told = EXITS.search(command)
        words = shlex.split(command, comments=True)[1:]
        assert not {"|", ">", ">>", "<", "&&", ";"} & set(words), (
            f"{where}: {command} wants a shell"
        )
        ran = command_line(words)
        wanted = int(told[1]) if told else 0
        assert ran.exit_code == wanted, f"{where}: {command}\n{ran.output}\n{ran.exception!r}"


def command_line(words: list[str]) -> Any:
    """What came of `onefold` with these arguments."""
    app = importlib.import_module("onefold.cli.app").app
    return CliRunner().invoke(app, words)


def run_yaml(block: Block, where: str) -> None:
    """Build what a block describes, a part or a recipe, and compare what comes back."""
    data = loaded(block.text)
    single = next(iter(data)) if isinstance(data, dict) and len(data) == 1 else None
    for kind in set(registry) - {Operator}:
        if single in names(kind):
            part = build(data, kind)
            assert build(dump(part), kind) == part
            return
    made = recipe(block.text, Path.cwd(), where)
    assert recipe(made.dump()) == made


def run_page(text: str, where: str, first: int = 0) -> None:
    """Run all blocks of a page in order, as one script in the current folder."""
    script = types.ModuleType("__main__")
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", script)
        for block in blocks(text):
            block = block._replace(line=block.line + first)
            spot = f"{where}:{block.line}"
            if "file" in block.marks:
                Path(block.marks["file"]).write_text(block.text, "utf-8")
            elif block.language == "python" and "no-run" in block.marks:
                assert all(compiled(node, spot) for node in parsed(block, spot)), spot
            elif "no-run" in block.marks:
                continue
            elif block.language == "python":
                run_python(block, where, vars(script), runner)
            elif block.language == "bash":
                run_bash(block, spot)
            elif block.language == "yaml":
                run_yaml(block, spot)


def named(path: Path) -> str:
    """A path below the root, as the id of a test."""
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to be in, with the recipes and examples that pages speak of."""
    for name in ("recipes", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_of_every_page_runs(page):
    run_page(page.read_text("utf-8"), named(page))


def docstrings() -> list[Any]:
    """Docstrings of the source that hold code: (text, file, line)."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ):
                continue
            text = ast.get_docstring(node) or ""
            if "```" in text or ">>>" in text:
                line = node.body[0].lineno
                found.append(pytest.param(text, path, line, id=f"{named(path)}:{line}"))
    return found


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("text", "path", "line"), docstrings())
def test_every_block_of_every_docstring_runs(text, path, line):
    assert ">>>" not in text, "write a ```python block: that runs"
    run_page(text, named(path), line - 1)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_every_example_is_short_and_runs_and_shows_something(example, folder):
    assert len(example.read_text("utf-8").splitlines()) <= 40
    command = [sys.executable, "-c", ALONE, str(ROOT / "tests"), str(example)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


@pytest.mark.parametrize("path", RECIPES, ids=named)
def test_every_recipe_is_built_dumped_compared_and_run(path, folder, instantly):
    made = load_recipe(path)
    assert recipe(made.dump()) == made
    assert build(dump(made.operator)) == made.operator
    asked = {getattr(part, "model", None) for part in walk(made.operator)}
    with Session({model: Obliging() for model in asked if isinstance(model, str)}):
        assert instantly(made.operator("How sure?")).text
    if not waits_for_a_recording(made):
        with made.session(cache=None) as session:
            kinds = {held.provider.name_of_part for held in session.models.deployments.values()}
            if kinds and kinds <= {"fake", "replay", "sim"}:  # others want a service
                assert instantly(made.operator("What is 17 + 25?")).text


class Obliging(Provider, name="obliging"):
    """A model that says 0.5, or to a judge's question the verdict that stands there as example; it
    would go on with any answer that was begun.
    """

    async def complete(self, request: Request) -> Reply:
        text = "\n".join(message.content for message in request.messages)
        verdicts = re.findall(r'\{"mark".*\}', text)
        return Reply(verdicts[-1] if verdicts else "0.5")

    def _continues(self) -> bool:
        return True


def waits_for_a_recording(made: Recipe) -> bool:
    """Whether a recipe only prices its models, so that it runs with `--replay`."""
    fields = set(Deployment.__struct_fields__) - {"provider", "name"}
    entries = [entry for entry in made.models.values() if isinstance(entry, dict)]
    return made.replay is None and any(set(entry) <= fields for entry in entries)


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^ *(```+|~~~+).*?^ *\1 *$", "", page.read_text("utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda code: re.sub(r"[\[\]()<>]", "", code[0]), text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *#*$", prose(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_points_to_something(page):
    found = re.findall(r"\]\(<?([^)\s>]+)", prose(page))
    found += re.findall(r"^\[[^\]]+\]: +(\S+)", prose(page), flags=re.M)
    found += re.findall(r"(?:href|src)=\"([^\"]+)\"", prose(page))
    dead = []
    for link in found:
        if OUTER.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.exists() and target.is_relative_to(ROOT)
        if not inside or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def test_the_command_reference_is_what_help_says():
    markdown = importlib.import_module("onefold.cli.reference").markdown
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == markdown(), "run: make docs"
