"""Transformers + PEFT on a card: LoRA in a plain loop over random tokens. Prints one line of JSON."""

import argparse
import json
import statistics
import time

import peft
import torch
import transformers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--four-bits", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(1)
    extra = {}
    if options.four_bits:
        extra["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model = transformers.AutoModelForCausalLM.from_pretrained(
        options.model, dtype=torch.bfloat16, device_map="cuda", attn_implementation="sdpa", **extra
    )
    model.config.use_cache = False
    if options.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    maps = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = peft.get_peft_model(
        model, peft.LoraConfig(r=16, lora_alpha=32, target_modules=maps, task_type="CAUSAL_LM")
    )
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=0)
    seconds = []
    for _ in range(options.steps):
        batch = torch.randint(model.config.vocab_size, (options.batch, options.length), device="cuda")
        begin = time.perf_counter()
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        last = loss.item()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    counted = seconds[2:] or seconds
    print(
        json.dumps(
            {
                "tokens_per_second": options.batch * options.length / statistics.median(counted),
                "peak_bytes": torch.cuda.max_memory_reserved(),
                "loss": last,
            }
        )
    )


if __name__ == "__main__":
    main()
