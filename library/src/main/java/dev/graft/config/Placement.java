package dev.graft.config;

import dev.graft.plan.Machine;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;

/// Where a model computes, and in which type.
public record Placement(Device device, DType compute) {
    /// On the processor, in float32.
    public static final Placement PROCESSOR = new Placement(Device.CPU, DType.F32);

    /// What settings come to on this machine.
    ///
    /// @param wanted the setting `device`
    /// @param bf16 whether bfloat16 was asked for; on a processor that is a matter of products
    ///     alone
    /// @throws dev.graft.error.ConfigException if the device cannot be used so; says why
    public static Placement of(String wanted, ComputeType type, boolean bf16) {
        Device device = Cards.here().choose(wanted);
        ComputeType asked = bf16 && type == ComputeType.AUTO ? ComputeType.BFLOAT16 : type;
        return new Placement(device, asked.on(device, Cards.here()));
    }

    /// Bytes of memory that a run may use there.
    public long memory() {
        return device.isCpu() ? Machine.memory() : Cards.here().card(device).memory();
    }

    /// One line for people.
    ///
    /// @param halves whether products with the frozen base are rounded to bfloat16
    public String text(boolean halves) {
        if (device.isCpu()) {
            return halves
                    ? "compute: products with the frozen base in bfloat16, the rest in float32"
                    : "compute: float32";
        }
        Cards.Card card = Cards.here().card(device);
        return "compute: %s on %s, %s, compute capability %s; what is trained in float32"
                .formatted(compute.torchName(), device, card.name(), card.capabilityText());
    }
}
