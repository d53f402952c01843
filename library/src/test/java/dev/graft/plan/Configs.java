package dev.graft.plan;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetModules;
import dev.graft.model.ModelConfig;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Shapes of models to plan for.
final class Configs {
    private Configs() {}

    static ModelConfig llama7b() {
        return read("llama-2-7b");
    }

    static ModelConfig llama65b() {
        return read("llama-65b");
    }

    private static ModelConfig read(String name) {
        try {
            return ModelConfig.read(
                    Path.of(Configs.class.getResource("/plan/" + name + ".json").toURI()));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    static LoraConfig lora(int r, String... modules) {
        return lora(r, new TargetModules.Names(List.of(modules)), List.of());
    }

    /// LoRA of all linear maps, and modules that are trained whole.
    static LoraConfig saving(int r, String... modules) {
        return lora(r, LoraConfig.allLinear(r, r).targetModules(), List.of(modules));
    }

    private static LoraConfig lora(int r, TargetModules modules, List<String> saved) {
        return new LoraConfig(
                r,
                r,
                0,
                modules,
                null,
                LoraConfig.Bias.NONE,
                false,
                saved,
                Map.of(),
                Map.of(),
                List.of(),
                List.of(),
                LoraConfig.Init.TRUE,
                null);
    }
}
