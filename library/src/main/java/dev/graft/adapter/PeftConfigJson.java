package dev.graft.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// `adapter_config.json`. Written: the smallest set of keys, since older readers refuse keys that
/// they do not know. Read: unknown keys are passed over, features that Graft lacks are errors.
final class PeftConfigJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Keys whose presence with another value than these means a feature that Graft lacks.
    private static final List<String> UNSUPPORTED =
            List.of(
                    "use_dora",
                    "use_qalora",
                    "use_bdlora",
                    "lora_bias",
                    "fan_in_fan_out",
                    "layer_replication",
                    "target_parameters",
                    "trainable_token_indices",
                    "alora_invocation_tokens",
                    "arrow_config",
                    "kasa_config",
                    "velora_config",
                    "monteclora_config",
                    "megatron_config");

    private PeftConfigJson() {}

    static String write(LoraConfig config, TargetResolution resolution) {
        Map<String, Object> keys = new TreeMap<>();
        keys.put("peft_type", config.peftType());
        keys.put("task_type", "CAUSAL_LM");
        keys.put("base_model_name_or_path", config.baseModel());
        keys.put("r", config.r());
        keys.put("lora_alpha", number(config.loraAlpha()));
        keys.put("lora_dropout", config.loraDropout());
        keys.put("target_modules", targets(config.targetModules(), resolution));
        keys.put("bias", config.bias().toString());
        keys.put("fan_in_fan_out", false);
        keys.put("inference_mode", true);
        keys.put("init_lora_weights", init(config.initLoraWeights()));
        keys.put(
                "modules_to_save",
                config.modulesToSave().isEmpty() ? null : config.modulesToSave());
        if (config.useRslora()) {
            keys.put("use_rslora", true);
        }
        if (config.excludeModules() != null
                && !(config.targetModules() instanceof TargetModules.AllLinear)) {
            keys.put("exclude_modules", targets(config.excludeModules(), resolution));
        }
        if (!config.rankPattern().isEmpty()) {
            keys.put("rank_pattern", config.rankPattern());
        }
        if (!config.alphaPattern().isEmpty()) {
            Map<String, Object> alphas = new LinkedHashMap<>();
            config.alphaPattern().forEach((k, v) -> alphas.put(k, number(v)));
            keys.put("alpha_pattern", alphas);
        }
        if (!config.layersToTransform().isEmpty()) {
            keys.put("layers_to_transform", config.layersToTransform());
        }
        if (!config.layersPattern().isEmpty()) {
            keys.put("layers_pattern", config.layersPattern());
        }
        var printer =
                new DefaultPrettyPrinter(
                                Separators.createDefaultInstance()
                                        .withObjectFieldValueSpacing(Separators.Spacing.AFTER))
                        .withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
        try {
            return JSON.writer(printer).writeValueAsString(keys) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the adapter's config cannot be written", e);
        }
    }

    private static Object init(LoraConfig.Init init) {
        return switch (init) {
            case TRUE -> true;
            case FALSE -> false;
            case GAUSSIAN -> "gaussian";
        };
    }

    private static Object number(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e9) {
            return (long) value;
        }
        return value;
    }

    /// `all-linear` is written as the modules that it meant, as PEFT does: another reader's idea of
    /// it may differ. Experts are too many to be named one by one: of them it is the last parts.
    private static Object targets(TargetModules targets, TargetResolution resolution) {
        return switch (targets) {
            case TargetModules.AllLinear() ->
                    resolution.lora().stream()
                            .map(TargetResolution.Target::path)
                            .map(PeftConfigJson::expertsByName)
                            .distinct()
                            .toList();
            case TargetModules.Names(var names) -> names;
            case TargetModules.Regex(var regex) -> regex;
        };
    }

    private static String expertsByName(String path) {
        return path.contains(".experts.") ? path.substring(path.lastIndexOf('.') + 1) : path;
    }

    static LoraConfig read(Path path) {
        JsonNode root;
        try {
            if (!Files.isRegularFile(path)) {
                throw new ConfigException(path + ": no such file; expected a PEFT adapter folder");
            }
            root = JSON.readTree(Files.readString(path));
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(path + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelFormatException(path + ": cannot be read: " + e.getMessage(), e);
        }
        String type = root.path("peft_type").asText("");
        if (type.isEmpty()) {
            throw new ConfigException(
                    path
                            + ": found no peft_type, so this is no adapter of PEFT (MLX, for one, writes another format); expected peft_type LORA");
        }
        if (!type.equals("LORA")) {
            throw new ConfigException(
                    "%s: peft_type '%s' is not supported; supported: LORA".formatted(path, type));
        }
        for (String key : UNSUPPORTED) {
            JsonNode value = root.path(key);
            boolean empty = value.isContainerNode() && value.isEmpty();
            boolean off = value.isBoolean() && !value.asBoolean();
            if (!value.isMissingNode() && !value.isNull() && !empty && !off) {
                throw new ConfigException(
                        "%s: %s: found %s, which is not supported".formatted(path, key, value));
            }
        }
        return new LoraConfig(
                rank(path, root),
                number(path, root, "lora_alpha", 8),
                number(path, root, "lora_dropout", 0),
                modules(path, root, "target_modules"),
                root.path("exclude_modules").isEmpty() && !root.path("exclude_modules").isTextual()
                        ? null
                        : modules(path, root, "exclude_modules"),
                bias(path, root.path("bias").asText("none")),
                root.path("use_rslora").asBoolean(false),
                texts(root.path("modules_to_save")),
                map(root.path("rank_pattern"), JsonNode::asInt),
                map(root.path("alpha_pattern"), JsonNode::asDouble),
                integers(root.path("layers_to_transform")),
                texts(root.path("layers_pattern")),
                init(path, root.path("init_lora_weights")),
                root.hasNonNull("base_model_name_or_path")
                        ? root.get("base_model_name_or_path").asText()
                        : null);
    }

    private static int rank(Path path, JsonNode root) {
        double r = number(path, root, "r", 8);
        if (r != (int) r) {
            throw new ConfigException(
                    "%s: r: found %s, expected a whole number".formatted(path, root.path("r")));
        }
        return (int) r;
    }

    private static double number(Path path, JsonNode root, String key, double absent) {
        JsonNode node = root.path(key);
        if (node.isMissingNode() || node.isNull()) {
            return absent;
        }
        if (!node.isNumber()) {
            throw new ConfigException(
                    "%s: %s: found %s, expected a number".formatted(path, key, node));
        }
        return node.asDouble();
    }

    private static TargetModules modules(Path path, JsonNode root, String key) {
        JsonNode node = root.path(key);
        if (node.isTextual()) {
            try {
                return TargetModules.parse(node.asText());
            } catch (IllegalArgumentException e) {
                throw new ConfigException(
                        "%s: %s: '%s' is %s".formatted(path, key, node.asText(), e.getMessage()),
                        e);
            }
        }
        if (node.isArray() && !node.isEmpty()) {
            return new TargetModules.Names(texts(node));
        }
        throw new ConfigException(
                "%s: %s: found %s, expected names or a regular expression"
                        .formatted(path, key, node.isMissingNode() ? "nothing" : node));
    }

    private static LoraConfig.Bias bias(Path path, String text) {
        return switch (text) {
            case "none" -> LoraConfig.Bias.NONE;
            case "all" -> LoraConfig.Bias.ALL;
            case "lora_only" -> LoraConfig.Bias.LORA_ONLY;
            default ->
                    throw new ConfigException(
                            "%s: bias: found '%s', expected none, all or lora_only"
                                    .formatted(path, text));
        };
    }

    /// Every initialization that leaves the base as it is reads alike: the file brings A and B. The
    /// others (`pissa`, `olora`, …) move a part of the base into them.
    private static LoraConfig.Init init(Path path, JsonNode node) {
        if (node.isMissingNode() || node.isNull() || node.isBoolean()) {
            return node.asBoolean(true) ? LoraConfig.Init.TRUE : LoraConfig.Init.FALSE;
        }
        return switch (node.asText()) {
            case "gaussian" -> LoraConfig.Init.GAUSSIAN;
            case "eva", "orthogonal" -> LoraConfig.Init.TRUE;
            default ->
                    throw new ConfigException(
                            "%s: init_lora_weights: found %s, which changes the base's weights and is not supported; save the adapter as plain LoRA (path_initial_model_for_weight_conversion in PEFT)"
                                    .formatted(path, node));
        };
    }

    private static List<String> texts(JsonNode node) {
        List<String> result = new ArrayList<>();
        if (node.isTextual()) {
            result.add(node.asText());
        }
        node.forEach(n -> result.add(n.asText()));
        return result;
    }

    private static List<Integer> integers(JsonNode node) {
        List<Integer> result = new ArrayList<>();
        if (node.isIntegralNumber()) {
            result.add(node.asInt());
        }
        node.forEach(n -> result.add(n.asInt()));
        return result;
    }

    private static <T> Map<String, T> map(JsonNode node, Function<JsonNode, T> value) {
        Map<String, T> result = new LinkedHashMap<>();
        node.properties().forEach(e -> result.put(e.getKey(), value.apply(e.getValue())));
        return result;
    }
}
