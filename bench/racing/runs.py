"""Runs contestants, each in a process of its own, and reads what they say."""

import json
import os
import platform
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
    return [json.loads(line) for line in text.splitlines() if line.startswith('{"')]  # Transformers prints dictionaries of Python


def doctor(env: dict) -> dict:
    out, _, _ = timed([inputs.GRAFT, "doctor", "--json"], env, 120)
    return lines(out)[-1]


WARM_UP = 25  # seconds of stepping in which the one compiles and the other sets itself up


def graft(contestant, scenario, model, data, work, env) -> dict:
    output = work / "out"
    shutil.rmtree(output, ignore_errors=True)
    command = [
        inputs.GRAFT, "train", "--model-name-or-path", model, "--dataset", data,
        "--max-length", scenario.length or 1024, "--lora-r", 16, "--lora-alpha", 32,
        "--per-device-train-batch-size", scenario.batch,
        "--max-steps", contestant.steps or scenario.steps, "--save-strategy", "no", "--logging-steps", 1, "--force", "--shuffle", "false",
        "--output-dir", output, "--json", *contestant.options,
    ]  # fmt: skip
    out, peak, wall = timed(command, env, scenario.seconds)
    steps = [e for e in lines(out) if e.get("event") == "step"]
    return result(
        [e["tokens"] / e["tokens_per_second"] for e in steps],
        [e["tokens"] for e in steps],
        [scenario.batch] * len(steps),
        steps[-1]["loss"],
        peak,
        wall,
    )


def peer(contestant, scenario, model, data, work, env, python) -> dict:
    command = [
        python, Path(__file__).with_name("peers.py"), contestant.who, "--model", model, "--data", data,
        "--batch", scenario.batch, "--length", scenario.length or 1024, "--steps", contestant.steps or scenario.steps,
        "--dtype", contestant.dtype, "--output", work / "out-peer", *contestant.options,
    ]  # fmt: skip
    out, peak, wall = timed(command, env, scenario.seconds)
    steps = lines(out)
    return result(
        [e["seconds"] for e in steps],
        [e["tokens"] for e in steps],
        [e["samples"] for e in steps],
        steps[-1]["loss"],
        peak,
        wall,
    )


def result(seconds: list, tokens: list, samples: list, loss: float, peak: int, wall: float) -> dict:
    """Speed over the steps that count: the median where each has the same number of tokens."""
    steps = list(zip(seconds, tokens, samples))
    rest = [steps[i] for i in range(1, len(steps)) if sum(seconds[:i]) >= WARM_UP] or steps[1:] or steps
    whole = sum(s for s, _, _ in rest)
    speed = sum(t for _, t, _ in rest) / whole
    if len({t for _, t, _ in rest}) == 1:
        speed = statistics.median(t / s for s, t, _ in rest)
    return {
        "tokens_per_second": speed,
        "samples_per_second": sum(n for _, _, n in rest) / whole,
        "counted": len(rest),
        "steps_seconds": seconds,
        "tokens": tokens,
        "loss": loss,
        "peak_bytes": peak,
        "wall_seconds": wall,
    }


class Race:
    """A scenario with its models, its data and the record of its rounds."""

    def __init__(self, scenario, options):
        shape, batch, length = scenario.shape, scenario.batch, scenario.length
        self.scenario = scenario
        self.python = options.peer_python
        self.work = Path(options.work)
        self.env = environment(options.threads)
        self.models = {c.dtype: inputs.model(self.work, shape, c.dtype, not length) for c in scenario.contestants}
        self.data = inputs.texts(self.work, shape, length) if length else inputs.instructions(self.work)
        self.record = {
            "scenario": scenario.name,
            "what": scenario.what,
            "tokens_per_step": batch * length,
            "flops_per_step": inputs.flops_per_step(shape, batch, length) if length else None,
            "gemm_gflops": [],
            "rounds": {c.name: [] for c in scenario.contestants},
            "failed": {},
            "left_out": {},
        }

    def round(self, save) -> None:
        """Measures the product rate, then runs each contestant once; `save` is called with the record after each."""
        scenario, record = self.scenario, self.record
        machine = doctor(self.env)
        record["gemm_gflops"].append(machine["gemm_gflops"])
        slow = not {"avx512_bf16", "amx_bf16"} & set(machine["vector_instructions"])
        for contestant in scenario.contestants:
            if contestant.name in record["failed"] or (contestant.who != "graft" and not self.python):
                continue
            if slow and {"--bf16", "--autocast"} & set(contestant.options):
                record["left_out"][contestant.name] = "no instructions for bfloat16 here"
                continue
            arguments = (contestant, scenario, self.models[contestant.dtype], self.data, self.work, self.env)
            try:
                one = graft(*arguments) if contestant.who == "graft" else peer(*arguments, self.python)
                record["rounds"][contestant.name].append(one)
                print(
                    f"{scenario.name}, round {len(record['gemm_gflops'])}: {contestant.name}: "
                    f"{one['tokens_per_second']:.1f} tokens/s, {one['samples_per_second']:.3f} samples/s, "
                    f"{one['peak_bytes'] / 1e9:.2f} GB, loss {one['loss']:.4f}",
                    file=sys.stderr,
                )
            except (RuntimeError, LookupError, ValueError) as e:  # the latter two: what it printed is not understood
                record["failed"][contestant.name] = f"{type(e).__name__}: {e}"
                print(f"{scenario.name}: {contestant.name}: {type(e).__name__}: {e}", file=sys.stderr)
            save(record)


def race(scenario, options, save) -> dict:
    """Runs the rounds; `save` is called with all results so far after each contestant."""
    own = Race(scenario, options)
    for _ in range(options.rounds):
        own.round(save)
    return own.record


def machine(options) -> dict:
    """Where and how it ran, for the record."""
    return {"machine": platform.processor() or platform.machine(), "threads": options.threads}


def write(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
