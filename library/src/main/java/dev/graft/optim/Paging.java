package dev.graft.optim;

import dev.graft.error.ConfigException;
import java.nio.file.Path;

/// Where a paged optimizer keeps its moments, and how many bytes of them may stay in memory.
///
/// @param folder of the page file
/// @param limit bytes; 0 leaves it to the system
public record Paging(Path folder, long limit) {
    /// The system's folder for temporary files, without a limit.
    public static final Paging TEMPORARY =
            new Paging(Path.of(System.getProperty("java.io.tmpdir")), 0);

    /// What a step works on: both moments of a part, on three windows at most.
    private static final long WORKING = 3 * PageFile.WINDOW;

    /// Elements of a part, whose moments fill a window each.
    static long partElements(Optim optim) {
        return PageFile.WINDOW / (optim.eightBit() ? 1 : Float.BYTES);
    }

    /// Bytes of the page file that stay in memory between steps.
    ///
    /// @param absmaxBytes moments that are not paged
    /// @throws ConfigException if the limit is too low for the run
    long keptBytes(long absmaxBytes) {
        if (limit == 0) {
            return Long.MAX_VALUE;
        }
        long least = WORKING + absmaxBytes;
        if (limit < least) {
            throw new ConfigException(
                    "optim_memory: found %,d bytes, expected at least %,d for this run: raise it, or leave it out"
                            .formatted(limit, least));
        }
        return (limit - least) / PageFile.WINDOW * PageFile.WINDOW;
    }
}
