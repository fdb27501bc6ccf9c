"""The demo's ways of answering: one model, then specialists, votes, checks, searches, cascades."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path

from onefold.core.part import Part
from onefold.delivery.session import Session
from onefold.lab.demo.exam import labelled
from onefold.learn.routers.nearest import fit_taxonomy
from onefold.operators.model import Model
from onefold.operators.panel import Panel
from onefold.operators.presets import cascade
from onefold.operators.search.search import Search
from onefold.providers.local.local import Local
from onefold.verbs import Operator, Router

PRICES = {
    "small": (0.05, 0.20),
    "strong": (0.30, 1.20),
    "strings": (0.20, 0.80),
    "orders": (0.20, 0.80),
    "general": (0.30, 1.20),
}
"""What the demo takes a million tokens to cost, in and out, in US dollars."""
TAUGHT = 600  # prompts that the router learns from
SAMPLES = 8


def session() -> Session:
    """The shipped models by name, at the demo's prices."""
    return Session({name: Local(name, price) for name, price in PRICES.items()})


def router(folder: Path, seed: int) -> Router:
    """Who suits a prompt: learned now from other prompts, by their words."""
    to = {"sums": "sums", "strings": "strings", "orders": "orders", "sayings": "sayings"}
    part: Part = fit_taxonomy(labelled(TAUGHT, seed), to).save(folder / "router.npz")
    assert isinstance(part, Router)
    return part


def mixed(route: Router) -> dict[str, Operator]:
    """For problems of all families: one model for all, then a specialist for each."""
    seats: dict[str, Operator | str] = {  # the first one where the router has no opinion
        "sayings": "general", "sums": "strong", "strings": "strings", "orders": "orders",
    }  # fmt: skip

    def routed(members: Mapping[str, Operator | str]) -> Panel:
        return Panel(members, route=route, stop="first", stagger=inf, quorum=1)

    return {
        "one generalist": Model("general"),
        "specialists, routed": routed(seats),
        "  and a cascade for sums": routed({**seats, "sums": tiers()}),
    }


def hard() -> dict[str, Operator]:
    """For hard word problems: a small model asked in better and better ways, and the strong one."""
    drawn = Model("small", temperature=1.0)
    return {
        "small, one sample": drawn,
        f"small, vote of {SAMPLES}": Panel([drawn] * SAMPLES, vote="majority"),
        f"small, {SAMPLES} under checks": Search(
            drawn, judge="complete", strategy={"weighted_best_of_n": {"count": SAMPLES}}
        ),
        "small, guided search": Search(
            drawn,
            judge="complete",
            guide={"process": "arithmetic"},
            strategy={"guided_sampling": {"candidates": 4, "count": 2}},
            enough=1.0,
        ),
        "cascade: small, else strong": tiers(),
        "strong": Model("strong"),
    }


def tiers() -> Panel:
    """The small model; where its solution does not pass the checks, the strong one."""
    return cascade(["small", "strong"], at=1.0, judge="complete")
