"""Configurations of the EMAFusion toolkit, read as recipes of ours."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from onefold.core.errors import ConfigError, unknown
from onefold.core.registry import names
from onefold.verbs import Operator

KEYS = ("models", "taxonomy_index", "learned_ckpt", "judge_model", "thresholds")
MODEL_KEYS = ("name", "provider", "price_prompt", "price_completion", "max_tokens")
PICKLES = (".pkl", ".pickle", ".joblib")
CONFIDENCE = 0.6
WRITTEN, TEMPERATURE = 512, 0.2


def is_theirs(data: Any) -> bool:
    """Whether a configuration is EMAFusion's: its models are a list, and it has no operator."""
    if not isinstance(data, Mapping) or not isinstance(data.get("models"), list):
        return False
    return not {"operator", *names(Operator)} & set(data)


def translated(data: Mapping[str, Any]) -> dict[str, Any]:
    """EMAFusion's configuration as the data of one of our recipes.

    models are asked in their order, one by one; `judge_model` grades each answer, and the first
    one graded `thresholds.confidence` or better is the answer, else the best one. Prices are in
    US dollars per thousand tokens there, per million here. `taxonomy_index` and `learned_ckpt` are
    files that `onefold fit` wrote, and may be left out.

    Raises:
        ConfigError: a key or value that EMAFusion would not have known, or a pickle.
    """
    for key in data:
        if key not in KEYS:
            raise unknown("EMAFusion key", key, KEYS)
    entries = [model(entry, f"models[{i}]") for i, entry in enumerate(data["models"])]
    if not entries:
        raise ConfigError("models: the list is empty: name at least one model")
    own = [entry["name"] for entry in entries]
    panel: dict[str, Any] = {
        "members": {entry["name"]: asked(entry) for entry in entries},
        "stagger": inf,
        "stop": {"sure": confidence(data.get("thresholds"))},
        "vote": "best",
        "quorum": 1,
    }
    judge = data.get("judge_model")
    if judge is not None:
        grader = judge if judge in own or ":" in str(judge) else f"openai:{judge}"
        panel["judge"] = {"graded": {"operator": {"model": {"model": grader, "temperature": 0.0}}}}
    routers = [
        {kind: path_of(key, data[key])}
        for key, kind in (("taxonomy_index", "nearest"), ("learned_ckpt", "learned"))
        if data.get(key) is not None
    ]
    if routers:
        panel["route"] = {"first_of": routers} if len(routers) > 1 else routers[0]
    return {"models": {entry["name"]: known(entry) for entry in entries}, "panel": panel}


def model(entry: Any, where: str) -> Mapping[str, Any]:
    """One of their models, checked.

    Raises:
        ConfigError: it has no name or provider, or a key that nobody knows.
    """
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with name and provider, not {entry!r:.60}")
    for key in entry:
        if key not in MODEL_KEYS:
            raise ConfigError(f"{where}: {unknown('key of a model', key, MODEL_KEYS)}")
    for key in ("name", "provider"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ConfigError(f"{where}: {key} is missing, such as provider: openai")
    return entry


def known(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Their model as an entry of a recipe's `models:`."""
    made: dict[str, Any] = {"provider": f"{entry['provider']}:{entry['name']}"}
    prices = {"tokens_in": entry.get("price_prompt"), "tokens_out": entry.get("price_completion")}
    if prices["tokens_in"] is not None and prices["tokens_out"] is not None:
        made["price"] = {name: 1000 * float(usd) for name, usd in prices.items() if usd is not None}
    return made


def asked(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Their model as a member: at temperature 0.2, and at most 512 tokens, as there."""
    most = min(WRITTEN, int(entry.get("max_tokens", WRITTEN)))
    return {"model": {"model": entry["name"], "temperature": TEMPERATURE, "max_tokens": most}}


def confidence(thresholds: Any) -> float:
    """The grade at which an answer is good enough, 0.6 where none is given.

    Raises:
        ConfigError: it is no share, or another threshold is named.
    """
    given = {} if thresholds is None else thresholds
    if not isinstance(given, Mapping):
        raise ConfigError(f"thresholds: a mapping such as {{confidence: 0.6}}, not {given!r:.60}")
    for key in given:
        if key != "confidence":
            raise unknown("threshold", key, ["confidence"])
    at = given.get("confidence", CONFIDENCE)
    if not (isinstance(at, int | float) and 0 <= at <= 1):
        raise ConfigError(f"thresholds.confidence {at!r}: a share in [0, 1]")
    return float(at)


def path_of(key: str, path: Any) -> str:
    """The file of a router.

    Raises:
        ConfigError: it is a pickle, which could run anything when it is read.
    """
    if str(path).endswith(PICKLES):
        raise ConfigError(
            f"{key}: {path} is a pickle, and pickles are not read: fit the router again "
            "(onefold fit router recording.jsonl --out router.npz)"
        )
    return str(path)
