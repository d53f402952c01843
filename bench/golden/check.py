"""Loads what Graft wrote with the real libraries, and compares.

Run by hand:
  python bench/golden/check.py adapter MODEL_DIR ADAPTER_DIR LOGITS_JSON   the adapter folder, by PeftModel
  python bench/golden/check.py merged MODEL_DIR LOGITS_JSON                a merged or trained folder, by Transformers
  python bench/golden/check.py tokenizer MODEL_DIR [TEXT]                  the tokenizer of the folder: a round trip
  python bench/golden/check.py greedy MODEL_DIR                            golden.json of the folder against Transformers
LOGITS_JSON is {"ids": [..], "logits": [[..], ..]}: a row of logits for each id. Every command exits 1 where
something differs: logits by more than 1e-4, a key missing, left over or of another shape, any warning of the loader.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4
torch.set_num_threads(1)
transformers.logging.disable_progress_bar()
failures = []


def expect(condition: bool, message: str) -> None:
    if not condition:
        failures.append(message)
        print("FAIL", message)


def load_model(folder: str):
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for kind, keys in info.items():
        expect(not keys, f"{folder}: {kind}: {keys}")
    return model.eval()


@torch.no_grad()
def compare(model, logits_json: str) -> None:
    written = json.loads(Path(logits_json).read_text())
    theirs = torch.tensor(written["logits"], dtype=torch.float64)
    ours = model(input_ids=torch.tensor([written["ids"]]), use_cache=False).logits[0].double()
    if ours.shape != theirs.shape:
        expect(False, f"logits are {list(theirs.shape)}, the model gives {list(ours.shape)}")
        return
    difference = (ours - theirs).abs().max().item()
    print(f"max abs difference {difference:.3g} over {list(ours.shape)} logits of size {ours.abs().max():.3g}")
    expect(difference <= TOLERANCE, f"logits differ by {difference:.3g}")


def adapter(arguments) -> None:
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import safe_open

    base = load_model(arguments.model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base, arguments.adapter).eval()
    for warning in caught:
        if "ensure_weight_tying" in str(warning.message):  # said of every saved lm_head or embedding of a tied model
            print("note:", warning.message)
        else:
            expect(False, f"warning: {warning.message}")
    # PEFT warns of missing keys only; keys that it does not use pass silently.
    with safe_open(f"{arguments.adapter}/adapter_model.safetensors", "pt") as file:
        written = {key: list(file.get_slice(key).get_shape()) for key in file.keys()}
    model.peft_config["default"].base_model_name_or_path = arguments.model  # PEFT looks there for the vocabulary's size
    expected = {key: list(value.shape) for key, value in get_peft_model_state_dict(model).items()}
    expect(not expected.keys() - written.keys(), f"missing keys: {sorted(expected.keys() - written.keys())}")
    expect(not written.keys() - expected.keys(), f"unused keys: {sorted(written.keys() - expected.keys())}")
    both = written.keys() & expected.keys()
    expect(all(written[k] == expected[k] for k in both), "shapes differ")
    print(f"{len(both)} adapter tensors loaded")
    compare(model, arguments.logits)


def merged(arguments) -> None:
    compare(load_model(arguments.model), arguments.logits)


def tokenizer(arguments) -> None:
    loaded = AutoTokenizer.from_pretrained(arguments.model)
    ids = loaded(arguments.text)["input_ids"]
    back = loaded.decode(ids, skip_special_tokens=True)
    print(f"{type(loaded).__name__}, {len(loaded)} tokens, bos {loaded.bos_token_id}, eos {loaded.eos_token_id}")
    print(f"{arguments.text!r} -> {ids} -> {back!r}")
    expect(back.strip() == arguments.text.strip(), "the text changed on the way")


def greedy(arguments) -> None:
    golden = json.loads(Path(arguments.model, "golden.json").read_text())
    model = load_model(arguments.model)
    prompt = golden["prompt_ids"]
    new = len(golden["greedy_ids"]) - len(prompt)
    with torch.no_grad():
        ids = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=new)[0].tolist()
        last = model(torch.tensor([golden["logits_prompt_ids"]])).logits[0, -1].double()
    print(f"greedy ids: {sum(a == b for a, b in zip(ids, golden['greedy_ids']))} of {len(golden['greedy_ids'])} equal")
    expect(ids == golden["greedy_ids"], "greedy ids differ")
    difference = (last - torch.tensor(golden["logits_last"], dtype=torch.float64)).abs().max().item()
    print(f"logits_last: max abs difference {difference:.3g}")
    expect(difference <= TOLERANCE, "logits_last differ")
    loaded = AutoTokenizer.from_pretrained(arguments.model)
    # greedy_text is the pieces laid end to end: a leading space, and byte tokens by their names.
    text = loaded.decode(ids, skip_special_tokens=True)
    expect(text.replace("\n", "<0x0A>").strip() == golden["greedy_text"].strip(), "greedy_text differs")
    if not arguments.corpus:
        return
    nll, count = mean_nll(model, loaded, Path(arguments.corpus).read_text()[:20_000])
    print(f"mean_nll: {nll:.10f} over {count} tokens; the file says {golden['mean_nll']:.10f} over {golden['nll_tokens']}")
    expect(count == golden["nll_tokens"] and abs(nll - golden["mean_nll"]) < TOLERANCE, "mean_nll differs")


@torch.no_grad()
def mean_nll(model, loaded, text: str) -> tuple:
    """Whole chunks of 255 tokens (the rest is dropped), each behind its own BOS, every token but the BOS counted."""
    ids = loaded(text, add_special_tokens=False)["input_ids"]
    total, count = 0.0, 0
    for start in range(0, len(ids) - 254, 255):
        chunk = torch.tensor([loaded.bos_token_id, *ids[start : start + 255]])
        logits = model(chunk[None]).logits[0, :-1].double()
        total += torch.nn.functional.cross_entropy(logits, chunk[1:], reduction="sum").item()
        count += len(chunk) - 1
    return total / count, count


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
commands = parser.add_subparsers(required=True)
for run, names in (
    (adapter, ["model", "adapter", "logits"]),
    (merged, ["model", "logits"]),
    (tokenizer, ["model"]),
    (greedy, ["model"]),
):
    command = commands.add_parser(run.__name__)
    command.set_defaults(run=run)
    for name in names:
        command.add_argument(name)
    if run is tokenizer:
        command.add_argument("text", nargs="?", default="Once upon a time, there was a little girl.")
    if run is greedy:
        command.add_argument("--corpus", help="the text whose first 20,000 characters give mean_nll")
arguments = parser.parse_args()
arguments.run(arguments)
print("OK" if not failures else f"{len(failures)} failures")
sys.exit(bool(failures))
