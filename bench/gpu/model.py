"""A model of a shape with random weights in bfloat16, written faster than a processor makes them."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from racing import inputs


def make(folder: Path, shape: str) -> Path:
    if (folder / "model.safetensors.index.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    hidden, layers, heads, key_heads, feed_forward, vocabulary, tied = inputs.SHAPES[shape]
    width = hidden // heads
    where = {}

    def random(*size):
        return (torch.randn(*size, device="cuda", dtype=torch.bfloat16) * 0.02).cpu()

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
            {
                at + "self_attn.q_proj.weight": random(heads * width, hidden),
                at + "self_attn.k_proj.weight": random(key_heads * width, hidden),
                at + "self_attn.v_proj.weight": random(key_heads * width, hidden),
                at + "self_attn.o_proj.weight": random(hidden, heads * width),
                at + "mlp.gate_proj.weight": random(feed_forward, hidden),
                at + "mlp.up_proj.weight": random(feed_forward, hidden),
                at + "mlp.down_proj.weight": random(hidden, feed_forward),
                at + "input_layernorm.weight": torch.ones(hidden).bfloat16(),
                at + "post_attention_layernorm.weight": torch.ones(hidden).bfloat16(),
            },
        )
    (folder / "config.json").write_text(json.dumps(inputs.config(shape) | {"torch_dtype": "bfloat16"}))
    (folder / "tokenizer.json").write_text(json.dumps(inputs.tokenizer(vocabulary)))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "w0", "pad_token": "w0"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder
