"""Learning-rate multipliers of transformers.get_scheduler, and warm-up steps as TrainingArguments computes them.

Run: `python bench/golden/schedules.py [OUTPUT_DIR]` (default: library/src/test/resources/golden).
Writes schedules.json.
"""

from common import *  # noqa: F403  (first: it fixes the hash seed)
from transformers import TrainingArguments, get_scheduler

NAMES = ["linear", "cosine", "constant", "constant_with_warmup"]
STEPS_AND_WARMUP = [(1, 0), (1, 1), (10, 0), (10, 1), (10, 3), (10, 10), (10, 15), (37, 5)]
RATIOS = [(10, 0.0), (10, 0.03), (10, 0.1), (10, 0.25), (100, 0.03), (101, 0.03), (100, 0.07), (7, 0.5), (1000, 0.001)]


def multipliers(name: str, steps: int, warmup: int) -> list:
    """The factor of step i (from 0) for i = 0..steps: the last one is what a step after the end would use."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = get_scheduler(name, optimizer, warmup, steps)
    factors = []
    for _ in range(steps + 1):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


work_in_output_folder()
write_json(
    "schedules.json",
    {
        "made_by": VERSIONS,
        "schedules": [
            {"name": n, "steps": s, "warmup_steps": w, "multipliers": multipliers(n, s, w)}
            for n in NAMES
            for s, w in STEPS_AND_WARMUP
        ],
        "warmup_ratios": [
            {
                "steps": s,
                "warmup_ratio": r,
                "warmup_steps": TrainingArguments(warmup_steps=r, use_cpu=True).get_warmup_steps(s),
            }
            for s, r in RATIOS
        ],
    },
)
