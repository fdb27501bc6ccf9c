"""Plots as plain values, drawn as SVG by our own hand, or as PNG by matplotlib (extra `plots`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import ceil, floor, isfinite, isnan, log10
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from onefold.core.errors import ConfigError, MissingExtra

LIGHT = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#8C6D00", "#5B5EA6")  # Okabe and Ito 2008,
DARK = ("#56B4E9", "#F5793A", "#2CC59A", "#E5A5C9", "#E6C229", "#A5A8F0")  # the last ones darker
QUIET = -1
LEFT, RIGHT, TOP, BOTTOM, ROW = 70, 26, 40, 52, 18
CHARACTER = 6.3  # mean width in pixels of one at 11 px

STYLE = (
    ".plot{--ink:#1c2024;--soft:#60646c;--grid:#e6e8eb;--paper:#fff;--quiet:#8b8d98;"
    + "".join(f"--c{i}:{colour};" for i, colour in enumerate(LIGHT))
    + "font:11px system-ui,sans-serif;max-width:100%;height:auto}"
    + "@media(prefers-color-scheme:dark){.plot{--ink:#edeef0;--soft:#b0b4ba;--grid:#363a3f;"
    + "--paper:#18191b;--quiet:#7c818a;"
    + "".join(f"--c{i}:{colour};" for i, colour in enumerate(DARK))
    + "}}.plot text{fill:var(--soft)}.plot .title{font-size:14px;font-weight:600;fill:var(--ink)}"
    + ".plot .name{fill:var(--ink)}.plot .back{fill:var(--paper)}.plot .grid{stroke:var(--grid)}"
    + ".plot .axis{stroke:var(--soft)}.plot .line{fill:none;stroke-width:2}"
    + ".plot .quiet{fill:var(--quiet);stroke:var(--quiet)}"
    + "".join(
        f".plot .c{i}{{fill:var(--c{i});stroke:var(--c{i})}}.plot .line.c{i}{{fill:none}}"
        for i in range(len(LIGHT))
    )
    + ".plot .line.quiet{fill:none}"
)


class Axis(Struct, frozen=True):
    """What an axis shows. low, high: where it starts and ends; None as the marks want it."""

    label: str
    kind: Literal["number", "share", "usd"] = "number"
    log: bool = False
    low: float | None = None
    high: float | None = None


class Mark(Struct, frozen=True):
    """A point. low, high: its interval upwards. named: its name is written beside it."""

    x: float
    y: float
    name: str = ""
    low: float | None = None
    high: float | None = None
    named: bool = False


class Series(Struct, frozen=True):
    """Marks that belong together. colour: a place in the palette, -1 grey."""

    name: str
    marks: tuple[Mark, ...]
    colour: int = 0
    line: bool = False
    dots: bool = True
    dashed: bool = False


class Plot(Struct, frozen=True):
    """Series over two axes, in pixels."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    width: int = 760
    height: int = 440

    def _repr_html_(self) -> str:
        return svg(self)


class Heat(Struct, frozen=True):
    """A square matrix of shares by name; NaN stays empty. scale: the value of full colour."""

    title: str
    names: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    scale: float = 1.0

    def _repr_html_(self) -> str:
        return svg(self)


class Scale(Struct, frozen=True):
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; values outside are drawn at the edge."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, at = log10(low), log10(high), log10(at)
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def ticks(low: float, high: float, log: bool = False, most: int = 6) -> list[float]:
    """Round values between two others: 1, 2, 2.5 or 5 times a power of ten."""
    if log:
        powers = range(floor(log10(low)), ceil(log10(high)) + 1)
        fine = [m * 10.0**p for p in powers for m in (1, 2, 5)]
        found = [each for each in fine if low <= each * (1 + 1e-9) and each <= high * (1 + 1e-9)]
        decades = [each for each in found if abs(log10(each) - round(log10(each))) < 1e-9]
        return decades if len(found) > most + 2 and len(decades) > 1 else found
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, floor(high / step + 1e-9) + 1)]


