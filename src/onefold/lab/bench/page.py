"""Results as files for people and tables: CSV, figures, SVG, and one HTML page without links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from onefold.core.usage import dollars
from onefold.lab.bench.curves import Floats, Point, hull, reached
from onefold.lab.bench.matrices import pairs
from onefold.lab.bench.plots import QUIET, STYLE, Axis, Heat, Mark, Plot, Series, png, svg
from onefold.lab.bench.results import SCHEMA, Results
from onefold.lab.bench.summary import Figures, Summary, figures, placed, summary, trusted
from onefold.recording.tables import write_table

LARGEST = 60  # systems in a matrix
CURVES = 4  # reliability curves in one plot
CSS = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#e0e3e7;--paper:#fff;
--tint:#f4f6f8}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#b0b4ba;--line:#363a3f;--paper:#18191b;
--tint:#212225}}
body{margin:2rem auto;padding:0 1.2rem;max-width:1180px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}p,li{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.2rem 0}
.facts div{background:var(--tint);border-radius:8px;padding:.5rem .9rem}
.facts b{display:block;font-size:1.15rem}.facts span{color:var(--soft);font-size:.85rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{padding:.25rem .55rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{position:sticky;top:0;background:var(--paper)}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid #0072B2}
th[aria-sort=ascending] button::after{content:" ↑"}
th[aria-sort=descending] button::after{content:" ↓"}
.plot.bar{width:120px;height:12px;max-width:none}
tr.hull td:first-child{font-weight:600}td svg{vertical-align:middle}figure{margin:0 0 1.2rem}
.side{display:flex;flex-wrap:wrap;gap:1.2rem}
"""
SCRIPT = """
document.querySelectorAll("th button").forEach((button, column) => button.onclick = () => {
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const up = head.getAttribute("aria-sort") === "descending";
  head.parentElement.querySelectorAll("th").forEach(each => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const held = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const order = (a, b) => a === "" || b === "" ? (a === "") - (b === "")
    : (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b) * (up ? 1 : -1);
  [...body.rows].sort((a, b) => order(held(a), held(b))).forEach(row => body.append(row));
});
"""
SAFE = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
WORDS = """
<dl><dt>Quality</dt><dd>mean score over graded questions; no answer counts as 0. The interval is
95 %: Wilson's where answers are right or wrong, a bootstrap over questions otherwise.</dd>
<dt>Gain</dt><dd>quality minus that of the best single member on the same questions, with a paired
bootstrap interval. That member is picked on these very questions, which flatters it.</dd>
<dt>Mixtures</dt><dd>asking one of two systems at random reaches every point on the line between
them. A system below the line is worse than such a coin (RouterBench's convex hull). AIQ is the
line's mean height over all costs.</dd>
<dt>APGR, CPT</dt><dd>for systems that are points of one curve, between the cheapest and the best
member: mean share of the quality gap that is recovered, and the percent of the cost span that
recovers 50 % and 80 % of it (RouteLLM, by cost instead of calls).</dd>
<dt>Oracle</dt><dd>a system that knew the best member for each question.</dd>
<dt>Independent voters</dt><dd>n / (1 + (n − 1) ρ), ρ the mean correlation of members' scores.</dd>
<dt>ECE</dt><dd>expected calibration error of the stated confidence, 15 bins of equal mass; some of
it is the bins' own noise.</dd></dl>
"""


