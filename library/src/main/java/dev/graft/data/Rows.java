package dev.graft.data;

/// The rows of one file, one after another, never all in memory.
interface Rows extends AutoCloseable {
    /// The next row, or null at the end.
    ///
    /// @throws dev.graft.error.ConfigException where there is something that is no row
    Row next();

    /// Records so far that are no rows and were left out.
    int skipped();

    @Override
    void close();
}
