"""Golden files of every decoder family and every rotary scaling: a tiny random model each, its logits, the gradients of
a PEFT adapter on all linear maps, and 32 greedy tokens.

Run: `python bench/golden/families.py [OUTPUT_DIR] [NAME ...]` (default: library/src/test/resources/golden, all names).
Writes families/NAME/: the model folder, lora/ (PEFT adapter) and expected.{json,safetensors}.

Sequences are longer than windows and than the contexts that rotary scalings stretch. The greedy tokens are those of
passes without a cache: where frequencies follow the length, a cache of old keys is an approximation.
"""

import re

from common import *  # noqa: F403  (first of what is not Python's: it fixes the hash seed)
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM

BASE = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    rms_norm_eps=1e-6,
    tie_word_embeddings=False,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
ALTERNATING = ["sliding_attention", "full_attention"] * 2


def rope(kind: str, **more) -> dict:
    return {"rope_type": kind, "rope_theta": 10000.0, **more}


LONG = dict(
    short_factor=[1.0, 1.1, 1.25, 1.5],
    long_factor=[1.0, 2.0, 4.0, 8.0],
)
SOME = dict(rope_theta=10000.0, partial_rotary_factor=0.5)
MODELS = {
    "mistral": ("mistral", dict(sliding_window=7, head_dim=12)),
    "qwen2": ("qwen2", dict(use_sliding_window=True, sliding_window=6, max_window_layers=1)),
    "qwen3": ("qwen3", dict(head_dim=12, tie_word_embeddings=True)),
    "gemma": ("gemma", dict(head_dim=12, tie_word_embeddings=True)),
    "gemma2": (
        "gemma2",
        dict(
            head_dim=12,
            num_hidden_layers=4,
            sliding_window=6,
            query_pre_attn_scalar=20,
            attn_logit_softcapping=5.0,
            final_logit_softcapping=3.0,
            tie_word_embeddings=True,
        ),
    ),
    "gemma3_text": (
        "gemma3_text",
        dict(
            head_dim=12,
            num_hidden_layers=6,
            sliding_window=6,
            query_pre_attn_scalar=20,
            tie_word_embeddings=True,
            rope_parameters={
                "sliding_attention": rope("default"),
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            },
        ),
    ),
    "gemma3": (
        "gemma3",
        dict(
            head_dim=12,
            num_hidden_layers=2,
            sliding_window=6,
            layer_types=ALTERNATING[:2],
            query_pre_attn_scalar=20,
            rope_parameters={
                "sliding_attention": rope("default"),
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            },
        ),
    ),
    "phi3": ("phi3", dict(sliding_window=9)),
    "phi3-longrope": (
        "phi3",
        dict(
            hidden_size=64,
            max_position_embeddings=64,
            original_max_position_embeddings=24,
            rope_parameters={"rope_type": "longrope", **SOME, **LONG},
        ),
    ),
    "smollm3": ("smollm3", dict(num_hidden_layers=4, use_sliding_window=True, sliding_window=7)),
    "granite": (
        "granite",
        dict(
            embedding_multiplier=6.0,
            attention_multiplier=0.2,
            residual_multiplier=0.3,
            logits_scaling=4.0,
            attention_bias=True,
            mlp_bias=True,
        ),
    ),
    "olmo2": ("olmo2", dict()),
    "mixtral": ("mixtral", dict(num_local_experts=4, num_experts_per_tok=2, sliding_window=8)),
    "qwen3_moe": (
        "qwen3_moe",
        dict(
            head_dim=12,
            num_hidden_layers=3,
            num_experts=6,
            num_experts_per_tok=3,
            moe_intermediate_size=16,
            norm_topk_prob=False,
            mlp_only_layers=[1],
        ),
    ),
    "qwen3_moe-normalized": (
        "qwen3_moe",
        dict(
            head_dim=12,
            num_experts=6,
            num_experts_per_tok=3,
            moe_intermediate_size=16,
            norm_topk_prob=True,
        ),
    ),
    "rope-linear": ("llama", dict(rope_parameters=rope("linear", factor=4.0))),
    "rope-dynamic": ("llama", dict(max_position_embeddings=16, rope_parameters=rope("dynamic", factor=2.0))),
    "rope-llama3": (
        "llama",
        dict(
            rope_parameters=rope(
                "llama3",
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=16,
            )
        ),
    ),
    "rope-yarn": ("llama", dict(rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=16))),
    "rope-yarn-mscale": (
        "qwen3",
        dict(
            head_dim=16,
            rope_parameters=rope(
                "yarn",
                factor=8.0,
                original_max_position_embeddings=16,
                mscale=1.0,
                mscale_all_dim=0.7,
                beta_fast=16.0,
                beta_slow=2.0,
                truncate=False,
            ),
        ),
    ),
    "rope-longrope": (
        "llama",
        dict(rope_parameters=rope("longrope", factor=4.0, original_max_position_embeddings=24, **LONG)),
    ),
    "glm4": (
        "glm4",
        dict(head_dim=16, attention_bias=True, rope_parameters=rope("default", partial_rotary_factor=0.5)),
    ),
    "glm": (
        "glm",
        dict(head_dim=16, attention_bias=True, rope_parameters=rope("default", partial_rotary_factor=0.5)),
    ),
    "olmo3": (
        "olmo3",
        dict(
            num_hidden_layers=4,
            sliding_window=6,
            rope_parameters={
                "sliding_attention": rope("default"),
                "full_attention": rope("yarn", factor=4.0, original_max_position_embeddings=16),
            },
        ),
    ),
    "olmoe": ("olmoe", dict(num_experts=6, num_experts_per_tok=3, intermediate_size=16)),
    "helium": ("helium", dict(head_dim=8, attention_bias=True)),
    "ernie4_5": ("ernie4_5", dict(head_dim=12, use_bias=True, tie_word_embeddings=True)),
    "seed_oss": ("seed_oss", dict(head_dim=12, attention_bias=True, attention_out_bias=False)),
    "ministral": ("ministral", dict(head_dim=12, sliding_window=7, layer_types=ALTERNATING[:2])),
}


