package dev.graft.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetModules;
import dev.graft.data.DatasetFormat;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunConfigReaderTest {
    private static final String REQUIRED =
            """
            model_name_or_path: models/tiny
            dataset: train.jsonl
            output_dir: out
            """;

    private static RunConfig read(String more) {
        return RunConfigReader.read(REQUIRED + more, "run.yaml", Map.of());
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ?> assertProblem(String more) {
        return assertThatThrownBy(() -> read(more)).isInstanceOf(ConfigException.class);
    }

    @Test
    void defaultsAreThoseOfPeftAndTransformers() {
        var config = read("");

        assertThat(config.model().finetuningType()).isEqualTo(FinetuningType.LORA);
        assertThat(config.lora().r()).isEqualTo(8);
        assertThat(config.lora().loraAlpha()).isEqualTo(8);
        assertThat(config.lora().targets().targetModules())
                .isEqualTo(new TargetModules.AllLinear());
        assertThat(config.data().dataset()).containsExactly(Path.of("train.jsonl"));
        assertThat(config.data().format()).isEqualTo(DatasetFormat.AUTO);
        assertThat(config.data().maxLength()).isEqualTo(1024);
        assertThat(config.train().numTrainEpochs()).isEqualTo(3);
        assertThat(config.train().evaluation().strategy()).isEqualTo(IntervalStrategy.NO);
        assertThat(config.train().checkpoints().steps()).isEqualTo(500);
        assertThat(config.optimizer().learningRate()).isEqualTo(2e-4);
        assertThat(config.output().resumeFromCheckpoint()).isEqualTo(new Resume.Fresh());
    }

    @Test
    void fullFineTuningHasASmallerDefaultLearningRate() {
        assertThat(read("finetuning_type: full").optimizer().learningRate()).isEqualTo(2e-5);
        assertThat(read("finetuning_type: full\nlearning_rate: 0.001").optimizer().learningRate())
                .isEqualTo(1e-3);
    }

    @ParameterizedTest
    @CsvSource({"2e-4, 2e-4", "'\"2e-4\"', 2e-4", "2.0e-4, 2e-4", "1E-3, 1e-3", ".5, 0.5", "1, 1"})
    void numbersInEveryNotationAreNumbers(String yaml, double value) {
        assertThat(read("learning_rate: " + yaml).optimizer().learningRate()).isEqualTo(value);
    }

    @ParameterizedTest
    @CsvSource({"1_000, 1000", "1e3, 1000", "1000, 1000", "12.0, 12"})
    void wholeNumbersMayBeWrittenWithUnderscoresOrExponents(String yaml, int value) {
        assertThat(read("save_steps: " + yaml).train().checkpoints().steps()).isEqualTo(value);
    }

    @Test
    void aliasesOfOtherToolsAreUnderstood() {
        var config =
                read("lora_r: 4\nmax_seq_length: 64\nval_size: 0.1\nlora_target_modules: [q_proj]");

        assertThat(config.lora().r()).isEqualTo(4);
        assertThat(config.data().maxLength()).isEqualTo(64);
        assertThat(config.data().evalSplit()).isEqualTo(0.1);
        assertThat(config.lora().targets().targetModules())
                .isEqualTo(new TargetModules.Names(List.of("q_proj")));
    }

    @Test
    void theCommandLineWinsOverTheFile() {
        var config =
                RunConfigReader.read(
                        REQUIRED + "r: 4\nlora_alpha: 4",
                        "run.yaml",
                        Map.of(
                                "lora-r", "16",
                                "target-modules", "q_proj, v_proj",
                                "rank-pattern", "{q_proj: 32}",
                                "layers-to-transform", "0,1",
                                "learning-rate", "1e-3",
                                "overwrite-output-dir", "true"));

        assertThat(config.lora().r()).isEqualTo(16);
        assertThat(config.lora().loraAlpha()).isEqualTo(4);
        assertThat(config.lora().targets().targetModules())
                .isEqualTo(new TargetModules.Names(List.of("q_proj", "v_proj")));
        assertThat(config.lora().targets().rankPattern()).containsExactly(Map.entry("q_proj", 32));
        assertThat(config.lora().targets().layersToTransform()).containsExactly(0, 1);
        assertThat(config.optimizer().learningRate()).isEqualTo(1e-3);
        assertThat(config.output().overwriteOutputDir()).isTrue();
    }

    @Test
    void aRunNeedsNoFile() {
        var config =
                RunConfigReader.read(
                        Map.of(
                                "model-name-or-path",
                                "m",
                                "dataset",
                                "a.json,b.json",
                                "output-dir",
                                "o"));

        assertThat(config.data().dataset()).containsExactly(Path.of("a.json"), Path.of("b.json"));
    }

    @Test
    void targetModulesAreNamesOrAnExpression() {
        assertThat(read("target_modules: q_proj").lora().targets().targetModules())
                .isEqualTo(new TargetModules.Names(List.of("q_proj")));
        assertThat(read("target_modules: '.*\\.(q|v)_proj'").lora().targets().targetModules())
                .isEqualTo(new TargetModules.Regex(".*\\.(q|v)_proj"));
        assertProblem("target_modules: '.*(q'")
                .hasMessageContaining("target_modules: found \".*(q\"");
        assertProblem("target_modules: []").hasMessageContaining("target_modules: found []");
    }

    @Test
    void aNoIsAWordWhereAWordIsExpected() {
        assertThat(read("save_strategy: no").train().checkpoints().strategy())
                .isEqualTo(IntervalStrategy.NO);
        assertThat(read("bias: none").lora().bias()).isEqualTo(LoraConfig.Bias.NONE);
        assertThat(read("init_lora_weights: false").lora().initLoraWeights())
                .isEqualTo(LoraConfig.Init.FALSE);
    }

    @Test
    void resumeIsTrueOrAFolder() {
        assertThat(read("resume_from_checkpoint: true").output().resumeFromCheckpoint())
                .isEqualTo(new Resume.Latest());
        assertThat(read("resume_from_checkpoint: out/checkpoint-5").output().resumeFromCheckpoint())
                .isEqualTo(new Resume.From(Path.of("out/checkpoint-5")));
    }

    @Test
    void somethingToEvaluateOnIsEvaluatedEveryEpochUnlessSaidOtherwise() {
        var everyEpoch = read("eval_split: 0.1").train().evaluation();
        assertThat(everyEpoch.strategy()).isEqualTo(IntervalStrategy.EPOCH);
        assertThat(
                        read("eval_split: 5\neval_strategy: steps\nlogging_steps: 7")
                                .train()
                                .evaluation())
                .isEqualTo(new TrainOptions.Evaluation(IntervalStrategy.STEPS, 7, 8));
        assertProblem("eval_strategy: steps").hasMessageContaining("eval_dataset or eval_split");
    }

    @ParameterizedTest
    @CsvSource({
        "auto, AUTO",
        "none, NONE",
        "false, NONE",
        "mlp, MLP",
        "layer, LAYER",
        "true, LAYER",
        "offload, OFFLOAD"
    })
    void gradientCheckpointingIsAPolicyOrTheFlagOfTransformers(
            String word, GradientCheckpointing expected) {
        var train = read("gradient_checkpointing: " + word).train();
        assertThat(train.gradientCheckpointing()).isEqualTo(expected);
        assertThat(read("").train().gradientCheckpointing()).isEqualTo(GradientCheckpointing.AUTO);
    }

    @ParameterizedTest
    @CsvSource({
        "lora_aplha, lora_alpha",
        "rnak, r",
        "lr, learning_rate",
        "learnign_rate, learning_rate",
        "learning-rte, learning_rate",
        "epochs, num_train_epochs",
        "num_epoch, num_train_epochs",
        "batch_size, per_device_train_batch_size",
        "target_module, target_modules",
        "max_len, max_length",
        "save_step, save_steps"
    })
    void aMisspelledKeyIsSuggested(String wrong, String meant) {
        assertProblem(wrong + ": 3")
                .hasMessageContaining(wrong + ": unknown key; did you mean " + meant + "?");
    }

    @Test
    void aKeyLikeNoOtherGetsNoSuggestion() {
        assertProblem("quantum_flux: 3").hasMessageEndingWith("quantum_flux: unknown key");
    }

    @ParameterizedTest
    @CsvSource({
        "r: 0",
        "r: 1.5",
        "r: true",
        "r: [8]",
        "lora_alpha: 0",
        "lora_dropout: 1",
        "lora_dropout: -0.1",
        "max_length: 1",
        "eval_split: 1.5",
        "eval_split: -1",
        "num_train_epochs: 0",
        "max_steps: 0",
        "per_device_train_batch_size: 0",
        "gradient_accumulation_steps: -4",
        "learning_rate: NaN",
        "learning_rate: 1e999",
        "learning_rate: fast",
        "warmup_ratio: 2",
        "adam_beta2: 1",
        "gradient_checkpointing: 2",
        "seed: -1",
        "save_strategy: sometimes",
        "lr_scheduler_type: zigzag",
        "bias: some",
        "shuffle: maybe",
        "layers_to_transform: [-1]",
        "rank_pattern: {q_proj: 0}",
        "rank_pattern: 3",
        "save_steps: 99999999999"
    })
    void aValueOutOfRangeOrOfTheWrongTypeNamesKeyFoundAndExpected(String line) {
        String key = line.substring(0, line.indexOf(':'));
        assertProblem(line)
                .hasMessageMatching(
                        "(?s)run.yaml: 1 problem\\s+" + key + ": found .+, expected .+");
    }

    @Test
    void everyProblemIsReportedAtOnce() {
        assertThatThrownBy(
                        () ->
                                RunConfigReader.read(
                                        "lora_aplha: 16\nr: -1\nbias: some\ndataset: d.json",
                                        "run.yaml",
                                        Map.of("max-length", "one")))
                .isInstanceOfSatisfying(
                        ConfigException.class, e -> assertThat(e.exitCode()).isEqualTo(2))
                .message()
                .satisfies(
                        message ->
                                assertThat(message.lines().map(String::strip))
                                        .containsExactly(
                                                "run.yaml: 6 problems",
                                                "lora_aplha: unknown key; did you mean lora_alpha?",
                                                "r: found -1, expected a whole number from 1",
                                                "bias: found \"some\", expected one of none, all,"
                                                        + " lora_only",
                                                "max_length: found \"one\", expected a whole number"
                                                        + " from 2",
                                                "model_name_or_path: found nothing, expected a text"
                                                        + " (required)",
                                                "output_dir: found nothing, expected a folder"
                                                        + " (required)"));
    }

    @Test
    void aKeyGivenTwiceIsAnError() {
        assertProblem("r: 4\nr: 8")
                .hasMessageContaining("line 5")
                .hasMessageContaining("Duplicate");
        assertProblem("r: 4\nlora_r: 8").hasMessageContaining("r: found again as lora_r");
    }

    @Test
    void brokenYamlNamesFileAndLine() {
        assertProblem("r: [1, 2")
                .hasMessageContaining("run.yaml line")
                .hasMessageContaining("YAML");
        assertThatThrownBy(() -> RunConfigReader.read("- a", "run.yaml", Map.of()))
                .hasMessageContaining("expected keys and values");
    }

    @Test
    void aMissingFileIsNamed(@TempDir Path folder) {
        assertThatThrownBy(() -> RunConfigReader.read(folder.resolve("no.yaml"), Map.of()))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("no.yaml")
                .hasMessageContaining("no such file");
    }

    @Test
    void anAdapterToGoOnFromNeedsLora() {
        assertProblem("adapter_name_or_path: a\nfinetuning_type: full")
                .hasMessageContaining("adapter_name_or_path");
    }

    @Test
    void productsInBfloat16AreForAFrozenBase() {
        assertThat(read("").train().bf16()).isFalse();
        assertThat(read("bf16: true").train().bf16()).isTrue();
        assertProblem("bf16: true\nfinetuning_type: full")
                .hasMessageContaining("bf16: true is for frozen weights");
    }

    @Test
    void aBaseThatIsTrainedIsNotStreamed() {
        assertProblem("base_residency: streamed\nfinetuning_type: full")
                .hasMessageContaining("base_residency: streamed found with finetuning_type full");
    }

    @Test
    void graphsAreForPassesThatTheHostHasNoPartIn() {
        assertThat(read("").train().cudaGraphs()).isFalse();
        assertThat(read("cuda_graphs: true").train().cudaGraphs()).isTrue();
        for (String other :
                List.of(
                        "lora_dropout: 0.05",
                        "gradient_checkpointing: offload",
                        "base_residency: streamed")) {
            assertProblem("cuda_graphs: true\n" + other)
                    .hasMessageContaining(
                            "cuda_graphs: found with " + other.substring(0, other.indexOf(':')));
        }
    }

    @Test
    void excludedModulesThatAreABrokenExpressionAreRefused() {
        assertThatThrownBy(() -> read("exclude_modules: ['.*q_proj(']").lora().adapter("base"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("exclude_modules: '.*q_proj('");
    }

    @Test
    void theResolvedRunReadsBackEqual(@TempDir Path folder) throws IOException {
        for (String more :
                List.of(
                        "",
                        "finetuning_type: full",
                        "bf16: true",
                        "cuda_graphs: true",
                        """
                        adapter_name_or_path: "123"
                        resume_from_checkpoint: true
                        target_modules: '.*\\.(q|v)_proj: #x'
                        exclude_modules: [lm_head, 'no']
                        rank_pattern: {'layers.1.*': 4, q_proj: 16}
                        alpha_pattern: {q_proj: 0.5}
                        layers_to_transform: [0, 3]
                        init_lora_weights: gaussian
                        eval_dataset: [a.json, 'b c.json']
                        learning_rate: 3.3e-7
                        adam_epsilon: 1e-10
                        seed: 12345678901
                        dataset_text_field: 'yes'
                        """)) {
            var config = read(more);
            Path file = Files.writeString(folder.resolve("resolved.yaml"), config.toYaml());

            assertThat(RunConfigReader.read(file, Map.of())).isEqualTo(config);
        }
    }

    @Test
    void theResolvedRunSpellsOutEveryKey() {
        var written = read("").toYaml().lines().map(line -> line.replaceAll(":.*", "")).toList();

        assertThat(written).containsAll(RunConfigReader.keys().stream().map(Key::name).toList());
    }

    @Test
    void namesAndAliasesAreUnique() {
        var seen = new HashSet<String>();
        for (var key : RunConfigReader.keys()) {
            assertThat(seen.add(key.name())).as(key.name()).isTrue();
            key.aliases().forEach(alias -> assertThat(seen.add(alias)).as(alias).isTrue());
            assertThat(key.help()).isNotBlank();
        }
    }
}
