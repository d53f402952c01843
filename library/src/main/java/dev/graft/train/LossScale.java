package dev.graft.train;

import dev.graft.tensor.DType;

/// What the loss is multiplied by, and the gradients are divided by, so that small ones do not
/// vanish in float16 (Micikevicius et al. 2018). It moves as `torch.amp.GradScaler` lets it: 65,536
/// at first, halved where a gradient overflows, doubled after 2,000 steps in a row without.
///
/// Where a gradient overflows, GradScaler leaves the step out; here it is taken again with the
/// halved factor, so that no example is lost.
final class LossScale {
    private static final double FIRST = 65_536;
    private static final int PATIENCE = 2_000;

    /// Where it stands between two steps.
    ///
    /// @param steps since it last changed
    record State(double factor, int steps) {
        static final State FIRST = new State(LossScale.FIRST, 0);
    }

    private final boolean moves;
    private State state;

    private LossScale(boolean moves, State state) {
        this.moves = moves;
        this.state = state;
    }

    /// For a computation in this type: 1 for all but float16.
    static LossScale of(DType compute) {
        boolean narrow = compute == DType.F16;
        return new LossScale(narrow, narrow ? State.FIRST : new State(1, 0));
    }

    double factor() {
        return state.factor();
    }

    State state() {
        return state;
    }

    /// Goes on from a checkpoint, where it moves.
    void restore(State before) {
        if (moves) {
            state = before;
        }
    }

    /// Halves the factor if that may bring finite gradients.
    ///
    /// @param loss which no factor changes
    /// @return whether to take the step again
    boolean relieves(double loss, double gradientNorm) {
        if (!moves
                || !Double.isFinite(loss)
                || Double.isFinite(gradientNorm)
                || state.factor() < 2) {
            return false;
        }
        state = new State(state.factor() / 2, 0);
        return true;
    }

    /// Counts a step that was taken.
    void taken() {
        if (moves) {
            boolean patient = state.steps() + 1 == PATIENCE;
            state =
                    patient
                            ? new State(2 * state.factor(), 0)
                            : new State(state.factor(), state.steps() + 1);
        }
    }
}
