package dev.graft.config;

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
        Bias bias,
        InitLoraWeights initLoraWeights,
        List<String> modulesToSave,
        Targets targets) {
    public LoraOptions {
        Keys.R.check(r);
        Keys.LORA_ALPHA.check(loraAlpha);
        Keys.LORA_DROPOUT.check(loraDropout);
        modulesToSave = List.copyOf(modulesToSave);
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
    }
}
