package dev.graft.plan;

import dev.graft.optim.Optim;

/// How AdamW keeps its two moments.
///
/// @param limit bytes of paged moments that may stay in memory; 0 leaves it to the system
public record OptimizerState(Optim optim, long limit) {
    /// 32 bits, in memory.
    public static final OptimizerState ADAMW = of(Optim.ADAMW_TORCH);

    public static OptimizerState of(Optim optim) {
        return new OptimizerState(optim, 0);
    }
}
