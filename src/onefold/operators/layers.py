"""Mixture of agents: layers of models, each of which writes from all answers of the layer before.

No part of its own: a layer is the vote of the panel before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.operators.model import Model
from onefold.operators.panel import Panel
from onefold.operators.presets import Members, limited
from onefold.operators.votes.blend import Blend
from onefold.operators.wrappers import Cached, Named, Read, Within
from onefold.verbs import Operator


def layers(members: Sequence[Members], last: Operator | str | Any, **panel: Any) -> Panel:
    """Panels in layers (Wang et al., Mixture-of-Agents, arXiv 2406.04692).

    members: a list, or a mapping with names, for each layer, the first one first. From the second
        layer on a model is wrapped in `Blend`, so that it writes from the drafts before it, or
        repeats the best of them where it fails; other operators stand as they are, and find those
        drafts in `query.drafts`.
    last: makes the answer from the last layer: a model, which blends, or any vote.
    panel: settings that hold for every layer, such as quorum, patience or reads.

    Raises:
        ConfigError: there is no layer, or `vote` is set: a layer's vote is the next layer.
    """
    if isinstance(members, str) or not members:
        raise ConfigError("layers: give at least one list of members")
    if "vote" in panel:
        raise ConfigError("layers: the vote of a layer is the next layer; `last` is the last vote")
    vote = blending(coerce(Operator, last, "last"))
    for layer in reversed(members[1:]):
        vote = Panel([blending(each) for each in limited(layer, None)], vote=vote, **panel)
    return Panel(limited(members[0], None), vote=vote, **panel)


def blending(operator: Operator) -> Operator:
    """A model as one that writes from the drafts before it; what wraps the model stays."""
    if isinstance(operator, Model):
        return Blend(operator)
    if isinstance(operator, Named | Within | Cached | Read):
        return structs.replace(operator, operator=blending(operator.operator))
    return operator
