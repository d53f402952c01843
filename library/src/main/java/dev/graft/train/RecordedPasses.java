package dev.graft.train;

import dev.graft.data.Batch;
import dev.graft.error.ConfigException;
import dev.graft.model.PassInput;
import dev.graft.model.Transformer;
import dev.graft.nn.Labels;
import dev.graft.nn.Linear;
import dev.graft.nn.LowRank;
import dev.graft.nn.Recompute;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.DType;
import dev.graft.tensor.Recorder;
import dev.graft.tensor.Recording;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/// Passes that a card repeats by itself (CUDA graphs): one call launches all kernels of a
/// micro-batch. What has the shape of one before is recorded; from then on its tokens and labels
/// are written to where the recording reads them. Others are passed operation by operation.
final class RecordedPasses implements Passes {
    private static final int MOST = 2;

    /// Shapes that are remembered, and passes after which an unused recording makes room.
    private static final int REMEMBERED = 256;

    private final Passes others;
    private final Transformer model;
    private final Recompute recompute;
    private final Recorder recorder;
    private final Set<Shape> seen = Collections.newSetFromMap(new Recent());
    private final Map<Shape, Recorded> recorded = new HashMap<>();
    private long passes;

    /// What is part of a recording.
    ///
    /// @param offsets where each sequence starts, and with them all positions
    /// @param labelled tokens to predict
    private record Shape(List<Integer> offsets, int labelled, double scale) {
        static Shape of(Batch batch, double scale) {
            List<Integer> offsets = IntStream.of(batch.offsets()).boxed().toList();
            return new Shape(offsets, batch.trainedTokens(), scale);
        }
    }

    private static final class Recent extends LinkedHashMap<Shape, Boolean> {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Shape, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    }

    /// @param others passes what is not recorded
    /// @throws ConfigException if passes of this model are not the same whatever the tokens are
    RecordedPasses(Transformer model, Recompute recompute, Passes others) {
        requireSame(model, recompute);
        this.model = model;
        this.recompute = recompute;
        this.others = others;
        this.recorder = Recorder.on(model.device());
    }

    private static void requireSame(Transformer model, Recompute recompute) {
        boolean drops =
                model.linears().values().stream()
                        .map(Linear::lowRank)
                        .filter(Objects::nonNull)
                        .map(LowRank::dropout)
                        .anyMatch(p -> p > 0);
        if (drops) {
            throw new ConfigException(
                    "cuda_graphs: found lora_dropout, whose masks change with each pass, expected lora_dropout: 0");
        }
        if (recompute instanceof Recompute.Offload) {
            throw new ConfigException(
                    "cuda_graphs: found gradient_checkpointing: offload, whose inputs of layers travel by the host's word, expected none, mlp or layer");
        }
        if (!model.repeats()) {
            throw new ConfigException(
                    "cuda_graphs: found a model whose passes the host takes part in, expected one without experts, its base on the card (base_residency: ram)");
        }
    }

    @Override
    public void add(Batch batch, long dropoutSeed, double scale, Tensor sum) {
        Shape shape = Shape.of(batch, scale);
        Recorded known = recorded.get(shape);
        passes++;
        if (known != null) {
            known.again(batch, sum);
        } else if (seen.add(shape) || !hasRoom()) {
            others.add(batch, dropoutSeed, scale, sum);
        } else {
            var fresh = new Recorded(batch);
            recorded.put(shape, fresh);
            fresh.first(scale, sum);
        }
    }

    /// Makes room where a recording has not been used for long.
    private boolean hasRoom() {
        if (recorded.size() == MOST) {
            List<Shape> idle =
                    recorded.keySet().stream()
                            .filter(s -> recorded.get(s).used < passes - REMEMBERED)
                            .toList();
            idle.forEach(s -> recorded.remove(s).close());
        }
        return recorded.size() < MOST;
    }

    /// How many shapes are recorded.
    int recordings() {
        return recorded.size();
    }

    boolean isRecorded(Batch batch, double scale) {
        return recorded.containsKey(Shape.of(batch, scale));
    }

    @Override
    public void close() {
        recorded.values().forEach(Recorded::close);
        recorded.clear();
        recorder.close();
        others.close();
    }

    /// A pass with all that it reads and writes, since a recording goes back to the same addresses;
    /// but its scratch memory is made and given back within it.
    private final class Recorded implements AutoCloseable {
        private final Scope scope = Scope.detached("recorded pass", model.device());
        private final PassInput input;
        private final Labels labels;
        private final Tensor losses;
        private Recording recording;
        private long used = passes;

        Recorded(Batch batch) {
            try (var _ = scope.enter()) {
                input = model.input(batch.ids(), batch.positions(), batch.offsets());
                labels = Labels.of(batch.labels());
                losses = Tensor.zeros(DType.F64, 1);
            }
        }

        /// Passes the micro-batch and records that.
        void first(double scale, Tensor sum) {
            recording = recorder.record(() -> pass(scale));
            sum.addInPlace(losses);
        }

        private void pass(double scale) {
            try (var _ = Scope.open("micro-batch", model.device());
                    var workspace = new Workspace(DType.F32);
                    var tape = Tape.recording(workspace, 0, recompute)) {
                losses.zeroInPlace();
                model.loss(tape, input, labels, scale, losses);
                tape.backward();
            }
        }

        void again(Batch batch, Tensor sum) {
            used = passes;
            try (var _ = Scope.open("micro-batch", model.device())) {
                input.ids().copyInPlace(model.ids(batch.ids()));
                labels.take(Labels.of(batch.labels()));
                recording.run();
                sum.addInPlace(losses);
            }
        }

        @Override
        public void close() {
            if (recording != null) {
                recording.close();
            }
            scope.close();
        }
    }
}
