package dev.graft.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import dev.graft.optim.Optim;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptimizerKeysTest {
    private static RunConfig read(String more) {
        return RunConfigReader.read(
                "{model_name_or_path: m, dataset: d.jsonl, output_dir: o, %s}".formatted(more),
                "run.yaml",
                Map.of());
    }

    @ParameterizedTest
    @CsvSource({
        "adamw_torch, ADAMW_TORCH",
        "adamw_8bit, ADAMW_8BIT",
        "paged_adamw_32bit, PAGED_ADAMW_32BIT",
        "paged_adamw_8bit, PAGED_ADAMW_8BIT",
        "adamw_torch_fused, ADAMW_TORCH",
        "adamw_bnb_8bit, ADAMW_8BIT",
        "paged_adamw, PAGED_ADAMW_32BIT"
    })
    void optimizersHaveTheNamesOfTransformers(String name, Optim optim) {
        assertThat(read("optim: " + name).optimizer().optim()).isEqualTo(optim);
    }

    @Test
    void anUnknownOptimizerIsToldTheOnesThereAre() {
        assertThatThrownBy(() -> read("optim: adam"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found \"adam\"")
                .hasMessageContaining(
                        "one of adamw_torch, adamw_8bit, paged_adamw_32bit, paged_adamw_8bit")
                .hasMessageContaining("1 problem");
    }

    @ParameterizedTest
    @CsvSource({
        "512MB, 512000000",
        "2GB, 2000000000",
        "1.5 GiB, 1610612736",
        "64mib, 67108864",
        "3k, 3000",
        "1000000, 1000000",
        "100B, 100",
        "0, 0"
    })
    void memoryIsGivenWithOrWithoutAUnit(String text, long bytes) {
        RunConfig config = read("optim: paged_adamw_8bit, optim_memory: " + text);
        assertThat(config.optimizer().optimMemory()).isEqualTo(bytes);
        assertThat(RunConfigReader.read(config.toYaml(), "again", Map.of())).isEqualTo(config);
    }

    @ParameterizedTest
    @ValueSource(strings = {"much", "-1", "2 gigs", "GB", "99999999999TB", "true"})
    void whatIsNoSizeIsRefused(String text) {
        assertThatThrownBy(() -> read("optim: paged_adamw, optim_memory: " + text))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("optim_memory: found")
                .hasMessageContaining("a size such as 512MB or 2GiB");
    }

    @Test
    void aLimitWithoutPagingIsRefused() {
        assertThatThrownBy(() -> read("optim: adamw_8bit, optim_memory: 1GB"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(
                        "optim_memory: found with optim adamw_8bit, expected one that is paged");
    }
}
