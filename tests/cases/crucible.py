"""Crucible's cases, played on onefold: one small adaptor an area, none of which does the work.

Three choices are Crucible's: ties go to the smallest answer, numbers are the first in the text,
and texts are compared as written but for case and outer space (empty ones included).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from re import fullmatch
from typing import Any

import pytest

import onefold as of

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "cases"
TIES = {"ties": "smallest"}
VOTES = {
    "majority": of.Majority(**TIES),
    "weighted": of.Weighted(**TIES),
    "best_confidence": of.Best(),
    "unanimous": of.Unanimous(),
}
READERS = {
    "lowercase_trim": of.LowercaseTrim(blank="keep"),
    "numeric": of.Number(mode="first"),
    "boolean": of.Boolean(),
    "json": of.Json(otherwise="text"),
}
EXECUTIONS = {
    "parallel": of.parallel,
    "sequential": of.sequential,
    "hedged": of.hedged,
    "cascade": of.cascade,
}
OPTIONS = {
    "min_consensus": "agree",
    "confidence_threshold": "at",
    "min_models": "least",
    "max_hedges": "most",
    "min_responses": "quorum",
}


def listed(name: str) -> list[Any]:
    """The cases of a shared file as test parameters; one that skips where the file is absent."""
    path = CASES / name
    if not path.is_file():
        why = pytest.mark.skip(reason=f"{path} is not here: it stands beside a development copy")
        return [pytest.param({}, marks=why, id="absent")]
    return [pytest.param(case, id=case["id"]) for case in json.loads(path.read_text())["cases"]]


def played(case: Mapping[str, Any]) -> Any:
    """What onefold makes of a case, in Crucible's words."""
    areas = {
        "vote": vote,
        "execution": execution,
        "normalize": normalize,
        "pricing": pricing,
        "metrics": metrics,
    }
    return areas[case["area"]](case["input"], case["options"])


def model(name: str, text: str, **fake: Any) -> of.Model:
    """A scripted model."""
    return of.Model(name, provider=of.Fake((text,), **fake))


def told(answer: of.Answer) -> dict[str, Any]:
    """A counted answer in Crucible's words."""
    tally = answer.tally
    assert tally is not None
    winning = answer.votes[tally.winner or ""]
    return {
        "ok": True,
        "answer": answer.value,
        "strategy": {"best": "best_confidence"}.get(tally.rule, tally.rule),
        "consensus": answer.agreement,
        "confidence": answer.confidence,
        "votes": answer.votes,
        "scores": answer.votes,
        "winning_count": winning,
        "winning_score": winning,
        "total_confidence": tally.total,
        "total_responses": len(tally.ballots),
        "sample_response_model": answer.source,
        "selected_model": answer.source,
        "calls": len(answer.drafts),
        "successes": sum(draft.error is None for draft in answer.drafts),
        "failures": sum(draft.status == "failed" for draft in answer.drafts),
    }


def refused(error: of.OnefoldError) -> dict[str, Any]:
    """An error in Crucible's words."""
    drafts = getattr(error, "drafts", ())
    count = of.Unanimous().count([draft for draft in drafts if draft.error is None])
    said = {
        "the panel is empty": "all_models_failed",
        "no drafts to vote on": "no_responses",
        "no unanimity": "no_unanimous_consensus",
        "no operator named": "invalid_execution_strategy",
    }
    reason = next((name for start, name in said.items() if str(error).startswith(start)), "")
    return {
        "ok": False,
        "raises": {"ConfigError": "ArgumentError"}.get(type(error).__name__),
        "error": reason or "all_models_failed",
        "reason": reason,
        "unique_answers": len(count.votes),
        "frequencies": count.votes,
        "total_responses": len(count.ballots),
        "failures": [draft.source for draft in drafts if draft.status == "failed"],
        "message": str(error),
    }


def vote(replies: Any, options: Mapping[str, Any]) -> Any:
    """A panel of models that say what the case lists."""
    if options.get("function") == "consensus_strength":
        ballots = tuple(of.Ballot(key, key, weight) for key, weight in replies.items())
        return of.Tally("majority", ballots).agreement
    if options.get("function") == "sufficient_consensus":
        return sufficient(replies.get("consensus", 0.0), options["threshold"])
    strategy = options["strategy"]
    reads = READERS[options.get("normalization", "lowercase_trim")]
    if isinstance(strategy, Sequence) and not isinstance(strategy, str):
        return custom(replies, strategy, options)
    try:
        if not replies:
            return told(of.instantly(VOTES[strategy](of.Query("?"))))
        members = [model(r["model"], r["response"], confidence=stated(r)) for r in replies]
        return told(of.instantly(of.Panel(members, vote=VOTES[strategy], reads=reads)("?")))
    except of.NoAnswer as error:
        return refused(error)


