package dev.graft.hub;

import java.nio.file.Path;

/// A model that is in the cache, whole.
///
/// @param folder its snapshot, a model folder
/// @param commit 40 hexadecimal digits
/// @param bytes of all its files together
public record Pulled(Path folder, String commit, int files, long bytes) {}
