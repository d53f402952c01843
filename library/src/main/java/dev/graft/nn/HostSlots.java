package dev.graft.nn;

import dev.graft.tensor.Device;
import dev.graft.tensor.HostMaker;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// Places in the host's memory, for tensors of a card. They are sent there and back in the order of
/// the card's work, and the host waits for neither.
final class HostSlots implements Slots {
    private final Device card;
    private final HostMaker memory;
    private final Scope scope = Scope.detached("host slots");
    private final List<Tensor> slots = new ArrayList<>();

    /// @param memory page-locked, where the card is to read it by itself
    HostSlots(Device card, HostMaker memory) {
        this.card = card;
        this.memory = memory;
    }

    @Override
    public Tensor put(int slot, Tensor tensor) {
        if (slot == slots.size()) {
            slots.add(made(tensor));
        } else if (!fits(slots.get(slot), tensor)) {
            slots.set(slot, made(tensor)).close();
        }
        Tensor place = slots.get(slot).narrow(0, 0, tensor.numel());
        return place.view(tensor.shape()).sendInPlace(tensor);
    }

    private Tensor made(Tensor like) {
        return scope.adopt(memory.of(like.dtype(), like.numel()));
    }

    private static boolean fits(Tensor place, Tensor tensor) {
        return place.dtype() == tensor.dtype() && place.numel() >= tensor.numel();
    }

    @Override
    public Tensor back(Tensor resting) {
        return resting.to(card);
    }

    @Override
    public void willNeed(int slot) {
        // What is asked of the card now comes after all that it does before.
    }

    @Override
    public void release(int slot) {
        // The next pass writes there.
    }

    @Override
    public void close() {
        scope.close();
        slots.clear();
    }
}
