package dev.graft.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.error.GraftException;
import dev.graft.export.RandomModel;
import dev.graft.golden.Golden;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Adapters that users of PEFT and others have published, on random bases of the shape that they
/// were made for; only vocabulary and feed-forward, which they do not touch, are smaller.
class RealAdaptersTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int[] IDS = {1, 20, 33, 4, 55, 6, 17, 60};

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"tinyllama-r4-qv-emotion", "tinyllama-r4-qv-therapist"})
    void thoseOfTinyLlamaLoadAndChangeWhatItSays(String name) throws IOException {
        Path adapter = Shared.folder("data/adapters/" + name);
        Path original = Shared.folder("data/configs/TinyLlama-1.1B-Chat-v1.0.json");
        var config = (ObjectNode) JSON.readTree(original.toFile());
        long parameters = 22 * 4 * ((2048 + 2048) + (2048 + 256));
        loads(adapter, base(config), parameters);
    }

    @Test
    void thatOfGemma3LoadsAndChangesWhatItSays() throws IOException {
        Path adapter = Shared.folder("data/adapters/gemma3-270m-r4-qkvo");
        ObjectNode config =
                JSON.createObjectNode()
                        .put("model_type", "gemma3_text")
                        .put("hidden_size", 640)
                        .put("num_hidden_layers", 18)
                        .put("num_attention_heads", 4)
                        .put("num_key_value_heads", 1)
                        .put("head_dim", 256)
                        .put("hidden_activation", "gelu_pytorch_tanh")
                        .put("max_position_embeddings", 32768)
                        .put("query_pre_attn_scalar", 256)
                        .put("rms_norm_eps", 1e-6)
                        .put("rope_theta", 1e6)
                        .put("rope_local_base_freq", 1e4)
                        .put("sliding_window", 512)
                        .put("sliding_window_pattern", 6)
                        .put("bos_token_id", 2)
                        .put("eos_token_id", 1);
        long parameters = 18 * 4 * (2 * (640 + 1024) + 2 * (640 + 256));
        loads(adapter, base(config), parameters);
    }

    private Path base(ObjectNode config) throws IOException {
        Path from = Files.createDirectories(folder.resolve("config"));
        config.put("vocab_size", 64).put("intermediate_size", 64);
        Files.writeString(from.resolve("config.json"), config.toString());
        Path base = Files.createDirectories(folder.resolve("base"));
        RandomModel.write(from, base, DType.BF16, 42);
        return base;
    }

    private void loads(Path folder, Path base, long parameters) {
        long before = Scope.liveBytes();
        try (var model = new Golden.Model(base, DType.F32);
                var _ = Scope.open("test")) {
            Tensor plain = model.logits(IDS);
            try (var adapter = PeftFiles.load(model.transformer, folder)) {
                assertThat(adapter.parameterCount()).isEqualTo(parameters);
                Tensor adapted = model.logits(IDS);
                assertThat(adapted.sub(plain).abs().max().item()).isGreaterThan(1e-4);
            }
            assertThat(model.logits(IDS).sameAs(plain)).isTrue();
        }
        assertThat(Scope.liveBytes()).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    bloom-1b1-prompt-tuning | peft_type 'PROMPT_TUNING' is not supported; supported: LORA
                    dialogpt-synthetic-r8 | c_attn
                    gpt2-r8-c_attn | c_attn
                    gpt2-r16-seqcls-bin-and-safetensors | fan_in_fan_out
                    open-calm-1b-r1 | query_key_value
                    opt-125m-r16-qv | does not fit the model: missing
                    mlx-lora | no peft_type
                    tinyllama-r4-qv-emotion | does not fit the model
                    """)
    void othersAreRefusedWithTheReason(String name, String reason) {
        Path adapter = Shared.folder("data/adapters/" + name);
        try (var model = new Golden.Model("llama-tiny", DType.F32)) {
            long live = Scope.liveBytes();
            assertThatThrownBy(() -> PeftFiles.load(model.transformer, adapter))
                    .isInstanceOf(GraftException.class)
                    .hasMessageContaining(reason);
            assertThat(Scope.liveBytes()).isEqualTo(live);
        }
    }
}
