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
            case AUTO -> halves ? DType.BF16 : DType.F32;
            case FLOAT32 -> DType.F32;
            case BFLOAT16 -> {
                if (!halves) {
                    throw refused(
                            device,
                            "is older than Ampere, which was the first to multiply in bfloat16");
                }
                yield DType.BF16;
            }
            case FLOAT16 -> throw refused(device, "would need the loss scaled, which is not done");
        };
    }

    private ConfigException refused(Device device, String why) {
        return new ConfigException(
                "bnb_4bit_compute_dtype: found %s, and %s %s; float32 works everywhere"
                        .formatted(this, device, why));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
