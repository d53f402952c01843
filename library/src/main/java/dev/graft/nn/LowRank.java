package dev.graft.nn;

/// The trained part of a LoRA layer: ΔW = s · B · A (Hu et al. 2021).
///
/// @param a [r, in]
/// @param b [out, r]
/// @param scale s, α/r or α/√r
/// @param dropout share of the inputs of A that is zeroed while training
public record LowRank(Parameter a, Parameter b, double scale, double dropout) {
    public long rank() {
        return a.value().size(0);
    }
}
