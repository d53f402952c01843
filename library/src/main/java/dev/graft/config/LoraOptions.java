package dev.graft.config;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetModules;
import dev.graft.error.ConfigException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The adapter, in the words of PEFT's `LoraConfig`; empty lists and maps mean "not given".
public record LoraOptions(
        int r,
        double loraAlpha,
        double loraDropout,
        boolean useRslora,
        LoraConfig.Bias bias,
        LoraConfig.Init initLoraWeights,
        List<String> modulesToSave,
        Targets targets) {
    public LoraOptions {
        Keys.R.check(r);
        Keys.LORA_ALPHA.check(loraAlpha);
        Keys.LORA_DROPOUT.check(loraDropout);
        modulesToSave = List.copyOf(modulesToSave);
    }

    /// The adapter's own config.
    ///
    /// @param baseModel what it will name as its base
    public LoraConfig adapter(String baseModel) {
        return new LoraConfig(
                r,
                loraAlpha,
                loraDropout,
                targets.targetModules(),
                targets.excluded(),
                bias,
                useRslora,
                modulesToSave,
                targets.rankPattern(),
                targets.alphaPattern(),
                targets.layersToTransform(),
                targets.layersPattern(),
                initLoraWeights,
                baseModel);
    }

    /// Which modules get an adapter, and of which size where it differs.
    ///
    /// @param rankPattern module pattern to rank, in the order of the file
    /// @param alphaPattern module pattern to `lora_alpha`, in the order of the file
    public record Targets(
            TargetModules targetModules,
            List<String> excludeModules,
            Map<String, Integer> rankPattern,
            Map<String, Double> alphaPattern,
            List<Integer> layersToTransform,
            List<String> layersPattern) {
        public Targets {
            excludeModules = List.copyOf(excludeModules);
            rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
            alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
            layersToTransform = List.copyOf(layersToTransform);
            layersPattern = List.copyOf(layersPattern);
        }

        /// The excluded modules as a choice, or null; one name may be a regular expression.
        private TargetModules excluded() {
            if (excludeModules.isEmpty()) {
                return null;
            }
            if (excludeModules.size() > 1) {
                return new TargetModules.Names(excludeModules);
            }
            try {
                return TargetModules.parse(excludeModules.getFirst());
            } catch (IllegalArgumentException e) {
                throw new ConfigException(
                        "exclude_modules: '%s' is %s"
                                .formatted(excludeModules.getFirst(), e.getMessage()),
                        e);
            }
        }
    }
}
