"""Ten steps of 8-bit AdamW: bitsandbytes on a CPU, and its CUDA kernel written down again in float32.

Run: `python bench/golden/adamw_8bit.py [OUTPUT_DIR]` (default: library/src/test/resources/golden).
Writes adamw-8bit.json, adamw-8bit.safetensors.

The two backends of bitsandbytes differ: on a CPU the weights decay before the step and a negative moment may get the
code of 0; the CUDA kernel (`kOptimizerStatic8bit2StateBlockwise`) decays after it and keeps the sign, and skips
gradients that are not finite.
"""

from common import *  # noqa: F403  (first: it fixes the hash seed)
import math

import bitsandbytes
import numpy as np

COUNT, BLOCK, STEPS = 5000, 256, 10  # 19 blocks and 136 of a twentieth
LR, BETA1, BETA2, EPS, DECAY = 1e-2, 0.9, 0.999, 1e-8, 0.1
SCALE = 0.5  # gnorm_scale of the CUDA run
f32 = np.float32


def uniform(seed: int, count: int) -> np.ndarray:
    """Numerical Recipes' generator modulo 2^32, over 2^32, less a half: the Java test makes the same numbers."""
    values, state = np.empty(count), seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state / 2**32 - 0.5
    return values


def gradient(step: int) -> np.ndarray:
    """Seven magnitudes side by side; the third block is zero."""
    g = uniform(1000 + step, COUNT) * 10.0 ** -(np.arange(COUNT) % 7)
    g[2 * BLOCK : 3 * BLOCK] = 0
    return g.astype(f32)


def on_cpu() -> dict:
    p = torch.nn.Parameter(torch.tensor(uniform(7, COUNT).astype(f32)))
    optimizer = bitsandbytes.optim.AdamW8bit([p], lr=LR, betas=(BETA1, BETA2), eps=EPS, weight_decay=DECAY)
    states = {}
    for step in range(1, STEPS + 1):
        p.grad = torch.tensor(gradient(step))
        optimizer.step()
        for name in ["state1", "state2", "absmax1", "absmax2"]:
            states[f"cpu.{step}.{name}"] = optimizer.state[p][name].clone()
    return states | {"cpu.p": p}


def quantize_2d(code: np.ndarray, x: np.ndarray, signed: bool) -> np.ndarray:
    """`quantize_2D` of csrc/kernels.cu, all elements at once."""
    pivot = np.full(x.shape, 127)
    lower_pivot, upper_pivot = np.zeros(x.shape, int), np.full(x.shape, 255)
    lower, upper = np.full(x.shape, f32(-1 if signed else 0)), np.full(x.shape, f32(1))
    val = code[pivot]
    i = 64
    while i > 0:
        up = x > val
        lower_pivot, lower = np.where(up, pivot, lower_pivot), np.where(up, val, lower)
        upper_pivot, upper = np.where(up, upper_pivot, pivot), np.where(up, upper, val)
        pivot = np.where(up, pivot + i, pivot - i)
        val = code[pivot]
        i >>= 1
    above = np.where(x > (upper + val) * f32(0.5), upper_pivot, pivot)
    below = np.where(x < (lower + val) * f32(0.5), lower_pivot, pivot)
    return np.where(x > val, above, below)


def on_cuda() -> dict:
    """The kernel's lines in their order; every block of 256 is one of its thread blocks."""
    qmap1 = bitsandbytes.functional.create_dynamic_map(signed=True).numpy().astype(f32)
    qmap2 = bitsandbytes.functional.create_dynamic_map(signed=False).numpy().astype(f32)
    p = uniform(7, COUNT).astype(f32)
    blocks = -(-COUNT // BLOCK)
    c1s, c2s = np.zeros(COUNT, np.uint8), np.zeros(COUNT, np.uint8)
    absmax1, absmax2 = np.zeros(blocks, f32), np.zeros(blocks, f32)
    # 1 - beta in double: the kernel's 1.0f - beta2 is 5e-5 off, and no other backend does that
    beta1, rest1, beta2, rest2 = f32(BETA1), f32(1 - BETA1), f32(BETA2), f32(1 - BETA2)
    states = {}
    for step in range(1, STEPS + 1):
        g_all = gradient(step)
        g_all[2 * BLOCK : 3 * BLOCK] = g_all[:BLOCK]  # 0 / 0 has no defined code in the kernel
        if step in (3, 4):
            g_all[[5, 4999]], g_all[700] = np.nan, -np.inf
        correction1 = f32(1.0 - BETA1**step)
        correction2 = f32(math.sqrt(1.0 - BETA2**step))
        step_size = f32(-LR) * correction2 / correction1
        for b in range(blocks):
            part = slice(b * BLOCK, min(COUNT, (b + 1) * BLOCK))
            g = g_all[part]
            finite = np.isfinite(g)
            g = np.where(finite, g, f32(0)) * f32(SCALE)
            s2 = qmap2[c2s[part]] * absmax2[b] * beta2 + rest2 * (g * g)
            s1 = qmap1[c1s[part]] * absmax1[b] * beta1 + rest1 * g
            s1, s2 = np.where(finite, s1, f32(0)), np.where(finite, s2, f32(0))
            absmax1[b], absmax2[b] = np.abs(s1).max(), np.abs(s2).max()
            moved = p[part] + step_size * (s1 / (np.sqrt(s2) + correction2 * f32(EPS)))
            moved = moved * f32(1 - LR * DECAY)
            p[part] = np.where(finite, moved, p[part])
            c1 = quantize_2d(qmap1, s1 / absmax1[b], True)
            c2 = quantize_2d(qmap2, s2 / absmax2[b], False)
            other_sign = np.signbit(qmap1[c1]) != np.signbit(s1)
            c1 = np.where(other_sign, np.where(s1 > 0, c1 + 1, c1 - 1), c1)
            c1s[part], c2s[part] = c1, c2
        now = {"state1": c1s, "state2": c2s, "absmax1": absmax1, "absmax2": absmax2}
        states |= {f"cuda.{step}.{name}": torch.tensor(v.copy()) for name, v in now.items()}
    return states | {"cuda.p": torch.tensor(p)}


work_in_output_folder()
write_tensors("adamw-8bit.safetensors", on_cpu() | on_cuda())
write_json(
    "adamw-8bit.json",
    {
        "made_by": {"torch": VERSIONS["torch"], "bitsandbytes": bitsandbytes.__version__},
        "count": COUNT,
        "steps": STEPS,
        "lr": LR,
        "betas": [BETA1, BETA2],
        "eps": EPS,
        "weight_decay": DECAY,
        "cuda_gradient_scale": SCALE,
    },
)