def write_bench(results: Results, folder: str | Path, images: bool = False, seed: int = 0) -> Path:
    """Write what a bench shows; returns the folder.

    results.csv, summary.csv, pairs.csv, figures.json, report.html, and each plot as SVG; with
    `images` as PNG too (extra `plots`).

    Raises:
        MissingExtra: images are wanted, and matplotlib is not installed.
    """
    folder = Path(folder)
    rows, found, met = summary(results, seed), figures(results), pairs(results.grid)
    results.write(folder / "results.csv")
    about = {"schema": SCHEMA, "dataset": "+".join(results.datasets)}
    write_table(folder / "summary.csv", ({**about, **msgspec.to_builtins(row)} for row in rows))
    if len(results.systems) > 1:
        write_table(folder / "pairs.csv", met.rows())
    data = msgspec.json.encode({**about, **msgspec.to_builtins(found), "notes": results.notes})
    (folder / "figures.json").write_bytes(msgspec.json.format(data) + b"\n")
    drawn = plots(results, found)
    (folder / "report.html").write_text(page(results, rows, found, drawn), encoding="utf-8")
    for name, plot in drawn.items():
        (folder / f"{name}.svg").write_text(svg(plot), encoding="utf-8")
        if images:
            png(plot, folder / f"{name}.png")
    return folder


def plots(results: Results, found: Figures) -> dict[str, Plot | Heat]:
    """The plots that the results are enough for, by name."""
    made: dict[str, Plot | Heat | None] = {
        "frontier": frontier_plot(results, found),
        "reliability": reliability_plot(results),
        **heats(results),
    }
    return {name: plot for name, plot in made.items() if plot is not None}


def frontier_plot(results: Results, found: Figures) -> Plot | None:
    """Cost against quality, with what random mixtures reach; None where no cost is known."""
    points = placed(results)
    if not any(point.usd > 0 for point in points):
        return None
    log = all(point.usd > 0 for point in points)
    corners = hull(points)
    best = {corner.name for corner in corners}
    low, high = min(p.quality for p in points), max(p.quality for p in points)

    def marks(member: bool) -> tuple[Mark, ...]:
        return tuple(
            Mark(1000 * p.usd, p.quality, p.name, named=not member or p.name in best)
            for p in points
            if (p.family == "member") == member
        )

    mixed = mixtures(corners)
    line = tuple(Mark(1000 * float(usd), float(q)) for usd, q in mixed)
    series = [
        Series("members", marks(True), QUIET),
        Series("systems", marks(False), 0),
        Series("random mixtures", line, 1, line=True, dots=False),
    ]
    if found.oracle is not None:
        ends = [f(1000 * p.usd for p in points) for f in (min, max)]
        level = tuple(Mark(end, found.oracle) for end in ends)
        series.append(Series("oracle", level, 2, line=True, dots=False, dashed=True))
        high = max(high, found.oracle)
    room = max(0.01, 0.06 * (high - low))
    return Plot(
        f"Cost and quality: {', '.join(results.datasets)}",
        Axis("US dollars for 1,000 questions", "usd", log=log),
        Axis("quality", "share", low=max(0.0, low - room), high=min(1.0, high + room)),
        tuple(each for each in series if each.marks),
        960,
        480,
    )


def mixtures(corners: Sequence[Point]) -> Floats:
    """Points (cost, quality) along a hull, close enough to be a curve over a logarithmic axis."""
    costs = [corner.usd for corner in corners]
    shares = np.linspace(0.0, 1.0, 25)
    between = [low + (high - low) * shares for low, high in pairwise(costs)]
    places = np.unique(np.concatenate([costs, *between]))
    return np.column_stack([places, reached(corners, places)])


def reliability_plot(results: Results) -> Plot | None:
    """Stated confidence against share right; None where nobody states any."""
    held = [(name, trusted(rows)) for name, rows in results.by_system.items()]
    stated = [(name, trust) for name, trust in held if trust is not None]
    if not stated:
        return None
    panels = [pair for pair in stated if results.families[pair[0]] != "member"] or stated
    series = [
        Series(
            name,
            tuple(
                Mark(b.stated, b.right, f"{name}: {b.count} answers", b.low, b.high)
                for b in trust.bins
            ),
            place,
            line=len(trust.bins) > 1,
        )
        for place, (name, trust) in enumerate(panels[:CURVES])
    ]
    even = Series("", (Mark(0.0, 0.0), Mark(1.0, 1.0)), QUIET, line=True, dots=False, dashed=True)
    return Plot(
        "Reliability of the stated confidence",
        Axis("stated confidence", "share", low=0.0, high=1.02),
        Axis("share right", "share", low=0.0, high=1.02),
        (*series, even),
        620,
        480,
    )


