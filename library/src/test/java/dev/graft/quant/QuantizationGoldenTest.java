package dev.graft.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.Shared;
import dev.graft.error.ModelFormatException;
import dev.graft.kernel.BlockMaxima;
import dev.graft.kernel.FourBitMatrix;
import dev.graft.kernel.Int8Matrix;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.TorchKernels;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The bytes are those of bitsandbytes 0.50.2 (`bench/golden/quantization.py`).
class QuantizationGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    @RegisterExtension final TestScope scope = new TestScope();

    record Case(JsonNode json) {
        @Override
        public String toString() {
            return "%s %s %s block %s double %s"
                    .formatted(
                            json.path("shape"),
                            json.path("dtype").asText(),
                            json.path("quant_type").asText(),
                            json.path("blocksize"),
                            json.path("double_quant"));
        }

        int rows() {
            return json.path("shape").get(0).asInt();
        }

        int in() {
            return json.path("shape").get(1).asInt();
        }

        String text(String key) {
            return json.path(key).asText();
        }

        /// The input that the script made.
        Tensor values() {
            float[] x = new float[rows() * in()];
            long s = 12345;
            for (int i = 0; i < x.length; i++) {
                s = (1103515245L * s + 12345) & 0x7fffffff;
                x[i] = (float) (s / 2147483647.0 * 2 - 1) * (float) json.path("scale").asDouble(1);
            }
            if (json.path("zeros").asBoolean()) {
                for (int i = 0; i < json.path("blocksize").asInt() + 3; i++) {
                    x[i] = 0;
                }
            }
            return Tensor.of(x, rows(), in()).to(DType.ofTorchName(text("dtype")));
        }

        Quantization.FourBit how() {
            return new Quantization.FourBit(
                    FourBitCode.valueOf(text("quant_type").toUpperCase(java.util.Locale.ROOT)),
                    json.path("blocksize").asInt(),
                    json.path("double_quant").asBoolean());
        }
    }

    private static Stream<Case> cases(String key) throws IOException {
        Path file = Path.of("src/test/resources/golden/quantization.json");
        JsonNode root = JSON.readTree(Files.readString(file));
        return StreamSupport.stream(root.path(key).spliterator(), false).map(Case::new);
    }

    static Stream<Case> fourBit() throws IOException {
        return cases("four_bit");
    }

    static Stream<Case> int8() throws IOException {
        return cases("int8");
    }

    private static String digest(Tensor t) throws Exception {
        byte[] bytes = t.contiguous().segment().toArray(ValueLayout.JAVA_BYTE);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    @ParameterizedTest
    @MethodSource("fourBit")
    void fourBitBytesAreThoseOfBitsandbytes(Case c) throws Exception {
        QuantizedTensor q = Quantizer.quantize("w", c.values(), c.how());
        var m = (FourBitMatrix) q.matrix();
        assertThat(digest(m.codes())).isEqualTo(c.text("packed"));
        switch (m.maxima()) {
            case BlockMaxima.Plain(Tensor values) ->
                    assertThat(digest(values)).isEqualTo(c.text("absmax"));
            case BlockMaxima.Nested n -> {
                assertThat(digest(n.codes())).isEqualTo(c.text("absmax"));
                assertThat(digest(n.maxima())).isEqualTo(c.text("nested_absmax"));
            }
        }
        assertThat(BitsAndBytes.state(m, c.how(), q.source())).isEqualTo(c.text("state"));
    }

    @ParameterizedTest
    @MethodSource("fourBit")
    void fourBitValuesAreThoseOfBitsandbytes(Case c) throws Exception {
        var m = Quantizer.quantize("w", c.values(), c.how()).matrix();
        Tensor fast = Tensor.empty(DType.F32, c.rows(), c.in());
        Kernels.of(fast).expand(m, 0, fast);
        assertThat(digest(fast)).isEqualTo(c.text("dequantized"));
        Tensor plain = Tensor.empty(DType.F32, c.rows(), c.in());
        TorchKernels.INSTANCE.expand(m, 0, plain);
        assertThat(digest(plain)).isEqualTo(c.text("dequantized"));
    }

    @ParameterizedTest
    @MethodSource("int8")
    void int8BytesAndValuesAreThoseOfBitsandbytes(Case c) throws Exception {
        var q = Quantizer.quantize("w", c.values(), new Quantization.Int8());
        var m = (Int8Matrix) q.matrix();
        assertThat(digest(m.codes())).isEqualTo(c.text("codes"));
        assertThat(digest(m.maxima())).isEqualTo(c.text("scb"));
        Tensor fast = Tensor.empty(DType.F32, c.rows(), c.in());
        Kernels.of(fast).expand(m, 0, fast);
        assertThat(digest(fast)).isEqualTo(c.text("dequantized"));
        Tensor plain = Tensor.empty(DType.F32, c.rows(), c.in());
        TorchKernels.INSTANCE.expand(m, 0, plain);
        assertThat(digest(plain)).isEqualTo(c.text("dequantized"));
    }

    /// The vectors of `shared/golden`, made on another machine.
    @Test
    void theSharedVectorsAreMatched() throws Exception {
        Path file = Shared.folder("golden").resolve("bitsandbytes-4bit.json");
        int seen = 0;
        for (JsonNode json : JSON.readTree(Files.readString(file)).path("cases")) {
            var c = new Case(json);
            var q = Quantizer.quantize("w", c.values(), c.how());
            var m = (FourBitMatrix) q.matrix();
            assertThat(digest(m.codes())).isEqualTo(c.text("packed_sha256"));
            assertThat(digest(((BlockMaxima.Nested) m.maxima()).codes()))
                    .isEqualTo(c.text("absmax_sha256"));
            assertThat(BitsAndBytes.state(m, c.how(), q.source())).isEqualTo(c.text("state_json"));
            Tensor values = Tensor.empty(DType.F32, c.rows(), c.in());
            Kernels.of(values).expand(m, 0, values);
            Tensor rounded = values.to(DType.ofTorchName(c.text("dtype"))).to(DType.F32);
            assertThat(digest(rounded)).isEqualTo(c.text("dequant_sha256_f32"));
            seen++;
        }
        assertThat(seen).isPositive();
    }

    @Test
    void valuesThatAreNoNumbersAreRefusedByName() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] x = new float[256];
            x[100] = bad;
            for (Quantization how :
                    new Quantization[] {Quantization.FourBit.DEFAULT, new Quantization.Int8()}) {
                assertThatThrownBy(() -> Quantizer.quantize("layers.3.q", Tensor.of(x, 4, 64), how))
                        .isInstanceOf(ModelFormatException.class)
                        .hasMessageContaining("layers.3.q");
            }
        }
    }
}
