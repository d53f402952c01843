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
        return new LoraConfig(
                r,
                r,
                0,
                new TargetModules.Names(List.of(modules)),
                null,
                LoraConfig.Bias.NONE,
                false,
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                List.of(),
                LoraConfig.Init.TRUE,
                null);
    }

    /// LoRA of all linear maps, and modules that are trained whole.
    static LoraConfig saving(String... modules) {
        LoraConfig all = LoraConfig.allLinear(16, 16);
        return new LoraConfig(
                all.r(),
                all.loraAlpha(),
                0,
                all.targetModules(),
                null,
                LoraConfig.Bias.NONE,
                false,
                List.of(modules),
                Map.of(),
                Map.of(),
                List.of(),
                List.of(),
                LoraConfig.Init.TRUE,
                null);
    }
}
