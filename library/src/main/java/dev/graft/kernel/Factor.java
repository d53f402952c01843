package dev.graft.kernel;

import dev.graft.tensor.Tensor;

/// A factor of a matrix product: a matrix, or the transpose of what lies in memory. A word about
/// it where libtorch's view takes a call.
///
/// @param matrix of two dimensions
/// @param transposed whether its transpose is meant
public record Factor(Tensor matrix, boolean transposed) {
    /// A matrix as it lies.
    public static Factor plain(Tensor matrix) {
        return new Factor(matrix, false);
    }

    /// The transpose of a matrix.
    public static Factor transposed(Tensor matrix) {
        return new Factor(matrix, true);
    }

    long rows() {
        return matrix.size(transposed ? 1 : 0);
    }

    long columns() {
        return matrix.size(transposed ? 0 : 1);
    }

    /// As a view of libtorch's.
    Tensor view() {
        return transposed ? matrix.t() : matrix;
    }

    @Override
    public String toString() {
        return matrix.describe() + (transposed ? "ᵀ" : "");
    }
}
