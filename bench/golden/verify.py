"""Recomputes the golden files a second way: a plain Llama + LoRA in float64 that reads nothing but the files.

Run: `python bench/golden/verify.py [GOLDEN_DIR]` (default: library/src/test/resources/golden). Needs torch and
safetensors only. Prints the largest difference for each file, which is the rounding noise of the fp32 goldens, and
exits 1 where one is above its bound. One entry of each kind of LoRA gradient is checked by finite differences too.
"""

import json
import math
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

GOLDEN = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "library/src/test/resources/golden")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
failures = 0


def report(what: str, difference: float, bound: float) -> None:
    global failures
    failures += difference > bound
    print(f"{'ok  ' if difference <= bound else 'FAIL'} {difference:8.1e}  {what}")


def read(path) -> dict:
    return {k: v.double() for k, v in load_file(GOLDEN / path).items()}


def read_model(folder: str) -> dict:
    weights = {}
    for shard in sorted((GOLDEN / folder).glob("model*.safetensors")):
        weights |= read(shard.relative_to(GOLDEN))
    return weights


def inverse_frequencies(config: dict, width: int) -> torch.Tensor:
    rope = config.get("rope_parameters") or {
        "rope_theta": config["rope_theta"],
        "rope_type": "default",
        **(config.get("rope_scaling") or {}),
    }
    kind = rope.get("type", rope["rope_type"])
    inverse = rope["rope_theta"] ** (-torch.arange(0, width, 2) / width)
    if kind == "linear":
        return inverse / rope["factor"]
    if kind == "llama3":
        turns = rope["original_max_position_embeddings"] * inverse / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        keep = ((turns - low) / (high - low)).clamp(0, 1)
        return keep * inverse + (1 - keep) * inverse / rope["factor"]
    assert kind == "default", kind
    return inverse


