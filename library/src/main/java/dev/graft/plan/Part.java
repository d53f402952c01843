package dev.graft.plan;

/// One thing that a run holds.
///
/// @param key as in `--json`
/// @param bytes at the worst moment of a step
/// @param from how the bytes come about, in words
public record Part(String key, long bytes, Place place, String from) {
    /// Where a part is.
    public enum Place {
        /// Memory that no file backs: it has to be there.
        MEMORY,
        /// Pages of a mapped file that every step reads.
        MAPPED,
        /// Pages of a mapped file that every step reads, a few at a time: the system's cache has
        /// them meanwhile, not this process.
        CACHED,
        /// Pages of a mapped file that are read once and given up when memory is wanted.
        PASSING,
        /// A file, beside the memory.
        DISK,
        /// Page-locked memory of the host, beside that of a card.
        HOST;

        /// Whether it counts in the memory that the bill is about: that of this process, or of the
        /// card.
        public boolean resident() {
            return this != DISK && this != HOST && this != CACHED;
        }
    }
}
