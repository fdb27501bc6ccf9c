"""`onefold doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

import platform
import sqlite3
import sys
from asyncio import gather
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated
from urllib.parse import urlsplit

import typer

from onefold import __version__
from onefold.cli.models import key_of
from onefold.core.errors import ConfigError, OnefoldError, Unreachable
from onefold.core.registry import announced, names, registry
from onefold.core.usage import NOTHING, dollars
from onefold.delivery.deployment import Deployment
from onefold.delivery.session import Session
from onefold.lab.probe import cost, probe
from onefold.lab.recipe import configured
from onefold.providers.http.clock import clock
from onefold.providers.wires.wire import Wire
from onefold.runtime.bridge import bridge

NEEDED = ("msgspec", "aiohttp", "numpy", "PyYAML", "rich", "safetensors", "typer")
EXTRAS = {
    "litellm": "litellm",
    "manifold": "umap",
    "math": "math_verify",
    "openai": "openai",
    "otel": "opentelemetry",
    "parquet": "pyarrow",
    "plots": "matplotlib",
    "prices": "genai_prices",
    "prometheus": "prometheus_client",
    "sentences": "sentence_transformers",
    "train": "torch",
    "transformers": "transformers",
}
OFF = 60.0  # seconds that a clock may be off before limits and times of day go wrong

Line = tuple[str, str, str]


def doctor(
    config: Annotated[
        str | None, typer.Argument(help="A recipe, or a file of models, to check as well.")
    ] = None,
    probing: Annotated[
        bool, typer.Option("--probe", help="Ask each model a few tiny questions; that costs.")
    ] = False,
) -> None:
    """Check the installation, and that every model of a recipe can be asked.

    Asks nobody without --probe. With it, each model is asked up to five tiny questions: whether it
    answers and streams, really continues a partial answer, fits its reply to a schema, reports
    log-probabilities and tokens; and each server for its time. What that may cost is said before.
    """
    if probing and config is None:
        raise ConfigError("--probe goes with a recipe or a file of models: whom should it ask?")
    show([("ok", "python", platform.python_version()), ("ok", "onefold", __version__)])
    lines = [installed(name) for name in NEEDED]
    lines.append(("ok", "sqlite", sqlite3.sqlite_version))
    for extra, module in EXTRAS.items():
        there = find_spec(module) is not None
        way = "installed" if there else f"missing: pip install 'onefold[{extra}]'"
        lines.append(("ok" if there else "-", f"extra {extra}", way))
    lines += parts_known()
    show(lines)
    if config is not None:
        checks, session = checked(config)
        show(checks)
        lines += checks
        if probing and session is not None:
            lines += probes(session)
    if any(mark == "bad" for mark, _, _ in lines):
        sys.exit(2)


def show(lines: list[Line]) -> None:
    """Print what was found."""
    width = max([20, *(len(what) + 1 for _, what, _ in lines)])
    for mark, what, said in lines:
        typer.echo(f"{mark:<4} {what:<{width}} {said}")


def installed(name: str) -> Line:
    """A dependency's version."""
    try:
        return ("ok", name, version(name))
    except PackageNotFoundError:
        return ("bad", name, "missing: reinstall onefold")


def parts_known() -> list[Line]:
    """The parts of every kind, plug-ins included."""
    try:
        announced()
        known = {kind.__name__.lower(): names(kind) for kind in list(registry)}
    except OnefoldError as error:
        return [("bad", "plug-ins", str(error))]
    return [("ok", f"{kind} parts", ", ".join(found)) for kind, found in sorted(known.items())]


def checked(config: str) -> tuple[list[Line], Session | None]:
    """Whether a recipe builds and its models can be asked; and a session that knows them."""
    try:
        recipe, known = configured(config)
        session = Session(known, budget=None if recipe is None else recipe.budget)
    except OnefoldError as error:
        return [("bad", "recipe", str(error))], None
    single = session.models.listed()
    lines = [about(model) for model in single]
    try:
        if recipe is not None:
            recipe.session(cache=None).ready(recipe.operator)
        else:
            for model in single:
                model.provider._prepare(model.name)
    except OnefoldError as error:
        return [*lines, ("bad", "recipe", str(error))], session
    what = "recipe" if recipe is not None else "models"
    return [*lines, ("ok", what, f"{config}: every model can be asked")], session


def about(model: Deployment) -> Line:
    """Whether a model's key is there, and its price known."""
    state, place = key_of(model.provider)
    said = [model.origin] if model.origin != model.name else []
    price, mark = model.price, "ok"
    if price is not None:
        said.append(f"${price.tokens_in:g} in, ${price.tokens_out:g} out a million tokens")
    elif model.provider.remote:
        mark = "-"
        said.append("price unknown, so no budget in dollars: say price: or prices:")
    if state == "missing":
        return ("bad", model.name, place)
    if state == "set":
        said.append(f"key from {place}")
    return (mark, model.name, " · ".join(said) or "known")


def probes(session: Session) -> list[Line]:
    """What asking the models themselves shows; says first what that may cost."""
    asked = [m for m in session.models.listed() if key_of(m.provider)[0] != "missing"]
    most = sum((cost(model.name, session) for model in asked), NOTHING)
    typer.echo(f"probing: {most.calls} questions, {at_most(asked, session)}", err=True)
    lines = bridge.run(probed(session, asked))
    show(lines)
    return lines


def at_most(asked: list[Deployment], session: Session) -> str:
    """The most that probing may cost, in words."""
    costs = [cost(model.name, session).usd for model in asked]
    said = (
        f"at most {dollars(sum(usd for usd in costs if usd is not None))} unless some are retried"
    )
    unpriced = costs.count(None)
    if not unpriced:
        return said
    return f"{said}; the price of {unpriced} of {len(asked)} models is unknown"


async def probed(session: Session, asked: list[Deployment]) -> list[Line]:
    """All models probed side by side, and the clocks of their servers looked at."""
    with session:
        found = await gather(*(examined(model.name, session) for model in asked))
    wires = [model.provider for model in asked if isinstance(model.provider, Wire)]
    urls = sorted({urlsplit(wire._base())._replace(path="", query="").geturl() for wire in wires})
    times = await gather(*(timed(url) for url in urls))
    return [line for lines in found for line in lines] + list(times)


async def examined(name: str, session: Session) -> list[Line]:
    """What a model was seen to do."""
    try:
        found = await probe(name, session)
    except OnefoldError as error:
        return [("bad", name, f"not probed: {error}")]
    lines = []
    for finding in found.findings:
        mark, said = "ok" if finding.works else "-", finding.said
        if finding.works is False and finding.what in ("text", "vectors"):
            mark = "bad"
        elif finding.works is False and finding.declared:
            said = f"declared, but not so: {said}"
        lines.append((mark, f"{name} {finding.what}", said))
    return [*lines, ("ok", f"{name} cost", str(found.usage))]


async def timed(url: str) -> Line:
    """Whether this machine's clock agrees with a server's."""
    host = urlsplit(url).netloc
    try:
        ahead = await clock(url)
    except Unreachable as error:
        return ("-", "clock", f"{host}: {error}")
    if ahead is None:
        return ("-", "clock", f"{host} does not say what time it is")
    if abs(ahead) <= OFF:
        return ("ok", "clock", f"agrees with {host}")
    way = "ahead of" if ahead > 0 else "behind"
    return ("bad", "clock", f"{abs(ahead):.0f} s {way} {host}: set it, as with NTP")
