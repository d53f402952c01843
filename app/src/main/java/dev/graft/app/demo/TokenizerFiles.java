package dev.graft.app.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.app.demo.BpeTrainer.Merge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/// A trained vocabulary as Hugging Face's `tokenizer.json` and `tokenizer_config.json`.
///
/// Ids: `<s>` 0, `</s>` 1, the 256 bytes, then the merges in order. Encoding puts `<s>` in front
/// and nothing behind.
public record TokenizerFiles(List<Merge> merges) {
    public static final String BOS = "<s>";
    public static final String EOS = "</s>";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    public TokenizerFiles {
        merges = List.copyOf(merges);
    }

    public int vocabularySize() {
        return vocabulary().size();
    }

    /// Writes both files into an existing folder.
    public void write(Path folder, int maxLength) {
        write(folder.resolve("tokenizer.json"), tokenizer());
        write(folder.resolve("tokenizer_config.json"), tokenizerConfig(maxLength));
    }

    static void write(Path file, ObjectNode content) {
        try {
            Path unfinished = file.resolveSibling(file.getFileName() + ".part");
            JSON.writerWithDefaultPrettyPrinter().writeValue(unfinished.toFile(), content);
            Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ObjectNode vocabulary() {
        var vocabulary = NODES.objectNode();
        vocabulary.put(BOS, 0).put(EOS, 1);
        ByteLevel.alphabet().forEach(letter -> vocabulary.put(letter, vocabulary.size()));
        // Two merges can spell the same token; it keeps its first id.
        for (Merge merge : merges) {
            if (!vocabulary.has(merge.joined())) {
                vocabulary.put(merge.joined(), vocabulary.size());
            }
        }
        return vocabulary;
    }

    private ObjectNode tokenizer() {
        var root = NODES.objectNode().put("version", "1.0");
        root.putNull("truncation").putNull("padding");
        root.putArray("added_tokens").add(added(0, BOS)).add(added(1, EOS));
        root.putNull("normalizer");
        root.set("pre_tokenizer", preTokenizer());
        root.set("post_processor", postProcessor());
        root.set("decoder", byteLevel());
        root.set("model", model());
        return root;
    }

    private static ObjectNode added(int id, String token) {
        return NODES.objectNode()
                .put("id", id)
                .put("content", token)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true);
    }

    private static ObjectNode preTokenizer() {
        var split = NODES.objectNode().put("type", "Split");
        split.putObject("pattern").put("Regex", BpeTrainer.PIECES);
        split.put("behavior", "Isolated").put("invert", false);
        var sequence = NODES.objectNode().put("type", "Sequence");
        sequence.putArray("pretokenizers").add(split).add(byteLevel());
        return sequence;
    }

    private static ObjectNode byteLevel() {
        return NODES.objectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", false)
                .put("use_regex", false);
    }

    private static ObjectNode postProcessor() {
        var template = NODES.objectNode().put("type", "TemplateProcessing");
        template.putArray("single").add(special()).add(sequence("A", 0));
        template.putArray("pair").add(special()).add(sequence("A", 0)).add(sequence("B", 1));
        var bos = template.putObject("special_tokens").putObject(BOS).put("id", BOS);
        bos.putArray("ids").add(0);
        bos.putArray("tokens").add(BOS);
        return template;
    }

    private static ObjectNode special() {
        var node = NODES.objectNode();
        node.putObject("SpecialToken").put("id", BOS).put("type_id", 0);
        return node;
    }

    private static ObjectNode sequence(String name, int type) {
        var node = NODES.objectNode();
        node.putObject("Sequence").put("id", name).put("type_id", type);
        return node;
    }

    private ObjectNode model() {
        var model = NODES.objectNode().put("type", "BPE");
        model.putNull("dropout").putNull("unk_token");
        model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
        model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
        model.set("vocab", vocabulary());
        var list = model.putArray("merges");
        merges.forEach(merge -> list.addArray().add(merge.left()).add(merge.right()));
        return model;
    }

    private static ObjectNode tokenizerConfig(int maxLength) {
        return NODES.objectNode()
                .put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("bos_token", BOS)
                .put("eos_token", EOS)
                .put("add_bos_token", true)
                .put("add_eos_token", false)
                .put("clean_up_tokenization_spaces", false)
                .put("model_max_length", maxLength);
    }
}
