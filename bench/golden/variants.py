"""Golden files of tiny Llama variants: tied, linear RoPE, biases, bf16, fp16, explicit head_dim, shards.

Run: `python bench/golden/variants.py [OUTPUT_DIR]` (default: library/src/test/resources/golden).
Writes variants/NAME/ (the model), variants/NAME/lora/ (a PEFT adapter) and variants/NAME/expected.{json,safetensors}.
"""

import json

from common import *  # noqa: F403  (first: it fixes the hash seed)
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

VARIANTS = {
    "tied": dict(tie_word_embeddings=True),
    "linear-rope": dict(rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}),
    "bias": dict(attention_bias=True, mlp_bias=True),
    "bf16": dict(dtype="bfloat16"),
    "fp16": dict(dtype="float16"),
    "head-dim": dict(head_dim=12),
    "sharded": dict(),
}


def load(folder: str):
    """Stored in whatever type, computed in fp32."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def write_model(folder: str, seed: int, overrides: dict) -> None:
    fields = dict(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=44,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=1,
        eos_token_id=2,
    )
    fields.update(overrides)
    dtype = getattr(torch, fields.pop("dtype", "float32"))
    model = random_llama(LlamaConfig(**fields), seed).to(dtype)
    # As save_pretrained alone does it: the type of the weights goes into config.json.
    model.save_pretrained(fresh(folder), max_shard_size="30KB" if folder.endswith("sharded") else "1GB")


def write_linear_v4(folder: str) -> None:
    """The oldest spelling of linear scaling: rope_theta beside rope_scaling, whose type is called "type"."""
    old = json.loads(Path(f"{folder}/config.json").read_text())
    del old["rope_parameters"], old["head_dim"]
    old.update(
        rope_theta=10000.0,
        rope_scaling={"type": "linear", "factor": 4.0},
        torch_dtype=old.pop("dtype"),
        transformers_version="4.36.0",
    )
    Path(f"{folder}/config-v4.json").write_text(json.dumps(old, indent=2, sort_keys=True) + "\n")
    model = load(folder)
    again = LlamaForCausalLM(LlamaConfig.from_pretrained(f"{folder}/config-v4.json")).eval()
    again.load_state_dict(model.state_dict())
    probe = {"ids": list(range(3, 60))}
    assert torch.equal(logits(model, probe), logits(again, probe)), "config-v4.json reads differently"


def write_variant(name: str, seed: int) -> None:
    folder = f"variants/{name}"
    write_model(folder, seed, VARIANTS[name])
    if name == "linear-rope":
        write_linear_v4(folder)

    lora = get_peft_model(
        load(folder), LoraConfig(r=2, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    randomize(lora, trainable(lora), seed + 1, std=0.1)
    lora.save_pretrained(f"{folder}/lora")
    Path(f"{folder}/lora/README.md").unlink()

    base = load(folder)
    lora = PeftModel.from_pretrained(load(folder), f"{folder}/lora", is_trainable=True).eval()
    sequences = random_sequences([7, 17], [2, 6], vocab=64, seed=seed + 2)
    lora_gradients = gradients(lora, sequences)
    full_gradients = gradients(load(folder).requires_grad_(True), sequences)

    tensors = {f"{k}.{i}": logits(m, s) for k, m in (("base", base), ("lora", lora)) for i, s in enumerate(sequences)}
    tensors |= {f"gradient.{file_key(n)}": g for n, g in lora_gradients.items()}
    whole = ("embed_tokens.weight", ".bias", "norm.weight")
    tensors |= {f"full_gradient.{n}": g for n, g in full_gradients.items() if n.endswith(whole)}
    write_tensors(f"{folder}/expected.safetensors", tensors)
    write_json(
        f"{folder}/expected.json",
        {
            "made_by": VERSIONS,
            "sequences": sequences,
            "trained_tokens": trained_tokens(sequences),
            "base_loss": batch_loss(base, sequences).item(),
            "lora_loss": batch_loss(lora, sequences).item(),
            "full_gradient_norms": {n: g.norm().item() for n, g in full_gradients.items()},
        },
    )


work_in_output_folder()
fresh("variants")
for i, variant in enumerate(VARIANTS):
    write_variant(variant, seed=100 + 10 * i)
