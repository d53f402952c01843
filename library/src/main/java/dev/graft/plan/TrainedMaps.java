package dev.graft.plan;

import dev.graft.model.ModelLayout.Matrix;
import dev.graft.model.ModelLayout.Vector;
import java.util.List;

/// What is trained of some maps and norms, as the arithmetic of activations asks for it.
///
/// @param dropout of the adapters
record TrainedMaps(TrainedTensors trained, double dropout) {
    /// Whether an output of one of these maps needs a gradient though no input does.
    boolean trains(List<Matrix> maps) {
        return maps.stream()
                .anyMatch(m -> reads(m) || trained.elements().containsKey(m.path() + ".bias"));
    }

    boolean trains(Vector norm) {
        return norm != null && trained.whole().contains(norm.path());
    }

    /// Whether the backward step of a map reads its input, for dA or dW.
    boolean reads(Matrix map) {
        return trained.rank(map.path()) > 0 || trained.whole().contains(map.path());
    }

    boolean reads(List<Matrix> maps) {
        return maps.stream().anyMatch(this::reads);
    }

    long ranks(List<Matrix> maps) {
        return maps.stream().mapToLong(m -> trained.rank(m.path())).sum();
    }

    /// What the backward step of a map takes: the narrow gradient of an adapter; with dropout the
    /// gradient through it.
    long step(Matrix map) {
        int rank = trained.rank(map.path());
        return rank + (rank > 0 && dropout > 0 ? map.in() : 0);
    }

    /// The dropped input that is there for a moment in the forward pass.
    long dropped(List<Matrix> maps) {
        return dropout == 0
                ? 0
                : maps.stream()
                        .filter(m -> trained.rank(m.path()) > 0)
                        .mapToLong(Matrix::in)
                        .max()
                        .orElse(0);
    }

    long step(List<Matrix> maps) {
        return maps.stream().mapToLong(this::step).max().orElse(0);
    }
}
