package dev.graft.nn;

import dev.graft.kernel.Kernels;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// A mixture of experts: y = Σ wₑ · expertₑ(x) over the k experts that the router gives a token to
/// (Shazeer et al. 2017).
///
/// The weight of a token is taken before `down`, which is linear: y = Σ downₑ(wₑ · aₑ), so that
/// dwₑ = Σ d(wₑ · aₑ) ⊙ aₑ needs no output of an expert. An expert keeps what a [GatedMlp] of its
/// tokens keeps, its inputs excepted, which are taken from x again.
///
/// @param router H → E
/// @param perToken k
/// @param normalized whether the weights of a token sum to 1
public record SparseMlp(Linear router, List<GatedMlp> experts, int perToken, boolean normalized)
        implements FeedForward {
    public SparseMlp {
        experts = List.copyOf(experts);
    }

    @Override
    public List<Linear> linears() {
        List<Linear> all = new ArrayList<>();
        all.add(router);
        experts.forEach(e -> all.addAll(e.linears()));
        return all;
    }

    @Override
    public Var forward(Tape tape, Var x) {
        Var logits = router.forward(tape, x); // [T, E]
        var routing = new Routing(logits.value(), perToken, normalized, logits.needsGradient());
        tape.release(logits);
        boolean needs = x.needsGradient() || linears().stream().anyMatch(Linear::isTrained);
        Tensor sum = Tensor.zeros(x.dtype(), x.shape());
        Var y = tape.var(sum, needs);
        tape.onBackward(logits, () -> logits.giveGradient(to(x.dtype(), routing.backward())));
        tape.onBackward(y, y::takeGradient); // when the experts have read it
        routing.kept().forEach(t -> tape.keep(y, t));
        for (int e = 0; e < experts.size(); e++) {
            if (routing.count(e) > 0) {
                addExpert(tape, e, x, routing, logits.needsGradient(), y);
            }
        }
        return y;
    }

    private void addExpert(Tape tape, int e, Var x, Routing routing, boolean routes, Var y) {
        Var part =
                tape.segment(
                        "expert " + e,
                        x,
                        all -> {
                            Var in = rows(tape, all, routing, e); // [n, H]
                            Var activated = experts.get(e).activated(tape, in); // [n, F]
                            tape.release(in);
                            Var weighted = weigh(tape, activated, routing, e, routes);
                            return experts.get(e).down().forward(tape, weighted); // [n, H]
                        });
        y.value().indexAddInPlace(0, routing.tokens(e), part.value());
        tape.release(part);
        if (part.needsGradient()) {
            tape.whenBack(
                    () -> part.giveGradient(y.gradientSoFar().indexSelect(0, routing.tokens(e))));
        }
    }

    /// The rows of x that go to an expert, made again from it where they are needed.
    private static Var rows(Tape tape, Var x, Routing routing, int expert) {
        Var out =
                tape.cheapVar(
                        x.dtype(),
                        new long[] {routing.count(expert), x.shape()[1]},
                        () -> x.value().indexSelect(0, routing.tokens(expert)),
                        x.needsGradient());
        tape.keep(out, x);
        tape.onBackward(
                out,
                () ->
                        x.gradientSoFar()
                                .indexAddInPlace(0, routing.tokens(expert), out.takeGradient()));
        return out;
    }

    /// w ⊙ a, a row at a time; gives the gradient of w to the routing.
    private static Var weigh(Tape tape, Var a, Routing routing, int expert, boolean routes) {
        Var out =
                tape.cheapVar(
                        a.dtype(),
                        a.shape(),
                        () -> {
                            Tensor w = to(a.dtype(), routing.weights(expert));
                            Tensor y = a.value().mul(w);
                            tape.release(a);
                            return y;
                        },
                        a.needsGradient() || routes);
        tape.keep(out, a);
        tape.onBackward(
                out,
                () -> {
                    Tensor dy = out.takeGradient();
                    if (routes) {
                        Tensor dots = Tensor.empty(dy.dtype(), dy.size(0));
                        Kernels.of(dy).rowDots(dy, a.value(), dots);
                        routing.give(expert, dots);
                    }
                    if (a.needsGradient()) {
                        Tensor w = to(a.dtype(), routing.weights(expert));
                        a.giveGradient(dy.mulInPlace(w));
                    }
                });
        return out;
    }

    private static Tensor to(DType dtype, Tensor t) {
        return t.dtype() == dtype ? t : t.to(dtype);
    }
}
