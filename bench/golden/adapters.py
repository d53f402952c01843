"""Adapters written by the real PEFT with the logits they give, and which modules PEFT adapts for which settings.

Run after llama_lora.py and variants.py: `python bench/golden/adapters.py [OUTPUT_DIR]`
(default: library/src/test/resources/golden). Writes adapters/NAME/, adapters/expected.{json,safetensors} and
resolution.json.
"""

import warnings

from common import *  # noqa: F403  (first: it fixes the hash seed)
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

ATTENTION = ["q_proj", "v_proj"]
REGEX = r".*\.(0\.self_attn\.(q|k)_proj|1\.mlp\.(up|down)_proj)"
ADAPTERS = {
    "attention-only": dict(r=4, lora_alpha=8, target_modules=ATTENTION),
    "rslora": dict(r=4, lora_alpha=8, target_modules=ATTENTION, use_rslora=True),
    "patterns": dict(
        r=4,
        lora_alpha=8,
        target_modules=[*ATTENTION, "down_proj"],
        rank_pattern={"v_proj": 2, r"layers\.1\.mlp\.down_proj": 3},
        alpha_pattern={"model.layers.0.self_attn.q_proj": 16, "down_proj": 5},
    ),
    "modules-to-save": dict(r=2, lora_alpha=4, target_modules=ATTENTION, modules_to_save=["lm_head"]),
    "modules-to-save-embeddings": dict(
        r=2, lora_alpha=4, target_modules=ATTENTION, modules_to_save=["embed_tokens", "lm_head", "norm"]
    ),
    "tied-modules-to-save": dict(r=2, lora_alpha=4, target_modules=ATTENTION, modules_to_save=["lm_head"]),
    "bias-lora-only": dict(r=2, lora_alpha=4, target_modules=["q_proj", "up_proj"], bias="lora_only"),
    "bias-all": dict(r=2, lora_alpha=4, target_modules=["q_proj", "up_proj"], bias="all"),
    "layers": dict(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj", "gate_proj"], layers_to_transform=[1]),
    "regex": dict(r=4, lora_alpha=8, target_modules=REGEX),
    "exclude": dict(r=2, lora_alpha=8, target_modules="all-linear", exclude_modules=["k_proj", "layers.0.mlp.up_proj"]),
}
BASES = {"bias-lora-only": "variants/bias", "bias-all": "variants/bias", "tied-modules-to-save": "variants/tied"}

SETTINGS = [
    # lists: the whole path, or a suffix that starts at a dot
    dict(target_modules=["q_proj"]),
    dict(target_modules=["self_attn.q_proj", "model.layers.1.mlp.down_proj"]),
    dict(target_modules=["proj"]),
    dict(target_modules=["q_pro"]),
    dict(target_modules=["q_proj", "nothing"]),
    dict(target_modules=["lm_head"]),
    dict(target_modules=["q_proj", "lm_head"]),
    dict(target_modules=["model.lm_head"]),
    dict(target_modules=["self_attn"]),
    dict(target_modules=["input_layernorm"]),
    dict(target_modules=["q_proj", "input_layernorm"]),
    dict(target_modules=["embed_tokens"]),
    dict(target_modules=["Q_PROJ"]),
    dict(target_modules=[]),
    dict(target_modules=None),
    # strings: all-linear in any case, else a regular expression that has to match the whole path
    dict(target_modules="all-linear"),
    dict(target_modules="ALL-Linear"),
    dict(target_modules="q_proj"),
    dict(target_modules=r".*q_proj"),
    dict(target_modules=r".*\.q_proj|.*\.v_proj"),
    dict(target_modules=r"model\.layers\.0\..*_proj"),
    dict(target_modules=r"(?!.*mlp).*_proj"),
    dict(target_modules=r".*\.layers\.\d+\.self_attn\.[qv]_proj$"),
    dict(target_modules=r"^.*\.o_proj"),
    dict(target_modules=r".*_proj("),
    dict(target_modules=["all-linear"]),
    dict(target_modules=[r".*q_proj"]),
    # exclude_modules
    dict(target_modules="all-linear", exclude_modules=["k_proj"]),
    dict(target_modules="all-linear", exclude_modules=["self_attn"]),
    dict(target_modules="all-linear", exclude_modules=["layers.0.mlp.up_proj"]),
    dict(target_modules="all-linear", exclude_modules=r".*layers\.0.*"),
    dict(target_modules="all-linear", exclude_modules="k_proj"),
    dict(target_modules=["q_proj"], exclude_modules=["q_proj"]),
    dict(target_modules=["q_proj"], exclude_modules=["nothing"]),
    # modules_to_save takes modules, and all below them, away from LoRA
    dict(target_modules=["q_proj", "lm_head"], modules_to_save=["lm_head"]),
    dict(target_modules=["q_proj", "up_proj"], modules_to_save=["mlp"]),
    dict(target_modules=["q_proj"], modules_to_save=["nothing"]),
    # ... and is matched by endswith, without a dot: "norm" takes every layer's two norms as well
    dict(target_modules=["q_proj"], modules_to_save=["norm"]),
    dict(target_modules=["q_proj"], modules_to_save=["model.norm"]),
    dict(target_modules=["q_proj"], modules_to_save=["q_proj"]),
    # layers
    dict(target_modules=["q_proj", "lm_head"], layers_to_transform=[1]),
    dict(target_modules=["q_proj"], layers_to_transform=1),
    dict(target_modules=["q_proj"], layers_to_transform=[]),
    dict(target_modules=["q_proj"], layers_to_transform=[7]),
    dict(target_modules=["q_proj"], layers_to_transform=[0, 7]),
    dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern="layers"),
    dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern=["h", "layers"]),
    dict(target_modules=["q_proj"], layers_to_transform=[0], layers_pattern="h"),
    dict(target_modules=["q_proj"], layers_pattern="layers"),
    dict(target_modules="all-linear", layers_to_transform=[0]),
    dict(target_modules=r".*q_proj", layers_to_transform=[0]),
    # a full path in the list escapes layers_to_transform
    dict(target_modules=["model.layers.0.self_attn.q_proj", "v_proj"], layers_to_transform=[1]),
    # r, alpha, patterns: the first key that matches wins; a key matches at the end, after a dot. PEFT sorts the keys
    # when it saves, so an adapter that depends on their order does not load again.
    dict(target_modules=["q_proj", "down_proj"], r=4, lora_alpha=8, use_rslora=True),
    dict(target_modules=["q_proj"], r=3, lora_alpha=0.5),
    dict(target_modules=["q_proj"], r=0),
    dict(target_modules=["q_proj"], r=-1),
    dict(target_modules=["q_proj"], r=64),
    dict(target_modules=["q_proj"], lora_dropout=1.5),
    dict(target_modules=["q_proj"], bias="some"),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={".*_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"self_attn": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"layers.0.self_attn.q_proj": 2, "q_proj": 3}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 3, "layers.0.self_attn.q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"^q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"^model.layers.0.self_attn.q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj|v_proj": 2}, alpha_pattern={"v_proj": 32}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={r"\.q_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 0}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"k_proj": 2}),
    dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 2}, use_rslora=True),
]


