package dev.graft.app;

import dev.graft.tensor.DType;
import picocli.CommandLine.Option;

/// How a command that passes tokens multiplies.
final class ProductArguments {
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
}
