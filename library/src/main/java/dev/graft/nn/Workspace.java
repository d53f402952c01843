package dev.graft.nn;

import dev.graft.tensor.CopyQueue;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.HostMaker;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/// Scratch memory that is kept from step to step: fresh memory costs page faults at every use.
/// A buffer is valid until the same buffer is asked for again.
public final class Workspace implements AutoCloseable {
    /// Who uses a buffer; one buffer a user.
    public enum Buffer {
        PANEL,
        HALF_PANEL,
        HALF_INPUT,
        HALF_OUTPUT,
        SCORES,
        LOGITS,
        LOGIT_SLOPES
    }

    private final Scope scope = Scope.detached("workspace");
    private final Map<Buffer, Tensor> buffers = new EnumMap<>(Buffer.class);
    private final DType products;
    private Slots slots;

    /// Scratch memory of passes that multiply in float32.
    public Workspace() {
        this(DType.F32);
    }

    /// @param products the type that the factors of frozen products are rounded to: F32, or BF16
    ///     for mixed precision
    public Workspace(DType products) {
        if (products != DType.F32 && products != DType.BF16) {
            throw new IllegalArgumentException(
                    "workspace: found products in %s, expected F32 or BF16".formatted(products));
        }
        this.products = products;
    }

    /// Whether frozen products of so many rows are taken in bfloat16.
    boolean halves(Tensor x) {
        return products == DType.BF16 && x.dtype() == DType.F32 && x.onCpu() && x.size(0) > 1;
    }

    /// A contiguous tensor of this shape with arbitrary contents.
    public Tensor get(Buffer buffer, DType dtype, long... shape) {
        long elements = 1;
        for (long d : shape) {
            elements *= d;
        }
        Tensor memory = buffers.get(buffer);
        if (memory == null || memory.numel() < elements || memory.dtype() != dtype) {
            if (memory != null) {
                memory.close();
            }
            memory = scope.adopt(Tensor.empty(dtype, elements));
            buffers.put(buffer, memory);
        }
        return memory.narrow(0, 0, elements).view(shape);
    }

    /// Places for tensors of a device: of the processor on disk, in files in a folder; of a card in
    /// the host's memory. One device and one folder a workspace.
    Slots slots(Device device, Path folder) {
        if (slots == null) {
            slots =
                    device.isCpu()
                            ? new DiskSlots(folder)
                            : new HostSlots(device, HostMaker.of(device), CopyQueue.of(device));
        }
        return slots;
    }

    @Override
    public void close() {
        scope.close();
        buffers.clear();
        if (slots != null) {
            slots.close();
        }
    }
}
