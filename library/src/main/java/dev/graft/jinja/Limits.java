package dev.graft.jinja;

/// What one render may take; a template is code from elsewhere.
///
/// @param steps statements, loop turns, calls and filters
/// @param depth calls of macros and recursive loops inside each other
/// @param length characters of the output, of any text made on the way, or items of a list
/// @param made characters of all texts made on the way, together; an item of a list counts 16
public record Limits(long steps, int depth, int length, long made) {
    /// Ten million steps, 200 calls deep, texts of 16 Mi characters, 256 Mi of them made.
    public static final Limits DEFAULT = new Limits(10_000_000, 200, 1 << 24, 1L << 28);

    public Limits {
        if (steps < 1 || depth < 1 || length < 1 || made < 1) {
            throw new IllegalArgumentException("limits are positive: " + steps + ", " + depth);
        }
    }
}
