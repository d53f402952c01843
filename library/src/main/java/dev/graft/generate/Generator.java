package dev.graft.generate;

import dev.graft.data.Tokenizer;
import dev.graft.model.DecodeStep;
import dev.graft.model.KeyValueCache;
import dev.graft.model.Transformer;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;

/// Generates text: the prompt in one pass, then token by token over the cached keys and values.
public final class Generator implements AutoCloseable {
    private final Transformer model;
    private final Tokenizer tokenizer;
    private final Workspace workspace;
    private final boolean repeats;

    public Generator(Transformer model, Tokenizer tokenizer) {
        this(model, tokenizer, DType.F32);
    }

    /// @param products the type of products with the model's matrices, of more than one token at a
    ///     time: F32 or BF16
    public Generator(Transformer model, Tokenizer tokenizer, DType products) {
        this(model, tokenizer, products, false);
    }

    /// @param repeats whether the pass of a token is recorded and repeated, where one text is
    ///     continued and the model allows it: on a card a CUDA graph
    public Generator(Transformer model, Tokenizer tokenizer, DType products, boolean repeats) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.workspace = new Workspace(products);
        this.repeats = repeats;
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
        try (var text = new Continuation(model, tokenizer, prompt, options, onText)) {
            text.take(pass(text));
            if (repeats && !text.isComplete() && DecodeStep.fits(model, text.cache())) {
                repeat(text);
            }
            while (!text.isComplete()) {
                text.take(pass(text));
            }
            return text.finish();
        }
    }

    private void repeat(Continuation text) {
        try (var step = new DecodeStep(model, text.cache(), workspace)) {
            while (!text.isComplete()) {
                try (var _ = Scope.open("generate", model.device())) {
                    text.take(step.next(text.pending()[0]).toFloats());
                }
            }
        }
    }

    /// Continues many texts, `batchSize` at a time: each weight is read once for a token of all of
    /// them, and where one is complete, the next takes its place. The choice of tokens of text `i`
    /// is seeded with the options' seed plus `i`.
    ///
    /// @param onDone told each result with the number of its prompt, in no order
    public void generateAll(
            List<String> prompts,
            GenerationOptions options,
            int batchSize,
            ObjIntConsumer<Generation> onDone) {
        Map<Integer, Continuation> growing = new TreeMap<>();
        try {
            int next = 0;
            while (next < prompts.size() || !growing.isEmpty()) {
                while (next < prompts.size() && growing.size() < batchSize) {
                    growing.put(
                            next,
                            begin(prompts.get(next), options.withSeed(options.seed() + next)));
                    next++;
                }
                takeOneEach(growing.values().stream().filter(c -> !c.isComplete()).toList());
                finish(growing, onDone);
            }
        } finally {
            growing.values().forEach(Continuation::close);
        }
    }

    /// A text with its first new token.
    private Continuation begin(String prompt, GenerationOptions options) {
        int[] ids = tokenizer.encodeBeginning(prompt);
        var text = new Continuation(model, tokenizer, ids, options, _ -> {});
        try {
            text.take(pass(text));
            return text;
        } catch (RuntimeException e) {
            text.close();
            throw e;
        }
    }

    private static void finish(
            Map<Integer, Continuation> growing, ObjIntConsumer<Generation> onDone) {
        List<Integer> complete =
                growing.keySet().stream().filter(i -> growing.get(i).isComplete()).toList();
        for (int number : complete) {
            try (Continuation text = growing.remove(number)) {
                onDone.accept(text.finish(), number);
            }
        }
    }

    private float[] pass(Continuation text) {
        try (var _ = Scope.open("generate", model.device());
                var tape = Tape.inference(workspace)) {
            return model.next(tape, text.pending(), text.cache()).toFloats();
        }
    }

    private void takeOneEach(List<Continuation> texts) {
        if (texts.isEmpty()) {
            return;
        }
        int[] ids = texts.stream().mapToInt(text -> text.pending()[0]).toArray();
        List<KeyValueCache> caches = texts.stream().map(Continuation::cache).toList();
        float[] logits;
        try (var _ = Scope.open("generate", model.device());
                var tape = Tape.inference(workspace)) {
            logits = model.next(tape, ids, caches).toFloats();
        }
        int vocabulary = logits.length / ids.length;
        for (int i = 0; i < ids.length; i++) {
            texts.get(i).take(Arrays.copyOfRange(logits, i * vocabulary, (i + 1) * vocabulary));
        }
    }

    @Override
    public void close() {
        workspace.close();
    }
}
