package dev.graft.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/// Reads what sets the layers of a model apart: windows, rotary embeddings, experts.
record LayerKinds(ConfigJson config, Family family, RopeReader ropes) {
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    /// Which layers have a window, where `layer_types` does not say so.
    enum Windows {
        NONE,
        /// All, if `sliding_window` is there.
        EVERY,
        /// Those of `layer_types`, else all, if `sliding_window` is there.
        LISTED,
        /// All, if `use_sliding_window`.
        SWITCHED,
        /// Those from `max_window_layers` on, if `use_sliding_window`.
        LAST_LAYERS,
        /// All but every n-th, n being `sliding_window_pattern`.
        ALTERNATING,
        /// Those of `layer_types`, else those whose positions are not encoded, if
        /// `use_sliding_window`.
        NOT_ROTATED
    }

    List<LayerKind> read(int layers) {
        List<LayerKind> kinds = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            String type = type(i);
            long window = type.equals(SLIDING) ? config.positive("sliding_window") : 0;
            kinds.add(new LayerKind(window, isRotated(i) ? rope(type) : null, isSparse(i)));
        }
        return kinds;
    }

    private String type(int layer) {
        JsonNode types = config.node("layer_types");
        boolean hasWindow = config.has("sliding_window");
        boolean isSwitched = config.flag("use_sliding_window", false) && hasWindow;
        boolean slides =
                switch (family.windows()) {
                    case NONE -> false;
                    case EVERY -> hasWindow;
                    case LISTED -> types.isArray() ? isSliding(types, layer) : hasWindow;
                    case SWITCHED -> isSwitched;
                    case LAST_LAYERS ->
                            isSwitched
                                    && (types.isArray()
                                            ? isSliding(types, layer)
                                            : layer >= config.number("max_window_layers", 28));
                    case ALTERNATING ->
                            types.isArray()
                                    ? isSliding(types, layer)
                                    : (layer + 1) % config.positive("sliding_window_pattern", 2)
                                            != 0;
                    case NOT_ROTATED ->
                            types.isArray()
                                    ? isSliding(types, layer)
                                    : isSwitched && !isRotated(layer);
                };
        return slides ? SLIDING : FULL;
    }

    private boolean isSliding(JsonNode types, int layer) {
        String type = types.path(layer).asText();
        if (!type.equals(SLIDING) && !type.equals(FULL)) {
            throw config.unsupported(
                    "layer_types: layer %d is '%s', which is not supported; supported: %s, %s"
                            .formatted(layer, type, FULL, SLIDING));
        }
        return type.equals(SLIDING);
    }

    private boolean isRotated(int layer) {
        if (family.windows() != Windows.NOT_ROTATED) {
            return true;
        }
        return config.has("no_rope_layers")
                ? config.node("no_rope_layers").path(layer).asInt() != 0
                : (layer + 1) % config.positive("no_rope_layer_interval", 4) != 0;
    }

    /// Gemma 3 and OLMo 3 have a base of its own for layers with a window, and scale the others
    /// alone.
    private RotaryEmbedding rope(String type) {
        if (!config.root().has("rope_local_base_freq")) {
            return ropes.read(type);
        }
        JsonNode own = config.node("rope_parameters").path(type);
        if (type.equals(SLIDING)) {
            double theta = config.number("rope_local_base_freq", family.theta());
            return ropes.read(own, own.path("rope_theta").asDouble(theta));
        }
        JsonNode scaled = config.has("rope_scaling") ? config.node("rope_scaling") : own;
        double theta = config.number("rope_theta", family.theta());
        return ropes.read(scaled, own.path("rope_theta").asDouble(theta));
    }

    private boolean isSparse(int layer) {
        if (family.experts() == null) {
            return false;
        }
        for (JsonNode dense : config.node("mlp_only_layers")) {
            if (dense.asInt() == layer) {
                return false;
            }
        }
        return (layer + 1) % config.positive("decoder_sparse_step", 1) == 0;
    }
}