class Llama:
    """Weights by their Hugging Face names, adapter tensors by their PEFT names; logits of one sequence."""

    def __init__(self, config: dict, weights: dict, adapter: dict = None, peft: dict = None):
        self.c, self.w, self.a, self.peft = config, dict(weights), {}, peft
        for key, value in (adapter or {}).items():
            name = key.removeprefix("base_model.model.")
            if ".lora_" in name:
                self.a[name] = value
            else:  # a saved module, or a bias
                self.w[name.replace(".base_layer", "")] = value

    def scaling(self, path: str) -> float:
        def pick(patterns, default):
            return next((v for k, v in patterns.items() if re.match(rf"(.*\.)?({k})$", path)), default)

        r, alpha = pick(self.peft["rank_pattern"], self.peft["r"]), pick(self.peft["alpha_pattern"], self.peft["lora_alpha"])
        assert self.a[f"{path}.lora_A.weight"].shape[0] == r, path
        return alpha / (math.sqrt(r) if self.peft["use_rslora"] else r)

    def linear(self, x, path: str):
        y = x @ self.w[f"{path}.weight"].T
        if f"{path}.bias" in self.w:
            y = y + self.w[f"{path}.bias"]
        if f"{path}.lora_A.weight" in self.a:
            y = y + self.scaling(path) * (x @ self.a[f"{path}.lora_A.weight"].T @ self.a[f"{path}.lora_B.weight"].T)
        return y

    def norm(self, x, path: str):
        return x * (x.pow(2).mean(-1, keepdim=True) + self.c["rms_norm_eps"]).rsqrt() * self.w[f"{path}.weight"]

    def logits(self, ids: list) -> torch.Tensor:
        c, t = self.c, len(ids)
        heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
        width = c.get("head_dim") or c["hidden_size"] // heads
        angles = torch.arange(t)[:, None] * inverse_frequencies(c, width)
        cos, sin = angles.cos(), angles.sin()

        def rotate(x):
            a, b = x[..., : width // 2], x[..., width // 2 :]
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

        x = self.w["model.embed_tokens.weight"][ids]
        for i in range(c["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            h = self.norm(x, f"{layer}.input_layernorm")
            q = rotate(self.linear(h, f"{layer}.self_attn.q_proj").view(t, heads, width).transpose(0, 1))
            k = rotate(self.linear(h, f"{layer}.self_attn.k_proj").view(t, kv, width).transpose(0, 1))
            v = self.linear(h, f"{layer}.self_attn.v_proj").view(t, kv, width).transpose(0, 1)
            k, v = (z.repeat_interleave(heads // kv, 0) for z in (k, v))
            scores = q @ k.transpose(1, 2) / math.sqrt(width)
            scores = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -math.inf)
            o = (scores.softmax(-1) @ v).transpose(0, 1).reshape(t, heads * width)
            x = x + self.linear(o, f"{layer}.self_attn.o_proj")
            h = self.norm(x, f"{layer}.post_attention_layernorm")
            gate = torch.nn.functional.silu(self.linear(h, f"{layer}.mlp.gate_proj"))
            x = x + self.linear(gate * self.linear(h, f"{layer}.mlp.up_proj"), f"{layer}.mlp.down_proj")
        if "lm_head.weight" in self.w:
            return self.linear(self.norm(x, "model.norm"), "lm_head")
        return self.norm(x, "model.norm") @ self.w["model.embed_tokens.weight"].T

    def loss(self, sequences: list) -> torch.Tensor:
        """Sequence by sequence, without padding: the sum over the trained tokens / their number."""
        total, count = 0, 0
        for s in sequences:
            targets = torch.tensor(s["labels"][1:])
            total = total + torch.nn.functional.cross_entropy(self.logits(s["ids"])[:-1], targets, reduction="sum")
            count += int((targets != -100).sum())
        return total / count


def adamw(parameters: list, loss, run: dict) -> dict:
    """AdamW with decoupled decay, written out; clipping as torch does it (norm + 1e-6)."""
    m, v = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    losses, norms = [], []
    for step, lr in enumerate(run["lrs"], start=1):
        value = loss()
        grads = torch.autograd.grad(value, parameters)
        norm = torch.stack([g.norm() for g in grads]).norm()
        scale = min(1.0, run["max_grad_norm"] / (norm + 1e-6)) if run["max_grad_norm"] else 1.0
        losses.append(value.item())
        norms.append(norm.item())
        with torch.no_grad():
            for i, (p, g) in enumerate(zip(parameters, grads)):
                m[i] = 0.9 * m[i] + 0.1 * g * scale
                v[i] = 0.999 * v[i] + 0.001 * (g * scale) ** 2
                p.mul_(1 - lr * 0.01)
                p.sub_(lr * (m[i] / (1 - 0.9**step)) / ((v[i] / (1 - 0.999**step)).sqrt() + 1e-8))
    return {"losses": losses, "grad_norms": norms}


def relative(ours: list, theirs: list) -> float:
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))


def tensor_error(ours, theirs) -> float:
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def check_steps(name: str, run: dict, parameters: dict, loss, final: dict = None) -> None:
    ours = adamw(list(parameters.values()), loss, run)
    report(f"{name}: ten losses (relative)", relative(ours["losses"], run["losses"]), 1e-5)
    report(f"{name}: ten norms (relative)", relative(ours["grad_norms"], run["grad_norms"]), 1e-5)
    if final:
        report(f"{name}: final parameters", max((parameters[k] - final[k]).abs().max().item() for k in final), 1e-5)


def finite_difference(model: Llama, sequences: list, gradients: dict) -> float:
    worst = 0.0
    with torch.no_grad():
        for path in ("layers.0.self_attn.k_proj.lora_A", "layers.1.self_attn.o_proj.lora_B", "layers.0.mlp.down_proj.lora_A"):
            tensor, golden = model.a[f"model.{path}.weight"], gradients[f"base_model.model.model.{path}.weight"]
            at = divmod(int(golden.abs().argmax()), golden.shape[1])
            values = []
            for step in (1e-4, -2e-4):
                tensor[at] += step
                values.append(model.loss(sequences).item())
            tensor[at] += 1e-4
            worst = max(worst, abs((values[0] - values[1]) / 2e-4 / golden[at].item() - 1))
    return worst


def leaves(tensors: dict) -> dict:
    return {k: v.clone().requires_grad_(True) for k, v in tensors.items()}


def check_llama_tiny() -> None:
    folder = "llama-tiny-expected"
    expected = json.loads((GOLDEN / folder / "expected.json").read_text())
    sequences, weights = expected["sequences"], read_model("llama-tiny")
    config = json.loads((GOLDEN / "llama-tiny/config.json").read_text())
    old = json.loads((GOLDEN / "llama-tiny/config-v4.json").read_text())
    peft = json.loads((GOLDEN / "llama-tiny-lora/adapter_config.json").read_text())
    adapter = read("llama-tiny-lora/adapter_model.safetensors")
    golden = read(f"{folder}/logits.safetensors")
    base, lora = Llama(config, weights), Llama(config, weights, adapter, peft)
    unscaled = Llama(old | {"rope_scaling": None}, weights)
    for i, s in enumerate(sequences):
        report(f"llama-tiny: base logits {i}", (base.logits(s["ids"]) - golden[f"base.{i}"]).abs().max().item(), 1e-5)
        report(f"llama-tiny: lora logits {i}", (lora.logits(s["ids"]) - golden[f"lora.{i}"]).abs().max().item(), 1e-5)
        same = (Llama(old, weights).logits(s["ids"]) - base.logits(s["ids"])).abs().max().item()
        report(f"llama-tiny: config-v4.json reads alike {i}", same, 1e-12)
        bite = (unscaled.logits(s["ids"]) - golden[f"base.{i}"]).abs().max().item()
        print(f"     {bite:8.1e}  (what leaving out the llama3 scaling would cost)")
        report(f"llama-tiny: loss {i}", abs(lora.loss([s]).item() - expected["lora_sequence_losses"][i]), 1e-5)
    report("llama-tiny: base loss", abs(base.loss(sequences).item() - expected["base_loss"]), 1e-5)
    report("llama-tiny: lora loss", abs(lora.loss(sequences).item() - expected["lora_loss"]), 1e-5)

    gradients = read(f"{folder}/lora_gradients.safetensors")
    report("llama-tiny: finite differences (relative)", finite_difference(lora, sequences, gradients), 1e-5)
    for run in ("lora_constant", "lora_clipped_linear"):
        leaf = leaves(adapter)
        loss = lambda: Llama(config, weights, leaf, peft).loss(sequences)  # noqa: E731
        grads = dict(zip(leaf, torch.autograd.grad(loss(), list(leaf.values()))))
        worst = max(tensor_error(grads[k], gradients[k]) for k in gradients)
        report(f"llama-tiny: LoRA gradients ({len(gradients)}, relative to the largest entry)", worst, 1e-5)
        check_steps(run, expected[run], leaf, loss, read(f"{folder}/{run}_final.safetensors"))
    leaf, gradients = leaves(weights), read(f"{folder}/full_gradients.safetensors")
    loss = lambda: Llama(config, leaf).loss(sequences)  # noqa: E731
    grads = dict(zip(leaf, torch.autograd.grad(loss(), list(leaf.values()))))
    worst = max(tensor_error(grads[k], gradients[k]) for k in gradients)
    report(f"llama-tiny: full gradients ({len(gradients)})", worst, 1e-5)
    check_steps("full_constant", expected["full_constant"], leaf, loss)


def check_variant(folder: Path) -> None:
    name = folder.name
    expected = json.loads((folder / "expected.json").read_text())
    golden, sequences = read(folder / "expected.safetensors"), expected["sequences"]
    weights, adapter = leaves(read_model(f"variants/{name}")), leaves(read(folder / "lora/adapter_model.safetensors"))
    peft = json.loads((folder / "lora/adapter_config.json").read_text())
    for file in sorted(folder.glob("config*.json")):
        config = json.loads(file.read_text())
        base, lora = Llama(config, weights), Llama(config, weights, adapter, peft)
        for i, s in enumerate(sequences):
            for kind, model in (("base", base), ("lora", lora)):
                worst = (model.logits(s["ids"]) - golden[f"{kind}.{i}"]).abs().max().item()
                report(f"{name}/{file.name}: {kind} logits {i}", worst, 1e-5)
    report(f"{name}: base loss", abs(base.loss(sequences).item() - expected["base_loss"]), 1e-5)
    report(f"{name}: lora loss", abs(lora.loss(sequences).item() - expected["lora_loss"]), 1e-5)
    grads = dict(zip(adapter, torch.autograd.grad(lora.loss(sequences), list(adapter.values()))))
    report(f"{name}: LoRA gradients", max(tensor_error(g, golden[f"gradient.{k}"]) for k, g in grads.items()), 1e-5)
    grads = dict(zip(weights, torch.autograd.grad(base.loss(sequences), list(weights.values()))))
    norms = expected["full_gradient_norms"]
    assert norms.keys() == grads.keys(), norms.keys() ^ grads.keys()
    report(f"{name}: full gradient norms", max(abs(grads[k].norm().item() / norms[k] - 1) for k in norms), 1e-5)
    whole = [k for k in grads if f"full_gradient.{k}" in golden]
    worst = max(tensor_error(grads[k], golden[f"full_gradient.{k}"]) for k in whole)
    report(f"{name}: full gradients of embedding, norms, biases ({len(whole)})", worst, 1e-5)


def check_adapters() -> None:
    golden = read("adapters/expected.safetensors")
    for described in json.loads((GOLDEN / "adapters/expected.json").read_text())["adapters"]:
        name, base = described["name"], described["base"]
        config = json.loads((GOLDEN / base / "config.json").read_text())
        peft = json.loads((GOLDEN / f"adapters/{name}/adapter_config.json").read_text())
        adapter = read(f"adapters/{name}/adapter_model.safetensors")
        model = Llama(config, read_model(base), adapter, peft)
        assert {k: list(v.shape) for k, v in adapter.items()} == described["trainable"], name
        report(f"adapters/{name}", (model.logits(described["ids"]) - golden[name]).abs().max().item(), 1e-5)


check_llama_tiny()
for variant in sorted((GOLDEN / "variants").iterdir()):
    check_variant(variant)
check_adapters()
print("all within bounds" if not failures else f"{failures} out of bounds")
sys.exit(failures > 0)
