package dev.graft.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.kernel.Kernels;
import dev.graft.profile.Report.Row;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

class ProfileTest {
    /// A step of one product in an operation within another.
    private static void step() {
        try (var _ = Profile.step();
                var _ = Scope.open()) {
            Tensor a = Tensor.full(DType.F32, 1, 4, 8);
            Tensor b = Tensor.full(DType.F32, 1, 8, 16);
            try (var _ = Profile.operation("outer")) {
                pause();
                try (var _ = Profile.operation("inner")) {
                    a.matmul(b);
                    pause();
                }
            }
        }
    }

    private static void pause() {
        long end = System.nanoTime() + 2_000_000;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    private static Row row(List<Row> rows, String name) {
        return rows.stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void anOperationHasItsOwnTimeAndTheArithmeticOfItsProducts() {
        try (var profile = Profile.start()) {
            step();
            step();
            step();
            Report report = profile.report();
            assertThat(report.steps()).isEqualTo(2); // the first one warms up
            Row inner = row(report.operations(), "inner");
            assertThat(inner.calls()).isEqualTo(1);
            assertThat(inner.flops()).isEqualTo(2 * 4 * 8 * 16);
            assertThat(inner.bytes()).isEqualTo(4 * (4 * 8 + 8 * 16 + 4 * 16));
            assertThat(inner.seconds()).isBetween(0.002, report.seconds());
            assertThat(row(report.operations(), "outer").seconds()).isGreaterThan(0.002);
            assertThat(row(report.calls(), "mm").calls()).isEqualTo(1);
            assertThat(report.operations().stream().mapToDouble(Row::seconds).sum())
                    .isCloseTo(report.seconds(), within(1e-9));
            assertThat(report.allocatedBytes()).isEqualTo(4 * (4 * 8 + 8 * 16 + 4 * 16));
        }
    }

    @Test
    void aSingleStepIsReportedAsItIs() {
        try (var profile = Profile.start()) {
            step();
            assertThat(profile.report().steps()).isEqualTo(1);
        }
    }

    @Test
    void theCallsThatAKernelMakesItselfAreTheKernels() {
        try (var profile = Profile.start();
                var _ = Scope.open()) {
            Tensor a = Tensor.full(DType.F64, 2, 3, 4);
            Tensor out = Tensor.empty(DType.F64, 3);
            try (var _ = Profile.step()) {
                Kernels.of(a).rowDots(a, a, out);
            }
            assertThat(profile.report().calls()).extracting(Row::name).containsExactly("rowDots");
            assertThat(out.toDoubles()).containsExactly(16, 16, 16);
        }
    }

    @Test
    void nothingIsHeardOutsideOfStepsNorFromOtherThreads() {
        try (var profile = Profile.start()) {
            assertThat(Profile.operation("early")).isSameAs(Span.NONE);
            CompletableFuture.runAsync(ProfileTest::step).join();
            assertThat(profile.report().steps()).isZero();
            assertThat(profile.report().calls()).isEmpty();
        }
        assertThat(Profile.step()).isSameAs(Span.NONE);
    }

    @Test
    void onlyOneProfileAtATime() {
        try (var _ = Profile.start()) {
            assertThatThrownBy(Profile::start)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("already");
        }
    }

    @Test
    void aTraceHasTheFirstEventsAndSaysHowManyItLeftOut() throws Exception {
        var trace = new Trace(4);
        try (var _ = Profile.start(trace)) {
            step();
        }
        var out = new ByteArrayOutputStream();
        trace.write(out);
        JsonNode events = new ObjectMapper().readTree(out.toByteArray()).get("traceEvents");
        assertThat(events).hasSize(4);
        assertThat(trace.left()).isPositive();
        assertThat(StreamSupport.stream(events.spliterator(), false))
                .allMatch(e -> e.get("ph").asText().equals("X") && e.get("dur").asDouble() >= 0);
    }
}
