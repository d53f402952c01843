"""The peers: Transformers + PEFT in a plain loop, and TRL's SFTTrainer. A line of JSON a step."""

import argparse
import json
import os
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import peft
import torch
import transformers

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora() -> peft.LoraConfig:
    return peft.LoraConfig(r=16, lora_alpha=32, target_modules=LINEARS, task_type="CAUSAL_LM")


def say(seconds: float, tokens: int, samples: float, loss: float) -> None:
    print(json.dumps({"seconds": seconds, "tokens": tokens, "samples": samples, "loss": loss}), flush=True)


def load(options):
    extra = {}
    if options.four_bits:
        extra["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, options.dtype),
        )
    if options.device != "cpu":
        extra["device_map"] = options.device
    return transformers.AutoModelForCausalLM.from_pretrained(
        options.model, dtype=getattr(torch, options.dtype), **extra
    )


def synchronize(options) -> None:
    if options.device == "cuda":
        torch.cuda.synchronize()


def plain_loop(options) -> None:
    model = load(options)
    if options.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
        model.config.use_cache = False
    model = peft.get_peft_model(model, lora())
    model.train()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    rows = [json.loads(line)["text"] for line in open(options.data)]
    ids = [(tokenizer(row)["input_ids"] + [tokenizer.eos_token_id])[: options.length] for row in rows]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4, weight_decay=0)
    for step in range(options.steps):
        start = step * options.batch % (len(ids) - options.batch + 1)
        batch = torch.tensor(ids[start : start + options.batch], device=options.device)
        begin = time.perf_counter()
        with torch.autocast(options.device, torch.bfloat16, enabled=options.autocast):
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        synchronize(options)
        say(time.perf_counter() - begin, batch.numel(), options.batch, loss.item())
    if options.device == "cuda":
        print(json.dumps({"card_peak_bytes": torch.cuda.max_memory_reserved()}))


def trl_trainer(options) -> None:
    import datasets
    import trl

    class Clock(transformers.TrainerCallback):
        begin = 0.0
        samples = options.batch

        def on_step_begin(self, args, state, control, **kwargs):
            self.begin = time.perf_counter()

        def on_step_end(self, args, state, control, **kwargs):
            self.seconds = time.perf_counter() - self.begin

        def on_log(self, args, state, control, logs=None, **kwargs):
            if logs and "loss" in logs:
                seen = int(logs.get("num_tokens", 0))
                say(self.seconds, seen - getattr(self, "seen", 0), self.samples, float(logs["loss"]))
                self.seen = seen

    batch = options.rows or options.batch
    settings = {
        "output_dir": options.output,
        "max_steps": options.steps,
        "per_device_train_batch_size": batch,
        "max_length": options.length,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "bf16": options.autocast,
        "disable_tqdm": True,
        "use_cpu": True,
        "learning_rate": 2e-4,
        "train_sampling_strategy": "sequential",
    }
    if options.packing:
        settings["packing"] = True
    if options.no_checkpointing:
        settings["gradient_checkpointing"] = False
    rows = [json.loads(line) for line in open(options.data)]
    clock = Clock()
    trainer = trl.SFTTrainer(
        model=load(options),
        args=trl.SFTConfig(**settings),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=transformers.AutoTokenizer.from_pretrained(options.model),
        peft_config=lora(),
        callbacks=[clock],
    )
    clock.samples = batch * len(rows) / len(trainer.train_dataset)
    trainer.train()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=["peft", "trl"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--four-bits", action="store_true")
    parser.add_argument("--packing", action="store_true")
    parser.add_argument("--no-checkpointing", action="store_true")
    parser.add_argument("--autocast", action="store_true", help="bf16=True of Transformers and TRL")
    parser.add_argument("--rows", type=int, help="of a batch, where not as many as the others have")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    torch.manual_seed(42)
    plain_loop(options) if options.peer == "peft" else trl_trainer(options)


if __name__ == "__main__":
    main()
