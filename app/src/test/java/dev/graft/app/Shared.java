package dev.graft.app;

import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;

/// The folder of real models and data sets that lies beside the repository.
final class Shared {
    private Shared() {}

    /// The named folder or file; without it the test skips, or fails with `REQUIRE_SHARED=1`.
    static Path folder(String relative) {
        String named = System.getenv("GRAFT_SHARED");
        if (named != null && Files.exists(Path.of(named, relative))) {
            return Path.of(named, relative);
        }
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            Path found = at.resolve("shared").resolve(relative);
            if (Files.exists(found)) {
                return found;
            }
        }
        String message =
                "needs shared/%s beside the repository, or in the folder that GRAFT_SHARED names"
                        .formatted(relative);
        if ("1".equals(System.getenv("REQUIRE_SHARED"))) {
            throw new AssertionError(message);
        }
        return abort(message);
    }
}
