package dev.graft.app;

import dev.graft.config.ComputeType;
import dev.graft.config.Placement;
import dev.graft.tensor.DType;
import picocli.CommandLine.Option;

/// Where and how a command that passes tokens computes.
final class ProductArguments {
    @Option(
            names = "--device",
            paramLabel = "auto|cpu|cuda",
            defaultValue = "auto",
            description =
                    "Where to compute; auto takes an NVIDIA card where there is one that this build"
                            + " can use (default ${DEFAULT-VALUE}).")
    private String device;

    @Option(
            names = "--bf16",
            description =
                    "Multiply with the model's matrices in bfloat16: a prompt passes about twice as"
                            + " fast on processors that have it, results rounded to 8 bits.")
    private boolean bf16;

    /// The type of products with the model's matrices.
    DType type() {
        return bf16 ? DType.BF16 : DType.F32;
    }

    Placement placement() {
        return Placement.of(device, ComputeType.AUTO, bf16);
    }
}
