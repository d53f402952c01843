"""Graft alone against model size, length and batch: does a step's time grow as its arithmetic does?"""

import json
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from . import inputs, plot, runs, scenarios, table


@dataclass(frozen=True)
class Plan:
    """Series of points, each a scenario with one contestant; the others of a series are held to its first."""

    name: str
    what: str
    series: dict  # of each title, the points by their labels


CONTESTANT = scenarios.GRAFT
EXPECTED = 150e9  # FLOP/s, to choose the number of steps
COUNTED = 30  # seconds of steps that count, at least two steps


def steps(flops: float) -> int:
    """As many as begin in the warm-up, and those that count."""
    seconds = flops / EXPECTED
    return math.ceil(runs.WARM_UP / seconds) + max(2, round(COUNTED / seconds))


def point(shape: str, batch: int, length: int, count: int = 0) -> scenarios.Scenario:
    count = count or steps(inputs.flops_per_step(shape, batch, length))
    name, what = f"{shape}-{batch}x{length}", f"{shape.upper()}, {batch} x {length}"
    return scenarios.Scenario(name, what, shape, batch, length, (CONTESTANT,), count)


ALL = {
    p.name: p
    for p in [
        Plan(
            "growth",
            __doc__,
            {
                "size, 1 x 512": {shape.upper(): point(shape, 1, 512) for shape in ("135m", "360m", "1.1b")},
                "length, 135M, one sequence": {f"{n}": point("135m", 1, n) for n in (128, 512, 2048, 4096)},
                "batch, 135M, 512 tokens each": {f"{n}": point("135m", n, 512) for n in (1, 2, 4, 8)},
            },
        ),
        Plan(
            "growth-tiny",
            "growth in a minute, to try the bench itself",
            {
                "size, 1 x 32": {shape: point(shape, 1, 32, 4) for shape in ("tiny", "135m")},
                "length, tiny, one sequence": {f"{n}": point("tiny", 1, n, 4) for n in (32, 64)},
                "batch, tiny, 32 tokens each": {f"{n}": point("tiny", n, 32, 4) for n in (1, 2)},
            },
        ),
    ]
}


def race(plan: Plan, options) -> int:
    """Every round runs each point once; writes a table as JSON and Markdown, and a plot, named for the plan."""
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    points = {p.name: p for of in plan.series.values() for p in of.values()}
    races = {name: runs.Race(p, options) for name, p in points.items()}
    series = {title: {label: races[p.name].record for label, p in of.items()} for title, of in plan.series.items()}

    def save(_):
        names = {title: [r["scenario"] for r in of.values()] for title, of in series.items()}
        record = runs.machine(options) | {"series": names, "races": [r.record for r in races.values()]}
        runs.write(output / f"{plan.name}.json", json.dumps(record, indent=1) + "\n")
        runs.write(output / f"{plan.name}.md", markdown(series))
        runs.write(output / f"{plan.name}.svg", plot.svg(curves(series)))

    for _ in range(options.rounds):
        for one in races.values():
            one.round(save)
    print(markdown(series))
    return 0


def seconds(record: dict) -> list:
    """Of a step, in each round."""
    return [record["tokens_per_step"] / r["tokens_per_second"] for r in record["rounds"][CONTESTANT.name]]


def cost(record: dict, first: dict) -> float:
    """Seconds a FLOP beside those of the series' first point in the same round, the median."""
    flops = record["flops_per_step"] / first["flops_per_step"]
    return statistics.median(s / f / flops for s, f in zip(seconds(record), seconds(first)))


def curves(series: dict) -> dict:
    """For the plot: of each series, points of a label, the GFLOP of a step and the seconds of its rounds."""
    return {
        title: [(label, r["flops_per_step"] / 1e9, seconds(r)) for label, r in of.items() if seconds(r)]
        for title, of in series.items()
    }


def markdown(series: dict) -> str:
    return "\n".join(section(title, list(of.values())) for title, of in series.items())


def section(title: str, records: list) -> str:
    measured = [r for r in records if seconds(r)]
    counts = sorted({len(seconds(r)) for r in measured})
    rates = [g for r in records for g in r["gemm_gflops"]]
    lines = [
        f"### {title}",
        "",
        f"Rounds: {' or '.join(map(str, counts)) or 'none'}; a plain product ran at {table.spread(rates, 0)} GFLOP/s.",
        "",
        "| | tokens/s | spread | s a step | GFLOP a step | GFLOP/s | of the product rate | peak memory | cost |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for record in records:
        if record in measured:
            lines.append(row(record, measured[0]))
        for reason in record["failed"].values():
            lines.append(f"| {record['what']} | failed: {reason} | | | | | | | |")
    return "\n".join(lines) + "\n"


def row(record: dict, first: dict) -> str:
    own = record["rounds"][CONTESTANT.name]
    speeds = [r["tokens_per_second"] for r in own]
    step = statistics.median(seconds(record))
    gflop = record["flops_per_step"] / 1e9
    peak = statistics.median(r["peak_bytes"] for r in own)
    return (
        f"| {record['what']} | {statistics.median(speeds):.1f} | {table.spread(speeds, 1)} | {short(step)} "
        f"| {short(gflop)} | {short(gflop / step)} | {table.share(record, own)} | {peak / 1e9:.2f} GB "
        f"| {cost(record, first):.2f} |"
    )


def short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"
