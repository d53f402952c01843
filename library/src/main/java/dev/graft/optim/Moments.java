package dev.graft.optim;

import dev.graft.kernel.AdamWPart;
import dev.graft.tensor.Tensor;
import java.util.List;
import java.util.Map;

/// The two moments of a parameter, or of a range of its elements.
sealed interface Moments permits Moments32, Moments8 {
    /// The moments before the first step.
    ///
    /// @param value the parameter
    static Moments zeros(Optim optim, Tensor value, StateMemory memory) {
        return optim.codes(value.numel())
                ? Moments8.zeros(value, memory)
                : Moments32.zeros(value, memory);
    }

    /// Bytes of one paged moment of a parameter.
    static long pagedBytes(Optim optim, Tensor value) {
        return value.numel() * (optim.codes(value.numel()) ? 1 : value.dtype().bytes());
    }

    /// The moments of `count` elements from `from` on, a multiple of the block size; shares memory.
    Moments part(long from, long count);

    /// What AdamW steps.
    AdamWPart with(Tensor value, Tensor gradient);

    /// All tensors, by their names behind the parameter's in a checkpoint.
    Map<String, Tensor> tensors();

    /// Those that lie in [StateMemory].
    List<Tensor> paged();

    /// `count` elements of a contiguous tensor, as a row.
    static Tensor range(Tensor x, long from, long count) {
        return x.view(-1).narrow(0, from, count);
    }
}
