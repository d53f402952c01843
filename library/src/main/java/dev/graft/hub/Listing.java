package dev.graft.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.error.ModelFormatException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/// What a repository holds at a revision.
///
/// @param commit the 40 hexadecimal digits that the revision stands for
/// @param files name of every file to its size, where the hub says it
record Listing(String commit, Map<String, OptionalLong> files) {
    static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Reads the answer of `/api/models/{repo}/revision/{revision}`.
    ///
    /// @param place where it came from, for errors
    /// @throws ModelFormatException if it is another thing, or names a file that is no plain path
    static Listing parse(String json, String place) {
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(
                    "%s: the answer is not JSON (%s); check that HF_ENDPOINT is a hub"
                            .formatted(place, e.getOriginalMessage()),
                    e);
        }
        String commit = root.path("sha").asText();
        if (!COMMIT.matcher(commit).matches()) {
            throw new ModelFormatException(
                    "%s: names the commit '%s', expected 40 hexadecimal digits; check that HF_ENDPOINT is a hub"
                            .formatted(place, SafeName.shown(commit)));
        }
        var files = new LinkedHashMap<String, OptionalLong>();
        for (JsonNode sibling : root.path("siblings")) {
            String name = sibling.path("rfilename").asText();
            RemoteFile.requireSafe(name);
            JsonNode size = sibling.path("size");
            files.put(
                    name,
                    size.canConvertToLong() && size.isIntegralNumber()
                            ? OptionalLong.of(size.longValue())
                            : OptionalLong.empty());
        }
        return new Listing(commit, files);
    }
}
