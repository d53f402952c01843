package dev.graft.hub;

import dev.graft.error.ModelFormatException;
import java.util.regex.Pattern;

/// A file of a repository at one commit.
///
/// @param name path in the repository, `/` between its parts
/// @param etag SHA-256 of the content (LFS), or the SHA-1 that git gives it
/// @param size bytes
public record RemoteFile(String name, String etag, long size) {
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");
    private static final long ABSURD = 1L << 50;

    public RemoteFile {
        requireSafe(name);
        if (!HASH.matcher(etag).matches()) {
            throw new ModelFormatException(
                    "%s: the server gives the ETag '%s', expected a SHA-256 or git's SHA-1, without which nothing can be checked; check HF_ENDPOINT and proxies between"
                            .formatted(name, SafeName.shown(etag)));
        }
        if (size < 0 || size > ABSURD) {
            throw new ModelFormatException(
                    "%s: the server says that it has %d bytes, expected 0 to %d"
                            .formatted(name, size, ABSURD));
        }
    }

    /// @throws ModelFormatException if the name leads out of its folder
    static void requireSafe(String name) {
        if (!SafeName.is(name)) {
            throw new ModelFormatException(
                    "the server names a file '%s', expected a plain relative path; nothing was written"
                            .formatted(SafeName.shown(name)));
        }
    }
}
