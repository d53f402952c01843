package dev.graft.nn;

import dev.graft.tensor.DType;
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
        SCORES,
        LOGITS,
        LOGIT_SLOPES
    }

    private final Scope scope = Scope.detached("workspace");
    private final Map<Buffer, Tensor> buffers = new EnumMap<>(Buffer.class);
    private DiskSlots disk;

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

    /// Places on disk, in files in a folder; one folder a workspace.
    DiskSlots disk(Path folder) {
        if (disk == null) {
            disk = new DiskSlots(folder);
        }
        return disk;
    }

    @Override
    public void close() {
        scope.close();
        buffers.clear();
        if (disk != null) {
            disk.close();
        }
    }
}
