"""Models of a given shape with random weights, a tokenizer of made-up words, and data of an exact length."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
GRAFT = HOME / "graft"

SHAPES = {
    # hidden, layers, heads, key-value heads, feed-forward, vocabulary, tied
    "tiny": (64, 2, 4, 2, 128, 512, True),
    "135m": (576, 30, 9, 3, 1536, 49152, True),
    "360m": (960, 32, 15, 5, 2560, 49152, True),
    "1.1b": (2048, 22, 32, 4, 5632, 32000, False),
    "8b": (4096, 32, 32, 8, 14336, 128256, False),
    "70b": (8192, 80, 64, 8, 28672, 128256, False),
}


def cores() -> int:
    return len(os.sched_getaffinity(0))


def config(shape: str) -> dict:
    hidden, layers, heads, key_heads, feed_forward, vocabulary, tied = SHAPES[shape]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "intermediate_size": feed_forward,
        "vocab_size": vocabulary,
        "tie_word_embeddings": tied,
        "max_position_embeddings": 16384,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "attention_bias": False,
        "mlp_bias": False,
        "initializer_range": 0.02,
        "bos_token_id": None,
        "eos_token_id": 0,
        "torch_dtype": "float32",
    }


def tokenizer(vocabulary: int) -> dict:
    """Word wN is token N."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": 0,
                "content": "w0",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {f"w{i}": i for i in range(vocabulary)}, "unk_token": "w1"},
    }


def model(work: Path, shape: str, dtype: str, real_tokenizer: bool = False) -> Path:
    """The folder of a model, made by Graft on first use."""
    name = f"{shape}-smollm2" if real_tokenizer else shape
    folder = work / f"{name}-{dtype}"
    if (folder / "config.json").exists():
        return folder
    source = work / f"{name}-source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "config.json").write_text(json.dumps(config(shape)))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
    if real_tokenizer:
        shutil.copyfile(shared("tokenizers/smollm2/tokenizer.json"), source / "tokenizer.json")
        settings |= {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    else:
        (source / "tokenizer.json").write_text(json.dumps(tokenizer(SHAPES[shape][5])))
        settings |= {"eos_token": "w0", "pad_token": "w0"}
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    subprocess.run(
        [GRAFT, "init", "--config", source, "--output", folder, "--dtype", dtype],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


def shared(name: str) -> Path:
    """A file of the folder of real data beside the project's."""
    file = HOME.parent / "shared/data" / name
    if not file.exists():
        sys.exit(f"error: found no {file}, which the race of instructions needs")
    return file


def texts(work: Path, shape: str, length: int) -> Path:
    """Rows of random words, `length` tokens each with the end token."""
    file = work / f"{shape}-{length}.jsonl"
    if not file.exists():
        chance = random.Random(7)
        rows = max(8, 65536 // length)
        with file.open("w") as out:
            for _ in range(rows):
                words = (f"w{chance.randrange(2, SHAPES[shape][5])}" for _ in range(length - 1))
                out.write(json.dumps({"text": " ".join(words)}) + "\n")
    return file


def instructions(work: Path) -> Path:
    """2,000 questions and answers of Alpaca, as prompt and completion."""
    file = work / "instructions.jsonl"
    if not file.exists():
        with shared("datasets/alpaca/alpaca_random2000_seed42.jsonl").open() as rows, file.open("w") as out:
            for row in map(json.loads, rows):
                given = row["input"].replace("<no input>", "").strip()
                question = row["instruction"] + (f"\n\n{given}" if given else "")
                prompt = f"### Instruction:\n{question}\n\n### Response:\n"
                out.write(json.dumps({"prompt": prompt, "completion": row["output"]}) + "\n")
    return file


def flops_per_step(shape: str, batch: int, length: int, rank: int = 16) -> float:
    """Products of a LoRA step: 4 FLOP per frozen weight and token, LoRA's own, and causal attention's."""
    hidden, layers, heads, key_heads, feed_forward, vocabulary, _ = SHAPES[shape]
    width = hidden // heads
    maps = [
        (hidden, heads * width),
        (hidden, key_heads * width),
        (hidden, key_heads * width),
        (heads * width, hidden),
        (hidden, feed_forward),
        (hidden, feed_forward),
        (feed_forward, hidden),
    ]
    tokens = batch * length
    frozen = layers * sum(a * b for a, b in maps) + hidden * vocabulary
    lora = layers * sum(rank * (a + b) for a, b in maps)
    # q·k and p·v forward, five products backward, over half of the square
    attention = layers * heads * width * batch * length * length / 2 * 2 * 7
    return 4.0 * frozen * tokens + 6.0 * lora * tokens + attention
