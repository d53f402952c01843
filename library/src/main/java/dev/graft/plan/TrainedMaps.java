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

    /// Whether the backward step of one of these maps reads the input before those of all maps that
    /// share it are through: for dW, and with dropout for dA.
    boolean readsAtOnce(List<Matrix> maps) {
        return maps.stream()
                .anyMatch(m -> trained.whole().contains(m.path()) || (drops() && reads(m)));
    }

    boolean readsWeight(Matrix map) {
        return trained.whole().contains(map.path());
    }

    private boolean drops() {
        return dropout > 0;
    }

    /// The narrow gradient that is there while one of the maps that share an input goes backward:
    /// those of all lie side by side; with dropout only its own.
    long narrow(Matrix map, List<Matrix> sharers) {
        return drops() ? narrow(map) : ranks(sharers);
    }

    /// The same of a map that shares its input with none.
    long narrow(Matrix map) {
        return trained.rank(map.path());
    }

    /// What is there between the backward steps of two maps that share an input.
    long between(List<Matrix> sharers) {
        return drops() ? 0 : ranks(sharers);
    }

    /// What the backward steps of maps that share an input take: their narrow gradients; with
    /// dropout that of one, and the gradient through it.
    long step(List<Matrix> sharers) {
        return drops() ? sharers.stream().mapToLong(this::dropped).max().orElse(0) : ranks(sharers);
    }

    /// What the backward step of one of these maps, which share nothing, takes at most: the
    /// gradient of its output with the narrow one, or what comes when that of the output is gone.
    long through(List<Matrix> maps, long output) {
        return maps.stream()
                .mapToLong(m -> Math.max(output + narrow(m), step(List.of(m))))
                .max()
                .orElse(output);
    }

    private long dropped(Matrix map) {
        int rank = trained.rank(map.path());
        return rank > 0 ? rank + map.in() : 0;
    }

    /// The dropped input that is there for a moment in the forward pass.
    long dropped(List<Matrix> maps) {
        return drops()
                ? maps.stream()
                        .filter(m -> trained.rank(m.path()) > 0)
                        .mapToLong(Matrix::in)
                        .max()
                        .orElse(0)
                : 0;
    }
}