def spoken(value: float, kind: str) -> str:
    """A value of an axis for people."""
    if kind == "share":
        return f"{round(100 * value, 6):g}%"
    plain = f"{value:,.10f}".rstrip("0").rstrip(".") if abs(value) >= 1e-6 else f"{value:g}"
    return f"${plain}" if kind == "usd" else plain


def scaled(axis: Axis, values: Sequence[float], start: float, end: float) -> Scale:
    """The scale of an axis that holds some values.

    Raises:
        ConfigError: there are none, or a logarithmic axis holds none above 0.
    """
    held = [v for v in values if isfinite(v) and (v > 0 or not axis.log)]
    if not held:
        raise ConfigError(f"nothing to plot over {axis.label!r}: no value is known")
    low = min(held) if axis.low is None else axis.low
    high = max(held) if axis.high is None else axis.high
    if axis.log:
        ratio = max(high / low, 1.5)
        pad = ratio**0.06
        return Scale(low / pad, high * pad, start, end, True)
    pad = 0.05 * ((high - low) or abs(high) or 1.0)
    low = low - pad if axis.low is None else axis.low
    high = high + pad if axis.high is None else axis.high
    if axis.kind == "share":
        low, high = max(0.0, low), min(1.02, high)
    return Scale(low, high, start, end)


def svg(plot: Plot | Heat, style: bool = True) -> str:
    """A plot as a whole SVG file; without `style` for a page that brings it once."""
    if isinstance(plot, Heat):
        size, body = heat_body(plot)
    else:
        size, body = (plot.width, plot.height), list(plot_body(plot))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" '
        f'viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}">',
        f"<title>{escape(plot.title)}</title>",
        *([f"<style>{STYLE}</style>"] if style else []),
        f'<rect class="back" width="{size[0]}" height="{size[1]}" rx="6"/>',
        text(16, 24, plot.title, "title"),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def plot_body(plot: Plot) -> Iterator[str]:
    """Axes, series, legend and names."""
    marks = [mark for each in plot.series for mark in each.marks]
    heights = [v for m in marks for v in (m.y, m.low, m.high) if v is not None]
    x = scaled(plot.x, [mark.x for mark in marks], LEFT, plot.width - RIGHT)
    rows = legend(plot)
    y = scaled(plot.y, heights, plot.height - BOTTOM, TOP + ROW * len(rows))
    yield from axes(plot, x, y)
    for place, each in enumerate(plot.series):
        yield from drawn(each, place, x, y)
    yield from explained(rows)
    yield from names(plot, x, y)


def axes(plot: Plot, x: Scale, y: Scale) -> Iterator[str]:
    """Grid, ticks and labels."""
    for value in ticks(y.low, y.high, y.log):
        at = y(value)
        yield f'<path class="grid" d="M{x.start} {at:.1f}H{x.end}"/>'
        yield text(x.start - 8, at + 4, spoken(value, plot.y.kind), anchor="end")
    for value in ticks(x.low, x.high, x.log):
        at = x(value)
        yield f'<path class="grid" d="M{at:.1f} {y.start}V{y.end}"/>'
        yield text(at, y.start + 17, spoken(value, plot.x.kind), anchor="middle")
    yield f'<path class="axis" fill="none" d="M{x.start} {y.end}V{y.start}H{x.end}"/>'
    yield text((x.start + x.end) / 2, plot.height - 12, plot.x.label, anchor="middle")
    spot = f"translate(16 {(y.start + y.end) / 2:.1f}) rotate(-90)"
    yield f'<text transform="{spot}" text-anchor="middle">{escape(plot.y.label)}</text>'


