"""QLoRA on the tiny Llama: checkpoints that Transformers wrote through bitsandbytes, their logits, and PEFT's losses
and gradients on a base that holds the dequantized weights.

Run: `BITSANDBYTES=FOLDER python bench/golden/qlora.py [OUTPUT_DIR]` after llama_lora.py, where the folder holds the
package bitsandbytes (a checkout, beside it a `bitsandbytes-0.50.2.dist-info/METADATA`). Writes qlora/.
"""

import os
import sys

os.environ["TORCHDYNAMO_DISABLE"] = "1"
sys.path.insert(0, os.environ["BITSANDBYTES"])

from common import *  # noqa: F403, E402
from peft import PeftModel  # noqa: E402
from transformers import AutoModelForCausalLM, BitsAndBytesConfig  # noqa: E402
import bitsandbytes.functional as F  # noqa: E402


def plain(kind):
    """The float model whose linears hold what the codes stand for."""
    model = AutoModelForCausalLM.from_pretrained("llama-tiny", dtype=torch.float32)
    with torch.no_grad():
        for name, module in model.named_modules():
            if not isinstance(module, torch.nn.Linear) or name == "lm_head":
                continue
            if kind == "int8":
                codes, stats, _ = torch.ops.bitsandbytes.int8_vectorwise_quant.default(module.weight.half(), 0.0)
                values = torch.ops.bitsandbytes.int8_vectorwise_dequant.default(codes, stats)
            else:
                packed, state = F.quantize_4bit(
                    module.weight.data, blocksize=64, compress_statistics=True, quant_type=kind
                )
                values = F.dequantize_4bit(packed, state)
            module.weight.copy_(values.float())
    return model


make_table = F.get_4bit_type
F.get_4bit_type = lambda typename, device=None, blocksize=64: make_table(typename, "cpu", blocksize)

work_in_output_folder()
expected_tiny = json.loads(Path("llama-tiny-expected/expected.json").read_text())
sequences = expected_tiny["sequences"]
out = fresh("qlora")
expected = {"made_by": VERSIONS, "sequences": sequences, "trained_tokens": trained_tokens(sequences)}
for kind in ("nf4", "fp4", "int8"):
    base = plain(kind)
    tensors = {f"base.{i}": logits(base, s) for i, s in enumerate(sequences)}
    lora = PeftModel.from_pretrained(plain(kind), "llama-tiny-lora", is_trainable=True).eval()
    tensors |= {f"gradient.{file_key(n)}": g for n, g in gradients(lora, sequences).items()}
    write_tensors(f"{out}/{kind}.safetensors", tensors)
    trained = PeftModel.from_pretrained(plain(kind), "llama-tiny-lora", is_trainable=True).eval()
    expected[kind] = {
        "loss": batch_loss(lora, sequences).item(),
        "lr": 1e-2,
        **train(trained, sequences, 10, lr=1e-2),
    }
    if kind != "int8":
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=kind,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
        )
    else:
        config = BitsAndBytesConfig(load_in_8bit=True)
    quantized = AutoModelForCausalLM.from_pretrained(
        "llama-tiny", quantization_config=config, device_map="cpu", dtype=torch.float32
    )
    quantized.save_pretrained(f"{out}/llama-tiny-{kind}")
    if kind != "int8":  # the other multiplies in 8 bits too
        worst = max((logits(quantized, s) - logits(base, s)).abs().max().item() for s in sequences)
        assert worst < 1e-4, worst
write_json(f"{out}/expected.json", expected)
