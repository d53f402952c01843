package dev.graft.model;

import dev.graft.model.FeedForwardShape.Experts;
import dev.graft.model.LayerKinds.Windows;
import java.util.Map;

/// What is particular to a family of models.
///
/// @param defaults of keys that a `config.json` may leave out
/// @param theta of rotary embeddings where the config says none
/// @param gemma whether norms are stored less one and embeddings scaled by √H
/// @param neighbours whether pairs that are rotated lie side by side
record Family(
        Map<String, Object> defaults,
        double theta,
        Biases biases,
        Projections projections,
        NormPlacement norms,
        QueryKeyNorm queryKeyNorm,
        boolean gemma,
        boolean neighbours,
        Windows windows,
        Experts experts) {

    /// Which maps have biases.
    enum Biases {
        NONE,
        /// `attention_bias`, `mlp_bias`
        DECLARED,
        /// q, k and v
        QKV,
        /// q, k and v, if `attention_bias`
        QKV_DECLARED
    }

    /// Which maps are one.
    enum Projections {
        APART,
        /// q, k and v; gate and up
        FUSED,
        /// gate and up
        GATES_FUSED
    }

    /// As Llama is, but for these.
    static Family like(Biases biases, QueryKeyNorm norm, Windows windows) {
        return new Family(
                Map.of(),
                10000,
                biases,
                Projections.APART,
                NormPlacement.PRE,
                norm,
                false,
                false,
                windows,
                null);
    }

    static Family gemma(
            Map<String, Object> defaults,
            double theta,
            NormPlacement norms,
            QueryKeyNorm norm,
            Windows windows) {
        return new Family(
                defaults,
                theta,
                Biases.DECLARED,
                Projections.APART,
                norms,
                norm,
                true,
                false,
                windows,
                null);
    }

    Family with(Map<String, Object> otherDefaults, double otherTheta) {
        return new Family(
                otherDefaults,
                otherTheta,
                biases,
                projections,
                norms,
                queryKeyNorm,
                gemma,
                neighbours,
                windows,
                experts);
    }

    Family with(Experts others) {
        return new Family(
                defaults,
                theta,
                biases,
                projections,
                norms,
                queryKeyNorm,
                gemma,
                neighbours,
                windows,
                others);
    }

    Family with(NormPlacement others) {
        return new Family(
                defaults,
                theta,
                biases,
                projections,
                others,
                queryKeyNorm,
                gemma,
                neighbours,
                windows,
                experts);
    }

    Family rotatingNeighbours() {
        return new Family(
                defaults,
                theta,
                biases,
                projections,
                norms,
                queryKeyNorm,
                gemma,
                true,
                windows,
                experts);
    }
}
