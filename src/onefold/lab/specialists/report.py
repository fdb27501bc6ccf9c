"""Specialists for people and for tables: a results file, and a summary to read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onefold.core.errors import ConfigError
from onefold.lab.report import milliseconds, money, percent
from onefold.lab.specialists.figures import Figures

RESULTS, SUMMARY = "specialists.json", "summary.txt"


def write_results(numbers: Figures, folder: str | Path) -> Path:
    """Write the numbers as JSON and as a summary; returns the folder.

    Raises:
        ConfigError: it cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        encoded = msgspec.json.format(msgspec.json.encode(numbers))
        (folder / RESULTS).write_bytes(encoded + b"\n")
        (folder / SUMMARY).write_text(summary(numbers), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from None
    return folder


def summary(numbers: Figures) -> str:
    """The numbers as a page of text."""
    lines = [
        "Specialists",
        "===========",
        "",
        f"Answers: {numbers.answers}, {percent(numbers.success)} came",
        f"Score: {percent(numbers.score)}",
        f"Selection accuracy: {percent(numbers.selection)}",
        f"Confidence: {percent(numbers.confidence)}",
        f"Calibration error: {percent(numbers.calibration)}",
        f"Latency: P50 {latency(numbers.seconds_p50)}, P99 {latency(numbers.seconds_p99)}",
        "",
        "Members:",
        *(
            f"  {each.member}: {each.used} ({percent(each.share)}), "
            f"success {percent(each.success)}, score {percent(each.score)}, "
            f"P50 {latency(each.seconds_p50)}, cost {money(each.usd, 4)}"
            for each in numbers.members
        ),
        "",
        "Tasks:",
        *(
            f"  {each.task or 'unnamed'}: {each.asked}, score {percent(each.score)}, "
            f"well selected {percent(each.selected)}"
            for each in numbers.tasks
        ),
    ]
    return "\n".join(lines) + "\n"


def latency(seconds: float | None) -> str:
    """Seconds as milliseconds, a dash where nobody measured."""
    return "—" if seconds is None else milliseconds(seconds)
