"""Results as a Markdown table."""

import statistics


def markdown(results: list) -> str:
    return "\n".join(section(r) for r in results)


def section(race: dict) -> str:
    rounds = {name: r for name, r in race["rounds"].items() if r}
    gemm = statistics.median(race["gemm_gflops"])
    counts = sorted({len(r) for r in rounds.values()})
    unit = "tokens_per_second" if race["flops_per_step"] else "samples_per_second"
    digits = 1 if race["flops_per_step"] else 2
    lines = [
        f"### {race['scenario']}: {race['what']}",
        "",
        f"Rounds: {' or '.join(map(str, counts))}; a plain product ran at {gemm:.0f} GFLOP/s "
        f"({spread(race['gemm_gflops'], 0)}).",
        "",
        f"| | {unit.split('_')[0]}/s | spread | ratio | of the product rate | peak memory | ratio | last loss |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    base = next(iter(rounds.values()), [])
    for name, own in rounds.items():
        speeds = [r[unit] for r in own]
        peak = statistics.median(r["peak_bytes"] for r in own)
        speed_ratio = statistics.median(s / b[unit] for s, b in zip(speeds, base))
        peak_ratio = peak / statistics.median(b["peak_bytes"] for b in base)
        lines.append(
            f"| {name} | {statistics.median(speeds):.{digits}f} | {spread(speeds, digits)} | {speed_ratio:.2f} "
            f"| {share(race, own)} | {peak / 1e9:.2f} GB | {peak_ratio:.0%} | {own[-1]['loss']:.4f} |"
        )
    for name, reason in race["failed"].items():
        lines.append(f"| {name} | failed: {reason} | | | | | | |")
    for name, reason in race["left_out"].items():
        lines.append(f"| {name} | left out: {reason} | | | | | | |")
    return "\n".join(lines) + "\n"


def share(race: dict, rounds: list) -> str:
    """Of the product's rate in the same round, the median."""
    if not race["flops_per_step"]:
        return ""
    flops = race["flops_per_step"] / race["tokens_per_step"]
    shares = [flops * r["tokens_per_second"] / 1e9 / g for r, g in zip(rounds, race["gemm_gflops"])]
    return f"{statistics.median(shares):.0%}"


def spread(values: list, digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
