package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// From training to a merged model, through the commands alone.
final class CommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private static Path folder;
    private static Path model;
    private static Path data;
    private static Path adapter;
    private static List<JsonNode> events;

    @BeforeAll
    static void trainAnAdapter() throws IOException {
        model = Shared.folder("models/stories260K");
        data = folder.resolve("data.jsonl");
        adapter = folder.resolve("adapter");
        String rows =
                IntStream.range(0, 24)
                        .mapToObj(
                                i ->
                                        "{\"prompt\": \"Tim saw %d\", \"completion\": \" big red balls.\"}\n"
                                                .formatted(i))
                        .collect(Collectors.joining());
        Files.writeString(data, rows);
        String yaml = "r: 4\nlearning_rate: 5e-3\nper_device_train_batch_size: 4\nmax_steps: 9\n";
        Path config = Files.writeString(folder.resolve("run.yaml"), yaml);
        events =
                Ran.of(
                                "train",
                                config,
                                "--model-name-or-path",
                                model,
                                "--dataset=" + data,
                                "--eval-split",
                                "4",
                                "--max-steps",
                                "5",
                                "--shuffle",
                                "false",
                                "--overwrite-output-dir",
                                "--output-dir",
                                adapter,
                                "--json")
                        .succeeded()
                        .json();
    }

    private static Ran evaluate(Object... models) {
        Object[] args = new Object[models.length + 4];
        args[0] = "eval";
        args[1] = "--dataset";
        args[2] = data;
        args[3] = "--json";
        System.arraycopy(models, 0, args, 4, models.length);
        return Ran.of(args).succeeded();
    }

    private static double loss(Object... models) {
        return evaluate(models).json().getLast().get("loss").asDouble();
    }

    @Test
    void jsonTellsTheRunEventByEventAndSumsItUp() {
        assertThat(events.stream().map(e -> e.path("event").asText()))
                .startsWith("prepared", "started", "evaluated", "step")
                .containsOnlyOnce("finished");
        assertThat(events.stream().filter(e -> e.path("event").asText().equals("step"))).hasSize(5);
        JsonNode measured =
                events.stream()
                        .filter(e -> e.path("event").asText().equals("measured"))
                        .findFirst()
                        .orElseThrow();
        assertThat(measured.get("peak_memory_bytes").asLong())
                .isGreaterThan(measured.get("peak_anonymous_bytes").asLong());
        assertThat(measured.get("planned_memory_bytes"))
                .isEqualTo(events.getFirst().at("/bytes/resident"));
        JsonNode finished =
                events.stream()
                        .filter(e -> e.path("event").asText().equals("finished"))
                        .findFirst()
                        .orElseThrow();
        assertThat(finished.get("seconds_before_first_step").asDouble()).isPositive();
        assertThat(finished.get("seconds_to_first_step").asDouble())
                .isGreaterThan(finished.get("seconds_before_first_step").asDouble());
        JsonNode summary = events.getLast();
        assertThat(summary.get("finished").asBoolean()).isTrue();
        assertThat(summary.get("steps").asInt()).isEqualTo(5);
        assertThat(summary.get("output_dir").asText()).isEqualTo(adapter.toString());
        assertThat(summary.get("eval_loss_after").asDouble())
                .isLessThan(summary.get("eval_loss_before").asDouble());
    }

    @Test
    void trainingInBfloat16LearnsTheSame() {
        List<JsonNode> own =
                Ran.of(
                                "train",
                                "--model-name-or-path",
                                model,
                                "--dataset=" + data,
                                "--r=4",
                                "--learning-rate=5e-3",
                                "--per-device-train-batch-size=4",
                                "--eval-split=4",
                                "--max-steps=5",
                                "--shuffle=false",
                                "--bf16",
                                "--output-dir",
                                folder.resolve("bfloat16"),
                                "--json")
                        .succeeded()
                        .json();
        assertThat(own.getFirst().get("decisions").toString()).contains("in bfloat16");
        double wide = events.getLast().get("eval_loss_after").asDouble();
        double half = own.getLast().get("eval_loss_after").asDouble();
        assertThat(half).isNotEqualTo(wide).isCloseTo(wide, withinPercentage(1));
    }

    @Test
    void optionsWinOverTheFileAndFlagsTakeAValueOrNone() throws IOException {
        assertThat(Files.readString(adapter.resolve("graft.yaml")))
                .contains("max_steps: 5", "r: 4", "shuffle: false", "overwrite_output_dir: true");
    }

    @Test
    void adapterIsWrittenAndLowersTheLoss() {
        assertThat(adapter.resolve("adapter_config.json")).exists();
        assertThat(adapter.resolve("adapter_model.safetensors")).exists();
        assertThat(adapter.resolve("metrics.jsonl")).exists();
        assertThat(loss("--adapter", adapter)).isLessThan(loss("--model", model));
    }

    @Test
    void mergedModelEvaluatesLikeItsAdapter() {
        Path merged = folder.resolve("merged");
        Ran ran = Ran.of("merge", "--adapter", adapter, "--output", merged, "--json").succeeded();
        assertThat(ran.json().getLast().get("changed_tensors").asInt()).isEqualTo(35);
        assertThat(loss("--model", merged)).isCloseTo(loss("--adapter", adapter), within(1e-5));
        assertThat(folder.resolve("merged.part")).doesNotExist();
        Ran.of("merge", "--adapter", adapter, "--output", merged).failedWith(2, "not empty");
    }

    @Test
    void mergeWithoutAdapterChangesTheType() throws IOException {
        Path half = folder.resolve("half");
        Ran.of("merge", "--model", model, "--output", half, "--dtype", "bfloat16").succeeded();
        assertThat(JSON.readTree(half.resolve("config.json").toFile()).toString())
                .contains("bfloat16");
        assertThat(Files.size(half.resolve("model.safetensors")))
                .isLessThan(Files.size(model.resolve("model.safetensors")) * 6 / 10);
        assertThat(loss("--model", half)).isCloseTo(loss("--model", model), within(0.05));
    }

    @Test
    void failedMergeLeavesNothing() {
        Path output = folder.resolve("never");
        Ran.of("merge", "--model", model, "--adapter", model, "--output", output)
                .failedWith(2, "adapter_config.json");
        assertThat(output).doesNotExist();
        assertThat(folder.resolve("never.part")).doesNotExist();
    }

    @Test
    void generatedTextIsTheSameStreamedAndAsJson() {
        Object[] args = {
            "generate", "--adapter", adapter, "--prompt", "Once upon", "--max-new-tokens", 12
        };
        Ran streamed = Ran.of(args).succeeded();
        Ran piped =
                Ran.withInput(
                                "Once upon\n",
                                "generate",
                                "--model",
                                model,
                                "--adapter",
                                adapter,
                                "--prompt",
                                "-",
                                "--max-new-tokens",
                                12,
                                "--json")
                        .succeeded();
        JsonNode json = piped.json().getLast();
        assertThat(streamed.out()).isEqualTo(json.get("text").asText() + "\n");
        assertThat(json.get("tokens").asInt()).isEqualTo(12);
        assertThat(json.get("stopped").asBoolean()).isFalse();
    }

    @Test
    void manyPromptsGiveWhatEachGivesAloneInTheirOrder() throws IOException {
        List<String> prompts = List.of("Once upon a time", "Once", "One day, a cat", "The");
        Path file = folder.resolve("prompts.jsonl");
        Files.write(file, prompts.stream().map(p -> "{\"prompt\": \"" + p + "\"}\n").toList());
        Ran all =
                Ran.of(
                                "generate",
                                "--adapter",
                                adapter,
                                "--prompts",
                                file,
                                "--batch-size",
                                3,
                                "--max-new-tokens",
                                9)
                        .succeeded();
        assertThat(all.err()).containsPattern("\\[4 prompts, 36 tokens new in [0-9.]+ s");
        assertThat(all.json()).hasSize(4);
        for (int i = 0; i < prompts.size(); i++) {
            JsonNode alone =
                    Ran.of(
                                    "generate",
                                    "--adapter",
                                    adapter,
                                    "--prompt",
                                    prompts.get(i),
                                    "--max-new-tokens",
                                    9,
                                    "--json")
                            .succeeded()
                            .json()
                            .getLast();
            JsonNode row = all.json().get(i);
            assertThat(row.get("prompt").asText()).isEqualTo(prompts.get(i));
            assertThat(row.get("completion")).isEqualTo(alone.get("text"));
            assertThat(row.get("tokens").asInt()).isEqualTo(9);
            assertThat(row.get("stopped").asBoolean()).isFalse();
        }
    }

    @Test
    void promptsInBfloat16AreMultipliedInIt() {
        double exact = loss("--model", model);
        double rounded = loss("--model", model, "--bf16");
        assertThat(rounded).isNotEqualTo(exact).isCloseTo(exact, withinPercentage(1));
    }

    @Test
    void promptsThatAreNoneEndGenerationBeforeTheModelIsLoaded() throws IOException {
        Path file = folder.resolve("bad.jsonl");
        Files.writeString(file, "{\"prompt\": \"x\"}\n\n{\"text\": \"y\"}\n");
        Ran.of("generate", "--model", model, "--prompts", file)
                .failedWith(
                        2, "bad.jsonl, line 3: found nothing under \"prompt\", expected a text");
        Files.writeString(file, "{\n");
        Ran.of("generate", "--model", model, "--prompts", file)
                .failedWith(2, "bad.jsonl, line 1: found what is not JSON");
        Files.writeString(file, "\n");
        Ran.of("generate", "--model", model, "--prompts", file)
                .failedWith(2, "bad.jsonl: found no line, expected JSON objects with \"prompt\"");
        Ran.of("generate", "--model", model, "--prompts", file, "--prompt", "x")
                .failedWith(2, "--prompt");
        Ran.of("generate", "--model", model, "--prompts", file, "--batch-size", 0)
                .failedWith(2, "--batch-size: found 0, expected 1 or more");
    }

    @Test
    void generationTellsTheSpeedOfThePromptAndOfNewTokensApart() {
        Object[] args = {
            "generate", "--model", model, "--prompt", "Once upon a time", "--max-new-tokens", 3
        };
        assertThat(Ran.of(args).succeeded().err())
                .containsPattern(
                        "\\[prompt: \\d+ tokens in [0-9.]+ s, [0-9.]+ tokens/s; new: 3 tokens,"
                                + " [0-9.]+ s after the first, [0-9.]+ tokens/s, cut off by");
        JsonNode json = Ran.of(with(args, "--json")).succeeded().json().getLast();
        int prompt = json.get("prompt_tokens").asInt();
        assertThat(prompt).isGreaterThan(1);
        assertRate(json, "prompt", prompt);
        assertThat(json.get("decoded_tokens").asInt()).isEqualTo(2);
        assertRate(json, "decode", 2);
    }

    @Test
    void aSingleNewTokenHasNoSpeedButThatOfThePrompt() {
        Object[] args = {"generate", "--model", model, "--prompt", "Once", "--max-new-tokens", 1};
        assertThat(Ran.of(args).succeeded().err())
                .containsPattern("tokens/s; new: 1 token, cut off by");
        JsonNode json = Ran.of(with(args, "--json")).succeeded().json().getLast();
        assertThat(json.get("decoded_tokens").asInt()).isZero();
        assertThat(json.get("decode_tokens_per_second").asDouble()).isZero();
    }

    private static Object[] with(Object[] args, Object last) {
        Object[] all = Arrays.copyOf(args, args.length + 1);
        all[args.length] = last;
        return all;
    }

    private static void assertRate(JsonNode json, String what, int tokens) {
        double seconds = json.get(what + "_seconds").asDouble();
        assertThat(seconds).isPositive();
        assertThat(json.get(what + "_tokens_per_second").asDouble())
                .isCloseTo(tokens / seconds, within(1e-9 * tokens / seconds));
    }

    @Test
    void evalReportsPerplexityTokensAndExamples() {
        JsonNode json = evaluate("--model", model, "--batch-size", 5).json().getLast();
        assertThat(json.get("examples").asInt()).isEqualTo(24);
        assertThat(json.get("tokens").asInt()).isPositive();
        assertThat(json.get("perplexity").asDouble())
                .isCloseTo(Math.exp(json.get("loss").asDouble()), within(1e-9));
        assertThat(json.get("loss").asDouble())
                .isCloseTo(loss("--model", model, "--batch-size", 1), within(1e-5));
    }

    @Test
    void adapterGivenAsModelIsExplained() {
        Ran.of("generate", "--model", adapter, "--prompt", "x")
                .failedWith(2, "is an adapter", "--adapter");
        Ran.of("generate", "--prompt", "x").failedWith(2, "--model: found nothing");
    }

    @Test
    void initMakesAModelThatLoadsAndASeedRepeatsIt() throws IOException {
        Path one = folder.resolve("random-1");
        Path two = folder.resolve("random-2");
        Ran.of("init", "--config", model, "--output", one, "--seed", 7).succeeded();
        Ran.of("init", "--config", model, "--output", two, "--seed", 7).succeeded();
        assertThat(
                        Files.mismatch(
                                one.resolve("model.safetensors"), two.resolve("model.safetensors")))
                .isEqualTo(-1);
        assertThat(loss("--model", one)).isCloseTo(Math.log(512), within(0.3));
    }

    @Test
    void logitsAreThoseOfThePeer() throws IOException {
        JsonNode golden = JSON.readTree(model.resolve("golden.json").toFile());
        Path file = folder.resolve("logits.json");
        String ids = golden.get("logits_prompt_ids").toString().replaceAll("[\\[\\]]", "");
        Ran.of("logits", "--model", model, "--ids", ids, "--output", file).succeeded();
        JsonNode written = JSON.readTree(file.toFile());
        assertThat(written.get("ids")).isEqualTo(golden.get("logits_prompt_ids"));
        JsonNode last = written.get("logits").get(written.get("ids").size() - 1);
        JsonNode expected = golden.get("logits_last");
        assertThat(last).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(last.get(i).asDouble()).isCloseTo(expected.get(i).asDouble(), within(1e-4));
        }
    }

    @Test
    void doctorMeasuresTheMachine() {
        JsonNode json = Ran.of("doctor", "--json").succeeded().json().getLast();
        assertThat(json.get("gemm_gflops").asDouble()).isPositive();
        assertThat(json.get("threads").asInt()).isPositive();
        assertThat(json.get("libtorch").asText()).contains("2.");
        assertThat(json.get("java_version").asText()).startsWith("2");
        assertThat(Ran.of("doctor").succeeded().out()).contains("GFLOP/s", "memory", "gpu");
    }

    @Test
    void humanOutputSaysTheBillAndTheNextCommand() {
        Path output = folder.resolve("human");
        Ran ran =
                Ran.of(
                                "train",
                                "--model-name-or-path",
                                model,
                                "--dataset",
                                data,
                                "--eval-split",
                                4,
                                "--max-steps",
                                1,
                                "--output-dir",
                                output)
                        .succeeded();
        assertThat(ran.out())
                .contains("46,240 of 260,032 parameters (17.8 %)", "MiB", "chosen ", "data ")
                .contains("held-out loss: ", "adapter: " + output, "generate --model " + model);
        assertThat(ran.err()).contains("step 1/1", "tok/s", "ETA", "peak");
    }
}
