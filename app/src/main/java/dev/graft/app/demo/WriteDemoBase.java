package dev.graft.app.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes what the base model of the demonstration is pretrained from: corpus, tokenizer, config.
public final class WriteDemoBase {
    private static final int CONTEXT = 256;
    // Every word of the lists is one token then.
    private static final int MERGES = 500;
    private static final long TOKENIZER_DOCUMENTS = 20_000;

    private WriteDemoBase() {}

    /// Writes corpus, tokenizer and config into a folder.
    public static void write(Path folder, long documents, long seed) throws IOException {
        var corpus = new DemoCorpus(seed);
        Files.createDirectories(folder);
        JsonLines.write(folder.resolve("corpus.jsonl"), corpus.documents(documents));
        var sample = corpus.documents(TOKENIZER_DOCUMENTS).map(DemoCorpus.Document::whole);
        var merges = BpeTrainer.train(sample, MERGES, 2);
        var tokenizer = new TokenizerFiles(merges);
        tokenizer.write(folder, CONTEXT);
        TokenizerFiles.write(folder.resolve("config.json"), llama(tokenizer.vocabularySize()));
    }

    /// A Llama of 1.4 million parameters: 2.7 MB in 16 bits.
    private static ObjectNode llama(int vocabulary) {
        var config = JsonNodeFactory.instance.objectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        return config.put("model_type", "llama")
                .put("vocab_size", vocabulary)
                .put("hidden_size", 160)
                .put("intermediate_size", 432)
                .put("num_hidden_layers", 4)
                .put("num_attention_heads", 5)
                .put("num_key_value_heads", 5)
                .put("head_dim", 32)
                .put("hidden_act", "silu")
                .put("max_position_embeddings", CONTEXT)
                .put("rms_norm_eps", 1e-5)
                .put("rope_theta", 10_000.0)
                .put("attention_bias", false)
                .put("mlp_bias", false)
                .put("tie_word_embeddings", true)
                .put("initializer_range", 0.05)
                .put("bos_token_id", 0)
                .put("eos_token_id", 1)
                .put("torch_dtype", "float32");
    }
}
