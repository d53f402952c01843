package dev.graft.golden;

import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.PeftFiles;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.model.KeyValueCache;
import dev.graft.model.LoadOptions;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLoader;
import dev.graft.model.Transformer;
import dev.graft.nn.Losses;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.Cards;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What `bench/golden/` wrote with the real Transformers and PEFT, and how it is read.
public final class Golden {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Where models of [#onDevice] are passed: the processor, or what `-Dgraft.test.device` names.
    public static final Device DEVICE =
            Cards.here().choose(System.getProperty("graft.test.device", "cpu"));

    private Golden() {}

    /// For what is so on a processor alone.
    public static void assumeProcessor() {
        assumeThat(DEVICE).isEqualTo(Device.CPU);
    }

    public static Path folder(String name) {
        try {
            return Path.of(Golden.class.getResource("/golden/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    public static JsonNode json(String name) {
        try {
            return JSON.readTree(Files.readString(folder(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static SafetensorsFile tensors(String name) {
        return SafetensorsFile.open(folder(name));
    }

    public static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        Arrays.setAll(values, i -> array.get(i).asInt());
        return values;
    }

    public static double[] doubles(JsonNode array) {
        double[] values = new double[array.size()];
        Arrays.setAll(values, i -> array.get(i).asDouble());
        return values;
    }

    /// The config of an adapter folder that has nothing but these keys.
    public static LoraConfig loraConfig(Path folder, JsonNode keys) {
        ObjectNode root = JSON.createObjectNode().put("peft_type", "LORA");
        keys.properties().forEach(e -> root.set(e.getKey(), e.getValue()));
        try {
            Files.writeString(folder.resolve("adapter_config.json"), root.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return PeftFiles.readConfig(folder);
    }

    /// The same with single quotes for double ones.
    public static LoraConfig loraConfig(Path folder, String keys) {
        try {
            return loraConfig(folder, JSON.readTree(keys.replace('\'', '"')));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Sequences laid end to end, with the label of each position: the next token where trained.
    public record Tokens(int[] ids, int[] positions, int[] offsets, int[] labels, int trained) {
        public static Tokens of(JsonNode sequences) {
            List<Integer> ids = new ArrayList<>();
            List<Integer> positions = new ArrayList<>();
            List<Integer> offsets = new ArrayList<>(List.of(0));
            List<Integer> labels = new ArrayList<>();
            int trained = 0;
            for (JsonNode sequence : sequences) {
                int[] own = ints(sequence.get("ids"));
                int[] unshifted = ints(sequence.get("labels"));
                for (int i = 0; i < own.length; i++) {
                    ids.add(own[i]);
                    positions.add(i);
                    int label = i + 1 < own.length ? unshifted[i + 1] : -1;
                    labels.add(label < 0 ? -1 : label);
                    trained += label < 0 ? 0 : 1;
                }
                offsets.add(ids.size());
            }
            return new Tokens(array(ids), array(positions), array(offsets), array(labels), trained);
        }

        private static int[] array(List<Integer> list) {
            return list.stream().mapToInt(Integer::intValue).toArray();
        }

        /// The same sequences so many times, end to end.
        public Tokens times(int n) {
            int[] starts = new int[n * (offsets.length - 1) + 1];
            Arrays.setAll(
                    starts,
                    i -> i / (offsets.length - 1) * ids.length + offsets[i % (offsets.length - 1)]);
            return new Tokens(
                    times(ids, n), times(positions, n), starts, times(labels, n), n * trained);
        }

        private static int[] times(int[] values, int n) {
            int[] all = new int[n * values.length];
            Arrays.setAll(all, i -> values[i % values.length]);
            return all;
        }
    }

    /// A model of the golden folder where [#DEVICE] says.
    public static Model onDevice(String name, DType compute) {
        return onDevice(folder(name), compute);
    }

    public static Model onDevice(Path folder, DType compute) {
        return new Model(folder, compute, LoadOptions.PLAIN.on(DEVICE));
    }

    /// A model of the golden folder, open.
    public static final class Model implements AutoCloseable {
        public final Transformer transformer;
        public final Workspace workspace;
        public final ModelFiles files;

        public Model(String name, DType compute) {
            this(folder(name), compute);
        }

        public Model(Path folder, DType compute) {
            this(folder, compute, LoadOptions.PLAIN);
        }

        public Model(Path folder, DType compute, LoadOptions options) {
            this(folder, compute, options, new Workspace());
        }

        public Model(Path folder, DType compute, LoadOptions options, Workspace workspace) {
            this.workspace = workspace;
            files = ModelFiles.open(folder);
            try {
                transformer = ModelLoader.load(ModelConfig.read(folder), files, compute, options);
            } catch (RuntimeException e) {
                files.close();
                throw e;
            }
        }

        /// The logits of one sequence, token by token through the cache. [T, V]
        public Tensor stepByStep(int[] ids) {
            try (var scope = Scope.open("steps", transformer.device());
                    var tape = Tape.inference(workspace);
                    var cache = new KeyValueCache(transformer, ids.length)) {
                Tensor[] rows = new Tensor[ids.length];
                for (int i = 0; i < ids.length; i++) {
                    rows[i] = transformer.next(tape, new int[] {ids[i]}, cache);
                }
                return scope.keep(Tensor.cat(0, rows));
            }
        }

        /// The most that logits of texts that are continued at once differ from those of each
        /// alone, over some greedy steps.
        public double togetherLessAlone(int[][] prompts, int steps) {
            List<KeyValueCache> alone = new ArrayList<>();
            List<KeyValueCache> together = new ArrayList<>();
            double most = 0;
            try (var _ = Scope.open("steps", transformer.device());
                    var tape = Tape.inference(workspace)) {
                int[] ids = new int[prompts.length];
                for (int i = 0; i < ids.length; i++) {
                    for (var caches : List.of(alone, together)) {
                        int capacity = prompts[i].length + steps;
                        caches.add(new KeyValueCache(transformer, capacity));
                        Tensor logits = transformer.next(tape, prompts[i], caches.getLast());
                        ids[i] = logits.argmax(1).toInts()[0];
                    }
                }
                for (int step = 0; step < steps; step++) {
                    Tensor all = transformer.next(tape, ids, together);
                    for (int i = 0; i < ids.length; i++) {
                        int[] id = {ids[i]};
                        Tensor own = transformer.next(tape, id, alone.get(i));
                        most = Math.max(most, maxDifference(all.narrow(0, i, 1).copy(), own));
                        ids[i] = own.argmax(1).toInts()[0];
                    }
                }
            } finally {
                alone.forEach(KeyValueCache::close);
                together.forEach(KeyValueCache::close);
            }
            return most;
        }

        /// The logits of one sequence. [T, V]
        public Tensor logits(int[] ids) {
            try (var scope = Scope.open("logits", transformer.device());
                    var tape = Tape.inference(workspace)) {
                return scope.keep(transformer.logits(tape, ids));
            }
        }

        /// The mean loss of the labelled tokens; leaves gradients in the parameters.
        public double lossAndGradients(Tokens tokens) {
            try (var _ = Scope.open("pass", transformer.device());
                    var tape = Tape.recording(workspace, 1)) {
                double loss =
                        Losses.of(
                                transformer,
                                tape,
                                tokens.ids(),
                                tokens.positions(),
                                tokens.offsets(),
                                tokens.labels(),
                                1.0 / tokens.trained());
                tape.backward();
                return loss / tokens.trained();
            }
        }

        @Override
        public void close() {
            workspace.close();
            transformer.close();
            files.close();
        }
    }

    /// The largest difference of two tensors, absolute.
    public static double maxDifference(Tensor a, Tensor b) {
        try (var _ = Scope.open()) {
            return numbers(a).sub(numbers(b)).abs().max().item();
        }
    }

    private static Tensor numbers(Tensor t) {
        return t.to(Device.CPU).to(DType.F64);
    }

    /// The largest difference relative to the largest entry of the expected tensor.
    public static double relativeDifference(Tensor actual, Tensor expected) {
        try (var _ = Scope.open()) {
            return maxDifference(actual, expected) / expected.to(DType.F64).abs().max().item();
        }
    }
}
