"""Golden files of a tiny Llama (GQA, llama3 RoPE): logits, loss, LoRA and full gradients, AdamW trajectories.

Run: `python bench/golden/llama_lora.py [OUTPUT_DIR]` (default: library/src/test/resources/golden).
Writes llama-tiny/, llama-tiny-lora/ and llama-tiny-expected/.
"""

import json

from common import *  # noqa: F403  (first: it fixes the hash seed)
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

# With head_dim 8 and theta 100 the wavelengths are 6.3, 19.9, 63 and 199: below 32/4 (kept), between (smoothed),
# above 32/1 (divided by the factor). So each branch of the llama3 scaling is taken, at the lengths used here.
ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
THETA = 100.0


def load():
    return AutoModelForCausalLM.from_pretrained("llama-tiny", dtype=torch.float32)


def load_adapter():
    return PeftModel.from_pretrained(load(), "llama-tiny-lora", is_trainable=True)


def write_model() -> None:
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=88,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        rope_parameters={"rope_theta": THETA, **ROPE},
        bos_token_id=1,
        eos_token_id=2,
    )
    random_llama(config, seed=1).save_pretrained(fresh("llama-tiny"))

    old = json.loads(Path("llama-tiny/config.json").read_text())
    del old["rope_parameters"], old["head_dim"]
    old.update(rope_theta=THETA, rope_scaling=ROPE, torch_dtype=old.pop("dtype"), transformers_version="4.45.0")
    Path("llama-tiny/config-v4.json").write_text(json.dumps(old, indent=2, sort_keys=True) + "\n")
    model = load()
    again = LlamaForCausalLM(LlamaConfig.from_pretrained("llama-tiny/config-v4.json")).eval()
    again.load_state_dict(model.state_dict())
    probe = {"ids": list(range(3, 60))}
    assert torch.equal(logits(model, probe), logits(again, probe)), "config-v4.json reads differently"


def write_adapter() -> None:
    config = LoraConfig(r=4, lora_alpha=8, target_modules=LINEARS, task_type="CAUSAL_LM")
    model = get_peft_model(load(), config)
    randomize(model, trainable(model), seed=2, std=0.1)
    model.save_pretrained(fresh("llama-tiny-lora"))
    Path("llama-tiny-lora/README.md").unlink()


def main() -> None:
    work_in_output_folder()
    write_model()
    write_adapter()
    sequences = random_sequences([5, 17, 40], [1, 6, 15], vocab=128, seed=3)
    out = fresh("llama-tiny-expected")

    base, lora = load(), load_adapter().eval()
    write_tensors(
        f"{out}/logits.safetensors",
        {f"{k}.{i}": logits(m, s) for k, m in (("base", base), ("lora", lora)) for i, s in enumerate(sequences)},
    )
    write_tensors(
        f"{out}/lora_gradients.safetensors", {file_key(n): g for n, g in gradients(lora, sequences).items()}
    )
    full = load().requires_grad_(True)
    write_tensors(f"{out}/full_gradients.safetensors", gradients(full, sequences))

    constant, clipped, whole = load_adapter().eval(), load_adapter().eval(), load()
    expected = {
        "made_by": VERSIONS,
        "sequences": sequences,
        "trained_tokens": trained_tokens(sequences),
        "base_sequence_losses": [sequence_loss(base, s) for s in sequences],
        "base_loss": batch_loss(base, sequences).item(),
        "lora_sequence_losses": [sequence_loss(lora, s) for s in sequences],
        "lora_loss": batch_loss(lora, sequences).item(),
        "optimizer": {"name": "AdamW", "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
        "lora_constant": {"lr": 1e-2, "max_grad_norm": None, **train(constant, sequences, 10, lr=1e-2)},
        "lora_clipped_linear": {
            "lr": 1e-2,
            "max_grad_norm": 1.0,
            "schedule": "linear",
            "warmup_steps": 3,
            **train(clipped, sequences, 10, lr=1e-2, max_grad_norm=1.0, schedule="linear", warmup=3),
        },
        "full_constant": {"lr": 1e-3, "max_grad_norm": None, **train(whole, sequences, 10, lr=1e-3)},
        "trainer_decays": Trainer.get_decay_parameter_names(None, base),
    }
    write_json(f"{out}/expected.json", expected)
    for name, model in (("lora_constant", constant), ("lora_clipped_linear", clipped)):
        write_tensors(f"{out}/{name}_final.safetensors", {file_key(n): p for n, p in trainable(model)})


main()
