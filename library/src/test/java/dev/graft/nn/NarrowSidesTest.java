package dev.graft.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.profile.Profile;
import dev.graft.profile.Report;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Maps of one input, together and each alone.
class NarrowSidesTest {
    private static final double EXACT = 1e-12;
    private static final long TOKENS = 5;
    private static final long WIDTH = 7;

    @RegisterExtension final TestScope scope = new TestScope();
    private Workspace workspace;

    @BeforeEach
    void open() {
        workspace = new Workspace();
    }

    @AfterEach
    void close() {
        workspace.close();
    }

    /// Ranks 2 and 3, between them a map without a low-rank part.
    private static List<Linear> maps(double dropout) {
        List<Linear> maps = new ArrayList<>();
        long[] ranks = {2, 0, 3};
        for (int i = 0; i < ranks.length; i++) {
            int out = 4 + i;
            Tensor w = Oracle.random(10 + i, out, WIDTH);
            var map = new Linear("map" + i, new FrozenWeight.Dense(w, DType.F64), null);
            if (ranks[i] > 0) {
                Parameter a = Oracle.parameter(20 + i, ranks[i], WIDTH);
                Parameter b = Oracle.parameter(30 + i, out, ranks[i]);
                map.attach(new LowRank(a, b, 0.5 + i, dropout));
            }
            maps.add(map);
        }
        return maps;
    }

    /// Outputs, then the gradient of the input, then those of the parameters.
    private List<Tensor> pass(List<Linear> maps, BiFunction<Tape, Var, List<Var>> forward) {
        List<Tensor> all = new ArrayList<>();
        try (var tape = Tape.recording(workspace, 7)) {
            Var x = tape.var(Oracle.random(1, TOKENS, WIDTH), true);
            List<Var> outputs = forward.apply(tape, x);
            for (int i = 0; i < outputs.size(); i++) {
                all.add(outputs.get(i).value());
                outputs.get(i).giveGradient(Oracle.random(40 + i, outputs.get(i).shape()));
            }
            tape.backward();
            all.add(x.takeGradient());
        }
        for (Linear map : maps) {
            map.parameters().forEach(p -> all.add(p.gradient()));
        }
        return all;
    }

    private List<Tensor> together(double dropout) {
        List<Linear> maps = maps(dropout);
        return pass(
                maps,
                (tape, x) -> {
                    var narrow = NarrowSides.of(tape, x, maps);
                    return maps.stream().map(m -> m.forward(tape, x, narrow)).toList();
                });
    }

    private List<Tensor> apart(double dropout) {
        List<Linear> maps = maps(dropout);
        return pass(maps, (tape, x) -> maps.stream().map(m -> m.forward(tape, x)).toList());
    }

    private static void assertAlike(List<Tensor> found, List<Tensor> expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.size(); i++) {
            Oracle.assertClose("tensor " + i, found.get(i), expected.get(i), EXACT);
        }
    }

    @Test
    void togetherTheyGiveWhatEachGivesAlone() {
        assertAlike(together(0), apart(0));
    }

    @Test
    void withDropoutEachHasItsOwnMask() {
        assertAlike(together(0.4), apart(0.4));
    }

    @Test
    void withoutDropoutTheInputGoesByOnce() {
        List<Linear> maps = maps(0);
        try (var profile = Profile.start()) {
            for (int i = 0; i < 2; i++) {
                try (var _ = Profile.step();
                        var _ = Scope.open();
                        var tape = Tape.recording(workspace, 7)) {
                    Var x = tape.var(Oracle.random(1, TOKENS, WIDTH), true);
                    NarrowSides.of(tape, x, maps);
                }
            }
            Report report = profile.report();
            double products =
                    report.calls().stream()
                            .filter(r -> r.name().equals("multiply"))
                            .mapToDouble(Report.Row::calls)
                            .sum();
            assertThat(products).isEqualTo(1);
        }
    }
}
