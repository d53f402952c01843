package dev.graft.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Reads the rotary embedding of a config: `rope_parameters` of Transformers 5, one for all
/// layers or one for each type of layer; `rope_theta` and `rope_scaling` of Transformers 4.
record RopeReader(ConfigJson config, int headWidth, double defaultTheta, boolean neighbours) {
    private static final String SUPPORTED = "default, linear, dynamic, llama3, yarn, longrope";

    /// The rotary embedding of the layers of a type.
    ///
    /// @param layerType as in `layer_types`
    RotaryEmbedding read(String layerType) {
        JsonNode all = parameters();
        JsonNode own = all.has(layerType) ? all.get(layerType) : all;
        return read(own, number(own, "rope_theta", config.number("rope_theta", defaultTheta)));
    }

    /// `rope_scaling` wins where both are there, as in Transformers, which then reads no base from
    /// the other: a scaling that was added to a new config by hand would change the base unnoticed.
    private JsonNode parameters() {
        JsonNode scaling = config.node("rope_scaling");
        JsonNode parameters = config.node("rope_parameters");
        for (JsonNode node : List.of(scaling, parameters)) {
            if (!node.isMissingNode() && !node.isNull() && !node.isObject()) {
                throw config.bad(
                        "rope_scaling or rope_parameters: found %s, expected an object"
                                .formatted(node));
            }
        }
        if (scaling.isEmpty()) {
            return parameters;
        }
        boolean hasBase = scaling.has("rope_theta") || config.has("rope_theta");
        if (!hasBase && number(parameters, "rope_theta", defaultTheta) != defaultTheta) {
            throw config.bad(
                    "rope_scaling beside rope_parameters: their rope_theta %s would not count; move what rope_scaling says into rope_parameters"
                            .formatted(parameters.get("rope_theta")));
        }
        return scaling;
    }

    /// A rotary embedding of these parameters.
    RotaryEmbedding read(JsonNode parameters, double theta) {
        String key = "partial_rotary_factor";
        double share = config.has(key) ? number(parameters, key, config.number(key, 1)) : 1;
        int width = (int) (headWidth * share);
        if (width % 2 != 0 || width < 2) {
            throw config.bad(
                    "partial_rotary_factor: %d of %d numbers of a head would be rotated, expected an even number"
                            .formatted(width, headWidth));
        }
        if (theta <= 0) {
            throw config.bad("rope_theta: found %s, expected a positive number".formatted(theta));
        }
        return new RotaryEmbedding(theta, width, scaling(parameters, width), neighbours);
    }

    private RopeScaling scaling(JsonNode parameters, int width) {
        String type =
                parameters.hasNonNull("rope_type")
                        ? parameters.get("rope_type").asText()
                        : parameters.path("type").asText("default");
        return switch (type.toLowerCase(Locale.ROOT)) {
            case "default" -> new RopeScaling.Default();
            case "linear" -> new RopeScaling.Linear(number(parameters, "factor"));
            case "dynamic" ->
                    new RopeScaling.Dynamic(
                            number(parameters, "factor"),
                            config.positive("max_position_embeddings"));
            case "llama3" ->
                    new RopeScaling.Llama3(
                            number(parameters, "factor"),
                            number(parameters, "low_freq_factor"),
                            number(parameters, "high_freq_factor"),
                            originalContext(parameters));
            // the first files of Phi-3 say yarn or su of what is longrope
            case "yarn" ->
                    parameters.has("short_factor") ? longRope(parameters, width) : yarn(parameters);
            case "longrope", "su" -> longRope(parameters, width);
            default ->
                    throw config.unsupported(
                            "rope type '%s' is not supported; supported: %s"
                                    .formatted(type, SUPPORTED));
        };
    }

    private RopeScaling yarn(JsonNode p) {
        double original = originalContext(p);
        double factor = number(p, "factor", config.number("max_position_embeddings", 0) / original);
        double scale = number(p, "mscale", 0);
        double scaleAll = number(p, "mscale_all_dim", 0);
        double inferred =
                scale != 0 && scaleAll != 0
                        ? temperature(factor, scale) / temperature(factor, scaleAll)
                        : temperature(factor, 1);
        return new RopeScaling.Yarn(
                factor,
                orIfZero(number(p, "beta_fast", 0), 32),
                orIfZero(number(p, "beta_slow", 0), 1),
                p.path("truncate").asBoolean(true),
                original,
                number(p, "attention_factor", inferred));
    }

    private static double temperature(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private static double orIfZero(double value, double otherwise) {
        return value == 0 ? otherwise : value;
    }

    private RopeScaling longRope(JsonNode p, int width) {
        double original = originalContext(p);
        double factor = number(p, "factor", config.number("max_position_embeddings", 0) / original);
        double inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return new RopeScaling.LongRope(
                factors(p, "short_factor", width),
                factors(p, "long_factor", width),
                original,
                number(p, "attention_factor", inferred));
    }

    private List<Double> factors(JsonNode parameters, String key, int width) {
        List<Double> factors = new ArrayList<>();
        parameters.path(key).forEach(n -> factors.add(n.asDouble()));
        if (factors.size() != width / 2) {
            throw config.bad(
                    "%s: found %d numbers, expected %d, one for each pair that is rotated"
                            .formatted(key, factors.size(), width / 2));
        }
        return factors;
    }

    /// The key beside the parameters wins over the one among them, as in Transformers.
    private double originalContext(JsonNode parameters) {
        String key = "original_max_position_embeddings";
        double among = number(parameters, key, config.number("max_position_embeddings", 0));
        double original = config.number(key, among);
        if (original <= 0) {
            throw config.bad("rope scaling has no number " + key);
        }
        return original;
    }

    private double number(JsonNode node, String key) {
        if (!node.path(key).isNumber()) {
            throw config.bad("rope scaling has no number " + key);
        }
        return node.get(key).asDouble();
    }

    private double number(JsonNode node, String key, double absent) {
        return node.hasNonNull(key) ? number(node, key) : absent;
    }
}