def configuration(kind: str, overrides: dict):
    fields = {**BASE, **overrides}
    if kind != "gemma3":
        return AutoConfig.for_model(kind, **fields)
    vision = dict(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    return AutoConfig.for_model(
        kind,
        text_config={**fields, "model_type": "gemma3_text", "tie_word_embeddings": True},
        vision_config={**vision, "model_type": "siglip_vision_model"},
        mm_tokens_per_image=1,
        image_token_index=60,
        boi_token_index=61,
        eoi_token_index=62,
    )


def random_model(config, seed: int):
    """Weights large enough for every part to show in the logits."""
    kind = transformers.Gemma3ForConditionalGeneration if config.model_type == "gemma3" else None
    model = (kind or transformers.AutoModelForCausalLM.from_config)(config).eval()
    gemma = config.model_type.startswith("gemma")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = torch.randn(parameter.shape, generator=generator)
            if "norm" in name and parameter.dim() == 1:
                parameter.copy_((0 if gemma else 1) + 0.2 * draw)
            elif name.endswith("embed_tokens.weight"):
                parameter.copy_((0.1 if gemma else 0.5) * draw)
            else:
                parameter.copy_(0.2 * draw)
    return model


def load(folder: str):
    config = AutoConfig.from_pretrained(folder)
    kind = transformers.Gemma3ForConditionalGeneration if config.model_type == "gemma3" else AutoModelForCausalLM
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def write_adapter(folder: str, seed: int) -> None:
    """A PEFT adapter with r = 4 on every linear map of the decoder; of experts in the names that files have."""
    model = load(folder)
    moe = getattr(model.config, "num_local_experts", None)
    language = r".*language_model.*_proj" if model.config.model_type == "gemma3" else "all-linear"
    lora = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=language, task_type="CAUSAL_LM"))
    randomize(lora, trainable(lora), seed, std=0.1)
    lora.save_pretrained(f"{folder}/lora")
    Path(f"{folder}/lora/README.md").unlink()
    if moe:
        add_experts(folder, seed + 5)


