package dev.graft.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ModelFormatException;
import java.util.NavigableSet;
import java.util.TreeSet;

/// `model.safetensors.index.json`: the shards that hold the tensors of a model.
final class ShardIndex {
    static final String FILE = "model.safetensors.index.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private ShardIndex() {}

    /// The shards that an index names.
    ///
    /// @param place of the index, for errors
    /// @throws ModelFormatException if it is no index, or names what is no file beside it
    static NavigableSet<String> shards(String index, String place) {
        JsonNode map;
        try {
            map = JSON.readTree(index).path("weight_map");
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(place + ": not JSON: " + e.getOriginalMessage(), e);
        }
        if (!map.isObject() || map.isEmpty()) {
            throw new ModelFormatException(place + ": has no weight_map");
        }
        var shards = new TreeSet<String>();
        for (JsonNode shard : map) {
            String name = shard.isTextual() ? shard.textValue() : shard.toString();
            boolean beside = SafeName.is(name) && name.indexOf('/') < 0;
            if (!beside || !name.endsWith(".safetensors")) {
                throw new ModelFormatException(
                        "%s: names the shard '%s', expected a .safetensors file beside it; nothing was written"
                                .formatted(place, SafeName.shown(name)));
            }
            shards.add(name);
        }
        return shards;
    }
}
