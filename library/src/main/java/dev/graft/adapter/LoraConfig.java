package dev.graft.adapter;

import dev.graft.error.ConfigException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// LoRA (Hu et al. 2021) with the fields of PEFT's `LoraConfig`.
///
/// @param r rank
/// @param loraAlpha α; the update is scaled by α/r, or α/√r with `useRslora` (Kalajdzievski 2023)
/// @param loraDropout share of inputs zeroed before A while training
/// @param excludeModules taken out of `targetModules`; null for none
/// @param modulesToSave modules trained whole, by the end of their path
/// @param rankPattern rank by the end of a path (a regular expression); the first match counts
/// @param alphaPattern α likewise
/// @param layersToTransform only these layers; empty for all
/// @param layersPattern names of the list of layers; empty for any
/// @param baseModel `base_model_name_or_path`, may be null
public record LoraConfig(
        int r,
        double loraAlpha,
        double loraDropout,
        TargetModules targetModules,
        TargetModules excludeModules,
        Bias bias,
        boolean useRslora,
        List<String> modulesToSave,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        List<Integer> layersToTransform,
        List<String> layersPattern,
        Init initLoraWeights,
        String baseModel)
        implements AdapterConfig {

    /// Which biases of the base are trained along.
    public enum Bias {
        NONE,
        ALL,
        LORA_ONLY;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// How A and B begin, by the values of `init_lora_weights`.
    public enum Init {
        /// A uniform in ±1/√in, B zero.
        TRUE,
        /// Both random, so that a fresh adapter changes the model: for tests only.
        FALSE,
        /// A normal with deviation 1/r, B zero.
        GAUSSIAN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public LoraConfig {
        if (r <= 0) {
            throw new ConfigException("r: found %d, expected a positive rank".formatted(r));
        }
        if (loraDropout < 0 || loraDropout >= 1) {
            throw new ConfigException(
                    "lora_dropout: found %s, expected 0 or more and less than 1"
                            .formatted(loraDropout));
        }
        modulesToSave = List.copyOf(modulesToSave);
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        layersToTransform = List.copyOf(layersToTransform);
        layersPattern = List.copyOf(layersPattern);
        if (!layersPattern.isEmpty() && layersToTransform.isEmpty()) {
            throw new ConfigException("layers_pattern: needs layers_to_transform beside it");
        }
        if (!layersToTransform.isEmpty() && !(targetModules instanceof TargetModules.Names)) {
            throw new ConfigException(
                    "layers_to_transform: needs target_modules as a list of names, as in PEFT");
        }
        rankPattern.keySet().forEach(key -> requirePattern("rank_pattern", key));
        alphaPattern.keySet().forEach(key -> requirePattern("alpha_pattern", key));
        rankPattern.forEach(
                (key, rank) -> {
                    if (rank <= 0) {
                        throw new ConfigException(
                                "rank_pattern: '%s' has rank %d, expected a positive rank"
                                        .formatted(key, rank));
                    }
                });
    }

    private static void requirePattern(String key, String pattern) {
        try {
            Pattern.compile(pattern);
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "%s: '%s' is not a regular expression: %s"
                            .formatted(key, pattern, e.getDescription()),
                    e);
        }
    }

    /// LoRA of every linear map with rank r and α, all else as in PEFT.
    public static LoraConfig allLinear(int r, double alpha) {
        return new LoraConfig(
                r,
                alpha,
                0,
                new TargetModules.AllLinear(),
                null,
                Bias.NONE,
                false,
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                List.of(),
                Init.TRUE,
                null);
    }

    /// The same with another dropout.
    public LoraConfig withDropout(double dropout) {
        return new LoraConfig(
                r,
                loraAlpha,
                dropout,
                targetModules,
                excludeModules,
                bias,
                useRslora,
                modulesToSave,
                rankPattern,
                alphaPattern,
                layersToTransform,
                layersPattern,
                initLoraWeights,
                baseModel);
    }

    @Override
    public String peftType() {
        return "LORA";
    }

    double scale(int rank, double alpha) {
        return useRslora ? alpha / Math.sqrt(rank) : alpha / rank;
    }
}
