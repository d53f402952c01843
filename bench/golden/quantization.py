"""Quantized bytes of bitsandbytes' CPU backend, as digests.

usage: python quantization.py BITSANDBYTES_CHECKOUT OUT.json
"""

import hashlib
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch  # noqa: E402
import bitsandbytes  # noqa: E402
import bitsandbytes.functional as F  # noqa: E402

# the command line has no GPU: the tables are made on the CPU
make_table = F.get_4bit_type
F.get_4bit_type = lambda typename, device=None, blocksize=64: make_table(typename, "cpu", blocksize)


def values(count):
    """s -> (1103515245 s + 12345) mod 2^31 from 12345; x = 2 s / (2^31 - 1) - 1 in double."""
    s, out = 12345, []
    for _ in range(count):
        s = (1103515245 * s + 12345) & 0x7FFFFFFF
        out.append(s / 2147483647 * 2 - 1)
    return torch.tensor(out, dtype=torch.float64).float()


def digest(t):
    return hashlib.sha256(t.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def case(shape, dtype, kind, nested, blocksize, zeros, scale):
    x = values(shape[0] * shape[1]) * scale
    if zeros:
        x[: blocksize + 3] = 0
    w = x.reshape(shape).to(getattr(torch, dtype))
    packed, state = F.quantize_4bit(
        w, blocksize=blocksize, compress_statistics=nested, quant_type=kind
    )
    absmax = state.absmax
    if nested:
        absmax = F.dequantize_blockwise(state.absmax, state.state2) + state.offset
    full = torch.ops.bitsandbytes.dequantize_4bit.default(
        packed, absmax.float(), blocksize, kind, list(shape), torch.float32
    )
    tensors = state.as_dict(packed=True)
    blob = tensors["quant_state.bitsandbytes__" + kind]
    return {
        "shape": shape,
        "dtype": dtype,
        "quant_type": kind,
        "double_quant": nested,
        "blocksize": blocksize,
        "zeros": zeros,
        "scale": scale,
        "packed": digest(packed),
        "absmax": digest(state.absmax),
        "nested_absmax": digest(state.state2.absmax) if nested else None,
        "dequantized": digest(full),
        "state": bytes(blob.tolist()).decode(),
    }


def int8(shape, dtype):
    w = values(shape[0] * shape[1]).reshape(shape).to(getattr(torch, dtype))
    codes, stats, _ = torch.ops.bitsandbytes.int8_vectorwise_quant.default(w.half(), 0.0)
    full = torch.ops.bitsandbytes.int8_vectorwise_dequant.default(codes, stats)
    return {
        "shape": shape,
        "dtype": dtype,
        "codes": digest(codes),
        "scb": digest(stats.float()),
        "dequantized": digest(full.float()),
    }


cases = []
for kind in ("nf4", "fp4"):
    for dtype in ("float32", "bfloat16", "float16"):
        for nested in (False, True):
            cases.append(case([48, 160], dtype, kind, nested, 64, False, 1.0))
            cases.append(case([7, 129], dtype, kind, nested, 64, True, 0.02))
    for blocksize in (32, 64, 128, 256, 512, 1024, 2048, 4096):
        cases.append(case([37, 111], "bfloat16", kind, True, blocksize, False, 0.05))
    for shape in ([1, 1], [3, 50], [1, 63], [5, 33], [300, 400]):
        cases.append(case(shape, "float32", kind, True, 64, False, 1.0))
out = {
    "bitsandbytes": bitsandbytes.__version__,
    "torch": torch.__version__,
    "four_bit": cases,
    "int8": [int8([17, 65], d) for d in ("float32", "bfloat16", "float16")],
}
with open(sys.argv[2], "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
print(len(cases), "cases")
