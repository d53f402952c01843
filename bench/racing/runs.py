"""Runs contestants, each in a process of its own, and reads what they say."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import inputs


def environment(threads: int) -> dict:
    """The user's, with the threads of the race and without settings of one library's products."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        env[name] = str(threads)
    env["HF_HUB_OFFLINE"] = "1"
    env["TOKENIZERS_PARALLELISM"] = "false"
    # Graft counts the processors of the Java virtual machine.
    env["GRAFT_JAVA_OPTIONS"] = f"-XX:ActiveProcessorCount={threads}"
    return env


def timed(command: list, env: dict, seconds: int) -> tuple:
    """Its output, the bytes that were resident at most, and the seconds that it took.

    RuntimeError with the end of its errors if it failed.
    """
    begin = time.monotonic()
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [str(c) for c in command], env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    )
    try:
        out, errors, peak = communicate(process, seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError(f"took more than {seconds} s") from None
    if process.returncode != 0:
        raise RuntimeError(f"exit code {process.returncode}: " + " / ".join(errors.strip().splitlines()[-3:]))
    return out, peak, time.monotonic() - begin


def communicate(process: subprocess.Popen, seconds: int) -> tuple:
    """As Popen.communicate, but with the system's account of the child."""
    texts = {}

    def read(name, stream):
        texts[name] = stream.read()

    readers = [threading.Thread(target=read, args=pair) for pair in (("out", process.stdout), ("err", process.stderr))]
    for reader in readers:
        reader.start()
    end = time.monotonic() + seconds
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            raise subprocess.TimeoutExpired(process.args, seconds)
        time.sleep(0.05)
    for reader in readers:
        reader.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return texts["out"], texts["err"], usage.ru_maxrss * 1024


def lines(text: str) -> list:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def gemm(env: dict) -> float:
    out, _, _ = timed([inputs.GRAFT, "doctor", "--json"], env, 120)
    return lines(out)[-1]["gemm_gflops"]


def graft(contestant, scenario, model, data, work, env) -> dict:
    output = work / "out"
    shutil.rmtree(output, ignore_errors=True)
    batch = [] if "--per-device-train-batch-size" in contestant.options else ["--per-device-train-batch-size", scenario.batch]
    command = [
        inputs.GRAFT, "train", "--model-name-or-path", model, "--dataset", data,
        "--max-length", scenario.length or 1024, "--lora-r", 16, "--lora-alpha", 32,
        "--max-steps", scenario.steps, "--save-strategy", "no", "--logging-steps", 1, "--force", "--shuffle", "false",
        "--output-dir", output, "--json", *batch, *contestant.options,
    ]  # fmt: skip
    out, peak, wall = timed(command, env, scenario.seconds)
    steps = [e for e in lines(out) if e.get("event") == "step"]
    return result(
        [e["tokens"] / e["tokens_per_second"] for e in steps],
        [e["tokens"] for e in steps],
        steps[-1]["loss"],
        peak,
        wall,
    )


def peer(contestant, scenario, model, data, work, env, python) -> dict:
    command = [
        python, Path(__file__).with_name("peers.py"), contestant.who, "--model", model, "--data", data,
        "--batch", scenario.batch, "--length", scenario.length or 1024, "--steps", scenario.steps,
        "--dtype", contestant.dtype, "--output", work / "out-peer", *contestant.options,
    ]  # fmt: skip
    out, peak, wall = timed(command, env, scenario.seconds)
    steps = lines(out)
    return result([e["seconds"] for e in steps], [e["tokens"] for e in steps], steps[-1]["loss"], peak, wall)


def result(seconds: list, tokens: list, loss: float, peak: int, wall: float) -> dict:
    """Speed over all steps but the first: the median where each has the same number of tokens."""
    rest = list(zip(seconds[1:], tokens[1:])) or list(zip(seconds, tokens))
    if len({t for _, t in rest}) == 1:
        speed = statistics.median(t / s for s, t in rest)
    else:
        speed = sum(t for _, t in rest) / sum(s for s, _ in rest)
    return {"tokens_per_second": speed, "steps_seconds": seconds, "tokens": tokens, "loss": loss, "peak_bytes": peak, "wall_seconds": wall}


def race(scenario, options) -> dict:
    work = Path(options.work)
    env = environment(options.threads)
    data = inputs.texts(work, scenario.shape, scenario.length) if scenario.length else None
    models = {c.dtype: inputs.model(work, scenario.shape, c.dtype) for c in scenario.contestants}
    data = data or inputs.instructions(work, scenario.shape)
    rounds, rates, failed = {c.name: [] for c in scenario.contestants}, [], {}
    for number in range(options.rounds):
        rates.append(gemm(env))
        for contestant in scenario.contestants:
            if contestant.name in failed or (contestant.who != "graft" and not options.peer_python):
                continue
            arguments = (contestant, scenario, models[contestant.dtype], data, work, env)
            try:
                one = graft(*arguments) if contestant.who == "graft" else peer(*arguments, options.peer_python)
            except RuntimeError as e:
                failed[contestant.name] = str(e)
                print(f"{scenario.name}: {contestant.name}: {e}", file=sys.stderr)
                continue
            rounds[contestant.name].append(one)
            print(
                f"{scenario.name}, round {number + 1}: {contestant.name}: {one['tokens_per_second']:.1f} tokens/s, "
                f"{one['peak_bytes'] / 1e9:.2f} GB, loss {one['loss']:.4f}",
                file=sys.stderr,
            )
    flops = inputs.flops_per_step(scenario.shape, scenario.batch, scenario.length) if scenario.length else None
    return {
        "scenario": scenario.name,
        "what": scenario.what,
        "tokens_per_step": scenario.batch * scenario.length,
        "flops_per_step": flops,
        "gemm_gflops": rates,
        "rounds": rounds,
        "failed": failed,
    }
