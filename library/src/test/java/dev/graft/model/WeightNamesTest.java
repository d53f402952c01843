package dev.graft.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ModelFormatException;
import dev.graft.export.ModelFolderWriter;
import dev.graft.format.ModelFiles;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.format.SafetensorsWriter.Entry;
import dev.graft.golden.Golden;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import dev.graft.tensor.TestScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/// Names under which files hold the weights of the same model.
class WeightNamesTest {
    private static final Path TIED = Golden.folder("variants/tied");
    private static final int[] IDS = {3, 17, 5, 40, 9};

    @TempDir private Path folder;
    @RegisterExtension final TestScope scope = new TestScope();

    private void write(UnaryOperator<Map<String, Tensor>> change) throws IOException {
        Files.copy(TIED.resolve("config.json"), folder.resolve("config.json"));
        try (var file = SafetensorsFile.open(TIED.resolve("model.safetensors"));
                var _ = Scope.open("copy")) {
            Map<String, Tensor> all = new TreeMap<>();
            file.tensors().keySet().forEach(name -> all.put(name, file.tensor(name)));
            SafetensorsWriter.write(
                    folder.resolve("model.safetensors"),
                    change.apply(all).entrySet().stream()
                            .map(e -> Entry.of(e.getKey(), e.getValue()))
                            .toList(),
                    Map.of("format", "pt"));
        }
    }

    private static Map<String, Tensor> withHead(Map<String, Tensor> all, double factor) {
        Tensor table = all.get("model.embed_tokens.weight");
        all.put("lm_head.weight", factor == 1 ? table : table.mul(factor));
        return all;
    }

    private void assertSameLogits(Path other) {
        try (var original = new Golden.Model(TIED, DType.F32);
                var model = new Golden.Model(other, DType.F32)) {
            assertThat(model.logits(IDS).sameAs(original.logits(IDS))).isTrue();
        }
    }

    /// As `AutoModel` saves a decoder, which has no head.
    @Test
    void aDecoderThatWasSavedWithoutAHeadHasNoPrefix() throws IOException {
        write(
                all -> {
                    Map<String, Tensor> bare = new TreeMap<>();
                    all.forEach((k, v) -> bare.put(k.replaceFirst("^model\\.", ""), v));
                    return bare;
                });
        assertSameLogits(folder);
    }

    @Test
    void aCopyOfTheTableAsHeadIsReadAndNotMerged(@TempDir Path merged) throws IOException {
        write(all -> withHead(all, 1));
        assertSameLogits(folder);
        try (var model = new Golden.Model(folder, DType.F32)) {
            new ModelFolderWriter(model.transformer, model.files, null).write(merged);
        }
        try (var files = ModelFiles.open(merged)) {
            assertThat(files.has("lm_head.weight")).isFalse();
        }
        assertSameLogits(merged);
    }

    /// Transformers 5 computes with the head of the file then, and Transformers 4 without it.
    @Test
    void aTiedHeadThatDiffersFromTheTableIsRefused() throws IOException {
        write(all -> withHead(all, 1.5));
        assertThatThrownBy(() -> new Golden.Model(folder, DType.F32))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("lm_head.weight differs from model.embed_tokens.weight")
                .hasMessageContaining("\"tie_word_embeddings\": false");
    }

    @Test
    void pickledWeightsAreRefusedWithWhatToDo() throws IOException {
        Files.writeString(folder.resolve("pytorch_model.bin"), "");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("pickled weights can run code and are not read");
    }
}
