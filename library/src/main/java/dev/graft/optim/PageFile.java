package dev.graft.optim;

import dev.graft.format.ScratchFile;
import dev.graft.tensor.DType;
import dev.graft.tensor.Pages;
import dev.graft.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// A temporary file of zeros, mapped into memory, that the system reads and writes page by page.
///
/// A step walks over the whole file in order. Under a limit its beginning stays in memory and the
/// rest comes and goes. (To let go of what was used longest ago would let go of just what the next
/// step needs first.)
final class PageFile implements StateMemory {
    /// What one access may bring into memory: the system's cache keeps a file in pieces of up to
    /// 2 MiB and maps a piece as a whole. Tensors of this size and more begin on a window.
    static final long WINDOW = 2 << 20;

    private static final long PAGE = 4096;

    private final ScratchFile file;
    private final long kept;
    private long used;

    private PageFile(ScratchFile file, long kept) {
        this.file = file;
        this.kept = kept;
    }

    /// Where a tensor of so many bytes begins behind `used` bytes.
    private static long place(long used, long bytes) {
        long unit = bytes >= WINDOW ? WINDOW : PAGE;
        return Math.ceilDiv(used, unit) * unit;
    }

    /// Bytes of the file with a tensor of so many bytes behind `used` bytes.
    static long with(long used, long bytes) {
        return place(used, bytes) + bytes;
    }

    /// Makes a page file in a folder.
    ///
    /// @param kept bytes at its beginning that are never let go
    /// @throws ConfigException if the disk has no room for it
    static PageFile create(Path folder, long bytes, long kept) {
        var file =
                ScratchFile.create(
                        folder,
                        bytes,
                        "page file of the optimizer",
                        "free some, choose another output_dir, or an optim that is not paged");
        return new PageFile(file, kept);
    }

    @Override
    public Tensor zeros(DType type, long... shape) {
        long bytes = type.bytes();
        for (long d : shape) {
            bytes *= d;
        }
        Tensor tensor = Tensor.over(file.memory().asSlice(place(used, bytes), bytes), type, shape);
        used = with(used, bytes);
        return tensor;
    }

    @Override
    public boolean partwise() {
        return true;
    }

    @Override
    public void willNeed(Tensor moments) {
        Pages.willNeed(moments.segment());
    }

    @Override
    public void release(Tensor moments) {
        MemorySegment mapped = file.memory();
        long from = moments.address() - mapped.address();
        long to = from + moments.segment().byteSize();
        long first = Math.max(kept, from / WINDOW * WINDOW);
        long end = Math.min(mapped.byteSize(), Math.ceilDiv(to, WINDOW) * WINDOW);
        if (first < end) {
            Pages.release(mapped.asSlice(first, end - first));
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
