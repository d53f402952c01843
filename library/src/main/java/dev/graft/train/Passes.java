package dev.graft.train;

import dev.graft.data.Batch;
import dev.graft.model.Transformer;
import dev.graft.nn.Recompute;
import dev.graft.nn.Tape;
import dev.graft.nn.Workspace;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;

/// Forward and backward passes of micro-batches.
interface Passes extends AutoCloseable {
    /// Adds the gradients of `scale` · loss to those of the parameters.
    ///
    /// @param dropoutSeed the same masks for the same seed
    /// @param sum [1] F64; the sum of the losses is added
    void add(Batch batch, long dropoutSeed, double scale, Tensor sum);

    @Override
    void close();

    /// Operation by operation.
    record Asked(Transformer model, Recompute recompute, Workspace workspace) implements Passes {
        @Override
        public void add(Batch batch, long dropoutSeed, double scale, Tensor sum) {
            try (var _ = Scope.open("micro-batch");
                    var tape = Tape.recording(workspace, dropoutSeed, recompute)) {
                model.loss(
                        tape,
                        batch.ids(),
                        batch.positions(),
                        batch.offsets(),
                        batch.labels(),
                        scale,
                        sum);
                tape.backward();
            }
        }

        @Override
        public void close() {
            // the workspace is the run's
        }
    }
}
