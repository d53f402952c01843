"""Times Graft and Transformers + PEFT on one card, in turns, and prints a table last."""

import argparse
import importlib.util
import os
import shutil
import statistics
import sys
from pathlib import Path

import torch

from gpu import model
from racing import decode as racing
from racing import inputs, runs

LENGTH = 2048
STEPS = 10
SECONDS = 120  # a contestant may take
CONTEXT = 125_017  # tokens that the plan has fit 24 GB, docs/gpu.md
RUNTIME = 700 << 20  # of the plan: CUDA and libtorch on the card


def rates() -> tuple:
    """FLOP/s of a large product in bfloat16, and bytes a second of a copy, read and written."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    b = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    numbers = torch.empty(1 << 30, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(numbers)
    return 2 * 8192**3 / median(lambda: a @ b), 2 * numbers.numel() / median(lambda: target.copy_(numbers))


def median(work, count: int = 20) -> float:
    seconds = []
    for _ in range(count):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        seconds.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(seconds)


def lines(command: list, seconds: int = SECONDS) -> list:
    out, _, _ = runs.timed(command, os.environ, seconds)
    return runs.lines(out)


def graft(
    options, folder: Path, data: Path, more: list, length: int = LENGTH, steps: int = STEPS, rank: int = 16, seconds: int = SECONDS
) -> dict:
    output = Path(options.work) / "out"
    shutil.rmtree(output, ignore_errors=True)
    command = [
        options.graft, "train", "--model-name-or-path", folder, "--dataset", data, "--max-length", length,
        "--lora-r", rank, "--lora-alpha", 32, "--per-device-train-batch-size", options.batch, "--max-steps", steps,
        "--save-strategy", "no", "--logging-steps", 1, "--force", "--output-dir", output, "--json", "--device", "cuda", *more,
    ]  # fmt: skip
    said = lines(command, seconds)
    taken = [e for e in said if e.get("event") == "step"]
    # without CUDA and the libraries, which the allocator knows nothing of
    planned = [e["planned_memory_bytes"] - RUNTIME for e in said if e.get("event") == "measured"]
    return {
        "tokens_per_second": statistics.median(e["tokens_per_second"] for e in taken[2:]),
        "peak_bytes": max(e["peak_memory_bytes"] for e in taken),
        "planned_bytes": planned[-1],
        "loss": taken[-1]["loss"],
    }


def peer(options, folder: Path, data: Path, more: list) -> dict:
    script = Path(__file__).parents[1] / "racing/peers.py"
    command = [
        sys.executable, script, "peft", "--model", folder, "--data", data, "--batch", options.batch, "--length", LENGTH,
        "--steps", STEPS, "--dtype", "bfloat16", "--device", "cuda", "--output", Path(options.work) / "out-peer", *more,
    ]  # fmt: skip
    *steps, card = lines(command)
    return {
        "tokens_per_second": statistics.median(e["tokens"] / e["seconds"] for e in steps[2:]),
        "peak_bytes": card["card_peak_bytes"],
        "loss": steps[-1]["loss"],
    }


def decode(options, folder: Path, bandwidth: float, more: tuple = ()) -> str:
    """New tokens one at a time from codes of 4 bits, and the share of the bandwidth that this is."""
    command = [
        options.graft, "generate", "--model", folder, "--prompt", racing.prompt(options.shape),
        "--max-new-tokens", racing.NEW, "--load-in-4bit", "--device", "cuda", "--json", *more,
    ]  # fmt: skip
    said = lines(command)[-1]
    # the cache has 16 bits a number on a card
    nf4 = racing.Contestant("Graft NF4", racing.NF4, head=2, cache=2)
    read = racing.bytes_per_token(nf4, said["decoded_tokens"], options.shape)
    rate = said["decode_tokens_per_second"]
    return (
        f"generation from NF4, one sequence{' ' if more else ''}{' '.join(more)}: {rate:.1f} new tokens/s, {read / 1e6:,.0f} MB each, "
        f"{rate * read / bandwidth:.0%} of the bandwidth of copies; "
        f"the prompt at {said['prompt_tokens_per_second']:,.0f} tokens/s"
    )


def largest(options) -> str:
    """Steps of a 70 B shape from codes of 4 bits, one sequence of 512 tokens: does it fit in 48 GB?"""
    folder = model.make(Path(options.work) / "70b", "70b", four_bits=True)
    torch.cuda.empty_cache()
    data = inputs.texts(Path(options.work), "70b", 512)
    found = graft(options, folder, data, ["--gradient-checkpointing", "layer"], length=512, steps=6)
    seconds = 512 * options.batch / found["tokens_per_second"]
    return (
        f"70 B from NF4, {options.batch} x 512: {seconds:.2f} s a step, {found['peak_bytes'] / 1e9:.2f} GB, "
        f"planned {found['planned_bytes'] / 1e9:.2f}"
    )


def longest(options) -> str:
    """Steps of the 8 B shape from codes with one sequence as long as 24 GB are planned to hold."""
    folder = model.make(Path(options.work) / "8b", "8b")
    torch.cuda.empty_cache()
    data = inputs.texts(Path(options.work), "8b", CONTEXT)
    more = ["--load-in-4bit", "--gradient-checkpointing", "offload"]
    found = graft(options, folder, data, more, length=CONTEXT, steps=3, rank=32, seconds=400)
    seconds = CONTEXT / found["tokens_per_second"]
    return (
        f"8 B from NF4, r = 32, 1 x {CONTEXT:,}: {seconds:.1f} s a step, {found['peak_bytes'] / 1e9:.2f} GB, "
        f"planned {found['planned_bytes'] / 1e9:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--graft", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--shape", default="8b")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    if options.shape == "context" and options.batch != 1:
        parser.error("context: found --batch, expected one sequence")
    if options.shape in ("70b", "context"):
        print(largest(options) if options.shape == "70b" else longest(options))
        return
    work = Path(options.work)
    flops, bandwidth = rates()
    print(f"products in bfloat16: {flops / 1e12:.0f} TFLOP/s; copies: {bandwidth / 1e9:.0f} GB/s", flush=True)
    torch.cuda.empty_cache()
    folder = model.make(work / options.shape, options.shape)
    torch.cuda.empty_cache()
    data = inputs.texts(work, options.shape, LENGTH)
    contestants = {
        "Graft": lambda: graft(options, folder, data, ["--gradient-checkpointing", "none"]),
        "Graft, layers recomputed": lambda: graft(options, folder, data, ["--gradient-checkpointing", "layer"]),
        "Graft, layers recomputed, CUDA graphs": lambda: graft(
            options, folder, data, ["--gradient-checkpointing", "layer", "--cuda-graphs"]
        ),
        "Graft QLoRA": lambda: graft(options, folder, data, ["--load-in-4bit", "--gradient-checkpointing", "none"]),
        "Graft QLoRA, layers recomputed": lambda: graft(
            options, folder, data, ["--load-in-4bit", "--gradient-checkpointing", "layer"]
        ),
        "Graft QLoRA, inputs of layers in the host's memory": lambda: graft(
            options, folder, data, ["--load-in-4bit", "--gradient-checkpointing", "offload"]
        ),
        "Graft QLoRA, the base there too": lambda: graft(
            options,
            folder,
            data,
            ["--load-in-4bit", "--gradient-checkpointing", "offload", "--base-residency", "streamed"],
        ),
        "PEFT": lambda: peer(options, folder, data, []),
        "PEFT, checkpointing": lambda: peer(options, folder, data, ["--checkpointing"]),
    }
    if importlib.util.find_spec("bitsandbytes"):
        contestants["PEFT + bitsandbytes, checkpointing"] = lambda: peer(
            options, folder, data, ["--checkpointing", "--four-bits"]
        )
    results = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, run in contestants.items():
            try:
                results[name].append(run())
                print(f"{name}: {results[name][-1]}", flush=True)
            except Exception as e:  # the others' figures are not lost by it
                print(f"{name}: failed: {type(e).__name__}: {e}", flush=True)
    per_token = inputs.flops_per_step(options.shape, options.batch, LENGTH) / options.batch / LENGTH
    print(f"\n{options.shape}, {options.batch} x {LENGTH}, {torch.cuda.get_device_name()}\n")
    print("| | tokens/s | of the product rate | peak of the card's memory | planned |\n|---|---:|---:|---:|---:|")
    for name, rounds in results.items():
        if rounds:
            speed = statistics.median(r["tokens_per_second"] for r in rounds)
            peak = statistics.median(r["peak_bytes"] for r in rounds)
            planned = f"{rounds[0]['planned_bytes'] / 1e9:.2f} GB" if "planned_bytes" in rounds[0] else ""
            print(f"| {name} | {speed:,.0f} | {speed * per_token / flops:.0%} | {peak / 1e9:.2f} GB | {planned} |")
    print()
    for more in (), ("--cuda-graphs",):
        try:
            print(decode(options, folder, bandwidth, more), flush=True)
        except Exception as e:
            print(f"generation {more} failed: {type(e).__name__}: {e}", flush=True)


if __name__ == "__main__":
    main()
