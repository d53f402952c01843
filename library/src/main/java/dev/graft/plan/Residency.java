package dev.graft.plan;

/// Where the frozen base is while it is used.
public enum Residency {
    /// In its file, mapped; what is quantized as it loads is in memory.
    MAPPED,
    /// Copied to memory.
    MEMORY,
    /// In a file, of which two layers are resident at a time: the one in use and the next.
    STREAMED
}
