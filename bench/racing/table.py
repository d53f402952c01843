"""Results as a Markdown table."""

import statistics


def markdown(results: list) -> str:
    return "\n".join(section(r) for r in results)


def section(race: dict) -> str:
    rounds = {name: r for name, r in race["rounds"].items() if r}
    gemm = statistics.median(race["gemm_gflops"])
    counts = {len(r) for r in rounds.values()}
    lines = [
        f"### {race['scenario']}: {race['what']}",
        "",
        f"{max(counts, default=0)} rounds; a plain product ran at {gemm:.0f} GFLOP/s ({spread(race['gemm_gflops'], 0)}).",
        "",
        "| | tokens/s | spread | ratio | of the product rate | peak memory | ratio | last loss |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = next(iter(rounds), None)
    for name, all_rounds in rounds.items():
        speeds = [r["tokens_per_second"] for r in all_rounds]
        peaks = [r["peak_bytes"] for r in all_rounds]
        speed, peak = statistics.median(speeds), statistics.median(peaks)
        base = rounds[first]
        speed_ratio = statistics.median(s / b["tokens_per_second"] for s, b in zip(speeds, base))
        peak_ratio = peak / statistics.median(b["peak_bytes"] for b in base)
        share = "" if not race["flops_per_step"] else f"{race['flops_per_step'] / race['tokens_per_step'] * speed / 1e9 / gemm:.0%}"
        lines.append(
            f"| {name} | {speed:.1f} | {spread(speeds, 1)} | {speed_ratio:.2f} | {share} | {peak / 1e9:.2f} GB | {peak_ratio:.0%} | {all_rounds[-1]['loss']:.4f} |"
        )
    for name, reason in race["failed"].items():
        lines.append(f"| {name} | failed: {reason} | | | | | | |")
    return "\n".join(lines) + "\n"


def spread(values: list, digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"
