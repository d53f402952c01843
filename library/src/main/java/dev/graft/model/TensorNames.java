package dev.graft.model;

import dev.graft.format.ModelFiles;
import java.util.List;
import java.util.function.UnaryOperator;

/// Where the decoder's modules are, in the model that PEFT sees and in the files: they differ where
/// the decoder is a part of something larger.
///
/// @param prefix what all paths but the head's begin with
/// @param files what it is in files, the first of these that is there
public record TensorNames(String prefix, List<String> files) {
    private static final String MARK = "embed_tokens.weight";

    /// A decoder alone; without a prefix if it was saved without the class that has the head.
    static final TensorNames PLAIN = new TensorNames("model.", List.of("model.", ""));

    /// The language model beside an image encoder.
    static final TensorNames MULTIMODAL =
            new TensorNames(
                    "model.language_model.",
                    List.of("language_model.model.", "model.language_model."));

    public TensorNames {
        files = List.copyOf(files);
    }

    String embedding() {
        return prefix + "embed_tokens";
    }

    /// From paths of modules to their names in the files of a folder.
    UnaryOperator<String> in(ModelFiles folder) {
        return to(
                files.stream()
                        .filter(p -> folder.has(p + MARK))
                        .findFirst()
                        .orElse(files.getFirst()));
    }

    /// The same for files that are to be written.
    public UnaryOperator<String> fresh() {
        return to(files.getFirst());
    }

    private UnaryOperator<String> to(String inFiles) {
        String around =
                inFiles.endsWith("model.") ? inFiles.substring(0, inFiles.length() - 6) : "";
        return path -> {
            if (path.startsWith(prefix)) {
                return inFiles + path.substring(prefix.length());
            }
            return around + path;
        };
    }
}
