package dev.graft.optim;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.HostMaker;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Page-locked memory of the host. The kernel of a card reads and writes moments there over the bus
/// by itself, each number once and in order; so they need no room on the card, and none is fetched
/// ahead (the paged optimizers of bitsandbytes leave that to page faults of the driver).
final class HostMemory implements StateMemory {
    private final Device card;
    private final HostMaker maker;

    /// @param maker of page-locked memory, where the card is to reach it
    HostMemory(Device card, HostMaker maker) {
        this.card = card;
        this.maker = maker;
    }

    @Override
    public Tensor zeros(DType type, long... shape) {
        Tensor made = maker.of(type, shape);
        made.zeroInPlace();
        return made;
    }

    @Override
    public void settle() {
        if (card.equals(Device.META)) {
            return; // nothing was asked of it
        }
        try (var _ = Scope.open("settling", card)) {
            Tensor.zeros(DType.F32, 1).item(); // comes after all that was asked before
        }
    }
}
