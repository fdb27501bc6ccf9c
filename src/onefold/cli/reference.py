"""The reference of the command line, generated from its own help."""

from __future__ import annotations

from typing import Any

import typer


def markdown() -> str:
    """docs/cli.md: the help of each command, as it is printed."""
    from onefold.cli.app import app

    group: Any = typer.main.get_command(app)
    lines = ["# Command line", "", "Generated from `--help`; `make docs` writes it anew.", ""]
    for name, command in sorted(group.commands.items()):
        lines += [f"## onefold {name}", "", "```text", help_of(name, command), "```", ""]
    return "\n".join(lines)


def help_of(name: str, command: Any) -> str:
    """A command's help, at a fixed width."""
    context = command.context_class(command, info_name=f"onefold {name}", terminal_width=96)
    text: str = command.get_help(context)
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())
