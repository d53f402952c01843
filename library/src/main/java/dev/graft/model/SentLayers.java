package dev.graft.model;

import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.tensor.CopyQueue;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/// The layers of a base in the host's memory beside a card. Two of them have a copy on the card:
/// the one whose turn it is, and the next, which travels while that one is computed. In its turn a
/// layer has the copies for weights. Experts are read where they lie, since few of them are needed
/// at a time.
public final class SentLayers implements LayerStream {
    private static final int PLACES = 2;
    private static final int NOBODY = -1;

    /// Of a matrix, as an allocator of a card has it. In bytes
    private static final long ALIGNMENT = 512;

    private final CopyQueue copies;
    private final List<List<Matrix>> layers;
    private final int[] holds = new int[PLACES];
    private final boolean[] awaited = new boolean[PLACES];

    private SentLayers(List<List<Matrix>> layers, CopyQueue copies) {
        this.layers = layers;
        this.copies = copies;
        Arrays.fill(holds, NOBODY);
    }

    /// Takes the memory of the copies in the current scope.
    static SentLayers of(List<DecoderLayer> layers, CopyQueue copies) {
        return ofLinears(layers.stream().map(DecoderLayer::passed).toList(), copies);
    }

    static SentLayers ofLinears(List<List<Linear>> layers, CopyQueue copies) {
        long most = layers.stream().mapToLong(SentLayers::inPlace).max().orElse(0);
        List<Tensor> places = new ArrayList<>();
        for (int i = 0; i < Math.min(PLACES, layers.size()); i++) {
            places.add(Tensor.empty(DType.U8, most));
        }
        List<List<Matrix>> matrices = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            matrices.add(placed(layers.get(i), places.get(i % PLACES)));
        }
        return new SentLayers(matrices, copies);
    }

    /// The bytes on the card.
    ///
    /// @param matrices of each layer those that are sent, their bytes
    public static long bytes(List<LongStream> matrices) {
        long most = matrices.stream().mapToLong(SentLayers::inPlace).max().orElse(0);
        return Math.min(PLACES, matrices.size()) * most;
    }

    private static long inPlace(LongStream matrices) {
        return matrices.map(SentLayers::aligned).sum();
    }

    private static long inPlace(List<Linear> layer) {
        return inPlace(layer.stream().mapToLong(linear -> bytes(numbers(home(linear)))));
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    private static long bytes(Tensor numbers) {
        return numbers.numel() * numbers.dtype().bytes();
    }

    private static FrozenWeight home(Linear linear) {
        return (FrozenWeight) linear.weight(); // as it is when a model is loaded
    }

    /// What of a weight is sent.
    private static Tensor numbers(FrozenWeight weight) {
        return switch (weight) {
            case FrozenWeight.Dense d -> d.stored();
            case FrozenWeight.Quantized q -> q.tensor().matrix().codes();
        };
    }

    private static FrozenWeight over(Tensor copy, FrozenWeight weight) {
        return switch (weight) {
            case FrozenWeight.Dense d -> new FrozenWeight.Dense(copy, d.compute());
            case FrozenWeight.Quantized q ->
                    new FrozenWeight.Quantized(q.tensor().over(copy), q.compute());
        };
    }

    private static List<Matrix> placed(List<Linear> layer, Tensor place) {
        List<Matrix> matrices = new ArrayList<>();
        long at = 0;
        for (Linear linear : layer) {
            FrozenWeight home = home(linear);
            Tensor numbers = numbers(home);
            Tensor copy =
                    place.narrow(0, at, bytes(numbers))
                            .bytesAs(numbers.dtype())
                            .view(numbers.shape());
            matrices.add(new Matrix(linear, home, numbers, over(copy, home), copy));
            at += aligned(bytes(numbers));
        }
        return matrices;
    }

    /// One matrix in both places.
    ///
    /// @param home the weight with its numbers in the host's memory
    /// @param away the same with their copy
    private record Matrix(
            Linear linear, FrozenWeight home, Tensor numbers, FrozenWeight away, Tensor copy) {
        void send(CopyQueue copies) {
            copies.send(numbers, copy);
        }

        void leave() {
            exchange(home, away);
        }

        void comeHome() {
            exchange(away, home);
        }

        private void exchange(FrozenWeight from, FrozenWeight to) {
            if (linear.weight().equals(from)) { // not where something else was put in its place
                linear.setWeight(to);
            }
        }
    }

    @Override
    public void begin(int layer, int next) {
        send(layer);
        int place = layer % PLACES;
        if (!awaited[place]) {
            copies.await(place);
            awaited[place] = true;
        }
        layers.get(layer).forEach(Matrix::leave);
        if (next >= 0 && next < layers.size()) {
            send(next);
        }
    }

    /// Asks for the copies of a layer, if they are not there, when all that uses what is in their
    /// place has been asked for.
    private void send(int layer) {
        int place = layer % PLACES;
        if (holds[place] == layer) {
            return;
        }
        if (holds[place] != NOBODY) {
            end(holds[place]); // its turn broke off
            holds[place] = NOBODY;
        }
        copies.follow();
        layers.get(layer).forEach(matrix -> matrix.send(copies));
        copies.mark(place);
        holds[place] = layer;
        awaited[place] = false;
    }

    @Override
    public void end(int layer) {
        layers.get(layer).forEach(Matrix::comeHome);
    }

    @Override
    public void close() {
        copies.close();
    }
}
