"""What is raced: contestants, the model and the data of each race. The first contestant is the one that others are
compared with."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Contestant:
    """Graft with options of `graft train`, or a peer: a mode of racing/peers.py with its options."""

    name: str
    who: str  # graft, peft, trl
    dtype: str = "float32"  # of the model's files
    options: tuple = ()
    steps: int = 0  # 0: as many as the scenario says; where one takes minutes, fewer


@dataclass(frozen=True)
class Scenario:
    name: str
    what: str
    shape: str
    batch: int
    length: int  # 0: instructions
    contestants: tuple
    steps: int = 4
    seconds: int = field(default=1800)  # a contestant may take


NONE = ("--gradient-checkpointing", "none")
LAYER = ("--gradient-checkpointing", "layer")
FOUR_BITS = ("--load-in-4bit", "--gradient-checkpointing", "none")
FOUR_BITS_LAYER = ("--load-in-4bit", "--gradient-checkpointing", "layer")

GRAFT = Contestant("Graft", "graft", options=NONE)
GRAFT_LAYER = Contestant("Graft, layers recomputed", "graft", options=LAYER)
GRAFT_MIXED = Contestant("Graft, `bf16: true`", "graft", options=NONE + ("--bf16",))
GRAFT_BF16_MIXED = Contestant("Graft, bf16 files and `bf16: true`", "graft", "bfloat16", NONE + ("--bf16",))
GRAFT_QLORA_MIXED = Contestant("Graft QLoRA, `bf16: true`", "graft", "bfloat16", FOUR_BITS + ("--bf16",))
GRAFT_BF16 = Contestant("Graft, bf16 files", "graft", "bfloat16", NONE)
GRAFT_QLORA = Contestant("Graft QLoRA", "graft", "bfloat16", FOUR_BITS)
GRAFT_QLORA_LAYER = Contestant("Graft QLoRA, layers recomputed", "graft", "bfloat16", FOUR_BITS_LAYER)
PEFT = Contestant("PEFT", "peft")
PEFT_AUTOCAST = Contestant("PEFT, autocast to bf16", "peft", options=("--autocast",))
PEFT_CHECKPOINTING = Contestant("PEFT, checkpointing", "peft", options=("--checkpointing",))
PEFT_BF16 = Contestant("PEFT, bf16", "peft", "bfloat16", steps=6)
PEFT_QLORA = Contestant("PEFT + bitsandbytes", "peft", "float32", ("--four-bits",), steps=12)
PEFT_QLORA_BF16 = replace(PEFT_QLORA, name="PEFT + bitsandbytes, a bf16 model", dtype="bfloat16")
TRL = Contestant("TRL, defaults in float32", "trl")
TRL_AUTOCAST = Contestant("TRL, defaults with bf16", "trl", options=("--autocast",))
TRL_FREE = Contestant("TRL, bf16, no checkpointing", "trl", options=("--autocast", "--no-checkpointing"))
TRL_PACKED = Contestant(
    "TRL, bf16, no checkpointing, rows packed to 1,024, one at a time",
    "trl",
    options=("--autocast", "--no-checkpointing", "--packing", "--rows", "1"),
)
# A step of a few short rows takes less than warming up.
GRAFT_LONG, GRAFT_MIXED_LONG = replace(GRAFT, steps=32), replace(GRAFT_MIXED, steps=40)
TRL_ALL = (TRL_AUTOCAST, TRL, TRL_FREE, TRL_PACKED)

ALL = {
    s.name: s
    for s in [
        Scenario("tiny", "a few seconds, to try the bench itself", "tiny", 2, 64, (PEFT, GRAFT)),
        Scenario("135m-4x512", "LoRA, 135M shape, 4 x 512", "135m", 4, 512, (PEFT, PEFT_AUTOCAST, GRAFT, GRAFT_LAYER, GRAFT_MIXED), 7),
        Scenario("135m-checkpointing", "LoRA, 135M shape, 4 x 512", "135m", 4, 512, (PEFT_CHECKPOINTING, GRAFT_LAYER), 6),
        Scenario("135m-1x512", "LoRA, 135M shape, 1 x 512", "135m", 1, 512, (PEFT, PEFT_AUTOCAST, GRAFT, GRAFT_BF16, GRAFT_MIXED), 20),
        Scenario("135m-1x128", "LoRA, 135M shape, 1 x 128", "135m", 1, 128, (PEFT, GRAFT), 60),
        Scenario("135m-1x2048", "LoRA, 135M shape, 1 x 2048", "135m", 1, 2048, (PEFT, GRAFT), 7),
        Scenario("135m-1x8192", "LoRA, 135M shape, 1 x 8192", "135m", 1, 8192, (PEFT_CHECKPOINTING, GRAFT_LAYER), 2),
        Scenario("135m-bf16", "LoRA from bf16 files, 135M shape, 1 x 512", "135m", 1, 512, (PEFT_BF16, GRAFT_BF16, GRAFT, GRAFT_BF16_MIXED), 20),
        Scenario("360m-1x512", "LoRA, 360M shape, 1 x 512", "360m", 1, 512, (PEFT, GRAFT), 10),
        Scenario("1.1b-1x512", "LoRA, 1.1B shape, 1 x 512", "1.1b", 1, 512, (PEFT, PEFT_AUTOCAST, GRAFT, GRAFT_BF16, GRAFT_BF16_MIXED), 7),
        Scenario("1.1b-qlora", "LoRA and QLoRA, 1.1B shape, 1 x 512", "1.1b", 1, 512, (GRAFT_BF16, GRAFT_QLORA, GRAFT_QLORA_LAYER, GRAFT_QLORA_MIXED), 7),
        Scenario("135m-qlora", "QLoRA, 135M shape, 1 x 512", "135m", 1, 512, (PEFT_QLORA, PEFT_QLORA_BF16, GRAFT_QLORA, GRAFT_QLORA_MIXED), 30),
        Scenario("instructions", "LoRA on the answers of 2,000 rows of Alpaca, 135M shape", "135m", 8, 0, TRL_ALL + (GRAFT_LONG, GRAFT_MIXED_LONG), 12),
    ]
}
