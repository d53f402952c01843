"""New tokens in a second, one sequence at a time, and the share of the memory's bandwidth that this is."""

import json
import random
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from . import inputs, runs

SHAPE = "1.1b"
PROMPT = 128  # tokens
NEW = 200
SECONDS = 1800  # a contestant may take

# Codes of 4 bits, and for each block of 64 a code of 8 with a float32 for 256 of them.
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)


@dataclass(frozen=True)
class Contestant:
    """Graft with options of `graft generate`, or Transformers in a type."""

    name: str
    weight: float  # bytes of a weight of the layers
    head: int  # of one of the head
    cache: int  # of a number in the cache
    options: tuple = ()
    peer: str = ""


CONTESTANTS = (
    Contestant("Graft NF4", NF4, 2, 4, ("--load-in-4bit",)),
    Contestant("Graft int8", 1, 2, 4, ("--load-in-8bit",)),
    Contestant("Graft bf16", 2, 2, 4),
    Contestant("Transformers bf16", 2, 2, 2, peer="bfloat16"),
    Contestant("Transformers fp32", 4, 4, 4, peer="float32"),
)


def bytes_per_token(contestant: Contestant, new: int, shape: str = SHAPE) -> float:
    """What a token has to read: every weight once, and keys and values of half of the new tokens on average."""
    hidden, layers, heads, key_heads, feed_forward, vocabulary, _ = inputs.SHAPES[shape]
    keys = key_heads * (hidden // heads)
    weights = layers * hidden * (2 * hidden + 2 * keys + 3 * feed_forward)
    cached = 2 * layers * keys * (PROMPT + new / 2)
    return weights * contestant.weight + hidden * vocabulary * contestant.head + cached * contestant.cache


def prompt(shape: str = SHAPE) -> str:
    chance = random.Random(5)
    return " ".join(f"w{chance.randrange(2, inputs.SHAPES[shape][5])}" for _ in range(PROMPT))


def command(contestant: Contestant, model: Path, python: str) -> list:
    if contestant.peer:
        peer = Path(__file__).with_name("decode_peer.py")
        return [python, peer, "--model", model, "--dtype", contestant.peer, "--prompt", prompt(), "--new", NEW]
    generate = [inputs.GRAFT, "generate", "--model", model, "--prompt", prompt(), "--max-new-tokens", NEW, "--json"]
    return [*generate, *contestant.options]


def once(contestant: Contestant, model: Path, python: str, env: dict, bandwidth: float) -> dict:
    out, peak, _ = runs.timed(command(contestant, model, python), env, SECONDS)
    said = runs.lines(out)[-1]
    read = bytes_per_token(contestant, said["decoded_tokens"])
    rate = said["decode_tokens_per_second"]
    return {
        "prompt_tokens_per_second": said["prompt_tokens_per_second"],
        "decode_tokens_per_second": rate,
        "bytes_per_token": read,
        "share_of_bandwidth": rate * read / (bandwidth * 1e9),
        "peak_bytes": peak,
    }


def race(options) -> int:
    """Every round measures the bandwidth and runs each contestant once; writes decode.json and decode.md."""
    work = Path(options.work)
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    model = inputs.model(work, SHAPE, "bfloat16")
    env = runs.environment(options.threads)
    contestants = [c for c in CONTESTANTS if options.peer_python or not c.peer]
    rounds = {c.name: [] for c in contestants}
    bandwidths = []
    for number in range(options.rounds):
        bandwidths.append(runs.doctor(env)["memory_gb_per_second"])
        for contestant in contestants:
            try:
                one = once(contestant, model, options.peer_python, env, bandwidths[-1])
            except RuntimeError as e:
                print(f"decode: {contestant.name}: {e}", file=sys.stderr)
                continue
            rounds[contestant.name].append(one)
            print(
                f"decode, round {number + 1}: {contestant.name}: {one['decode_tokens_per_second']:.1f} tokens/s",
                file=sys.stderr,
            )
        record = runs.machine(options) | {"memory_gb_per_second": bandwidths, "rounds": rounds}
        runs.write(output / "decode.json", json.dumps(record, indent=1) + "\n")
        runs.write(output / "decode.md", markdown(bandwidths, rounds))
    print(markdown(bandwidths, rounds))
    return 0


def markdown(bandwidths: list, rounds: dict) -> str:
    rows = [
        f"{SHAPE}, a prompt of {PROMPT} tokens, then {NEW} new ones; the memory reads "
        f"{min(bandwidths):.1f} to {max(bandwidths):.1f} GB/s.",
        "",
        "| | new tokens/s | spread | prompt tokens/s | MB read a token | share of the bandwidth | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, all_rounds in rounds.items():
        if not all_rounds:
            rows.append(f"| {name} | failed | | | | | |")
            continue

        def median(key, among=all_rounds):
            return statistics.median(r[key] for r in among)

        speeds = [r["decode_tokens_per_second"] for r in all_rounds]
        rows.append(
            f"| {name} | {median('decode_tokens_per_second'):.1f} | {min(speeds):.1f} to {max(speeds):.1f} "
            f"| {median('prompt_tokens_per_second'):.0f} | {median('bytes_per_token') / 1e6:.0f} "
            f"| {100 * median('share_of_bandwidth'):.0f} % | {median('peak_bytes') / 1e9:.2f} GB |"
        )
    return "\n".join(rows) + "\n"
