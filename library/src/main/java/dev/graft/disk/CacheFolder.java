package dev.graft.disk;

import java.nio.file.Path;
import java.util.Map;

/// Where what can be made again is kept for the next run.
public final class CacheFolder {
    private CacheFolder() {}

    /// A part of this user's cache: `GRAFT_CACHE`, else `graft` in `XDG_CACHE_HOME`, else in
    /// `~/.cache`.
    ///
    /// @param part a folder in it
    public static Path ofUser(String part) {
        return of(System.getenv(), System.getProperty("user.home")).resolve(part);
    }

    static Path of(Map<String, String> environment, String home) {
        String own = environment.getOrDefault("GRAFT_CACHE", "");
        if (!own.isEmpty()) {
            return Path.of(own);
        }
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        return (cache.isEmpty() ? Path.of(home, ".cache") : Path.of(cache)).resolve("graft");
    }
}
