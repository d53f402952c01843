package dev.graft.model;

import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
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
        this(model.config(), capacity, model.compute(), model.device());
    }

    /// On the processor.
    ///
    /// @param capacity most tokens it can hold
    public KeyValueCache(ModelConfig config, int capacity, DType dtype) {
        this(config, capacity, dtype, Device.CPU);
    }

    private KeyValueCache(ModelConfig config, int capacity, DType dtype, Device device) {
        this.scope = Scope.detached("key-value cache", device);
        this.capacity = capacity;
        this.ids = new int[capacity];
        var shape = config.attention();
        try (var _ = scope.enter()) {
            for (int i = 0; i < config.layers(); i++) {
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

    /// One layer's part: keys [K, capacity, D], values [capacity, K·D].
    final class Layer {
        private final Tensor k;
        private final Tensor v;
        private int filled;

        private Layer(Tensor k, Tensor v) {
            this.k = k;
            this.v = v;
        }

        /// @param keys [K, R, D]
        /// @param values [R, K·D]
        void append(Tensor keys, Tensor values) {
            long rows = values.size(0);
            k.narrow(1, length, rows).copyInPlace(keys);
            v.narrow(0, length, rows).copyInPlace(values);
            filled = length + (int) rows;
        }

        Tensor keys() {
            return k.narrow(1, 0, filled);
        }

        Tensor values() {
            return v.narrow(0, 0, filled);
        }
    }
}
