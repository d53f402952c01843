package dev.graft.nn;

import dev.graft.tensor.CopyQueue;
import dev.graft.tensor.Device;
import dev.graft.tensor.HostMaker;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Places in the host's memory, for tensors of a card. They travel there and back while the card
/// computes: what was put last stays on the card until it has been copied, and what is needed next
/// has one of two places on the card.
final class HostSlots implements Slots {
    private static final int NEAR = 2;
    private static final int NOBODY = -1;

    /// The mark of what was put last; below it are those of the places on the card.
    private static final int LEFT = NEAR;

    private final HostMaker memory;
    private final CopyQueue copies;
    private final Scope host = Scope.detached("host slots");
    private final Scope card;
    private final List<Tensor> slots = new ArrayList<>();
    private final List<long[]> shapes = new ArrayList<>();
    private final Tensor[] near = new Tensor[NEAR];
    private final int[] holds = new int[NEAR];
    private Tensor leaving;

    /// @param memory page-locked, where the card is to reach it by itself
    HostSlots(Device card, HostMaker memory, CopyQueue copies) {
        this.memory = memory;
        this.copies = copies;
        this.card = Scope.detached("near slots", card);
        Arrays.fill(holds, NOBODY);
    }

    @Override
    public Tensor put(int slot, Tensor tensor) {
        letGo();
        if (slot == slots.size()) {
            slots.add(made(tensor));
            shapes.add(tensor.shape());
        } else if (!fits(slots.get(slot), tensor)) {
            copies.finish(); // nothing reads the old one
            slots.set(slot, made(tensor)).close();
        }
        shapes.set(slot, tensor.shape());
        if (holds[slot % NEAR] == slot) {
            holds[slot % NEAR] = NOBODY;
        }
        Tensor place = part(slots.get(slot), tensor.shape());
        copies.follow();
        copies.send(tensor, place);
        copies.mark(LEFT);
        leaving = card.adopt(tensor.alias());
        return place;
    }

    private Tensor made(Tensor like) {
        return host.adopt(memory.of(like.dtype(), like.numel()));
    }

    private static boolean fits(Tensor place, Tensor tensor) {
        return place.dtype() == tensor.dtype() && place.numel() >= tensor.numel();
    }

    private static Tensor part(Tensor place, long[] shape) {
        return place.narrow(0, 0, numbers(shape)).view(shape);
    }

    private static long numbers(long[] shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /// Frees what was put last; whatever takes its memory comes after the copy.
    private void letGo() {
        if (leaving != null) {
            copies.await(LEFT);
            leaving.close();
            leaving = null;
        }
    }

    @Override
    public void willNeed(int slot) {
        if (slot < 0 || holds[slot % NEAR] == slot) {
            return;
        }
        letGo();
        int at = slot % NEAR;
        Tensor from = part(slots.get(slot), shapes.get(slot));
        if (near[at] == null || !fits(near[at], from)) {
            if (near[at] != null) {
                near[at].close();
            }
            try (var _ = card.enter()) {
                near[at] = Tensor.empty(from.dtype(), from.numel());
            }
        }
        copies.follow(); // the last that was there has gone backward
        copies.send(from, part(near[at], shapes.get(slot)));
        copies.mark(at);
        holds[at] = slot;
    }

    @Override
    public Tensor back(int slot, Tensor resting) {
        willNeed(slot);
        copies.await(slot % NEAR);
        return part(near[slot % NEAR], resting.shape());
    }

    @Override
    public void release(int slot) {
        // The next pass writes there.
    }

    @Override
    public void close() {
        copies.close();
        host.close();
        card.close();
        slots.clear();
    }
}
