package dev.graft.generate;

import dev.graft.data.TokenStream;
import dev.graft.data.Tokenizer;
import dev.graft.error.ConfigException;
import dev.graft.generate.Generator.Generation;
import dev.graft.model.KeyValueCache;
import dev.graft.model.Transformer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// A text while it grows: its tokens, what is cached of them, and how the next one is chosen.
final class Continuation implements AutoCloseable {
    private final Tokenizer tokenizer;
    private final GenerationOptions options;
    private final Sampler sampler;
    private final TokenStream stream;
    private final Consumer<String> onText;
    private final StringBuilder text = new StringBuilder();
    private final KeyValueCache cache;
    private final int[] prompt;
    private final int[] ids;
    private final long begin = System.nanoTime();
    private long passed;
    private int length;
    private boolean stopped;

    /// @throws ConfigException if the prompt is empty or fills the context
    Continuation(
            Transformer model,
            Tokenizer tokenizer,
            int[] prompt,
            GenerationOptions options,
            Consumer<String> onText) {
        int context = model.config().contextLength();
        if (prompt.length == 0 || prompt.length >= context) {
            throw new ConfigException(
                    "prompt: found %d tokens, expected 1 to %d (max_position_embeddings %d)"
                            .formatted(prompt.length, context - 1, context));
        }
        this.tokenizer = tokenizer;
        this.options = options;
        this.sampler = Sampler.of(options);
        this.stream = tokenizer.stream(prompt);
        this.onText = onText;
        this.prompt = prompt;
        int most = Math.min(options.maxNewTokens(), context - prompt.length);
        this.ids = Arrays.copyOf(prompt, prompt.length + most);
        this.length = prompt.length;
        this.cache = new KeyValueCache(model, ids.length);
    }

    KeyValueCache cache() {
        return cache;
    }

    /// What has not been passed yet: the prompt, then the last token.
    int[] pending() {
        return length == prompt.length ? prompt : new int[] {ids[length - 1]};
    }

    boolean isComplete() {
        return stopped || length == ids.length;
    }

    /// Chooses the next token.
    ///
    /// @param logits V numbers, may be changed
    void take(float[] logits) {
        if (length == prompt.length) {
            passed = System.nanoTime();
        }
        penalize(logits);
        int id = sampler.next(logits);
        ids[length++] = id;
        stopped = IntStream.of(tokenizer.stopIds()).anyMatch(stop -> stop == id);
        if (!stopped) {
            emit(stream.add(id));
        }
    }

    private void penalize(float[] logits) {
        double penalty = options.repetitionPenalty();
        if (penalty == 1) {
            return;
        }
        var seen = new BitSet();
        IntStream.of(ids).limit(length).forEach(seen::set);
        seen.stream().forEach(i -> logits[i] *= (float) (logits[i] < 0 ? penalty : 1 / penalty));
    }

    private void emit(String piece) {
        if (!piece.isEmpty()) {
            text.append(piece);
            onText.accept(piece);
        }
    }

    Generation finish() {
        long end = System.nanoTime();
        emit(stream.finish());
        int[] made = Arrays.copyOfRange(ids, prompt.length, length);
        var time =
                new GenerationTime(
                        prompt.length,
                        (passed - begin) / 1e9,
                        made.length - 1,
                        (end - passed) / 1e9);
        return new Generation(made, text.toString(), stopped, time);
    }

    @Override
    public void close() {
        cache.close();
    }
}
