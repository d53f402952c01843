package dev.graft.nn;

import static dev.graft.kernel.Factor.plain;
import static dev.graft.kernel.Factor.transposed;

import dev.graft.kernel.Kernels;
import dev.graft.profile.Profile;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The narrow sides drop(x) · Aᵀ of the low-rank parts of maps that read the same x, as those of
/// queries, keys and values do.
///
/// In training without dropout they lie side by side and are one product, as are uᵀ · x and
/// u · A on the way back, u being their gradient: x and dx go by once, not once a map. With
/// dropout each map has another mask, so each has products of its own. The pass keeps them, r wide,
/// and x for dA.
public final class NarrowSides {
    private final Tape tape;
    private final Var x;
    private final Map<LowRank, Side> sides = new HashMap<>();

    /// Columns of a stack.
    private record Side(Var stack, long column, long rank) {
        Tensor of(Tensor all) {
            return rank == all.size(1) ? all : all.narrow(1, column, rank);
        }
    }

    private NarrowSides(Tape tape, Var x) {
        this.tape = tape;
        this.x = x;
    }

    /// Of those that can be one product, takes it and records its backward step.
    ///
    /// @param x [T, in]
    /// @param maps of x, with or without low-rank parts
    public static NarrowSides of(Tape tape, Var x, List<Linear> maps) {
        var narrow = new NarrowSides(tape, x);
        List<LowRank> parts = maps.stream().map(Linear::lowRank).filter(Objects::nonNull).toList();
        if (parts.size() > 1
                && tape.isTraining()
                && parts.stream().allMatch(p -> p.dropout() == 0)) {
            narrow.add(parts);
        }
        return narrow;
    }

    /// Takes the product of a part, unless it is there.
    void begin(LowRank part) {
        if (!sides.containsKey(part)) {
            add(List.of(part));
        }
    }

    /// That of one part. [T, r]
    Tensor values(LowRank part) {
        Side side = sides.get(part);
        return side.of(side.stack().value());
    }

    /// Memory for the gradient by it, to be written. [T, r]
    Tensor gradient(LowRank part) {
        Side side = sides.get(part);
        return side.of(side.stack().gradientMemory());
    }

    /// @param parts of one dropout; more than one only without
    private void add(List<LowRank> parts) {
        double dropout = tape.isTraining() ? parts.getFirst().dropout() : 0;
        long seed = dropout > 0 ? tape.nextDropoutSeed() : 0;
        Var stack = tape.var(product(parts, dropout, seed), true);
        long column = 0;
        for (LowRank part : parts) {
            sides.put(part, new Side(stack, column, part.rank()));
            column += part.rank();
        }
        tape.keep(stack, x);
        tape.keep(stack, stack.value());
        tape.onBackward(stack, () -> backward(parts, stack.takeGradient(), dropout, seed));
    }

    private Tensor product(List<LowRank> parts, double dropout, long seed) {
        try (var scope = Scope.open("low rank");
                var _ = Profile.operation("lora")) {
            Tensor in = dropped(dropout, seed);
            Tensor a = stacked(parts);
            Tensor all = Tensor.empty(in.dtype(), in.size(0), a.size(0));
            Kernels.of(in).multiply(1, plain(in), transposed(a), 0, all);
            return scope.keep(all);
        }
    }

    private Tensor dropped(double dropout, long seed) {
        return dropout > 0 ? Dropout.apply(x.value(), dropout, seed) : x.value();
    }

    /// Their A, one below the other. [Σr, in]
    private static Tensor stacked(List<LowRank> parts) {
        Tensor[] each = parts.stream().map(p -> p.a().value()).toArray(Tensor[]::new);
        return each.length == 1 ? each[0] : Tensor.cat(0, each);
    }

    /// dA += uᵀ · drop(x), dx += drop(u · A).
    ///
    /// @param u [T, Σr]
    private void backward(List<LowRank> parts, Tensor u, double dropout, long seed) {
        try (var _ = Profile.operation("lora backward")) {
            addGradients(parts, u, dropout, seed);
            if (x.needsGradient()) {
                addInputGradient(parts, u, dropout, seed);
            }
        }
    }

    private void addGradients(List<LowRank> parts, Tensor u, double dropout, long seed) {
        try (var _ = Scope.open("low rank")) {
            Tensor in = dropped(dropout, seed);
            if (parts.size() == 1) {
                parts.getFirst().addGradientOfA(u, in);
                return;
            }
            Tensor all = Tensor.empty(u.dtype(), u.size(1), in.size(1));
            Kernels.of(in).multiply(1, transposed(u), plain(in), 0, all);
            for (LowRank part : parts) {
                Tensor own = all.narrow(0, sides.get(part).column(), part.rank());
                part.a().gradient().addInPlace(own);
            }
        }
    }

    private void addInputGradient(List<LowRank> parts, Tensor u, double dropout, long seed) {
        try (var _ = Scope.open("low rank")) {
            Tensor a = stacked(parts);
            if (dropout > 0) {
                Tensor dx = Tensor.empty(u.dtype(), x.shape());
                Kernels.of(dx).multiply(1, plain(u), plain(a), 0, dx);
                x.gradientMemory().addInPlace(Dropout.applyInPlace(dx, dropout, seed));
            } else {
                Kernels.of(u).multiply(1, plain(u), plain(a), 1, x.gradientMemory());
            }
        }
    }
}
