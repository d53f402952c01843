package dev.graft.config;

import dev.graft.error.ConfigException;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import java.util.Locale;

/// The type of the computation, as far as the machine lets it be chosen.
public enum ComputeType {
    AUTO,
    FLOAT32,
    BFLOAT16,
    FLOAT16;

    /// On a processor float32 always: mixed precision is a matter of products there. On a card what
    /// it multiplies fastest in, unless float32 is asked for.
    ///
    /// @throws ConfigException if the card cannot compute in that type
    public DType on(Device device, Cards cards) {
        if (device.isCpu()) {
            return DType.F32;
        }
        boolean halves = cards.card(device).multipliesBfloat16();
        return switch (this) {
            case AUTO -> halves ? DType.BF16 : DType.F16;
            case FLOAT32 -> DType.F32;
            case BFLOAT16 -> {
                if (!halves) {
                    throw new ConfigException(
                            "bf16, bnb_4bit_compute_dtype: found bfloat16, and %s is older than Ampere, which was the first to multiply in it; float16 and float32 work there"
                                    .formatted(device));
                }
                yield DType.BF16;
            }
            case FLOAT16 -> DType.F16;
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
