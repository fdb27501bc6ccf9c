"""The command line: one file a command, and one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from onefold import __version__
from onefold.cli import ask, demo, doctor, log, models, plan, run, schema, show
from onefold.cli.learning import bench, compare, fit, tune
from onefold.cli.recipes import draw
from onefold.core.errors import OnefoldError

app = typer.Typer(
    name="onefold",
    help="Many models, one answer.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    demo, ask, run, plan, draw, fit, tune, bench, compare, show, log, models, schema, doctor
)  # fmt: skip
for command in COMMANDS:
    app.command()(getattr(command, command.__name__.rsplit(".", 1)[-1]))


def version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"onefold {__version__}")
        raise typer.Exit


@app.callback()
def top(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=version, is_eager=True)
    ] = False,
) -> None:
    """Many models, one answer: ask a panel as if it were one model."""


def main() -> None:
    """Run the command line; what goes wrong on purpose is one line and exit code 2."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # on small matrices threads only wait
    collecting = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)  # thousands of waiting calls are no garbage to search
    try:
        app()
    except OnefoldError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            sys.stderr.close()
            sys.exit(1)
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)
    finally:
        gc.set_threshold(*collecting)
