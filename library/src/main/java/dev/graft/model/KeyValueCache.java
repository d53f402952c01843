package dev.graft.model;

import dev.graft.kernel.AttentionRule;
import dev.graft.nn.Attention;
import dev.graft.nn.Tape;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Keys and values of the tokens that a generation has passed, one pair a layer.
public final class KeyValueCache implements AutoCloseable {
    private final Scope scope;
    private final List<Layer> layers = new ArrayList<>();
    private final int capacity;
    private final int[] ids;
    private int length;

    /// On the device and in the type of a model's computation.
    ///
    /// @param capacity most tokens it can hold
    public KeyValueCache(Transformer model, int capacity) {
        this.scope = Scope.detached("key-value cache", model.device());
        this.capacity = capacity;
        this.ids = new int[capacity];
        var shape = model.config().attention();
        DType dtype = model.compute();
        try (var _ = scope.enter()) {
            for (int i = 0; i < model.config().layers(); i++) {
                Tensor k = Tensor.empty(dtype, shape.keyHeads(), capacity, shape.headWidth());
                Tensor v =
                        Tensor.empty(dtype, capacity, (long) shape.keyHeads() * shape.headWidth());
                layers.add(new Layer(k, v));
            }
        }
    }

    /// Tokens that it holds.
    public int length() {
        return length;
    }

    public int capacity() {
        return capacity;
    }

    Layer layer(int i) {
        return layers.get(i);
    }

    void advance(int[] tokens) {
        System.arraycopy(tokens, 0, ids, length, tokens.length);
        length += tokens.length;
    }

    /// Zeros where nothing has been cached yet: whoever passes over that multiplies it by nothing.
    void clearRest() {
        for (Layer layer : layers) {
            layer.v.narrow(0, length, capacity - length).zeroInPlace();
        }
    }

    /// Empties the cache and returns the tokens that were in it, and these behind them.
    int[] takeIds(int[] more) {
        int[] all = Arrays.copyOf(ids, length + more.length);
        System.arraycopy(more, 0, all, length, more.length);
        length = 0;
        return all;
    }

    @Override
    public void close() {
        scope.close();
    }

    /// The same layer of several caches, as many new tokens of each, one cache after the other.
    static Past layers(List<KeyValueCache> caches, int layer) {
        List<Layer> each = caches.stream().map(c -> c.layer(layer)).toList();
        return each.size() == 1
                ? each.getFirst()
                : (tape, q, k, v, rule) -> all(each, tape, q, k, v, rule);
    }

    private static Tensor all(
            List<Layer> caches, Tape tape, Tensor q, Tensor k, Tensor v, AttentionRule rule) {
        long rows = v.size(0) / caches.size();
        Tensor[] each = new Tensor[caches.size()];
        for (int i = 0; i < each.length; i++) {
            long row = i * rows;
            each[i] =
                    caches.get(i)
                            .attend(
                                    tape,
                                    q.narrow(1, row, rows).contiguous(),
                                    k.narrow(1, row, rows),
                                    v.narrow(0, row, rows),
                                    rule);
        }
        return Tensor.cat(0, each);
    }

    /// One layer's part: keys [K, capacity, D], values [capacity, K·D].
    final class Layer implements Past {
        private final Tensor k;
        private final Tensor v;

        private Layer(Tensor k, Tensor v) {
            this.k = k;
            this.v = v;
        }

        @Override
        public Tensor attend(
                Tape tape, Tensor queries, Tensor keys, Tensor values, AttentionRule rule) {
            long rows = values.size(0);
            k.narrow(1, length, rows).copyInPlace(keys);
            v.narrow(0, length, rows).copyInPlace(values);
            long filled = length + rows;
            return Attention.cached(
                    tape, queries, k.narrow(1, 0, filled), v.narrow(0, 0, filled), rule);
        }

        /// The same of one token where its position is known to the device alone.
        ///
        /// @param position [1] I64
        /// @param columns [C] F32, 0 to C − 1; C more than the position
        Past at(Tensor position, Tensor columns) {
            return (_, queries, keys, values, rule) -> {
                k.indexCopyInPlace(1, position, keys);
                v.indexCopyInPlace(0, position, values);
                long most = columns.numel();
                return Attention.ofOne(
                        queries,
                        k.narrow(1, 0, most),
                        v.narrow(0, 0, most),
                        position,
                        columns,
                        rule);
            };
        }
    }
}
