"""What tuning found, as a recipe that runs as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite, isnan
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.errors import ConfigError
from onefold.core.part import walk
from onefold.core.usage import Price
from onefold.delivery.entries import bare
from onefold.delivery.models import Models
from onefold.lab.recipe import Recipe, Replayed, read
from onefold.lab.tuning.candidates import Candidate
from onefold.lab.tuning.learned import Learned
from onefold.lab.tuning.promise import LEVEL, Promise
from onefold.lab.tuning.tune import Tuned
from onefold.operators.model import Model
from onefold.operators.panel import Panel
from onefold.operators.votes.counting import Majority, Weighted
from onefold.operators.votes.last import LastWord
from onefold.operators.wrappers import Read
from onefold.stops.agreement import Decided
from onefold.stops.bounds import Never
from onefold.stops.race import Lead
from onefold.verbs import Operator, Reader, Stop, Vote

DIGITS = 6


def operator_of(candidate: Candidate, reader: Reader | None = None) -> Operator:
    """The operator that a candidate stands for."""
    names = [name.partition("#")[0] for name in candidate.members]
    if len(names) == 1:
        return Model(names[0]) if reader is None else Read(Model(names[0]), reader)
    rule, weights = candidate.rule, dict(zip(names, candidate.weights, strict=True))
    if len(set(candidate.weights)) == 1:
        weights = {}
    vote: Vote = Weighted(weights) if weights else Majority()
    stop: Stop = Decided() if isnan(rule.lead) else Never()
    if isfinite(rule.lead):
        stop = Lead(candidate.lead, weights)
    if rule.last:
        draws = names.count(names[-1])
        vote = LastWord(names[-1] if draws == 1 else f"{names[-1]}#{draws}", weights)
    stagger = 0.0 if rule.lead == inf else inf
    members = [Model(name) for name in names]
    return Panel(members, vote, stop, stagger, quorum=1, reads=reader)


def said(system: Candidate | Learned) -> str:
    """A panel in words."""
    if isinstance(system, Learned):
        return f"fitted {system.kind} of {', '.join(system.members)}"
    names, rule, candidate = system.members, system.rule, system
    if len(names) == 1:
        return names[0]
    weighed = "" if len(set(candidate.weights)) == 1 else "weighted "
    if rule.lead == inf:
        return f"{weighed}vote of {', '.join(names)}"
    ends = "until decided" if isnan(rule.lead) else f"to a {weighed}lead of {candidate.lead:g}"
    return f"{' → '.join(names)} {ends}{', else the last' if rule.last else ''}"


def recipe_of_tuned(
    tuned: Tuned,
    operator: Operator,
    recording: str | None = None,
    models: Mapping[str, Any] | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Recipe:
    """The recipe of what tuning found, with its promise.

    operator: the pick's. recording: path of the file that answers for members that nobody
        provides, so that the recipe runs as it stands.
    models: entries by name, as in a recipe; those of the pick's members are taken over.
    prices: by member, for those that have none of their own.

    Raises:
        ConfigError: nobody provides a member, and there is no recording.
    """
    names = dict.fromkeys(part.model for part in walk(operator) if isinstance(part, Model))
    entries = {name: entry for name in names if (entry := entry_of(name, models, prices))}
    live = all(provided(name, entries.get(name)) for name in names)
    if not live and recording is None:
        raise ConfigError("nobody provides the recipe's models: name the recording, or --models")
    replay = None if live or recording is None else Replayed(recording)
    return Recipe(operator, entries, replay, promise=promise_data(tuned))


def load_entries(path: str | Path) -> dict[str, Any]:
    """The entries under `models:` in a recipe or a file of models, by name.

    Raises:
        ConfigError: no such file, or there are none.
    """
    data, _, where = read(path)
    held = data.get("models") if isinstance(data, Mapping) else None
    if not isinstance(held, Mapping) or not held:
        raise ConfigError(f"{where} has no models: give a recipe, or a file with a models: section")
    return dict(held)


def entry_of(
    name: str, models: Mapping[str, Any] | None, prices: Mapping[str, Price] | None
) -> Any:
    """The entry of a model: as it was given, or its price; None where there is neither."""
    if models and name in models:
        return models[name]
    price = (prices or {}).get(name)
    return None if price is None else {"price": plain_price(price)}


def plain_price(price: Price) -> dict[str, float]:
    """A price as plain data: what differs from the defaults."""
    held = msgspec.to_builtins(price)
    usual = {field.name: field.default for field in msgspec.structs.fields(Price)}
    return {name: value for name, value in held.items() if value != usual[name]}


def provided(name: str, entry: Any) -> bool:
    """Whether a model can be asked live."""
    if entry is not None and not bare(entry):
        return True
    try:
        Models().find(name)
    except ConfigError:
        return False
    return entry is None


def promise_data(tuned: Tuned) -> dict[str, Any]:
    """A promise as plain data, for the recipe."""
    single = {"member": said(tuned.single.system), **figures(tuned.single.promise)}
    gain, error = tuned.gain
    return {
        **figures(tuned.pick.promise),
        "together": LEVEL,
        "questions": tuned.pick.promise.questions,
        "best_single": single,
        "gain": {"quality": rounded(gain), "standard_error": rounded(error)},
        "from": {
            "questions": tuned.board.questions,
            "members": len(tuned.board.members),
            "candidates": tuned.candidates,
            "seed": tuned.seed,
        },
        "notes": list(tuned.notes),
    }


def figures(promise: Promise) -> dict[str, Any]:
    """Quality and cost with their intervals, as plain data."""
    return {
        "quality": rounded(promise.quality),
        "quality_interval": [rounded(end) for end in promise.quality_interval],
        "usd": rounded(promise.usd),
        "usd_interval": [rounded(end) for end in promise.usd_interval],
    }


def rounded(value: float) -> float:
    """A number to six significant digits."""
    return float(f"{value:.{DIGITS}g}")