def add_experts(folder: str, seed: int) -> None:
    """PEFT knows experts as fused parameters and converts adapters that name them one by one when it loads."""
    with safe_open(f"{folder}/model.safetensors", "pt") as base:
        weights = {k: base.get_tensor(k) for k in base.keys() if ".experts." in k}
    path = f"{folder}/lora/adapter_model.safetensors"
    with safe_open(path, "pt") as file:
        tensors = {k: file.get_tensor(k) for k in file.keys() if ".experts" not in k and ".gate." not in k}
    generator = torch.Generator().manual_seed(seed)
    names = {"q_proj", "k_proj", "v_proj", "o_proj"}
    has_dense = "mlp_only_layers" in MODELS[folder.split("/")[1]][1]
    for name, weight in weights.items():
        module = name.removesuffix(".weight")
        # where there are dense layers too, the last part alone would mean their maps in Graft and not in PEFT
        names.add(module if has_dense else module.rsplit(".", 1)[1])
        out, into = weight.shape
        key = "base_model.model." + module
        tensors[f"{key}.lora_A.weight"] = 0.1 * torch.randn((4, into), generator=generator)
        tensors[f"{key}.lora_B.weight"] = 0.1 * torch.randn((out, 4), generator=generator)
    write_tensors(path, tensors)
    config = json.loads(Path(f"{folder}/lora/adapter_config.json").read_text())
    config["target_modules"] = sorted(names)
    config["rank_pattern"], config["alpha_pattern"], config["target_parameters"] = {}, {}, None
    Path(f"{folder}/lora/adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def expert_gradients(folder: str, found: dict) -> dict:
    """PEFT's gradients by fused parameters, taken apart into those of the maps that the adapter names."""
    with safe_open(f"{folder}/lora/adapter_model.safetensors", "pt") as file:
        wanted = {k: file.get_tensor(k).shape for k in file.keys()}
    result = {}
    for key, shape in wanted.items():
        if key in found:
            result[key] = found[key]
            continue
        layer, expert, leaf, side = re.match(r"(.*)\.experts\.(\d+)\.(\w+)\.lora_([AB])\.weight", key).groups()
        block = layer.replace("block_sparse_moe", "mlp") + ".experts"
        e, r = int(expert), 4
        down = leaf in ("w2", "down_proj")
        fused = found[f"{block}.lora_{side}.weight" if down else f"{block}.base_layer.lora_{side}.weight"]
        ranks, second = (r, 0) if down else (2 * r, r * (leaf in ("w3", "up_proj")))
        if side == "A":
            result[key] = fused.view(-1, ranks, shape[1])[e, second : second + r]
        else:
            experts = fused.shape[1] // ranks
            b = fused.T.view(ranks, experts, -1).permute(1, 2, 0)[e]
            start = shape[0] if second else 0
            result[key] = b[start : start + shape[0], second : second + r]
        assert result[key].shape == shape, key
    return result


@torch.no_grad()
def greedy(model, prompt: list) -> list:
    ids = list(prompt)
    for _ in range(32):
        ids.append(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax().item())
    return ids[len(prompt) :]


def write_family(name: str, seed: int) -> None:
    kind, overrides = MODELS[name]
    folder = f"families/{name}"
    random_model(configuration(kind, overrides), seed).save_pretrained(fresh(folder))
    write_adapter(folder, seed + 1)
    base = load(folder)
    lora = PeftModel.from_pretrained(load(folder), f"{folder}/lora", is_trainable=True).eval()
    sequences = random_sequences([9, 33], [2, 6], vocab=56, seed=seed + 2)
    if "dynamic" in name:  # its frequencies follow the longest sequence of a batch
        sequences = sequences[1:]
    found = {file_key(n): g for n, g in gradients(lora, sequences).items()}
    adapters = expert_gradients(folder, found)
    full = base.requires_grad_(True)
    batch_loss(full, sequences).backward()
    norms = {n: p.grad.norm().item() for n, p in full.named_parameters() if p.grad is not None}
    base.zero_grad()
    prompt = sequences[-1]["ids"][:10]
    tensors = {f"base.{i}": logits(base, s) for i, s in enumerate(sequences)}
    tensors |= {f"lora.{i}": logits(lora, s) for i, s in enumerate(sequences)}
    tensors |= {f"gradient.{n}": g for n, g in adapters.items()}
    write_tensors(f"{folder}/expected.safetensors", tensors)
    write_json(
        f"{folder}/expected.json",
        {
            "made_by": VERSIONS,
            "sequences": sequences,
            "trained_tokens": trained_tokens(sequences),
            "base_loss": batch_loss(base, sequences).item(),
            "lora_loss": batch_loss(lora, sequences).item(),
            "full_gradient_norms": norms,
            "prompt": prompt,
            "greedy": greedy(base, prompt),
            "lora_greedy": greedy(lora, prompt),
        },
    )


wanted = sys.argv[2:]
del sys.argv[2:]
work_in_output_folder()
if not wanted:
    fresh("families")
for i, model_name in enumerate(MODELS):
    if not wanted or model_name in wanted:
        write_family(model_name, seed=1000 + 20 * i)
