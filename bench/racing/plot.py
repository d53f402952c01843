"""Small plots with logarithmic axes, side by side, as SVG."""

import math
import statistics
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 320, 300  # of a panel, with its labels
LEFT, RIGHT, TOP, BOTTOM = 58, 18, 34, 50
INK, GRID, LINE = "#222222", "#dddddd", "#1f5fa8"


class Axis:
    """Values between two pixels, with room for labels as a share of the values' span."""

    def __init__(self, values: list, begin: float, end: float, labels: float = 0):
        low, high = math.log10(min(values)), math.log10(max(values))
        # Half a decade at least, so that there is a tick.
        room = max(0.1 * (high - low), 0.25 - (high - low) / 2)
        self.low, self.high = low - room, high + max(room, labels * (high - low))
        self.begin, self.end = begin, end

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list:
        """1, 2 and 5 of each power of ten, or with less room 1 alone."""
        steps = (1, 2, 5) if self.high - self.low < 2.4 else (1,)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        ticks = [step * 10.0**power for power in powers for step in steps]
        return [t for t in ticks if self.low <= math.log10(t) <= self.high]


def svg(curves: dict) -> str:
    """`curves`: for each title, points of a label, the GFLOP of a step and its seconds in each round."""
    width = WIDTH * len(curves)
    panels = [
        f'<g transform="translate({WIDTH * i} 0)">\n' + "\n".join(panel(title, points)) + "\n</g>"
        for i, (title, points) in enumerate(curves.items())
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">\n'
        "<title>Seconds of a step against its arithmetic</title>\n"
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>\n' + "\n".join(panels) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, color: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{more}/>'


def panel(title: str, points: list) -> list:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle = (LEFT + right) / 2
    parts = [text(middle, 20, title, more=' font-size="13" font-weight="bold"')]
    if not points:
        return [*parts, text(middle, (TOP + bottom) / 2, "no result")]
    flops = [g for _, g, _ in points]
    medians = [statistics.median(s) for _, _, s in points]
    expected = [medians[0] * g / flops[0] for g in flops]
    x = Axis(flops, LEFT, right, labels=0.2)
    y = Axis([s for _, _, every in points for s in every] + expected, bottom, TOP)
    for tick in x.ticks():
        parts += [line(x(tick), TOP, x(tick), bottom, GRID), text(x(tick), bottom + 15, f"{tick:.10g}")]
    for tick in y.ticks():
        parts += [line(LEFT, y(tick), right, y(tick), GRID), text(LEFT - 5, y(tick) + 4, f"{tick:.10g}", "end")]
    upright = f' transform="rotate(-90 14 {(TOP + bottom) / 2:.1f})"'
    parts += [
        f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}" fill="none" stroke="{INK}"/>',
        text(middle, HEIGHT - 14, "arithmetic of a step, GFLOP"),
        text(14, (TOP + bottom) / 2, "seconds of a step", more=upright),
        line(x(min(flops)), y(min(expected)), x(max(flops)), y(max(expected)), INK, ' stroke-dasharray="5 4"'),
        line(LEFT + 10, TOP + 14, LEFT + 34, TOP + 14, INK, ' stroke-dasharray="5 4"'),
        text(LEFT + 39, TOP + 18, "as the arithmetic", "start"),
    ]
    for (label, gflop, every), median, there in zip(points, medians, expected):
        parts += [
            line(x(gflop), y(min(every)), x(gflop), y(max(every)), LINE, ' stroke-width="2"'),
            f'<circle cx="{x(gflop):.1f}" cy="{y(median):.1f}" r="3.5" fill="{LINE}"/>',
            beside(x(gflop), y(median), label, median > there),
        ]
    return parts


def beside(x: float, y: float, label: str, above: bool) -> str:
    """A point's label on the side where the dashed line is not: left of a point above it, else right."""
    return text(x - 8, y - 6, label, "end") if above else text(x + 8, y + 14, label, "start")
