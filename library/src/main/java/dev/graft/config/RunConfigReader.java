package dev.graft.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads a [RunConfig] from a YAML file, from the command line's overrides, or both (the overrides
/// win).
///
/// The file is read as a tree and its keys are compared with the table, so that a misspelled key is
/// told from a wrong value. Every problem is found before the one [ConfigException] that lists them
/// all.
public final class RunConfigReader {
    private static final YAMLMapper YAML =
            YAMLMapper.builder(
                            YAMLFactory.builder()
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .build();

    private final List<String> problems = new ArrayList<>();
    private final BoundValues values = new BoundValues();

    private RunConfigReader() {}

    /// Every key there is, in the order of the manual.
    public static List<Key<?>> keys() {
        return Keys.ALL;
    }

    /// Reads a YAML file and lets the overrides win; keys may be in snake or kebab case.
    public static RunConfig read(Path file, Map<String, String> overrides) {
        try {
            return read(Files.readString(file), file.toString(), overrides);
        } catch (NoSuchFileException e) {
            throw new ConfigException(
                    "config file %s: there is no such file".formatted(file.toAbsolutePath()), e);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read config file " + file, e);
        }
    }

    /// Reads a run that is described by keys and values alone.
    public static RunConfig read(Map<String, String> overrides) {
        return read("", "the command line", overrides);
    }

    /// Reads YAML text; `source` is its name in errors.
    public static RunConfig read(String yaml, String source, Map<String, String> overrides) {
        var reader = new RunConfigReader();
        var given = new LinkedHashMap<Key<?>, JsonNode>();
        reader.take(reader.tree(yaml, source), given);
        var flags = new LinkedHashMap<Key<?>, JsonNode>();
        reader.take(reader.tree(overrides), flags);
        given.putAll(flags);
        Keys.ALL.forEach(key -> reader.bind(key, given.get(key)));
        new KeysTogether(reader.values, reader.problems).check();
        if (!reader.problems.isEmpty()) {
            throw new ConfigException(
                    "%s: %d %s%n  %s"
                            .formatted(
                                    source,
                                    reader.problems.size(),
                                    reader.problems.size() == 1 ? "problem" : "problems",
                                    String.join(System.lineSeparator() + "  ", reader.problems)));
        }
        return reader.build();
    }

    private JsonNode tree(String yaml, String source) {
        try {
            var tree = YAML.readTree(yaml);
            if (tree.isMissingNode() || tree.isNull()) {
                return YAML.createObjectNode();
            }
            if (!tree.isObject()) {
                throw new ConfigException(
                        "%s: found %s, expected keys and values as in `r: 8`"
                                .formatted(source, shown(tree)));
            }
            return tree;
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new ConfigException(
                    "%s%s: not valid YAML: %s"
                            .formatted(
                                    source,
                                    at == null ? "" : " line " + at.getLineNr(),
                                    e.getOriginalMessage().lines().findFirst().orElse("")),
                    e);
        }
    }

    private JsonNode tree(Map<String, String> overrides) {
        ObjectNode tree = YAML.createObjectNode();
        overrides.forEach(
                (key, text) -> {
                    boolean structured = text.startsWith("{") || text.startsWith("[");
                    tree.set(key, structured ? parseFlow(text) : TextNode.valueOf(text));
                });
        return tree;
    }

    /// A flag's map or list, as in `--rank-pattern '{q_proj: 16}'`; text that does not parse stays
    /// text.
    private static JsonNode parseFlow(String text) {
        try {
            return YAML.readTree(text);
        } catch (JsonProcessingException _) {
            return TextNode.valueOf(text);
        }
    }

    private void take(JsonNode tree, Map<Key<?>, JsonNode> given) {
        var names = new HashMap<Key<?>, String>();
        for (var entry : tree.properties()) {
            String name = entry.getKey().replace('-', '_');
            var key =
                    Keys.ALL.stream()
                            .filter(k -> k.name().equals(name) || k.aliases().contains(name))
                            .findFirst();
            if (key.isEmpty()) {
                problems.add(
                        entry.getKey()
                                + ": unknown key"
                                + Suggestion.forKey(name)
                                        .map(s -> "; did you mean " + s + "?")
                                        .orElse(""));
                continue;
            }
            String before = names.putIfAbsent(key.get(), entry.getKey());
            if (before != null) {
                problems.add(
                        "%s: found again as %s, expected once".formatted(before, entry.getKey()));
            }
            given.put(key.get(), entry.getValue());
        }
    }

    private <T> void bind(Key<T> key, JsonNode node) {
        boolean absent = node == null || node.isNull();
        if (absent || (node.isTextual() && node.textValue().equals("null"))) {
            values.put(key, key.fallback());
            return;
        }
        try {
            values.put(key, key.kind().read(node));
        } catch (RuntimeException _) {
            problems.add(key.problem(shown(node)));
        }
    }

    private static String shown(JsonNode node) {
        String text = node.isTextual() ? '"' + node.textValue() + '"' : node.toString();
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }

    private <T> T get(Key<T> key) {
        return values.get(key);
    }

    private <T> T get(Key<T> key, T otherwise) {
        return values.get(key, otherwise);
    }

    private RunConfig build() {
        return new RunConfig(
                new ModelOptions(
                        get(Keys.MODEL),
                        get(Keys.MODEL_REVISION),
                        get(Keys.ADAPTER),
                        get(Keys.FINETUNING_TYPE),
                        get(Keys.DEVICE)),
                quantization(),
                new OutputOptions(
                        get(Keys.OUTPUT_DIR),
                        get(Keys.OVERWRITE),
                        get(Keys.RESUME),
                        get(Keys.LOGGING_STEPS),
                        get(Keys.FORCE)),
                lora(),
                new DataOptions(
                        get(Keys.DATASET),
                        get(Keys.EVAL_DATASET),
                        get(Keys.DATASET_FORMAT),
                        get(Keys.DATASET_TEXT_FIELD),
                        get(Keys.DATASET_COLUMNS),
                        get(Keys.DATASET_WEIGHTS),
                        get(Keys.DATASET_WHERE),
                        get(Keys.EVAL_SPLIT),
                        get(Keys.MAX_LENGTH),
                        loss(),
                        get(Keys.CHAT_TEMPLATE),
                        get(Keys.SHUFFLE),
                        get(Keys.STREAMING),
                        get(Keys.SKIP_BAD_ROWS)),
                train(),
                optimizer());
    }

    private DataOptions.LossOptions loss() {
        boolean all = get(Keys.TRAIN_ON_PROMPT);
        return new DataOptions.LossOptions(
                !all && get(Keys.COMPLETION_ONLY_LOSS),
                !all && get(Keys.ASSISTANT_ONLY_LOSS),
                get(Keys.MASK_HISTORY));
    }

    private QuantizationOptions quantization() {
        return new QuantizationOptions(
                get(Keys.LOAD_IN_4BIT),
                get(Keys.LOAD_IN_8BIT),
                get(Keys.QUANT_TYPE),
                get(Keys.DOUBLE_QUANT),
                get(Keys.BLOCK_SIZE),
                get(Keys.COMPUTE_TYPE),
                get(Keys.SKIP_MODULES),
                get(Keys.BASE_RESIDENCY));
    }

    private LoraOptions lora() {
        var ranks = new LinkedHashMap<String, Integer>();
        get(Keys.RANK_PATTERN).forEach((module, rank) -> ranks.put(module, rank.intValue()));
        return new LoraOptions(
                get(Keys.R),
                get(Keys.LORA_ALPHA),
                get(Keys.LORA_DROPOUT),
                get(Keys.USE_RSLORA),
                get(Keys.BIAS),
                get(Keys.INIT_LORA_WEIGHTS),
                get(Keys.MODULES_TO_SAVE),
                new LoraOptions.Targets(
                        get(Keys.TARGET_MODULES),
                        get(Keys.EXCLUDE_MODULES),
                        ranks,
                        get(Keys.ALPHA_PATTERN),
                        get(Keys.LAYERS_TO_TRANSFORM),
                        get(Keys.LAYERS_PATTERN)));
    }

    private TrainOptions train() {
        var whenToEvaluate = values.evaluates() ? IntervalStrategy.EPOCH : IntervalStrategy.NO;
        return new TrainOptions(
                get(Keys.NUM_TRAIN_EPOCHS),
                get(Keys.MAX_STEPS),
                get(Keys.TRAIN_BATCH),
                get(Keys.ACCUMULATION),
                get(Keys.GRADIENT_CHECKPOINTING),
                bf16(),
                get(Keys.CUDA_GRAPHS),
                get(Keys.SEED),
                new TrainOptions.Evaluation(
                        get(Keys.EVAL_STRATEGY, whenToEvaluate),
                        get(Keys.EVAL_STEPS, get(Keys.LOGGING_STEPS)),
                        get(Keys.EVAL_BATCH)),
                new TrainOptions.Checkpoints(
                        get(Keys.SAVE_STRATEGY), get(Keys.SAVE_STEPS), get(Keys.SAVE_TOTAL_LIMIT)));
    }

    private boolean bf16() {
        boolean wanted = get(Keys.BF16);
        if (wanted && get(Keys.FINETUNING_TYPE) == FinetuningType.FULL) {
            throw new ConfigException(
                    "bf16: true is for frozen weights, found finetuning_type: full; leave one of"
                            + " them out");
        }
        return wanted;
    }

    private OptimizerOptions optimizer() {
        boolean full = get(Keys.FINETUNING_TYPE) == FinetuningType.FULL;
        return new OptimizerOptions(
                get(Keys.OPTIM),
                get(Keys.OPTIM_MEMORY),
                get(Keys.LEARNING_RATE, full ? 2e-5 : 2e-4),
                get(Keys.WEIGHT_DECAY),
                get(Keys.ADAM_BETA1),
                get(Keys.ADAM_BETA2),
                get(Keys.ADAM_EPSILON),
                get(Keys.MAX_GRAD_NORM),
                new OptimizerOptions.Schedule(
                        get(Keys.LR_SCHEDULER_TYPE),
                        get(Keys.WARMUP_RATIO),
                        get(Keys.WARMUP_STEPS)));
    }
}
