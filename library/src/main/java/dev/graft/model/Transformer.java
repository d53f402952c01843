package dev.graft.model;

import dev.graft.error.ConfigException;
import dev.graft.kernel.Packing;
import dev.graft.nn.Embedding;
import dev.graft.nn.Labels;
import dev.graft.nn.Linear;
import dev.graft.nn.LmHeadLoss;
import dev.graft.nn.LogitMap;
import dev.graft.nn.Recompute;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.RopeTable;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.nn.Tape;
import dev.graft.nn.Var;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// A decoder: embedding, layers, norm, head. Sequences are laid end to end, without padding.
public final class Transformer implements AutoCloseable {
    private final ModelConfig config;
    private final DType compute;
    private final Scope scope;
    private final Embedding embedding;
    private final List<DecoderLayer> layers;
    private final RmsNorm norm;
    private final Linear head;
    private final LogitMap logitMap;
    private final UnaryOperator<String> fileNames;
    private final LayerStream stream;
    private final Map<String, Linear> linears = new LinkedHashMap<>();
    private final Map<String, RmsNorm> norms = new LinkedHashMap<>();

    Transformer(
            ModelConfig config,
            DType compute,
            Scope scope,
            Embedding embedding,
            List<DecoderLayer> layers,
            RmsNorm norm,
            Linear head,
            BaseResidency residency,
            UnaryOperator<String> fileNames) {
        this.config = config;
        this.compute = compute;
        this.scope = scope;
        this.embedding = embedding;
        this.layers = List.copyOf(layers);
        this.norm = norm;
        this.head = head;
        this.stream = LayerStream.of(this.layers, residency, scope.device());
        this.logitMap = config.multipliers().logitMap();
        this.fileNames = fileNames;
        for (DecoderLayer layer : layers) {
            layer.linears().forEach(l -> linears.put(l.name(), l));
            layer.norms().forEach(n -> norms.put(n.name(), n));
        }
        linears.put(head.name(), head);
        norms.put(norm.name(), norm);
    }

    public ModelConfig config() {
        return config;
    }

    /// The type of the computation; weights may be stored in another.
    public DType compute() {
        return compute;
    }

    /// The type of what is trained: that of the computation, but never of 16 bits.
    public DType trainedType() {
        return compute.sums();
    }

    /// Where the weights are, and so the computation.
    public Device device() {
        return scope.device();
    }

    /// Owns the tensors that live as long as the model; trained parameters join it.
    public Scope scope() {
        return scope;
    }

    public Embedding embedding() {
        return embedding;
    }

    public Linear head() {
        return head;
    }

    /// Every linear map by its path, in the order of Transformers, the head last.
    public Map<String, Linear> linears() {
        return Collections.unmodifiableMap(linears);
    }

    /// Every norm by its path.
    public Map<String, RmsNorm> norms() {
        return Collections.unmodifiableMap(norms);
    }

    /// The name of a module in the files that the model was loaded from, by its path.
    public String fileName(String path) {
        return fileNames.apply(path);
    }

    /// What the output of the head goes through before the softmax.
    public LogitMap logitMap() {
        return logitMap;
    }

    /// Passes whole sequences through the layers and the last norm.
    ///
    /// @param ids T token ids
    /// @param positions T positions, each within its sequence
    /// @param offsets where each sequence starts, and T
    /// @return [T, H]
    public Var hidden(Tape tape, int[] ids, int[] positions, int[] offsets) {
        return hidden(tape, input(ids, positions, offsets));
    }

    /// Whole sequences for a pass, on the model's device.
    ///
    /// @param ids T token ids
    /// @param positions T positions, each within its sequence
    /// @param offsets where each sequence starts, and T
    public PassInput input(int[] ids, int[] positions, int[] offsets) {
        return new PassInput(ids(ids), angles(positions), Packing.of(offsets));
    }

