package dev.graft.model;

import dev.graft.nn.RopeTable;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.nn.Tape;
import dev.graft.nn.Var;
import dev.graft.nn.Workspace;
import dev.graft.tensor.DType;
import dev.graft.tensor.Recorder;
import dev.graft.tensor.Recording;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/// The pass of one new token as a card can repeat it by itself: the same operations at the same
/// addresses, with the token and its position in the card's memory. It looks at some columns of the
/// cache more than there are tokens, and is recorded anew when those are filled.
public final class DecodeStep implements AutoCloseable {
    private static final int COLUMNS = 256;

    private final Transformer model;
    private final KeyValueCache cache;
    private final Workspace workspace;
    private final Scope scope;
    private final Map<RopeTable, Angles> angles = new HashMap<>(); // of all positions
    private final Tensor columns;
    private final Tensor id;
    private final Tensor position;
    private final Tensor logits;
    private final Recorder recorder;
    private Recording recording;
    private int recorded; // columns

    /// Whether the passes of all tokens that a cache has room for are the same.
    public static boolean fits(Transformer model, KeyValueCache cache) {
        return model.repeats() && model.ropes().allMatch(r -> r.isSame(1, cache.capacity()));
    }

    /// @param cache of the tokens before, to which the new ones are added
    public DecodeStep(Transformer model, KeyValueCache cache, Workspace workspace) {
        this.model = model;
        this.cache = cache;
        this.workspace = workspace;
        this.scope = Scope.detached("decode step", model.device());
        this.recorder = Recorder.on(model.device());
        try (var _ = scope.enter()) {
            cache.clearRest();
            int[] positions = IntStream.range(0, cache.capacity()).toArray();
            model.ropes().forEach(r -> angles.put(r, r.at(positions, model.compute())));
            double[] numbers = IntStream.of(positions).asDoubleStream().toArray();
            columns = Tensor.of(numbers, numbers.length).to(DType.F32);
            id = Tensor.of(new long[] {0}, 1);
            position = Tensor.of(new long[] {0}, 1);
            logits = Tensor.empty(model.compute(), 1, model.config().vocabulary());
        }
    }

    /// Passes a token behind those in the cache.
    ///
    /// @return [1, V], valid until the next token
    public Tensor next(int token) {
        int at = cache.length();
        try (var _ = Scope.open("next", model.device())) {
            id.copyInPlace(Tensor.of(new long[] {token}, 1));
            position.copyInPlace(Tensor.of(new long[] {at}, 1));
            if (at >= recorded) {
                record(Math.min(cache.capacity(), (at / COLUMNS + 1) * COLUMNS));
            } else {
                recording.run();
            }
        }
        cache.advance(new int[] {token});
        return logits;
    }

    private void record(int most) {
        forget();
        recording = recorder.record(() -> pass(most));
        recorded = most;
    }

    private void forget() {
        if (recording != null) {
            recording.close();
            recording = null;
        }
    }

    private void pass(int most) {
        try (var _ = Scope.open("pass", model.device());
                var tape = Tape.inference(workspace)) {
            Map<RopeTable, Angles> own = new HashMap<>();
            angles.forEach((rope, all) -> own.put(rope, at(all)));
            Tensor seen = columns.narrow(0, 0, most);
            Var x = model.passed(tape, id, own, i -> cache.layer(i).at(position, seen));
            logits.copyInPlace(model.logitsOf(tape, x.value()));
        }
    }

    private Angles at(Angles all) {
        return new Angles(
                all.cos().indexSelect(0, position),
                all.sin().indexSelect(0, position),
                all.neighbours());
    }

    @Override
    public void close() {
        forget();
        recorder.close();
        scope.close();
    }
}
