package dev.graft.nn;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.export.RandomModel;
import dev.graft.golden.Golden;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Times forward and backward pass under each policy, in turns; run by hand, not by the build.
/// Arguments: hidden width, feed-forward width, layers, tokens, rounds. Processor time is that of
/// one thread: `-XX:ActiveProcessorCount=1` makes it all there is, whatever else the machine does.
final class RecomputeBench {
    private RecomputeBench() {}

    public static void main(String[] args) throws IOException {
        int[] n = Arrays.stream(args).mapToInt(Integer::parseInt).toArray();
        Path folder = Files.createTempDirectory("recompute");
        Path model = model(folder, n[0], n[1], n[2]);
        List<Recompute> policies =
                List.of(
                        new Recompute.None(),
                        new Recompute.Mlp(),
                        new Recompute.Layer(),
                        new Recompute.Offload(folder));
        double[][] seconds = new double[policies.size()][n[4]];
        double[][] processor = new double[policies.size()][n[4]];
        var threads = ManagementFactory.getThreadMXBean();
        long[] peaks = new long[policies.size()];
        try (var loaded = new Golden.Model(model, DType.F32);
                var _ = Adapter.attach(loaded.transformer, LoraConfig.allLinear(16, 16), 1)) {
            policies.forEach(policy -> pass(loaded, n[3], policy));
            for (int round = 0; round < n[4]; round++) {
                for (int i = 0; i < policies.size(); i++) {
                    long before = Scope.liveBytes();
                    Scope.resetPeak();
                    long begin = System.nanoTime();
                    long used = threads.getCurrentThreadCpuTime();
                    pass(loaded, n[3], policies.get(i));
                    seconds[i][round] = (System.nanoTime() - begin) / 1e9;
                    processor[i][round] = (threads.getCurrentThreadCpuTime() - used) / 1e9;
                    peaks[i] = Scope.peakBytes() - before;
                }
            }
        }
        for (int i = 0; i < policies.size(); i++) {
            Arrays.sort(seconds[i]);
            Arrays.sort(processor[i]);
            System.out.printf(
                    "%-8s %.3f s (least %.3f), processor %.3f s (least %.3f), %.1f MB%n",
                    policies.get(i),
                    seconds[i][n[4] / 2],
                    seconds[i][0],
                    processor[i][n[4] / 2],
                    processor[i][0],
                    peaks[i] / 1e6);
        }
    }

    private static void pass(Golden.Model model, int tokens, Recompute policy) {
        var random = new Random(1);
        int[] ids = random.ints(tokens, 0, 1000).toArray();
        int[] positions = new int[tokens];
        Arrays.setAll(positions, i -> i);
        try (var _ = Scope.open("pass");
                var tape = Tape.recording(model.workspace, 1, policy)) {
            Losses.of(
                    model.transformer,
                    tape,
                    ids,
                    positions,
                    new int[] {0, tokens},
                    ids,
                    1.0 / tokens);
            tape.backward();
        }
    }

    private static Path model(Path folder, int hidden, int feedForward, int layers)
            throws IOException {
        Path from = Files.createDirectories(folder.resolve("config"));
        Path to = Files.createDirectories(folder.resolve("model"));
        Files.writeString(
                from.resolve("config.json"),
                """
                {"model_type": "llama", "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                 "vocab_size": 1000, "max_position_embeddings": 4096, "hidden_act": "silu",
                 "rms_norm_eps": 1e-5, "initializer_range": 0.02, "tie_word_embeddings": true,
                 "attention_bias": false, "mlp_bias": false, "rope_theta": 10000.0}
                """
                        .formatted(hidden, feedForward, layers, hidden / 64, hidden / 64));
        RandomModel.write(from, to, DType.F32, 3);
        return to;
    }
}