    /// Token ids for a pass, on the model's device.
    ///
    /// @return [T] I32
    public Tensor ids(int[] ids) {
        checkIds(ids);
        return Tensor.of(ids);
    }

    private Var hidden(Tape tape, PassInput sequences) {
        Var x = embedding.forward(tape, sequences.ids(), compute);
        for (int i = 0; i < layers.size(); i++) {
            DecoderLayer layer = layers.get(i);
            Var input = x;
            UnaryOperator<Var> pass =
                    in -> layer.forward(tape, in, sequences.angles(), sequences.packing());
            int number = i;
            stream.begin(i, i + 1);
            tape.whenBack(() -> stream.end(number));
            // The backward pass begins with the last layer: nothing is won by dropping that.
            x =
                    i + 1 < layers.size()
                            ? tape.segment(Recompute.Part.LAYER, "layer " + i, input, pass)
                            : tape.segment("layer " + i, input, pass);
            tape.whenBack(() -> stream.begin(number, number - 1));
            tape.release(input);
            if (!tape.isTraining() || i + 1 < layers.size()) {
                stream.end(i);
            }
        }
        Var last = x;
        Var normed = tape.segment("norm", last, in -> norm.forward(tape, in));
        tape.release(last);
        return normed;
    }

    private Map<RopeTable, Angles> angles(int[] positions) {
        Map<RopeTable, Angles> angles = new HashMap<>();
        ropes().forEach(rope -> angles.put(rope, rope.at(positions, compute)));
        return angles;
    }

    Stream<RopeTable> ropes() {
        return layers.stream().map(DecoderLayer::rope).filter(Objects::nonNull).distinct();
    }

    /// Takes the loss of the labelled positions, and on a recording tape begins the backward pass
    /// of `scale` times it.
    ///
    /// @param labels T ids to predict, negative where there is none
    /// @param sum [1] F64; the sum of the losses is added. Who reads it waits for the device
    public void loss(
            Tape tape,
            int[] ids,
            int[] positions,
            int[] offsets,
            int[] labels,
            double scale,
            Tensor sum) {
        Var hidden = hidden(tape, input(ids, positions, offsets));
        try (var _ = Scope.open("labels")) {
            loss(tape, hidden, Labels.of(labels), scale, sum);
        }
    }

    /// The same of what is on the device already: nothing is asked of the host.
    public void loss(Tape tape, PassInput input, Labels labels, double scale, Tensor sum) {
        loss(tape, hidden(tape, input), labels, scale, sum);
    }

    private void loss(Tape tape, Var hidden, Labels labels, double scale, Tensor sum) {
        LmHeadLoss.forward(tape, hidden, head, logitMap, labels, scale, sum);
        tape.release(hidden);
    }

    /// The logits of every position of one sequence, for inspection. [T, V]
    public Tensor logits(Tape tape, int[] ids) {
        int[] positions = new int[ids.length];
        Arrays.setAll(positions, i -> i);
        Var hidden = hidden(tape, ids, positions, new int[] {0, ids.length});
        Tensor logits = head.forward(tape, hidden).value();
        logitMap.apply(logits);
        return logits;
    }

    /// Passes new tokens of one sequence behind those in the cache and returns the logits of the
    /// last. [1, V]
    ///
    /// Where frequencies depend on the length and the new tokens change them, everything before is
    /// passed again: once for LongRoPE, for each token beyond the context for dynamic scaling.
    public Tensor next(Tape tape, int[] ids, KeyValueCache cache) {
        checkIds(ids);
        int before = cache.length();
        int after = before + ids.length;
        if (before > 0 && !isAlike(before, after)) {
            int[] all = cache.takeIds(ids);
            return append(tape, all, List.of(cache));
        }
        return append(tape, ids, List.of(cache));
    }

