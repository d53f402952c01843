package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;

/// How many numbers a thread takes at once: as many as 16 bytes hold where all lie so, else one.
///
/// @param numbers at once
record CudaPack(DType dtype, int numbers) {
    static final int BYTES = 16;

    /// @param aligned a divisor of every distance in numbers at which a pack may begin
    /// @param tensors of the same type, those that are read and written in packs
    static CudaPack of(long aligned, Tensor... tensors) {
        DType dtype = tensors[0].dtype();
        int most = BYTES / dtype.bytes();
        boolean fits =
                aligned % most == 0
                        && Arrays.stream(tensors).allMatch(t -> t.address() % BYTES == 0);
        return new CudaPack(dtype, fits ? most : 1);
    }

    /// What the name of the kernel ends in.
    String suffix() {
        return "_" + dtype.name().toLowerCase(Locale.ROOT) + "_" + numbers;
    }
}
