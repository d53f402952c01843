package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The bill from a `config.json` alone, and the run that is refused by it.
final class PlanCommandTest {
    private static final String LLAMA_7B =
            """
            {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
             "intermediate_size": 11008, "vocab_size": 32000, "num_attention_heads": 32,
             "max_position_embeddings": 4096, "torch_dtype": "float16"}
            """;

    @TempDir private Path folder;
    private Path config;

    @BeforeEach
    void writeConfig() throws IOException {
        config = Files.writeString(folder.resolve("config.json"), LLAMA_7B);
    }

    private Ran plan(Object... more) {
        Object[] args = new Object[more.length + 3];
        args[0] = "plan";
        args[1] = "--model-name-or-path";
        args[2] = config;
        System.arraycopy(more, 0, args, 3, more.length);
        return Ran.of(args);
    }

    private JsonNode json(Object... more) {
        Object[] args = new Object[more.length + 1];
        args[0] = "--json";
        System.arraycopy(more, 0, args, 1, more.length);
        return plan(args).succeeded().json().getLast();
    }

    @Test
    void everyWeightOfSevenBillionTakesSixteenBytes() {
        JsonNode json = json("--method", "full");
        long parameters = 6_738_415_616L;
        assertThat(json.get("trained_parameters").asLong()).isEqualTo(parameters);
        JsonNode bytes = json.get("bytes");
        assertThat(bytes.get("trained").asLong()).isEqualTo(4 * parameters);
        assertThat(bytes.get("gradients").asLong()).isEqualTo(4 * parameters);
        assertThat(bytes.get("optimizer").asLong()).isEqualTo(8 * parameters);
    }

    @Test
    void partsAddUpToTheirSums() {
        JsonNode json = json("--method", "qlora", "--memory", "24GB");
        long memory = 0;
        long resident = 0;
        long cached = 0;
        for (JsonNode part : json.get("parts")) {
            long bytes = part.get("bytes").asLong();
            switch (part.get("place").asText()) {
                case "memory" -> memory += bytes;
                case "mapped" -> resident += bytes;
                case "cached" -> cached += bytes;
                default -> assertThat(part.get("place").asText()).isEqualTo("disk");
            }
        }
        assertThat(json.at("/bytes/anonymous").asLong()).isEqualTo(memory);
        assertThat(json.at("/bytes/resident").asLong()).isEqualTo(memory + resident);
        assertThat(json.at("/bytes/needed").asLong()).isEqualTo(memory + resident + cached);
        assertThat(cached).isEqualTo(json.at("/bytes/base").asLong()).isPositive();
        assertThat(json.get("memory").asLong()).isEqualTo(24_000_000_000L);
        assertThat(json.at("/bytes/codes").asLong()).isEqualTo(6_476_005_376L / 2);
    }

    @Test
    void aCardNeedNotBeHereToBePlannedFor() {
        JsonNode json =
                json(
                        "--method",
                        "qlora",
                        "--memory",
                        "8GB",
                        "--device",
                        "cuda",
                        "--gradient-checkpointing",
                        "layer");
        for (JsonNode part : json.get("parts")) {
            assertThat(part.get("place").asText()).isEqualTo("memory");
        }
        assertThat(json.at("/bytes/libraries").isMissingNode()).isTrue();
        assertThat(plan("--memory", "8GB", "--device", "cuda").succeeded().out())
                .contains("on a card, in bfloat16");
        plan("--device", "gpu")
                .failedWith(2, "device: found \"gpu\", expected auto, cpu, cuda or cuda:1");
    }

    @Test
    void keysOfTrainChangeTheBill() throws IOException {
        Path yaml =
                Files.writeString(
                        folder.resolve("run.yaml"),
                        "model_name_or_path: %s\nr: 16\ndataset: d.jsonl\noutput_dir: o\n"
                                .formatted(folder));
        JsonNode ofFile = Ran.of("plan", yaml, "--json").succeeded().json().getLast();
        JsonNode sixteen = json("--lora-r", 16);
        assertThat(ofFile.get("trained_parameters")).isEqualTo(sixteen.get("trained_parameters"));
        assertThat(sixteen.get("trained_parameters").asLong())
                .isEqualTo(2 * json("--lora-r", 8).get("trained_parameters").asLong());
        JsonNode square = json("--r", 8, "--target-modules", "model.layers.0.self_attn.q_proj");
        assertThat(square.get("trained_parameters").asLong()).isEqualTo(65_536);
        assertThat(activations(512) * 2).isEqualTo(activations(1024));
    }

    private long activations(int length) throws IOException {
        JsonNode json = json("--max-length", length, "--gradient-checkpointing", "none");
        return bytes(json, "activations");
    }

    private static long bytes(JsonNode json, String key) {
        return json.get("bytes").get(key).asLong();
    }

    @Test
    void linesSayTheBillTheVerdictTheLimitsAndTheAdvice() {
        Ran fits = plan("--method", "qlora", "--memory", "512GB").succeeded();
        assertThat(fits.out())
                .contains("6,738,415,616 parameters", "stored as float16", "base nf4")
                .contains("3,238,002,688", "It fits", "recomputed", "4,096 (the model's)");
        Ran small = plan("--memory", "12GB", "--gradient-checkpointing", "none").succeeded();
        assertThat(small.out())
                .contains("It does not fit", "To make it fit:", "load_in_4bit: true", "saving");
        assertThat(plan("--memory", "100MB").succeeded().out()).contains("the least is");
    }

    @Test
    void adviceOfJsonIsEnough() {
        JsonNode json =
                json("--memory", "16GiB", "--max-length", 4096, "--gradient-checkpointing", "none");
        assertThat(json.get("verdict").asText()).isEqualTo("too_large");
        assertThat(json.get("advice")).isNotEmpty();
        assertThat(json.get("needed_after_advice").asLong()).isLessThanOrEqualTo(16L << 30);
        assertThat(
                        StreamSupport.stream(json.get("recomputation").spliterator(), false)
                                .map(p -> p.get("policy").asText()))
                .containsExactly("none", "mlp", "layer", "offload");
    }

    @Test
    void wrongOptionsAreNamed() {
        plan("--memory", "lots").failedWith(2, "--memory: found 'lots'", "24GB");
        plan("--method", "lora2").failedWith(2, "--method", "lora2");
        plan("--rank", "3").failedWith(2, "did you mean r?");
        Ran.of("plan", "--memory", "24GB").failedWith(2, "model_name_or_path");
    }

    @Test
    void aRunThatCannotFitIsRefusedBeforeAnythingIsRead() throws IOException {
        String huge = LLAMA_7B.replace("\"num_hidden_layers\": 32", "\"num_hidden_layers\": 800");
        Files.writeString(config, huge);
        Path data = Files.writeString(folder.resolve("d.jsonl"), "{\"text\": \"a\"}\n");
        Object[] run = {
            "train",
            "--finetuning-type",
            "full",
            "--model-name-or-path",
            folder,
            "--dataset",
            data,
            "--output-dir",
            folder.resolve("out")
        };
        Ran.of(run).failedWith(4, "this run needs", "of memory and may use", "force: true");
        Object[] forced = Arrays.copyOf(run, run.length + 1);
        forced[run.length] = "--force";
        Ran.of(forced).failedWith(3, "model.safetensors");
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
