"""Why an answer won, told to people: plain text, a rich table, HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from onefold.core.tally import Tally, Trust, spell
from onefold.core.usage import Usage


class Told(Protocol):
    """What an explanation needs of an answer."""

    @property
    def text(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def source(self) -> str: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def tally(self) -> Tally | None: ...
    @property
    def trust(self) -> Trust | None: ...
    @property
    def drafts(self) -> Sequence[Told]: ...
    @property
    def unasked(self) -> tuple[str, ...]: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def seconds(self) -> float: ...
    @property
    def error(self) -> Any: ...
    @property
    def status(self) -> str: ...


def explanation(answer: Told) -> str:
    """The decision in lines of text: the answer, the count, every member's part in it."""
    if answer.error is not None:
        lines = [f"failed    {answer.error.kind}: {short(answer.error.message, 400)}"]
    else:
        lines = [f"answer    {short(answer.text, 200)}"]
    if answer.value is not None and spell(answer.value) != answer.text:
        lines.append(f"read as   {short(spell(answer.value), 200)}")
    lines.append(f"from      {answer.source or 'unnamed'}")
    lines += [f"{name:<9} {said}" for name, said in counted(answer.tally)]
    if answer.trust is not None:
        lines.append(f"right     {answer.trust}")
    elif answer.tally is None and answer.confidence is not None:
        lines.append(f"confident {answer.confidence:.3f}")
    lines.append(f"cost      {answer.usage}{estimate(answer.usage)} · {answer.seconds:.3f} s")
    rows = list(parts(answer))
    if rows:
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines.append("members")
        for who, how, value, said in rows:
            line = f"  {who:<{widths[0]}}  {how:<{widths[1]}}  {value:<{widths[2]}}  {said}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def counted(tally: Tally | None) -> list[tuple[str, str]]:
    """The vote in named lines; empty where nothing was counted."""
    if tally is None:
        return []
    low, high = tally.interval
    votes = ", ".join(f"{short(key, 40)!r}: {score:.4g}" for key, score in tally.votes.items())
    rows = [
        ("rule", f"{tally.rule}, ties: {tally.ties}, abstentions: {tally.abstentions}"),
        ("votes", votes or "none"),
        ("agreement", f"{tally.agreement:.3f} (95 % interval {low:.3f} to {high:.3f})"),
        ("margin", f"{tally.margin:.3f}"),
        ("quorum", f"{tally.quorum} wanted, {len(tally.ballots)} came"),
    ]
    named = (("pivotal", tally.pivotal), ("dissent", tally.dissent), ("abstained", tally.abstained))
    return rows + [(name, ", ".join(who)) for name, who in named if who]


def parts(answer: Told) -> list[tuple[str, str, str, str]]:
    """One row a member: who, what became of it, what was read, the words or the reason."""
    ballots = answer.tally.ballots if answer.tally else ()
    weights = {ballot.source: ballot.weight for ballot in ballots}
    rows = []
    for draft in answer.drafts:
        who = draft.source or "unnamed"
        if draft.error is not None:
            rows.append(
                (who, draft.status, "", f"{draft.error.kind}: {short(draft.error.message)}")
            )
            continue
        counted = weights.get(draft.source, 1)
        weight = f" ×{counted:.3g}" if counted != 1 else ""
        read = "—" if draft.value is None else short(spell(draft.value), 40)
        rows.append((who, draft.status + weight, read, repr(short(draft.text))))
    return rows + [(who, "not asked", "", "") for who in answer.unasked]


def short(text: str, most: int = 72) -> str:
    """A text on one line, cut in the middle where it is long."""
    line = " ".join(text[: 4 * most].split()) if len(text) > 4 * most else " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def estimate(usage: Usage) -> str:
    """A mark for sums that contain an estimate."""
    return " (in part estimated)" if usage.estimated else ""


def table(answer: Told) -> Any:
    """The explanation as a rich panel: the head as text, the members as a table."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for row in parts(answer):
        style = {"answered": "", "not asked": "dim"}.get(row[1].split(" ×")[0], "yellow")
        grid.add_row(*(Text(cell) for cell in row), style=style)
    head = explanation(answer).split("\nmembers\n")[0]
    return Panel(Group(Text(head), Text(""), grid), title="onefold", title_align="left")


def html(answer: Told) -> str:
    """The explanation as a small HTML fragment; everything a model said is escaped."""
    head = escape(explanation(answer).split("\nmembers\n")[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in parts(answer)
    )
    return f"<div class='onefold'><pre>{head}</pre><table>{body}</table></div>"
