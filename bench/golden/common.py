"""What the golden scripts share: tiny random Llamas, token sequences, the loss, file writers."""

import json
import os
import shutil
import sys
from pathlib import Path

# PEFT keeps target_modules in a set, whose order in adapter_config.json follows the hash seed.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "library/src/test/resources/golden"
VERSIONS = {
    "torch": torch.__version__.split("+")[0],
    "transformers": transformers.__version__,
    "peft": peft.__version__,
}
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def work_in_output_folder() -> None:
    """Go to the output folder, so that every path that the libraries write into a file is relative."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    output.mkdir(parents=True, exist_ok=True)
    os.chdir(output)


def fresh(folder: str) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def write_json(path: str, content: dict) -> None:
    """One line for each key, and for each element of a list of objects: diffs stay readable, files small."""

    def value(v):
        if isinstance(v, list) and v and all(isinstance(e, (dict, list)) for e in v):
            return "[\n" + ",\n".join("    " + json.dumps(e) for e in v) + "\n  ]"
        if isinstance(v, dict) and any(isinstance(e, (dict, list)) for e in v.values()):
            return "{\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(e)}" for k, e in v.items()) + "\n  }"
        return json.dumps(v)

    lines = ",\n".join(f"  {json.dumps(k)}: {value(v)}" for k, v in content.items())
    Path(path).write_text("{\n" + lines + "\n}\n")


def write_tensors(path: str, tensors: dict) -> None:
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})


def random_llama(config: LlamaConfig, seed: int) -> LlamaForCausalLM:
    """A Llama whose weights are large enough for every part to show in the logits; norms are not 1, biases not 0."""
    model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            draw = torch.randn(parameter.shape, generator=generator)
            if name.endswith("norm.weight"):
                parameter.copy_(1 + 0.2 * draw)
            elif name.endswith("embed_tokens.weight"):
                parameter.copy_(0.5 * draw)
            else:
                parameter.copy_(0.2 * draw)
    return model


def randomize(model, names_and_parameters, seed: int, std: float) -> None:
    """Replace parameters by noise (A and B both non-zero: a fresh adapter would hide half of the gradients)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, parameter in names_and_parameters:
            parameter.copy_(std * torch.randn(parameter.shape, generator=generator))


def random_sequences(lengths: list, prompt_lengths: list, vocab: int, seed: int) -> list:
    """Token ids and labels in the Hugging Face way: labels are not shifted, -100 marks what is not trained."""
    generator = torch.Generator().manual_seed(seed)
    sequences = []
    for length, prompt in zip(lengths, prompt_lengths):
        ids = torch.randint(3, vocab, (length,), generator=generator).tolist()
        labels = [-100] * prompt + ids[prompt:]
        sequences.append({"ids": ids, "prompt_length": prompt, "labels": labels})
    return sequences


def trained_tokens(sequences: list) -> int:
    return sum(label != -100 for s in sequences for label in s["labels"][1:])


def padded(sequences: list) -> dict:
    longest = max(len(s["ids"]) for s in sequences)

    def rows(values, fill):
        return torch.tensor([v + [fill] * (longest - len(v)) for v in values])

    return {
        "input_ids": rows([s["ids"] for s in sequences], 0),
        "attention_mask": rows([[1] * len(s["ids"]) for s in sequences], 0),
        "labels": rows([s["labels"] for s in sequences], -100),
    }


def batch_loss(model, sequences: list) -> torch.Tensor:
    """Sum of the cross-entropies over the trained tokens of the padded batch / their number, by the model's own loss."""
    return model(**padded(sequences), num_items_in_batch=trained_tokens(sequences), use_cache=False).loss


@torch.no_grad()
def logits(model, sequence: dict) -> torch.Tensor:
    return model(input_ids=torch.tensor([sequence["ids"]]), use_cache=False).logits[0]


@torch.no_grad()
def sequence_loss(model, sequence: dict) -> float:
    return batch_loss(model, [sequence]).item()


def trainable(model) -> list:
    return [(n, p) for n, p in model.named_parameters() if p.requires_grad]


def file_key(name: str) -> str:
    """The key of an adapter parameter in adapter_model.safetensors."""
    return name.replace(".modules_to_save.default", "").replace(".default", "")


def train(model, sequences: list, steps: int, lr: float, max_grad_norm=None, schedule=None, warmup=0) -> dict:
    """Steps of torch.optim.AdamW on one batch; the norm is taken before clipping, lr is what the step used."""
    parameters = [p for _, p in trainable(model)]
    optimizer = torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    scheduler = schedule and transformers.get_scheduler(schedule, optimizer, warmup, steps)
    record = {"losses": [], "grad_norms": [], "lrs": []}
    for _ in range(steps):
        loss = batch_loss(model, sequences)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_grad_norm or float("inf"))
        record["losses"].append(loss.item())
        record["grad_norms"].append(norm.item())
        record["lrs"].append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler:
            scheduler.step()
        optimizer.zero_grad()
    return record


def gradients(model, sequences: list) -> dict:
    model.zero_grad()
    batch_loss(model, sequences).backward()
    return {n: p.grad.clone() for n, p in trainable(model)}