def write_adapter(name: str, seed: int) -> dict:
    """Save with PEFT, load again with PEFT into a fresh base, and take the logits of that."""
    base = BASES.get(name, "llama-tiny")
    folder = f"adapters/{name}"
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        LoraConfig(task_type="CAUSAL_LM", **ADAPTERS[name]),
    )
    randomize(model, [(n, p) for n, p in trainable(model) if "lora_" in n], seed, std=0.15)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():  # saved modules and biases move away from the base's, as training would do
        for n, p in trainable(model):
            if "lora_" not in n:
                p.add_(0.2 * torch.randn(p.shape, generator=generator))
    model.eval().save_pretrained(folder)
    Path(f"{folder}/README.md").unlink()

    sequence = random_sequences([11], [5], vocab=model.config.vocab_size, seed=seed + 2)[0]
    again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), folder).eval()
    assert torch.equal(logits(model, sequence), logits(again, sequence)), name
    plain = logits(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), sequence)
    merged = logits(again.merge_and_unload(), sequence)
    assert torch.allclose(merged, logits(model, sequence), atol=1e-4), name
    tensors[name] = logits(model, sequence)
    return {
        "name": name,
        "base": base,
        "ids": sequence["ids"],
        "max_difference_from_base": (tensors[name] - plain).abs().max().item(),
        "trainable": {file_key(n): list(p.shape) for n, p in trainable(model)},
        "trainable_parameters": sum(p.numel() for _, p in trainable(model)),
    }


def resolve(setting: dict) -> dict:
    """What PEFT does with a setting on llama-tiny: the modules in the model's order, or the exception."""
    record = {"config": setting}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            base = AutoModelForCausalLM.from_pretrained("llama-tiny", dtype=torch.float32)
            model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **setting))
        except Exception as error:
            return record | {"error": type(error).__name__, "message": str(error)[:160]}
    record["modules"] = [
        {"path": path, "r": m.r["default"], "alpha": m.lora_alpha["default"], "scaling": m.scaling["default"]}
        for path, m in model.base_model.model.named_modules()
        if hasattr(m, "lora_A")
    ]
    saved = [
        path
        for path, m in model.base_model.model.named_modules()
        if type(m).__name__ == "ModulesToSaveWrapper"
    ]
    if saved:
        record["modules_to_save"] = saved
    record["trainable_parameters"] = sum(p.numel() for _, p in trainable(model))
    ours = [str(w.message)[:160] for w in caught if "peft" in w.filename]
    if ours:
        record["warnings"] = ours
    return record


work_in_output_folder()
fresh("adapters")
tensors = {}
described = [write_adapter(name, seed=500 + 10 * i) for i, name in enumerate(ADAPTERS)]
write_tensors("adapters/expected.safetensors", tensors)
write_json("adapters/expected.json", {"made_by": VERSIONS, "adapters": described})
write_json("resolution.json", {"made_by": VERSIONS, "base": "llama-tiny", "cases": [resolve(s) for s in SETTINGS]})
