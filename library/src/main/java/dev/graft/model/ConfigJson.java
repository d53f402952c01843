package dev.graft.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// The keys of a `config.json`, with the file's path for errors.
///
/// @param root the object that describes the decoder
record ConfigJson(Path path, JsonNode root) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// The same where keys that are absent have values.
    ///
    /// @param particular keys that are passed over unless they are among those values
    ConfigJson withDefaults(Map<String, Object> values, List<String> particular) {
        ObjectNode all = JSON.valueToTree(values);
        for (var entry : root.properties()) {
            String key = entry.getKey();
            if (values.containsKey(key) || !particular.contains(key)) {
                all.set(key, entry.getValue());
            }
        }
        return new ConfigJson(path, all);
    }

    boolean has(String key) {
        return root.hasNonNull(key);
    }

    JsonNode node(String key) {
        return root.path(key);
    }

    int positive(String key) {
        JsonNode node = root.path(key);
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() <= 0) {
            throw bad(
                    "%s: found %s, expected a positive number"
                            .formatted(key, node.isMissingNode() ? "nothing" : node));
        }
        return node.asInt();
    }

    int positive(String key, int absent) {
        return has(key) ? positive(key) : absent;
    }

    double number(String key, double absent) {
        if (has(key) && !root.get(key).isNumber()) {
            throw bad("%s: found %s, expected a number".formatted(key, root.get(key)));
        }
        return root.path(key).asDouble(absent);
    }

    boolean flag(String key, boolean absent) {
        if (has(key) && !root.get(key).isBoolean()) {
            throw bad("%s: found %s, expected true or false".formatted(key, root.get(key)));
        }
        return root.path(key).asBoolean(absent);
    }

    String text(String key, String absent) {
        return has(key) ? root.get(key).asText() : absent;
    }

    ModelFormatException bad(String what) {
        return new ModelFormatException(path + ": " + what);
    }

    /// Something of the model's that Graft does not compute.
    ConfigException unsupported(String what) {
        return new ConfigException(path + ": " + what);
    }
}