def stated(reply: Mapping[str, Any]) -> float | None:
    """The confidence that comes with a reply."""
    found: float | None = reply.get("confidence", reply.get("metadata", {}).get("confidence"))
    return found


def sufficient(consensus: float, threshold: float) -> bool:
    """Whether a vote of this agreement passes `least`: the rest of the weight abstains."""
    drafts = (of.Answer("a", "a", "m", consensus), of.Answer("b", None, "n", 1 - consensus))
    try:
        of.instantly(of.Weighted(least=threshold)(of.Query("?", drafts=drafts)))
    except of.NoAnswer:
        return False
    return True


def custom(replies: Any, strategy: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """A vote of the user's own, with options of its own that win against the panel's."""
    seen: dict[str, Any] = {}

    class CustomModule(of.Operator, name="CustomModule"):
        k: int = 0
        normalization: str = ""

        async def answer(self, query: of.Query) -> of.Answer:
            reads = self.normalization or query.reads.name_of_part
            seen.update(normalization=reads, k=self.k, count=len(query.drafts))
            return query.drafts[0]

    members = [model(reply["model"], reply["response"]) for reply in replies]
    name, own = strategy
    panel = of.Panel(members, vote={name: own}, reads=READERS[options["normalization"]])
    of.instantly(panel("?"))
    assert seen.pop("count") == len(replies)
    return {"calls": f"{name}.aggregate(responses, opts)", "opts": seen}


def member(name: str, script: str) -> of.Model:
    """A model from a case's words: `X`, `<fails>`, `<fails at 300 ms>`, `A after 50 ms`."""
    fails = fullmatch(r"<fails(?: at once| at (\d+) ms)?>", script)
    waits = fullmatch(r"(.*) after (\d+) ms", script)
    if fails:
        return model(name, "", error="Unreachable", seconds=(int(fails[1] or 0) / 1000,))
    return model(name, waits[1], seconds=(int(waits[2]) / 1000,)) if waits else model(name, script)


def panel(replies: Mapping[str, str], options: Mapping[str, Any]) -> of.Operator:
    """The panel that a case describes by its execution strategy and options."""
    members = [
        member(name, replies.get(name, "<fails>")) for name in options.get("models", replies)
    ]
    name = options.get("execution", "parallel")
    if name not in EXECUTIONS:
        built: of.Operator = of.build({name: {"members": [m.model for m in members]}})
        return built
    settings = {ours: options[theirs] for theirs, ours in OPTIONS.items() if theirs in options}
    if name == "parallel" and "agree" in settings:
        settings["vote"] = of.Majority(least=settings.pop("agree"), **TIES)
    if "hedge_delay_ms" in options:
        settings["after"] = options["hedge_delay_ms"] / 1000
    settings.setdefault("vote", VOTES[options.get("strategy", "majority")])
    return EXECUTIONS[name](members, timeout=options.get("timeout", 5000) / 1000, **settings)


def execution(replies: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The panel's answer, or its error."""
    try:
        return told(of.instantly(panel(replies, options)("?")))
    except (of.NoAnswer, of.ConfigError) as error:
        return refused(error)


def normalize(given: Any, options: Mapping[str, Any]) -> Any:
    """What a reader makes of what somebody said."""
    if options.get("function") == "text_similarity":
        return of.similarity(*given)
    kind = options.get("normalization", "lowercase_trim")
    if kind == "numeric_extract_nonstring":
        return READERS["numeric"].read(given, of.Query("?"))
    reads = (lambda _: 42) if isinstance(kind, list) else READERS[kind]

    async def says(query: of.Query) -> Any:
        return given

    answer = of.ask("?", says, reads=reads)
    return answer.text if options.get("function") == "extract_response_text" else answer.value


def pricing(given: Any, options: Mapping[str, Any]) -> Any:
    """Prices of the recipe, what a call was charged, what a panel would be."""
    recipe = of.load_recipe(ROOT / "recipes" / "crucible.yaml")
    if options["function"] == "get_prices":
        price = recipe.session().deployment(given).price
        assert price is not None
        per_million = {"input_per_1m": price.tokens_in, "output_per_1m": price.tokens_out}
        return {**per_million, "per_request": price.call}
    if options["function"] == "calculate_cost":
        return charged(given["model"], usage(given), recipe)
    out = {"typical_tokens": given["output_tokens"]}
    session = of.Session({name: {**recipe.models[name], **out} for name in set(given["models"])})
    asked = "x" * 4 * given["input_tokens"]
    with session:
        each = {name: of.plan(of.Model(name), asked).usd for name in given["models"]}
        return {"total_usd": of.plan(of.Panel(given["models"]), asked).usd, "per_model": each}


def usage(given: Mapping[str, Any]) -> tuple[int, int] | None:
    """The tokens that a service reports, under either wire's names."""
    found = given.get("usage") or given.get("metadata", {}).get("usage")
    if not found:
        return None
    tokens_in = found.get("input_tokens", found.get("prompt_tokens"))
    return tokens_in, found.get("output_tokens", found.get("completion_tokens"))


def charged(name: str, tokens: tuple[int, int] | None, recipe: of.Recipe) -> float | None:
    """What a call to a model of the recipe costs; one that is not in it asks nothing by itself."""
    price = {key: entry["price"] for key, entry in recipe.models.items()}
    if tokens is None:
        return of.Session(recipe.models).deployment(name).price.usd(of.Usage())  # type: ignore
    spoken = {"provider": of.Fake(("said",), tokens=tokens)}
    with of.Session({name: {**spoken, "price": price[name]} if name in price else spoken}):
        return of.Model(name).ask("?").usage.usd


def metrics(given: Any, options: Mapping[str, Any]) -> Any:
    """The numbers of a run, its report, and the events of a call."""
    function = options["function"]
    if function == "record_prediction":
        return recorded(given)
    if function == "record_model_response":
        return recorded_model(*given)
    numbers = of.statistics(outcome(each) for each in spelled(given))
    if function == "summary_report":
        return of.report(numbers)
    return {
        "total_predictions": numbers.questions,
        "avg_latency_ms": 1000 * numbers.seconds_mean,
        "p50_latency_ms": 1000 * numbers.seconds_p50,
        "p95_latency_ms": 1000 * numbers.seconds_p95,
        "p99_latency_ms": 1000 * numbers.seconds_p99,
        "total_cost": numbers.usage.usd,
        "avg_cost": numbers.usd_per_question,
        "avg_consensus": numbers.agreement,
        "success_rate": 100 * numbers.success,
    }


def spelled(given: Any) -> list[dict[str, Any]]:
    """The predictions of a case, spelled out where it only describes them."""
    if not isinstance(given, str):
        return list(given)
    found = fullmatch(r"(\d+) predictions, duration_us = (\d+)\*i for i in 1\.\.\d+", given)
    assert found
    return [{"duration_us": int(found[2]) * i} for i in range(1, int(found[1]) + 1)]


def outcome(given: Mapping[str, Any]) -> of.Outcome:
    """One question of a run, with this agreement, cost and time."""
    share = given.get("consensus", 0.0)
    ballots = (of.Ballot("m", "x", share), of.Ballot("n", None, 1 - share))
    answer = of.Answer(
        "x",
        "x",
        tally=of.Tally("weighted", ballots),
        usage=of.Usage(usd=given.get("total_cost", 0.0)),
        seconds=given.get("duration_us", 0) / 1e6,
        error=None if given.get("success", True) else of.Failure("NoAnswer"),
    )
    return of.Outcome("q", given.get("query", "?"), answer)


def events(operator: of.Operator) -> list[tuple[str, Any, Any]]:
    """The named events of one question, in virtual time."""
    seen: list[tuple[str, Any, Any]] = []
    heard = of.Telemetry().on("*", lambda *event: seen.append(event))
    with of.Session(listeners=[heard]), suppress(of.OnefoldError):
        of.instantly(operator("?"))
    assert not heard.faults
    return seen


def recorded(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler of `predict.stop` hears of a question that took so long and agreed so far."""
    share, wait = given["consensus"], (given["duration_us"] / 1e6,)
    members = [
        model("m", "x", confidence=share, seconds=wait),
        model("n", "", confidence=1 - share, seconds=wait),
    ]
    heard = {name: rest for name, *rest in events(of.Panel(members, vote="weighted"))}
    measured, about = heard["predict.stop"]
    return {
        "event": ["crucible_ensemble", "predict", "stop"],
        "measurements": {"duration": 1e6 * measured["duration"]},
        "metadata_includes": {"consensus": about["consensus"]},
    }


def recorded_model(name: str, duration: int, cost: float, success: bool) -> dict[str, Any]:
    """What a handler of `model.stop` or `model.exception` hears of such a call."""
    error = "" if success else "Unreachable"
    price = (0.0, cost * 1e6)
    fake = model(name, "x", error=error, seconds=(duration / 1e6,), tokens=(0, 1), price=price)
    event, measured, about = next(e for e in reversed(events(fake)) if e[0].startswith("model."))
    return {
        "event": ["crucible_ensemble", *event.split(".")],
        "measurements": {"duration": 1e6 * measured["duration"]},
        "metadata": {
            "model": about["name"],
            "cost": measured["usd"],
            "success": about["success"],
        },
    }
