"""Transformers' greedy `generate` over cached keys and values; one line of JSON with the fields of `graft generate`."""

import argparse
import json
import os
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from transformers.generation.streamers import BaseStreamer


class Clock(BaseStreamer):
    """When each token came; the first call is the prompt."""

    def __init__(self):
        self.times = []

    def put(self, value):
        self.times.append(time.perf_counter())

    def end(self):
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--dtype", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--new", type=int, required=True)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype)).eval()
    inputs = tokenizer(options.prompt, return_tensors="pt")
    clock = Clock()
    with torch.inference_mode():
        model.generate(**inputs, max_new_tokens=options.new, do_sample=False, streamer=clock)
    prompt, first, *rest = clock.times
    tokens = inputs["input_ids"].shape[1]
    said = {
        "prompt_tokens": tokens,
        "prompt_tokens_per_second": tokens / (first - prompt),
        "decoded_tokens": len(rest),
        "decode_tokens_per_second": len(rest) / (clock.times[-1] - first),
    }
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
