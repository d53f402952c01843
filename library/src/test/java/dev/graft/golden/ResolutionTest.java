package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetResolution;
import dev.graft.error.ConfigException;
import dev.graft.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Which modules a config means, against PEFT, and where Graft is stricter on purpose.
class ResolutionTest {
    private static final JsonNode GOLDEN = Golden.json("resolution.json");

    private static final String UNKNOWN_NAME =
            "a name that matches nothing is an error here, even beside one that matches";
    private static final String UNKNOWN_PATTERN =
            "a pattern that matches no adapted module is an error here, in PEFT a warning";

    /// The configs that PEFT takes and Graft refuses, with the reason.
    private static final Map<String, String> STRICTER =
            Map.ofEntries(
                    Map.entry("{\"target_modules\":[\"q_proj\",\"nothing\"]}", UNKNOWN_NAME),
                    Map.entry(
                            "{\"target_modules\":[\"embed_tokens\"]}",
                            "LoRA on the embedding is not supported: modules_to_save trains it"),
                    Map.entry(
                            "{\"target_modules\":null}",
                            "PEFT has a default for each model_type; here the modules are named"),
                    Map.entry(
                            "{\"target_modules\":\"all-linear\",\"exclude_modules\":[\"self_attn\"]}",
                            UNKNOWN_NAME + "; PEFT excludes nothing and is silent"),
                    Map.entry(
                            "{\"target_modules\":[\"q_proj\"],\"exclude_modules\":[\"nothing\"]}",
                            UNKNOWN_NAME),
                    Map.entry(
                            "{\"target_modules\":[\"q_proj\"],\"modules_to_save\":[\"nothing\"]}",
                            UNKNOWN_NAME + "; PEFT is silent"),
                    Map.entry(pattern("_proj"), UNKNOWN_PATTERN),
                    Map.entry(pattern("self_attn"), UNKNOWN_PATTERN),
                    Map.entry(pattern("^q_proj"), UNKNOWN_PATTERN),
                    Map.entry(pattern("\\\\.q_proj"), UNKNOWN_PATTERN),
                    Map.entry(pattern("k_proj"), UNKNOWN_PATTERN));

    private static final String PLAIN_TARGET = "{\"target_modules\":\"q_proj\"}";
    private static final String PLAIN_EXCLUDED =
            "{\"target_modules\":\"all-linear\",\"exclude_modules\":\"k_proj\"}";

    /// The configs that mean something else here, each with a test of its own.
    private static final Set<String> DIFFERENT = Set.of(PLAIN_TARGET, PLAIN_EXCLUDED);

    private static String pattern(String key) {
        return "{\"target_modules\":[\"q_proj\",\"v_proj\"],\"rank_pattern\":{\"%s\":2}}"
                .formatted(key);
    }

    static Stream<JsonNode> cases() {
        List<JsonNode> cases = new ArrayList<>();
        GOLDEN.get("cases").forEach(cases::add);
        return cases.stream();
    }

    /// The cases by what is to be seen, so that none is left out.
    static Stream<JsonNode> same() {
        return cases().filter(c -> c.has("modules") && !isListed(c));
    }

    static Stream<JsonNode> refused() {
        return cases().filter(c -> !DIFFERENT.contains(key(c)))
                .filter(c -> c.has("error") || STRICTER.containsKey(key(c)));
    }

    private static boolean isListed(JsonNode c) {
        return STRICTER.containsKey(key(c)) || DIFFERENT.contains(key(c));
    }

    private static String key(JsonNode c) {
        return c.get("config").toString();
    }

    @Test
    void everyListedDifferenceIsACaseOfTheGoldenFile() {
        Set<String> all = new HashSet<>(cases().map(ResolutionTest::key).toList());
        assertThat(all).containsAll(STRICTER.keySet()).containsAll(DIFFERENT);
        assertThat(same().count() + refused().count() + DIFFERENT.size())
                .isEqualTo(cases().count());
    }

