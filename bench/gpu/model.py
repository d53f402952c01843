"""A model of a shape with random weights in bfloat16, or with random codes of NF4 as bitsandbytes stores them, written
faster than a processor makes them."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from racing import inputs


# The values of NF4 (Dettmers et al. 2023), as bitsandbytes writes them beside the codes.
NF4 = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
]  # fmt: skip
BLOCK = 64
NESTED_BLOCK = 256
MAXIMUM = 0.05  # of every block, so that weights have the size of those in bfloat16


def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def random(*size) -> torch.Tensor:
    return (torch.randn(*size, device=device(), dtype=torch.bfloat16) * 0.02).cpu()


def plain(name: str, rows: int, columns: int) -> dict:
    return {name + ".weight": random(rows, columns)}


def codes(name: str, rows: int, columns: int) -> dict:
    """A matrix in NF4 with double quantization. All blocks have one maximum, which is the offset of the nested codes."""
    blocks = -(-rows * columns // BLOCK)
    zero = 127
    state = {
        "quant_type": "nf4",
        "blocksize": BLOCK,
        "dtype": "bfloat16",
        "shape": [rows, columns],
        "nested_blocksize": NESTED_BLOCK,
        "nested_dtype": "float32",
        "nested_offset": MAXIMUM,
    }
    at = name + ".weight"
    return {
        at: torch.randint(0, 256, (rows * columns // 2, 1), device=device(), dtype=torch.uint8).cpu(),
        at + ".absmax": torch.full((blocks,), zero, dtype=torch.uint8),
        at + ".quant_map": torch.tensor(NF4),
        at + ".nested_absmax": torch.ones(-(-blocks // NESTED_BLOCK)),
        at + ".nested_quant_map": (torch.arange(256, dtype=torch.float32) - zero) / 128,
        at + ".quant_state.bitsandbytes__nf4": torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8),
    }


def make(folder: Path, shape: str, four_bits: bool = False) -> Path:
    """Writes the folder, if it is not there."""
    if (folder / "model.safetensors.index.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    hidden, layers, heads, key_heads, feed_forward, vocabulary, tied = inputs.SHAPES[shape]
    width = hidden // heads
    matrix = codes if four_bits else plain
    where = {}

    def save(name: str, tensors: dict) -> None:
        save_file(tensors, folder / name, metadata={"format": "pt"})
        where.update(dict.fromkeys(tensors, name))

    around = {"model.embed_tokens.weight": random(vocabulary, hidden), "model.norm.weight": torch.ones(hidden).bfloat16()}
    if not tied:
        around["lm_head.weight"] = random(vocabulary, hidden)
    save("around.safetensors", around)
    for i in range(layers):
        at = f"model.layers.{i}."
        save(
            f"layer-{i:02}.safetensors",
            matrix(at + "self_attn.q_proj", heads * width, hidden)
            | matrix(at + "self_attn.k_proj", key_heads * width, hidden)
            | matrix(at + "self_attn.v_proj", key_heads * width, hidden)
            | matrix(at + "self_attn.o_proj", hidden, heads * width)
            | matrix(at + "mlp.gate_proj", feed_forward, hidden)
            | matrix(at + "mlp.up_proj", feed_forward, hidden)
            | matrix(at + "mlp.down_proj", hidden, feed_forward)
            | {
                at + "input_layernorm.weight": torch.ones(hidden).bfloat16(),
                at + "post_attention_layernorm.weight": torch.ones(hidden).bfloat16(),
            },
        )
    config = inputs.config(shape) | {"torch_dtype": "bfloat16", "max_position_embeddings": 131072}
    if four_bits:
        config["quantization_config"] = {
            "quant_method": "bitsandbytes",
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": "bfloat16",
            "bnb_4bit_quant_storage": "uint8",
            "llm_int8_skip_modules": ["lm_head"],
        }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(inputs.tokenizer(vocabulary)))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "w0", "pad_token": "w0"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder
