package dev.graft.kernel;

import dev.graft.tensor.Cards;
import dev.graft.tensor.CudaFunctions;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Runs the kernels on a card, in order with libtorch's operations there.
final class CardLauncher implements CudaLauncher {
    /// Room for the arguments of a launch: their values, and the addresses of those.
    private static final int MOST_ARGUMENTS = 32;

    private static final ThreadLocal<Slots> SLOTS = ThreadLocal.withInitial(Slots::new);

    private final Map<String, MemorySegment> functions = new ConcurrentHashMap<>();
    private final CudaFunctions cuda;

    CardLauncher(Device card) {
        cuda = CudaFunctions.of(card, CudaCompiler.binary(Cards.here().card(card)));
    }

    private static final class Slots {
        private final MemorySegment values =
                Arena.ofAuto().allocate(ValueLayout.JAVA_LONG, MOST_ARGUMENTS);
        private final MemorySegment addresses =
                Arena.ofAuto().allocate(ValueLayout.ADDRESS, MOST_ARGUMENTS);

        private Slots() {
            for (int i = 0; i < MOST_ARGUMENTS; i++) {
                addresses.setAtIndex(
                        ValueLayout.ADDRESS, i, values.asSlice((long) i * Long.BYTES, Long.BYTES));
            }
        }
    }

    @Override
    public void launch(String kernel, long blocks, int threads, Object... arguments) {
        if (blocks == 0) {
            return;
        }
        MemorySegment function = functions.computeIfAbsent(kernel, cuda::function);
        Slots slots = SLOTS.get();
        for (int i = 0; i < arguments.length; i++) {
            put(slots.values, i, arguments[i]);
        }
        cuda.launch(kernel, function, Math.toIntExact(blocks), threads, slots.addresses);
    }

    static void put(MemorySegment values, int slot, Object argument) {
        long at = (long) slot * Long.BYTES;
        switch (argument) {
            case null -> values.set(ValueLayout.JAVA_LONG, at, 0);
            case Tensor t -> values.set(ValueLayout.JAVA_LONG, at, t.address());
            case Long n -> values.set(ValueLayout.JAVA_LONG, at, n);
            case Integer n -> values.set(ValueLayout.JAVA_INT, at, n);
            case Float x -> values.set(ValueLayout.JAVA_FLOAT, at, x);
            default -> throw new IllegalArgumentException("an argument " + argument.getClass());
        }
    }
}