def drawn(series: Series, place: int, x: Scale, y: Scale) -> Iterator[str]:
    """A series: its line, its intervals, its marks with what they are called."""
    colour = classed(series.colour)
    if series.line and series.marks:
        way = "L".join(f"{x(m.x):.1f} {y(m.y):.1f}" for m in series.marks)
        dashes = ' stroke-dasharray="5 4"' if series.dashed else ""
        yield f'<path class="line {colour}"{dashes} d="M{way}"/>'
    for mark in series.marks:
        at, up = x(mark.x), y(mark.y)
        if mark.low is not None and mark.high is not None:
            ends = f"M{at:.1f} {y(mark.low):.1f}V{y(mark.high):.1f}"
            yield f'<path class="{colour}" stroke-width="1.5" opacity=".6" d="{ends}"/>'
        if series.dots:
            told = f"<title>{escape(mark.name)}</title>" if mark.name else ""
            yield f'<path class="{colour}" d="{shape(place, at, up)}">{told}</path>'


def classed(colour: int) -> str:
    """The class of a colour."""
    return "quiet" if colour < 0 else f"c{colour % len(LIGHT)}"


def shape(place: int, x: float, y: float) -> str:
    """A mark's outline; series differ in shape as well as in colour."""
    r = 4.2
    if place % 4 == 0:
        return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0Z"
    if place % 4 == 1:
        return f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}Z"
    if place % 4 == 2:
        return f"M{x:.1f} {y - 5.4:.1f}l5.4 5.4l-5.4 5.4l-5.4 -5.4Z"
    return f"M{x:.1f} {y - 5:.1f}l5 9h-10Z"


def legend(plot: Plot) -> list[list[tuple[float, int, Series]]]:
    """Where the named series are explained: rows of (left, place, series)."""
    rows: list[list[tuple[float, int, Series]]] = [[]]
    at = float(LEFT)
    for place, each in enumerate(plot.series):
        if not each.name:
            continue
        wide = len(each.name) * CHARACTER + 34
        if rows[-1] and at + wide > plot.width - RIGHT:
            rows.append([])
            at = float(LEFT)
        rows[-1].append((at, place, each))
        at += wide
    return rows if rows[0] else []


def explained(rows: list[list[tuple[float, int, Series]]]) -> Iterator[str]:
    """What the colours and shapes mean."""
    for number, row in enumerate(rows):
        up = 42 + ROW * number
        for at, place, each in row:
            if each.dots:
                yield f'<path class="{classed(each.colour)}" d="{shape(place, at + 8, up)}"/>'
            else:
                dashes = ' stroke-dasharray="5 4"' if each.dashed else ""
                ends = f"M{at:.1f} {up}h16"
                yield f'<path class="line {classed(each.colour)}"{dashes} d="{ends}"/>'
            yield text(at + 21, up + 4, each.name, "name")


def names(plot: Plot, x: Scale, y: Scale) -> Iterator[str]:
    """The names of marks that want one, where there is room for them."""
    spots = [(x(m.x), y(m.y), 5 if s.dots else 1) for s in plot.series for m in s.marks]
    taken: list[tuple[float, ...]] = [(at - r, up - r, at + r, up + r) for at, up, r in spots]
    for mark in (mark for each in plot.series for mark in each.marks if mark.named):
        at, up, wide = x(mark.x), y(mark.y), len(mark.name) * CHARACTER
        for left, base in (
            (at + 8, up - 6),
            (at + 8, up + 14),
            (at - wide - 8, up - 6),
            (at - wide - 8, up + 14),
            (at - wide / 2, up - 12),
            (at - wide / 2, up + 20),
            (at + 12, up + 24),
            (at - wide - 12, up - 18),
        ):
            box = (left, base - 10, left + wide, base + 3)
            inside = x.start < box[0] and box[2] < plot.width - 2 and y.end < box[1] < y.start - 12
            if inside and not any(overlap(box, other) for other in taken):
                taken.append(box)
                yield text(left, base, mark.name, "name")
                break


def overlap(one: Sequence[float], two: Sequence[float]) -> bool:
    """Whether two boxes (left, top, right, bottom) share room."""
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> str:
    """A line of text."""
    about = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{about}>{escape(said)}</text>'


