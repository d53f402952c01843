package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batches;
import dev.graft.data.Dataset;
import dev.graft.data.DatasetReport;
import dev.graft.data.Example;
import dev.graft.golden.Golden;
import dev.graft.nn.Recompute;
import dev.graft.optim.AdamW;
import dev.graft.optim.Schedule;
import dev.graft.profile.Profile;
import dev.graft.profile.Report;
import dev.graft.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a step of a small model does must not grow unseen: its native calls and kernels, and the
/// bytes of its tensors, beside those in `profile/step-counts.txt`. No clock has a say.
///
/// Where a change makes them fewer, or has a reason to make them more, the new figures go there.
class StepCountsTest {
    private static final int TOKENS = 96;

    @TempDir Path folder;

    @Test
    void aStepTakesTheCallsAndBytesThatAreWrittenDown() throws IOException {
        Report report = profile();
        assertThat(text(report)).isEqualTo(stored());
    }

    /// Four steps, of which the last three count, of two sequences of the same length.
    private Report profile() {
        int[] ids = IntStream.range(0, TOKENS).map(i -> i * 7 % 128).toArray();
        List<Example> examples = List.of(Example.completion(0, ids), Example.completion(3, ids));
        var dataset = new Dataset(examples, new DatasetReport(2, 2, 0, 0, 0, 0, TOKENS, 0, 0, 0));
        var settings =
                new TrainSettings(
                        4,
                        1,
                        1e-2,
                        1,
                        new AdamW.Settings(0.9, 0.999, 1e-8, 0),
                        new Schedule(Schedule.Course.CONSTANT, 0, 4),
                        0,
                        0,
                        0,
                        new Recompute.None(),
                        false,
                        false,
                        42);
        try (var model = new Golden.Model("llama-tiny", DType.F32);
                var adapter = Adapter.attach(model.transformer, LoraConfig.allLinear(4, 8), 42);
                var trainer =
                        new Trainer(
                                model.transformer,
                                new AdapterTraining(adapter),
                                new Batches(dataset, 2, 42, true),
                                List.of(),
                                settings,
                                new Checkpoints(folder, 0, "test"),
                                event -> {});
                var profile = Profile.start()) {
            trainer.run();
            return profile.report();
        }
    }

    private static String text(Report report) {
        String calls =
                report.calls().stream()
                        .sorted(Comparator.comparing(Report.Row::name))
                        .map(r -> "%s %s%n".formatted(r.name(), Math.round(r.calls())))
                        .collect(Collectors.joining());
        return calls
                + "flops %d%nallocated bytes %d%n"
                        .formatted(Math.round(report.flops()), report.allocatedBytes());
    }

    private static String stored() throws IOException {
        try (var in = StepCountsTest.class.getResourceAsStream("/profile/step-counts.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