def heats(results: Results) -> dict[str, Heat]:
    """Agreement and shared mistakes of the members, or of all systems where there are none."""
    listed = results.members if len(results.members) > 1 else results.systems
    if not 1 < len(listed) <= LARGEST:
        return {}
    met = pairs(results.grid.of(listed))
    titles = {
        "agreement": "Same answer, % of questions that both answered",
        "same_mistake": "Same wrong answer, % of questions",
        "both_wrong": "Both wrong, % of questions",
    }
    found = {}
    for name, title in titles.items():
        matrix = getattr(met, name).copy()
        if name != "agreement":
            matrix[range(len(listed)), range(len(listed))] = float("nan")
        known = matrix[matrix == matrix]
        if known.size:
            scale = 1.0 if name == "agreement" else float(known.max())
            values = tuple(tuple(map(float, row)) for row in matrix)
            title += f" (darkest: {scale:.1%})" if name != "agreement" else ""
            found[name] = Heat(title, tuple(listed), values, scale)
    return found


def page(
    results: Results, rows: Sequence[Summary], found: Figures, drawn: dict[str, Plot | Heat]
) -> str:
    """The whole page."""
    title = f"Bench: {', '.join(results.datasets)}"
    others = [plot for name, plot in drawn.items() if name != "frontier"]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{SAFE}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(title)}</title><style>{CSS}{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{found.questions} questions, {found.systems} systems, {found.members} of them single "
        "members.</p>",
        *facts(found),
        *(f"<p>Note: {escape(note)}.</p>" for note in results.notes),
        *(
            f"<figure>{svg(drawn[name], style=False)}</figure>"
            for name in ("frontier",)
            if name in drawn
        ),
        "<h2>Systems</h2>",
        *systems_table(rows),
        *curve_table(found),
        *(['<h2>Confidence and company</h2><div class="side">'] if others else []),
        *(f'<figure class="wide">{svg(plot, style=False)}</figure>' for plot in others),
        *(["</div>"] if others else []),
        f"<h2>Words</h2>{WORDS}",
        f"<script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def facts(found: Figures) -> Iterator[str]:
    """The figures of all systems together, as cards."""
    area = [f"{value:.4f}" for value in (found.aiq_members, found.aiq) if value is not None]
    cards = (
        ("best single member", found.best, share(found.best_quality)),
        ("best system", found.winner, share(found.winner_quality)),
        ("oracle of the members", "", share(found.oracle)),
        ("of the gap to the oracle closed", "", share(found.closed)),
        (f"independent voters among {found.members}", "", short(found.voters)),
        ("same mistake, mean of pairs", "", share(found.same_mistake)),
        ("AIQ, members → all systems", "", " → ".join(area)),
    )
    yield '<div class="facts">'
    for what, who, value in cards:
        if value:
            name = f": {escape(who)}" if who else ""
            yield f"<div><b>{value}</b><span>{what}{name}</span></div>"
    yield "</div>"


def systems_table(rows: Sequence[Summary]) -> Iterator[str]:
    """All systems, best first; a click on a head sorts, and what nobody knows is left out."""
    ranked = sorted(rows, key=lambda row: -(row.quality or 0.0))
    known = [v for row in rows for v in (row.low, row.high) if v is not None]
    reach = (min(known), max(known)) if known else (0.0, 1.0)
    board = [[*cells(row, reach)] for row in ranked]
    kept = [
        place
        for place, (_, value, _) in enumerate(board[0])
        if any(line[place][1] is not None for line in board)
    ]
    yield '<div class="wide"><table><thead><tr>'
    yield from (f"<th><button>{board[0][place][0]}</button></th>" for place in kept)
    yield "</tr></thead><tbody>"
    for row, line in zip(ranked, board, strict=True):
        yield f'<tr class="{"hull" if row.hull else "plain"}">'
        for place in kept:
            _, value, said = line[place]
            yield f'<td data-value="{"" if value is None else escape(str(value))}">{said}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"
    yield "<p>Bold: no random mixture of other systems is as good for less.</p>"


def cells(row: Summary, reach: tuple[float, float]) -> Iterator[tuple[str, Any, str]]:
    """A system's cells: the head, the value that sorts, None where unknown, and the HTML."""
    thousand = None if row.usd_per_question is None else 1000 * row.usd_per_question
    yield "system", row.system, escape(row.system)
    yield "quality", row.quality, share(row.quality)
    yield "95 %", row.low, between(row.low, row.high)
    yield "", row.quality, bar(row, reach)
    yield "gain", row.gain, "" if row.gain is None else f"{100 * row.gain:+.2f}"
    yield "gain, 95 %", row.gain_low, between(row.gain_low, row.gain_high, "+.2f")
    yield "$ / 1,000", thousand, money(thousand)
    yield "$ / correct", row.usd_per_correct, money(row.usd_per_correct)
    yield "calls", row.calls, short(row.calls)
    yield "tokens", row.tokens, "" if row.tokens is None else f"{row.tokens:,.0f}"
    yield "median s", row.seconds_p50, short(row.seconds_p50)
    yield "95th s", row.seconds_p95, short(row.seconds_p95)
    yield "unanswered", row.unanswered or None, share(row.unanswered)
    yield "ECE", row.ece, "" if row.ece is None else f"{row.ece:.3f}"


def curve_table(found: Figures) -> Iterator[str]:
    """The families that make a curve."""
    if not found.curves:
        return
    yield "<h2>Curves between the cheapest and the best member</h2><table><thead><tr>"
    yield from (f"<th>{head}</th>" for head in ("family", "systems", "APGR", "CPT50", "CPT80"))
    yield "</tr></thead><tbody>"
    for curve in found.curves:
        yield f"<tr><td>{escape(curve.family)}</td><td>{curve.systems}</td>"
        yield f"<td>{curve.apgr:.3f}</td><td>{curve.cpt50:.1f} %</td>"
        yield f"<td>{curve.cpt80:.1f} %</td></tr>"
    yield "</tbody></table>"


def bar(row: Summary, reach: tuple[float, float]) -> str:
    """A system's quality and its interval, as a line with a dot."""
    if row.quality is None or row.low is None or row.high is None or reach[0] == reach[1]:
        return ""
    low, at, high = (
        4 + 112 * (value - reach[0]) / (reach[1] - reach[0])
        for value in (row.low, row.quality, row.high)
    )
    colour = "quiet" if row.family == "member" else "c0"
    return (
        f'<svg class="plot bar" viewBox="0 0 120 12" aria-hidden="true"><path class="{colour}" '
        f'stroke-width="1.5" d="M{low:.1f} 6H{high:.1f}"/><circle class="{colour}" '
        f'cx="{at:.1f}" cy="6" r="3"/></svg>'
    )


def share(value: float | None) -> str:
    """A share for people, empty where it is unknown."""
    return "" if value is None else f"{value:.2%}"


def between(low: float | None, high: float | None, form: str = ".2f") -> str:
    """An interval of shares in percent."""
    if low is None or high is None:
        return ""
    return f"{100 * low:{form}} to {100 * high:{form}}"


def short(value: float | None) -> str:
    """A number with about three digits."""
    return "" if value is None else f"{value:.3g}"


def money(usd: float | None) -> str:
    """Dollars with three digits."""
    return "" if usd is None else dollars(float(f"{usd:.3g}"))
