package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What can be wrong about a run: one line, an exit code, and nothing left behind.
final class TrainErrorsTest {
    @TempDir private Path folder;
    private Path data;
    private Path output;

    @BeforeEach
    void writeData() throws IOException {
        data = folder.resolve("data.jsonl");
        output = folder.resolve("out");
        Files.writeString(data, "{\"prompt\": \"Once upon\", \"completion\": \" a time\"}\n");
    }

    private Ran train(Path model, Object... more) {
        List<Object> args =
                new ArrayList<>(
                        List.of("train", "--model-name-or-path", model, "--output-dir", output));
        args.addAll(List.of(more));
        return Ran.of(args.toArray());
    }

    private void nothingIsLeft() {
        assertThat(output).doesNotExist();
    }

    private static Path model() {
        return Shared.folder("models/stories260K");
    }

    @Test
    void unknownOptionsAreAnsweredWithTheKeyThatWasMeant() {
        train(folder, "--dataset", data, "--lerning-rate", "1e-3")
                .failedWith(2, "lerning-rate: unknown key; did you mean learning_rate?");
        train(folder, "--dataset", data, "--rank=16").failedWith(2, "did you mean r?");
        nothingIsLeft();
    }

    @Test
    void unknownOptionDoesNotPassItsValueForTheConfigFile() throws IOException {
        Path yaml = Files.writeString(folder.resolve("run.yaml"), "r: 4\nlora_alhpa: 3\n");
        Ran ran = Ran.of("train", "--rank", "16", yaml, "--json");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err())
                .contains(yaml.toString(), "did you mean r?", "did you mean lora_alpha?")
                .contains("model_name_or_path", "output_dir", "dataset");
    }

    @Test
    void everyProblemIsListedAtOnce() {
        Ran ran = Ran.of("train", "--r", "0", "--learning-rate", "fast");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err().lines())
                .hasSize(6)
                .anySatisfy(l -> assertThat(l).contains("r: found \"0\""))
                .anySatisfy(l -> assertThat(l).contains("learning_rate: found \"fast\""))
                .anySatisfy(l -> assertThat(l).contains("dataset: found nothing"));
    }

    @Test
    void secondConfigFileIsRefused() {
        Ran.of("train", "a.yaml", "b.yaml").failedWith(2, "Unexpected argument 'b.yaml'");
    }

    @Test
    void missingConfigFileIsNamed() {
        Ran.of("train", folder.resolve("no.yaml")).failedWith(2, "no.yaml", "no such file");
    }

    @Test
    void missingModelIsNamed() {
        train(folder.resolve("nowhere"), "--dataset", data).failedWith(2, "nowhere", "config.json");
        nothingIsLeft();
    }

    @Test
    void unsupportedModelTypeListsTheSupportedOnes() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"gpt2\"}");
        train(folder, "--dataset", data).failedWith(2, "gpt2", "supported: llama");
        nothingIsLeft();
    }

    @Test
    void missingDatasetIsNamed() {
        train(model(), "--dataset", folder.resolve("no.jsonl"))
                .failedWith(2, "no.jsonl", "no such file");
        nothingIsLeft();
    }

    @Test
    void wrongColumnsShowThoseFoundAndThoseKnown() throws IOException {
        Files.writeString(data, "{\"question\": \"a\", \"reply\": \"b\"}\n");
        train(model(), "--dataset", data)
                .failedWith(2, "question, reply", "alpaca", "prompt_completion", "text");
        nothingIsLeft();
    }

    @Test
    void targetModulesThatMatchNothingListTheModules() {
        train(model(), "--dataset", data, "--target-modules", "query")
                .failedWith(2, "query", "q_proj");
        nothingIsLeft();
    }

    @Test
    void graphsOfACardAreRefusedOnAProcessor() {
        train(model(), "--dataset", data, "--device", "cpu", "--cuda-graphs")
                .failedWith(2, "cuda_graphs: found device cpu");
        nothingIsLeft();
    }

    @Test
    void outputThatIsNotEmptyIsLeftAlone() throws IOException {
        Files.createDirectories(output);
        Files.writeString(output.resolve("mine.txt"), "mine");
        train(model(), "--dataset", data).failedWith(2, "not empty", "overwrite_output_dir");
        assertThat(output.resolve("mine.txt")).hasContent("mine");
        assertThat(output.toFile().list()).hasSize(1);
    }

    @Test
    void truncatedWeightsAreNamed() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("model"));
        for (String name : List.of("config.json", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(model().resolve(name), copy.resolve(name));
        }
        byte[] weights = Files.readAllBytes(model().resolve("model.safetensors"));
        Files.write(copy.resolve("model.safetensors"), Arrays.copyOf(weights, weights.length / 2));
        train(copy, "--dataset", data).failedWith(3, "model.safetensors", "cut short");
        nothingIsLeft();
    }

    @Test
    void debugShowsWhereItHappened() {
        Ran ran = Ran.of("train", folder.resolve("no.yaml"), "--debug");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("error: ", "ConfigException", "at dev.graft.");
    }
}
