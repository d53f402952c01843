package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// How many numbers a thread takes at once: as many as 16 bytes hold where all lie so, else one.
///
/// @param numbers at once
record CudaPack(DType dtype, int numbers) {
    private static final int BYTES = 16;

    /// @param tensors those that are read and written in packs, the first of the type of the pass
    /// @param distances in numbers, of whose multiples the places are sums at which a pack may
    ///     begin
    static CudaPack of(List<Tensor> tensors, long... distances) {
        DType dtype = tensors.getFirst().dtype();
        int most = BYTES / dtype.bytes();
        boolean fits =
                Arrays.stream(distances).allMatch(d -> d % most == 0)
                        && tensors.stream().allMatch(CudaPack::isAligned);
        return new CudaPack(dtype, fits ? most : 1);
    }

    /// One number at a time.
    static CudaPack single(DType dtype) {
        return new CudaPack(dtype, 1);
    }

    static boolean isAligned(Tensor t) {
        return t.address() % BYTES == 0;
    }

    /// What the name of the kernel ends in.
    String suffix() {
        return "_" + dtype.name().toLowerCase(Locale.ROOT) + "_" + numbers;
    }
}
