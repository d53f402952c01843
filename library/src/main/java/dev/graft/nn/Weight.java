package dev.graft.nn;

import dev.graft.tensor.Tensor;

/// The matrix W of a linear map, [out, in], seen through the products that training asks for.
public sealed interface Weight permits FrozenWeight, TrainedWeight {
    long out();

    long in();

    /// y = x · Wᵀ.
    ///
    /// @param x [T, in]
    /// @param y [T, out], written
    void product(Tensor x, Tensor y, Workspace workspace);

    /// dx = dy · W, added to dx if `add`.
    ///
    /// @param dy [T, out]
    /// @param dx [T, in]
    void productTransposed(Tensor dy, Tensor dx, boolean add, Workspace workspace);

    /// The rows of W that the ids name, in the type of the computation. [ids, in]
    Tensor rows(Tensor ids);

    /// The whole of W as a new float32 tensor, for merging.
    Tensor expanded();
}
