package dev.graft.optim;

import dev.graft.error.ConfigException;
import java.nio.file.Path;

/// Where a paged optimizer keeps its moments, and how many bytes of them may stay in memory.
///
/// A step walks over all moments in one order, so under a limit the first ones stay in memory for
/// good and the rest come and go in parts, the next of which is read while one is worked on. (To
/// drop what was used longest ago would drop just what the next step needs first.)
///
/// @param folder of the page file
/// @param limit bytes; 0 leaves it to the system
public record Paging(Path folder, long limit) {
    /// The system's folder for temporary files, without a limit.
    public static final Paging TEMPORARY =
            new Paging(Path.of(System.getProperty("java.io.tmpdir")), 0);

    private static final long MOST_ELEMENTS = 4 << 20;
    private static final long LEAST_BYTES = 1 << 20;

    /// Elements of a part: a multiple of 4096, so that its codes fill whole pages; two parts take at
    /// most half of the limit.
    long partElements(Optim optim) {
        if (limit == 0) {
            return MOST_ELEMENTS;
        }
        long elements = limit / 4 / (optim.eightBit() ? 2 : 8);
        return Math.clamp(elements / 4096 * 4096, 4096, MOST_ELEMENTS);
    }

    /// What is left of the limit for moments that stay: all but the block maxima, the part that is
    /// worked on and as much again, since a page fault maps some neighbours.
    ///
    /// @throws ConfigException if the limit is too low for the run
    long stayingBytes(Optim optim, long absmaxBytes) {
        if (limit == 0) {
            return Long.MAX_VALUE;
        }
        if (limit < LEAST_BYTES + absmaxBytes) {
            throw new ConfigException(
                    "optim_memory: found %,d bytes, expected at least %,d for this run (1 MiB, and the block maxima of the 8-bit moments); raise it, or leave it out"
                            .formatted(limit, LEAST_BYTES + absmaxBytes));
        }
        return limit - absmaxBytes - 2 * partElements(optim) * (optim.eightBit() ? 2 : 8);
    }
}
