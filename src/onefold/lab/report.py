"""A run for people and for tables: the text report, the CSV of answers, the table of members."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.example import Example
from onefold.core.explain import estimate
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.core.usage import dollars
from onefold.lab.grading import expected_value
from onefold.lab.measure import Member, Outcome, Statistics, by_member, statistics
from onefold.lab.run import Run
from onefold.recording.recording import Recording
from onefold.recording.tables import write_table


def write_report(run: Run, folder: str | Path) -> Path:
    """Write what a finished run shows besides its answers; returns the folder.

    answers.csv, members.csv, recording.jsonl, statistics.json, report.txt.
    """
    folder = Path(folder)
    numbers, members = statistics(run), members_of(run)
    write_table(folder / "answers.csv", (csv_row(outcome) for outcome in run))
    write_table(folder / "members.csv", (msgspec.to_builtins(member) for member in members))
    drafts = ((Query(o.prompt, id=o.id), o.answer, o.expected) for o in run)
    Recording.of(drafts).write(folder / "recording.jsonl")
    encoded = msgspec.json.encode(numbers)
    (folder / "statistics.json").write_bytes(msgspec.json.format(encoded) + b"\n")
    (folder / "report.txt").write_text(report(numbers, members, run.stopped), encoding="utf-8")
    return folder


def members_of(run: Run) -> list[Member]:
    """The table of members, graded by the operator's own reader."""

    def reads(outcome: Outcome) -> Any:
        query = Query(outcome.prompt, id=outcome.id)
        return expected_value(run.operator, Example(query, outcome.expected))

    return by_member(run, reads)


def csv_row(outcome: Outcome) -> dict[str, Any]:
    """An outcome as one line of a table."""
    answer = outcome.answer
    good = answer.error is None
    low, high = answer.interval
    return {
        "id": outcome.id,
        "prompt": outcome.prompt,
        "text": answer.text,
        "value": None if answer.value is None else spell(answer.value),
        "expected": None if outcome.expected is None else spell(outcome.expected),
        "correct": outcome.correct,
        "agreement": answer.agreement if good else None,
        "interval_low": low if good else None,
        "interval_high": high if good else None,
        "confidence": answer.confidence,
        "source": answer.source if good else None,
        "votes": dict(answer.votes) if answer.tally else None,
        "answered": sum(draft.error is None for draft in answer.drafts),
        "failed": sum(draft.status == "failed" for draft in answer.drafts),
        "calls": answer.usage.calls,
        "tokens_in": answer.usage.tokens_in,
        "tokens_out": answer.usage.tokens_out,
        "usd": answer.usage.usd,
        "seconds": answer.seconds,
        "error": None if answer.error is None else f"{answer.error.kind}: {answer.error.message}",
    }


def report(numbers: Statistics, members: Iterable[Member] = (), stopped: str = "") -> str:
    """The run as a page of text."""
    lines = [
        "Ensemble Performance Summary",
        "============================",
        "",
        f"Total Predictions: {numbers.questions}",
        f"Success Rate: {percent(numbers.success)}",
        *([f"Stopped early: {stopped}"] if stopped else []),
        *graded(numbers),
        "",
        "Latency:",
        f"  Average: {milliseconds(numbers.seconds_mean)}",
        f"  P50 (Median): {milliseconds(numbers.seconds_p50)}",
        f"  P95: {milliseconds(numbers.seconds_p95)}",
        f"  P99: {milliseconds(numbers.seconds_p99)}",
        "",
        "Cost:",
        f"  Total Cost: {money(numbers.usage.usd, 4)}{estimate(numbers.usage)}",
        f"  Average Cost: {money(numbers.usd_per_question, 6)}",
        f"  Cost a Correct Answer: {right_cost(numbers)}",
        f"  Calls: {numbers.usage.calls}, tokens: {numbers.usage.tokens_in} in, "
        f"{numbers.usage.tokens_out} out",
        "",
        "Consensus:",
        f"  Average Consensus: {percent(numbers.agreement)}",
        f"  Abstentions: {percent(numbers.abstentions)}",
        "",
        *member_table(list(members)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def graded(numbers: Statistics) -> list[str]:
    """The accuracy's line, where answers were graded."""
    if numbers.accuracy is None or numbers.interval is None:
        return []
    low, high = numbers.interval
    return [
        f"Accuracy: {percent(numbers.accuracy)} (95 % interval {percent(low)} to {percent(high)})"
    ]


def member_table(members: list[Member]) -> list[str]:
    """The members as an aligned table."""
    if not members:
        return []
    head = [
        "member",
        "asked",
        "read",
        "unread",
        "failed",
        "cancelled",
        "right",
        "followed",
        "pivotal",
        "cost",
    ]
    rows = [head, *(member_cells(each) for each in members)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def member_cells(each: Member) -> list[str]:
    """A member's line of the table."""
    counts = (each.asked, each.answered, each.abstained, each.failed, each.cancelled)
    shares = (percent(each.accuracy), percent(each.with_winner))
    return [each.member, *map(str, counts), *shares, str(each.pivotal), dollars(each.usd)]


def percent(share: float | None) -> str:
    """A share as a percentage with at most two decimals."""
    return "—" if share is None else f"{round(100 * share, 2)}%"


def right_cost(numbers: Statistics) -> str:
    """What a right answer cost, a dash where there was none."""
    return money(numbers.usd_per_correct, 6) if numbers.accuracy else "—"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds with at most two decimals."""
    return f"{round(1000 * seconds, 2)} ms"


def money(usd: float | None, places: int) -> str:
    """US dollars to some places."""
    if usd is None:
        return "unknown"
    if 0 < usd < 10**-places:
        return dollars(usd)
    digits = f"{usd:.{places}f}".rstrip("0")
    return f"${digits}0" if digits.endswith(".") else f"${digits}"
