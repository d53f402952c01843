package dev.graft.format;

import dev.graft.tensor.DType;
import java.util.Arrays;

/// A tensor of a file: name, type, shape, and where its bytes begin.
///
/// @param offset of the first byte, from the beginning of the file
public record TensorInfo(String name, DType dtype, long[] shape, long offset) {
    public TensorInfo {
        shape = shape.clone();
    }

    public long bytes() {
        return elements() * dtype.bytes();
    }

    public long elements() {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /// `F32[2, 3]`, for messages.
    public String describe() {
        return dtype + Arrays.toString(shape);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorInfo o
                && name.equals(o.name)
                && dtype == o.dtype
                && Arrays.equals(shape, o.shape)
                && offset == o.offset;
    }

    @Override
    public int hashCode() {
        return name.hashCode() * 31 + Arrays.hashCode(shape);
    }
}
