package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.adapter.PeftFiles;
import dev.graft.error.ConfigException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.export.QuantizedFolderWriter;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.golden.Golden.Tokens;
import dev.graft.model.BaseResidency;
import dev.graft.model.FullTuning;
import dev.graft.model.LoadOptions;
import dev.graft.nn.Parameter;
import dev.graft.optim.AdamW;
import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A base in codes against Transformers, bitsandbytes and PEFT (`bench/golden/qlora.py`). The
/// matrices have 32 columns and blocks of 64, so that every block crosses rows.
class QloraParityTest {
    private static final double TOLERANCE = 1e-4;

    @TempDir private Path folder;
    private final JsonNode expected = Golden.json("qlora/expected.json");
    private final Tokens tokens = Tokens.of(expected.get("sequences"));
    @RegisterExtension final TestScope scope = new TestScope(() -> Golden.DEVICE);

    private static LoadOptions options(String kind, BaseResidency residency) {
        Quantization how =
                switch (kind) {
                    case "nf4" -> Quantization.FourBit.DEFAULT;
                    case "fp4" -> new Quantization.FourBit(FourBitCode.FP4, 64, true);
                    default -> new Quantization.Int8();
                };
        return new LoadOptions(how, null, residency, Golden.DEVICE, (_, _) -> {});
    }

    private static Golden.Model quantized(String kind) {
        return new Golden.Model(
                Golden.folder("llama-tiny"), DType.F32, options(kind, BaseResidency.AUTO));
    }

    private void assertLogits(Golden.Model model, String kind) {
        try (var file = Golden.tensors("qlora/" + kind + ".safetensors")) {
            for (int i = 0; i < expected.get("sequences").size(); i++) {
                int[] ids = Golden.ints(expected.get("sequences").get(i).get("ids"));
                assertThat(Golden.maxDifference(model.logits(ids), file.tensor("base." + i)))
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void quantizedWhileLoadingTheLogitsAreThoseOfTheDequantizedBase(String kind) {
        try (var model = quantized(kind)) {
            assertLogits(model, kind);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void checkpointsThatTransformersWroteLoadAsTheyAre(String kind) {
        Path written = Golden.folder("qlora/llama-tiny-" + kind);
        for (var residency : List.of(BaseResidency.AUTO, BaseResidency.RAM, BaseResidency.MAPPED)) {
            if (residency == BaseResidency.MAPPED && !Golden.DEVICE.isCpu()) {
                continue; // a card maps no file
            }
            var options = new LoadOptions(null, null, residency, Golden.DEVICE, (_, _) -> {});
            try (var model = new Golden.Model(written, DType.F32, options)) {
                assertLogits(model, kind);
            }
        }
    }

    /// Key by key and byte by byte, constants included.
    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void writtenFilesHoldWhatTransformersWrote(String kind) {
        var how = options(kind, BaseResidency.AUTO).quantization();
        try (var model = quantized(kind)) {
            new QuantizedFolderWriter(model.transformer, model.files)
                    .write(folder, new QuantizationConfig(how, List.of("lm_head")));
        }
        try (var ours = ModelFiles.open(folder);
                var theirs = ModelFiles.open(Golden.folder("qlora/llama-tiny-" + kind))) {
            SafetensorsFile a = ours.files().getFirst();
            SafetensorsFile b = theirs.files().getFirst();
            assertThat(a.tensors().keySet())
                    .containsExactlyInAnyOrderElementsOf(b.tensors().keySet());
            for (String name : b.tensors().keySet()) {
                assertThat(a.tensor(name).sameAs(b.tensor(name))).as(name).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void lossAndEveryGradientEqualThoseOfPeft(String kind) {
        try (var model = quantized(kind);
                var adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
                var file = Golden.tensors("qlora/" + kind + ".safetensors")) {
            double golden = expected.get(kind).get("loss").asDouble();
            assertThat(model.lossAndGradients(tokens)).isCloseTo(golden, within(golden * 1e-4));
            for (Parameter p : adapter.parameters().values()) {
                Tensor theirs = file.tensor("gradient." + p.name());
                assertThat(Golden.relativeDifference(p.gradient(), theirs))
                        .as(p.name())
                        .isLessThan(TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nf4", "fp4", "int8"})
    void tenStepsHaveTheLossesOfPeft(String kind) {
        try (var model = quantized(kind);
                var adapter = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"));
                var optimizer =
                        new AdamW(
                                new ArrayList<>(adapter.parameters().values()),
                                new AdamW.Settings(0.9, 0.999, 1e-8, 0.01),
                                name -> true)) {
            for (double golden : Golden.doubles(expected.get(kind).get("losses"))) {
                assertThat(model.lossAndGradients(tokens)).isCloseTo(golden, within(golden * 1e-4));
                optimizer.step(expected.get(kind).get("lr").asDouble(), 1);
            }
        }
    }

    @Test
    void generationFromCodesHasTheLogitsOfTheWholePass() {
        int[] ids = Golden.ints(expected.get("sequences").get(2).get("ids"));
        for (String kind : List.of("nf4", "fp4", "int8")) {
            try (var model = quantized(kind)) {
                Tensor whole = model.logits(ids);
                assertThat(Golden.maxDifference(model.stepByStep(ids), whole)).isLessThan(1e-4);
            }
        }
    }

    @Test
    void adapterMergedIntoCodesIsWrittenAsPlainNumbers() {
        int[] ids = Golden.ints(expected.get("sequences").get(2).get("ids"));
        var options = new LoadOptions(null, null, BaseResidency.AUTO, Golden.DEVICE, (_, _) -> {});
        Path base = Golden.folder("qlora/llama-tiny-nf4");
        try (var model = new Golden.Model(base, DType.F32, options);
                var _ = PeftFiles.load(model.transformer, Golden.folder("llama-tiny-lora"))) {
            Tensor before = model.logits(ids);
            new ModelFolderWriter(model.transformer, model.files, DType.F32).write(folder);
            try (var merged = Golden.onDevice(folder, DType.F32)) {
                assertThat(Golden.maxDifference(merged.logits(ids), before)).isLessThan(1e-4);
            }
        }
    }

    @Test
    void fullTuningOfCodesIsRefused() {
        try (var model = quantized("nf4")) {
            assertThatThrownBy(() -> FullTuning.attach(model.transformer))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("finetuning_type: lora");
        }
    }

    @Test
    void codesAreNotQuantizedAgain() {
        Path written = Golden.folder("qlora/llama-tiny-nf4");
        assertThatThrownBy(
                        () ->
                                new Golden.Model(
                                        written, DType.F32, options("int8", BaseResidency.AUTO)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("nf4, blocks of 64, double");
    }

    @Test
    void mappedResidencyOfPlainWeightsSaysHowToWriteCodes() {
        Golden.assumeProcessor();
        Path plain = Golden.folder("llama-tiny");
        assertThatThrownBy(
                        () ->
                                new Golden.Model(
                                        plain, DType.F32, options("nf4", BaseResidency.MAPPED)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("graft quantize");
    }

    @Test
    void aProcessorIsNotStreamedTo() {
        Golden.assumeProcessor();
        Path plain = Golden.folder("llama-tiny");
        var options = options("nf4", BaseResidency.STREAMED);
        assertThatThrownBy(() -> new Golden.Model(plain, DType.F32, options))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("base_residency: streamed is for a card")
                .hasMessageContaining("mapped");
    }
}