def heat_body(heat: Heat) -> tuple[tuple[int, int], list[str]]:
    """A matrix: darker is more; each cell says its pair and value."""
    count = len(heat.names)
    cell = 34 if count <= 12 else 18
    wide = int(max(map(len, heat.names), default=0) * CHARACTER) + 24
    top = 44 + int(0.75 * wide)
    body = []
    for row, name in enumerate(heat.names):
        body.append(text(wide - 8, top + (row + 0.5) * cell + 4, name, "name", "end"))
        spot = f"{wide + (row + 0.5) * cell + 4:.1f} {top - 8}"
        body.append(
            f'<text class="name" transform="translate({spot}) rotate(-50)">{escape(name)}</text>'
        )
        for column, other in enumerate(heat.names):
            value = heat.values[row][column]
            if isnan(value):
                continue
            left, up = wide + column * cell, top + row * cell
            told = escape(f"{name} and {other}: {value:.1%}")
            strength = min(1.0, max(0.0, value / heat.scale)) if heat.scale > 0 else 0.0
            body.append(
                f'<rect class="c0" fill-opacity="{strength:.3f}" stroke-opacity=".15" '
                f'x="{left}" y="{up}" width="{cell}" height="{cell}"><title>{told}</title></rect>'
            )
            if count <= 12:
                spot = f'x="{left + cell / 2}" y="{up + cell / 2 + 4}" text-anchor="middle"'
                light = ' style="fill:var(--paper)"' if strength > 0.6 else ' class="name"'
                body.append(f"<text {spot}{light}>{100 * value:.3g}</text>")
    width = max(wide + count * cell + 90, int(1.1 * len(heat.title) * CHARACTER) + 48)
    return (width, top + count * cell + 16), body


def png(plot: Plot | Heat, path: str | Path, scale: float = 2.0) -> None:
    """Write a plot as PNG. scale: pixels of the image for each pixel of the plot.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("plots", "drawing PNG (SVG needs nothing)") from None
    figure = Figure(layout="constrained")
    painted: Callable[[Any, Any, Any], None] = (
        painted_heat if isinstance(plot, Heat) else painted_plot
    )
    painted(figure, figure.add_subplot(), plot)
    figure.savefig(path, dpi=100 * scale)


def painted_plot(figure: Any, board: Any, plot: Plot) -> None:
    """Series over two axes, by matplotlib."""
    figure.set_size_inches(plot.width / 100, plot.height / 100)
    for place, each in enumerate(plot.series):
        colour = "#8b8d98" if each.colour < 0 else LIGHT[each.colour % len(LIGHT)]
        x, y = [m.x for m in each.marks], [m.y for m in each.marks]
        line = ("--" if each.dashed else "-") if each.line else ""
        dot = "osD^"[place % 4] if each.dots else ""
        about = {"linestyle": line, "marker": dot, "color": colour, "label": each.name or None}
        board.plot(x, y, **about)
        for m in each.marks:
            if m.low is not None and m.high is not None:
                board.vlines(m.x, m.low, m.high, color=colour, alpha=0.6)
            if m.named:
                board.annotate(m.name, (m.x, m.y), (5, 5), textcoords="offset points", fontsize=8)
    for letter, axis in (("x", plot.x), ("y", plot.y)):
        settings: dict[str, Any] = {
            f"{letter}label": axis.label,
            f"{letter}scale": "log" if axis.log else "linear",
        }
        if axis.low is not None and axis.high is not None:
            settings[f"{letter}lim"] = (axis.low, axis.high)
        board.set(**settings)
        ruler = getattr(board, f"{letter}axis")
        ruler.set_major_formatter(lambda value, _, kind=axis.kind: spoken(value, kind))
    board.set_title(plot.title)
    board.grid(alpha=0.3)
    if any(each.name for each in plot.series):
        board.legend(fontsize=8)


def painted_heat(figure: Any, board: Any, heat: Heat) -> None:
    """A matrix, by matplotlib."""
    size = 3 + 0.3 * len(heat.names)
    figure.set_size_inches(size, size)
    board.imshow(heat.values, cmap="Blues", vmin=0, vmax=heat.scale)
    places = range(len(heat.names))
    board.set_xticks(places, heat.names, rotation=50, ha="right", fontsize=7)
    board.set_yticks(places, heat.names, fontsize=7)
    board.set_title(heat.title)
