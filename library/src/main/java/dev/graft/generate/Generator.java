package dev.graft.generate;

import dev.graft.data.Tokenizer;
import dev.graft.error.ConfigException;
import dev.graft.model.KeyValueCache;
import dev.graft.model.Transformer;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.Scope;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Generates text: the prompt in one pass, then token by token over the cached keys and values.
public final class Generator implements AutoCloseable {
    private final Transformer model;
    private final Tokenizer tokenizer;
    private final Workspace workspace = new Workspace();

    public Generator(Transformer model, Tokenizer tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
    }

    /// What came out.
    ///
    /// @param ids the new tokens, a stop token included
    /// @param text the new text
    /// @param stopped whether a stop token ended it, rather than the length
    public record Generation(int[] ids, String text, boolean stopped, GenerationTime time) {}

    /// Continues a text.
    ///
    /// @param onText told each piece of text as soon as its characters are whole
    public Generation generate(String prompt, GenerationOptions options, Consumer<String> onText) {
        return generate(tokenizer.encodeBeginning(prompt), options, onText);
    }

    /// Continues a sequence of tokens.
    public Generation generate(int[] prompt, GenerationOptions options, Consumer<String> onText) {
        int context = model.config().contextLength();
        if (prompt.length == 0 || prompt.length >= context) {
            throw new ConfigException(
                    "prompt: found %d tokens, expected 1 to %d (max_position_embeddings %d)"
                            .formatted(prompt.length, context - 1, context));
        }
        int most = Math.min(options.maxNewTokens(), context - prompt.length);
        Sampler sampler = Sampler.of(options);
        var stream = tokenizer.stream(prompt);
        var text = new StringBuilder();
        int[] ids = Arrays.copyOf(prompt, prompt.length + most);
        int length = prompt.length;
        boolean stopped = false;
        long begin = System.nanoTime();
        long passed;
        try (var cache = new KeyValueCache(model.config(), ids.length, model.compute())) {
            float[] logits = pass(prompt, cache);
            passed = System.nanoTime();
            while (length < ids.length && !stopped) {
                penalize(logits, ids, length, options.repetitionPenalty());
                int id = sampler.next(logits);
                ids[length++] = id;
                stopped = isStop(id);
                if (!stopped) {
                    emit(stream.add(id), text, onText);
                    logits = length < ids.length ? pass(new int[] {id}, cache) : logits;
                }
            }
        }
        long end = System.nanoTime();
        emit(stream.finish(), text, onText);
        int[] made = Arrays.copyOfRange(ids, prompt.length, length);
        var time =
                new GenerationTime(
                        prompt.length,
                        (passed - begin) / 1e9,
                        made.length - 1,
                        (end - passed) / 1e9);
        return new Generation(made, text.toString(), stopped, time);
    }

    private float[] pass(int[] ids, KeyValueCache cache) {
        try (var _ = Scope.open("generate");
                var tape = Tape.inference(workspace)) {
            return model.next(tape, ids, cache).toFloats();
        }
    }

    private boolean isStop(int id) {
        return IntStream.of(tokenizer.stopIds()).anyMatch(stop -> stop == id);
    }

    private static void emit(String piece, StringBuilder text, Consumer<String> onText) {
        if (!piece.isEmpty()) {
            text.append(piece);
            onText.accept(piece);
        }
    }

    private static void penalize(float[] logits, int[] ids, int length, double penalty) {
        if (penalty == 1) {
            return;
        }
        var seen = new BitSet();
        IntStream.of(ids).limit(length).forEach(seen::set);
        seen.stream().forEach(i -> logits[i] *= (float) (logits[i] < 0 ? penalty : 1 / penalty));
    }

    @Override
    public void close() {
        workspace.close();
    }
}