    /// Passes one new token of each of several sequences at once, each behind those in its cache,
    /// and returns the logits of all: one after the other where their lengths turn heads by other
    /// frequencies. [B, V]
    ///
    /// @param ids B token ids
    /// @param caches B, none of them empty
    public Tensor next(Tape tape, int[] ids, List<KeyValueCache> caches) {
        if (ids.length != caches.size()) {
            throw new IllegalArgumentException(
                    "next: found %d tokens for %d caches, expected one for each"
                            .formatted(ids.length, caches.size()));
        }
        checkIds(ids);
        int longest = caches.stream().mapToInt(KeyValueCache::length).max().orElse(0) + 1;
        boolean alike =
                caches.stream()
                        .mapToInt(KeyValueCache::length)
                        .allMatch(n -> isAlike(n, longest) && isAlike(n + 1, longest));
        if (alike) {
            return append(tape, ids, caches);
        }
        try (var inner = Scope.open("decode")) {
            Tensor[] each = new Tensor[ids.length];
            Arrays.setAll(each, i -> next(tape, new int[] {ids[i]}, caches.get(i)));
            return inner.keep(Tensor.cat(0, each));
        }
    }

    /// Whether passes of these two lengths turn heads alike.
    private boolean isAlike(int length, int other) {
        return ropes().allMatch(rope -> rope.isSame(length, other));
    }

    /// @param ids as many of each cache, one cache after the other
    /// @return the logits of the last token of each
    private Tensor append(Tape tape, int[] ids, List<KeyValueCache> caches) {
        int rows = ids.length / caches.size();
        int[] positions = new int[ids.length];
        Arrays.setAll(positions, i -> caches.get(i / rows).length() + i % rows);
        try (var inner = Scope.open("decode")) {
            Tensor tokens = Tensor.of(ids);
            Var x = passed(tape, tokens, angles(positions), i -> KeyValueCache.layers(caches, i));
            for (int i = 0; i < caches.size(); i++) {
                caches.get(i).advance(Arrays.copyOfRange(ids, i * rows, (i + 1) * rows));
            }
            int[] ends = new int[caches.size()];
            Arrays.setAll(ends, i -> (i + 1) * rows - 1);
            return inner.keep(logitsOf(tape, x.value().indexSelect(0, Tensor.of(ends))));
        }
    }

    /// Passes new tokens through the layers.
    ///
    /// @param ids R token ids
    /// @param past of each layer
    /// @return [R, H]
    Var passed(Tape tape, Tensor ids, Map<RopeTable, Angles> angles, IntFunction<Past> past) {
        Var x = embedding.forward(tape, ids, compute);
        for (int i = 0; i < layers.size(); i++) {
            DecoderLayer layer = layers.get(i);
            Past before = past.apply(i);
            Var input = x;
            stream.begin(i, i + 1);
            x = tape.segment("layer " + i, input, in -> layer.forward(tape, in, angles, before));
            tape.release(input);
            stream.end(i);
        }
        return x;
    }

    /// The logits of rows as they come out of the last layer.
    ///
    /// @param rows [R, H]
    /// @return [R, V]
    Tensor logitsOf(Tape tape, Tensor rows) {
        Var normed = norm.forward(tape, tape.var(rows, false));
        Tensor logits = head.forward(tape, normed).value();
        logitMap.apply(logits);
        return logits;
    }

    /// Whether a pass does the same whatever the tokens are: no layer comes from elsewhere, and no
    /// expert is chosen.
    public boolean repeats() {
        return stream.equals(LayerStream.NONE)
                && layers.stream().allMatch(l -> l.passed().size() == l.linears().size());
    }

    private void checkIds(int[] ids) {
        for (int id : ids) {
            if (id < 0 || id >= config.vocabulary()) {
                throw new ConfigException(
                        "token id %d, but the model has vocab_size %d: the tokenizer belongs to another model"
                                .formatted(id, config.vocabulary()));
            }
        }
    }

    @Override
    public void close() {
        stream.close();
        scope.close();
    }
}