    @ParameterizedTest
    @MethodSource("same")
    void modulesAreThoseOfPeft(JsonNode c, @TempDir Path folder) {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            LoraConfig config = Golden.loraConfig(folder, c.get("config"));
            try (var adapter = Adapter.attach(model.transformer, config, 0)) {
                assertTargets(adapter.resolution(), c.get("modules"));
                assertSaved(adapter.resolution(), c.path("modules_to_save"));
                assertThat(adapter.parameterCount())
                        .isEqualTo(c.get("trainable_parameters").asLong());
            }
        }
    }

    private static void assertTargets(TargetResolution resolution, JsonNode modules) {
        assertThat(resolution.lora().stream().map(TargetResolution.Target::path))
                .containsExactlyElementsOf(modules.findValuesAsText("path"));
        for (int i = 0; i < modules.size(); i++) {
            JsonNode module = modules.get(i);
            var target = resolution.lora().get(i);
            assertThat(target.rank()).as(target.path()).isEqualTo(module.get("r").asInt());
            assertThat(target.alpha()).as(target.path()).isEqualTo(module.get("alpha").asDouble());
            assertThat(target.scale())
                    .as(target.path())
                    .isCloseTo(module.get("scaling").asDouble(), within(1e-13));
        }
    }

    /// PEFT names the container, Graft what lies in it.
    private static void assertSaved(TargetResolution resolution, JsonNode modules) {
        List<String> containers = new ArrayList<>();
        modules.forEach(m -> containers.add(m.asText()));
        for (String path : resolution.saved()) {
            assertThat(containers)
                    .as(path)
                    .anyMatch(c -> path.equals(c) || path.startsWith(c + "."));
        }
        for (String container : containers) {
            assertThat(resolution.saved())
                    .as(container)
                    .anyMatch(p -> p.equals(container) || p.startsWith(container + "."));
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void whatIsRefusedIsRefusedWithAMessageForTheUser(JsonNode c, @TempDir Path folder) {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            assertThatThrownBy(
                            () -> {
                                var config = Golden.loraConfig(folder, c.get("config"));
                                TargetResolution.of(config, model.transformer);
                            })
                    .as(STRICTER.getOrDefault(key(c), "PEFT raises " + c.path("error").asText()))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageNotContaining("\n");
        }
    }

    private static TargetResolution resolve(Path folder, String keys) {
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            return TargetResolution.of(Golden.loraConfig(folder, keys), model.transformer);
        }
    }

    private static List<String> paths(TargetResolution resolution) {
        return resolution.lora().stream().map(TargetResolution.Target::path).toList();
    }

    /// For PEFT a string is an expression for the whole path, which a plain name never matches.
    @Test
    void plainStringIsAName(@TempDir Path folder) {
        assertThat(paths(resolve(folder, PLAIN_TARGET)))
                .containsExactly(
                        "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj");
        assertThat(paths(resolve(folder, PLAIN_EXCLUDED)))
                .hasSize(12)
                .noneMatch(p -> p.endsWith("k_proj"));
    }

    @Test
    void messagesNameWhatIsThere(@TempDir Path folder) {
        assertThatThrownBy(() -> resolve(folder, "{'target_modules': ['q_pro']}"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("'q_pro'")
                .hasMessageContaining("q_proj, k_proj, v_proj, o_proj");
        assertThatThrownBy(() -> resolve(folder, "{'target_modules': ['embed_tokens']}"))
                .hasMessageContaining("modules_to_save: [embed_tokens]");
        assertThatThrownBy(
                        () ->
                                resolve(
                                        folder,
                                        "{'target_modules': ['q_proj'], 'modules_to_save': ['x']}"))
                .hasMessageContaining("'x'")
                .hasMessageContaining("embed_tokens");
    }

    @Test
    void brokenPatternIsRefused(@TempDir Path folder) {
        for (String key : List.of("rank_pattern", "alpha_pattern")) {
            assertThatThrownBy(
                            () ->
                                    resolve(
                                            folder,
                                            "{'target_modules': ['q_proj'], '%s': {'q_proj(': 2}}"
                                                    .formatted(key)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(key)
                    .hasMessageContaining("'q_proj('");
        }
    }

    /// PiSSA and its kin move a part of the base into A and B: on the plain base their files are
    /// another model.
    @Test
    void initializationThatChangesTheBaseIsRefused(@TempDir Path folder) {
        for (String init : List.of("pissa", "pissa_niter_16", "olora", "corda", "loftq")) {
            assertThatThrownBy(
                            () ->
                                    resolve(
                                            folder,
                                            "{'target_modules': ['q_proj'], 'init_lora_weights': '%s'}"
                                                    .formatted(init)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(init);
        }
        for (String init : List.of("true", "false", "'gaussian'", "'eva'", "'orthogonal'")) {
            resolve(
                    folder,
                    "{'target_modules': ['q_proj'], 'init_lora_weights': %s}".formatted(init));
        }
    }
}
