package dev.graft.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.kernel.Activation;
import dev.graft.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What configs say and leave out, family by family.
class FamiliesConfigTest {
    private static final String SHAPE =
            "'hidden_size': 64, 'intermediate_size': 96, 'num_hidden_layers': 4,"
                    + " 'num_attention_heads': 4, 'num_key_value_heads': 2, 'vocab_size': 100,"
                    + " 'max_position_embeddings': 512";

    @TempDir private Path folder;

    private ModelConfig read(String type, String more) {
        String json = "{'model_type': '%s', %s%s}".formatted(type, SHAPE, more);
        try {
            Files.writeString(folder.resolve("config.json"), json.replace('\'', '"'));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return ModelConfig.read(folder);
    }

    private static List<Long> windows(ModelConfig config) {
        return config.kinds().stream().map(LayerKind::window).toList();
    }

    @Test
    void anUnknownFamilyIsRefusedByNameWithThoseThatAreKnown() {
        assertThatThrownBy(() -> read("bloom", ""))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(
                        "model_type 'bloom' is not supported; supported: "
                                + String.join(", ", Families.SUPPORTED));
    }

    @Test
    void windowsAreWhereTheFamilyHasThem() {
        assertThat(windows(read("llama", ", 'sliding_window': 8"))).containsOnly(0L);
        assertThat(windows(read("mistral", ", 'sliding_window': 8"))).containsOnly(8L);
        assertThat(windows(read("mistral", ", 'sliding_window': null"))).containsOnly(0L);
        assertThat(windows(read("mistral", ""))).containsOnly(4096L);
        String qwen = ", 'sliding_window': 8, 'max_window_layers': 3";
        assertThat(windows(read("qwen2", qwen))).containsOnly(0L);
        assertThat(windows(read("qwen2", qwen + ", 'use_sliding_window': true")))
                .containsExactly(0L, 0L, 0L, 8L);
        assertThat(windows(read("ministral", ", 'layer_types': null"))).containsOnly(4096L);
        assertThat(windows(read("gemma2", ", 'sliding_window': 8")))
                .containsExactly(8L, 0L, 8L, 0L);
        assertThat(windows(read("gemma3_text", ", 'sliding_window_pattern': 3")))
                .containsExactly(4096L, 4096L, 0L, 4096L);
        String types =
                ", 'layer_types': ['full_attention', 'sliding_attention',"
                        + " 'sliding_attention', 'full_attention']";
        assertThat(windows(read("gemma2", types))).containsExactly(0L, 4096L, 4096L, 0L);
    }

    @Test
    void layersOfAnotherKindAreRefused() {
        String types =
                ", 'layer_types': ['linear_attention', 'full_attention', 'full_attention',"
                        + " 'full_attention']";
        assertThatThrownBy(() -> read("gemma2", types))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("layer 0 is 'linear_attention', which is not supported");
        assertThatThrownBy(() -> read("gemma3_text", ", 'use_bidirectional_attention': true"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("use_bidirectional_attention");
        assertThatThrownBy(() -> read("llama", ", 'hidden_act': 'relu'"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("hidden_act 'relu' is not supported");
        assertThatThrownBy(() -> read("llama", ", 'rope_scaling': {'type': 'mrope'}"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("rope type 'mrope' is not supported");
    }

    @Test
    void gemmaMeansTheApproximationWhereItSaysGelu() {
        String act = ", 'hidden_act': 'gelu', 'hidden_activation': null";
        assertThat(read("gemma", act).mlp().activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(read("gemma2", ", 'hidden_activation': 'gelu'").mlp().activation())
                .isEqualTo(Activation.GELU);
        assertThat(read("llama", act).mlp().activation()).isEqualTo(Activation.GELU);
    }

    /// √3072 in bfloat16 is 55.5, as the source of Gemma says.
    @Test
    void theFactorOfEmbeddingsIsRoundedToTheTypeOfTheTable() {
        var gemma = new Multipliers(Math.sqrt(3072), true, 1, 1, 0);
        assertThat(gemma.embedding(DType.BF16)).isEqualTo(55.5);
        assertThat(gemma.embedding(DType.F32)).isEqualTo((float) Math.sqrt(3072));
        var granite = new Multipliers(12.3, false, 1, 1, 0);
        assertThat(granite.embedding(DType.BF16)).isEqualTo(12.3);
    }

    @ParameterizedTest
    @CsvSource({
        "1.00390625, 1", // halfway between two: to the even one
        "1.01171875, 1.015625",
        "-3.141592653589793, -3.140625",
        "65504, 65536",
        "0, 0"
    })
    void numbersAreRoundedToTheNearestOfBfloat16(double value, double rounded) {
        assertThat(DType.BF16.round(value)).isEqualTo(rounded);
    }

    @Test
    void ropeParametersOfBothSpellingsMeanTheSame() {
        String five =
                ", 'rope_parameters': {'rope_type': 'yarn', 'rope_theta': 5000.0, 'factor': 4.0,"
                        + " 'original_max_position_embeddings': 128}";
        String four =
                ", 'rope_theta': 5000.0, 'rope_scaling': {'type': 'yarn', 'factor': 4.0,"
                        + " 'original_max_position_embeddings': 128}";
        assertThat(read("qwen2", four)).isEqualTo(read("qwen2", five));
        assertThat(read("qwen2", four).kinds().getFirst().rope().scaling())
                .isEqualTo(new RopeScaling.Yarn(4, 32, 1, true, 128, 0.1 * Math.log(4) + 1));
    }

    /// Measured against Transformers 5.18, whose classes pass over what they do not declare.
    @Test
    void keysOfOtherFamiliesDoNotCount() {
        String foreign =
                ", 'partial_rotary_factor': 0.5, 'mlp_bias': true, 'hidden_activation': 'gelu',"
                        + " 'query_pre_attn_scalar': 3, 'attn_logit_softcapping': 2.0,"
                        + " 'final_logit_softcapping': 2.0, 'embedding_multiplier': 3.0,"
                        + " 'attention_multiplier': 3.0, 'residual_multiplier': 3.0,"
                        + " 'logits_scaling': 3.0, 'clip_qkv': 0.5, 'use_bias': true,"
                        + " 'rope_local_base_freq': 5.0, 'attention_out_bias': true";
        assertThat(read("qwen3", foreign)).isEqualTo(read("qwen3", ""));
        assertThat(windows(read("gemma2", ", 'sliding_window_pattern': 3")))
                .isEqualTo(windows(read("gemma2", "")));
        String own = ", 'embedding_multiplier': 3.0, 'mlp_bias': true";
        assertThat(read("granite", own).multipliers().embedding()).isEqualTo(3);
        assertThat(read("granite", own).mlp().bias()).isTrue();
        assertThatThrownBy(() -> read("olmoe", ", 'clip_qkv': 8.0"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("clip_qkv: 8.0 is not supported");
    }

    @Test
    void aScalingAddedToANewConfigCountsUnlessTheBaseWouldBeLost() {
        String yarn = ", 'rope_scaling': {'rope_type': 'linear', 'factor': 4.0}";
        String base = ", 'rope_parameters': {'rope_type': 'default', 'rope_theta': 1000000.0}";
        var rope = read("qwen3", yarn + base + ", 'rope_theta': 5.0").kinds().getFirst().rope();
        assertThat(rope.scaling()).isEqualTo(new RopeScaling.Linear(4));
        assertThat(rope.theta()).isEqualTo(5);
        assertThatThrownBy(() -> read("qwen3", yarn + base))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("move what rope_scaling says into rope_parameters");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "llama | , 'num_hidden_layers': 2147483646 | expected at most 100,000 in all",
                "mixtral | , 'num_local_experts': 1000000000 | expected at most 100,000 in all",
                "mixtral | , 'num_local_experts': 2, 'num_experts_per_tok': 5 | more than the 2 experts",
                "llama | , 'tie_word_embeddings': 'false' | expected true or false",
                "llama | , 'rope_scaling': 'linear' | expected an object",
                "llama | , 'rope_theta': -1 | expected a positive number"
            })
    void absurdValuesAreRefusedAtOnce(String type, String more, String message) {
        assertThatThrownBy(() -> read(type, more))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aHeadOfClassesIsRefused() {
        String head = ", 'architectures': ['LlamaForSequenceClassification']";
        assertThatThrownBy(() -> read("llama", head))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("LlamaForSequenceClassification has no head of tokens");
    }

    /// Of a model with images the outer key decides, and ties if it is absent.
    @Test
    void theOuterConfigSaysWhetherEmbeddingsAreTied() throws IOException {
        String text = "\"text_config\": {\"tie_word_embeddings\": false}";
        Files.writeString(
                folder.resolve("config.json"), "{\"model_type\": \"gemma3\", %s}".formatted(text));
        assertThat(ModelConfig.read(folder).tiedEmbeddings()).isTrue();
        Files.writeString(
                folder.resolve("config.json"),
                "{\"model_type\": \"gemma3\", \"tie_word_embeddings\": false, %s}".formatted(text));
        assertThat(ModelConfig.read(folder).tiedEmbeddings()).isFalse();
    }

    @Test
    void aConfigWithoutModelTypeIsRefusedWithItsArchitectures() throws IOException {
        Files.writeString(
                folder.resolve("config.json"), "{\"architectures\": [\"MiniCPM3ForCausalLM\"]}");
        assertThatThrownBy(() -> ModelConfig.read(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(
                        "a config without model_type (architectures: [\"MiniCPM3ForCausalLM\"]) is not supported");
    }

    @Test
    void theFirstFilesOfPhiSaySuOrYarnOfLongRope() {
        String factors =
                "'short_factor': [1, 1, 1, 1, 1, 1, 1, 1], 'long_factor': [1, 2, 3, 4, 5, 6, 7, 8]";
        for (String type : List.of("su", "yarn", "longrope")) {
            var config =
                    read("phi3", ", 'rope_scaling': {'type': '%s', %s}".formatted(type, factors));
            assertThat(config.kinds().getFirst().rope().scaling())
                    .isInstanceOf(RopeScaling.LongRope.class);
        }
    }

    @Test
    void someLayersOfSmolLm3HaveNoPositions() {
        assertThat(read("smollm3", "").kinds().stream().map(k -> k.rope() != null))
                .containsExactly(true, true, true, false);
        assertThat(
                        read("smollm3", ", 'no_rope_layers': [0, 1, 0, 1]").kinds().stream()
                                .map(k -> k.rope() != null))
                .containsExactly(false, true, false, true);
    }
}
