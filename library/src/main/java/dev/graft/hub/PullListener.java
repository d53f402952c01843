package dev.graft.hub;

import java.time.Duration;
import java.util.List;

/// Told how a pull goes, one call at a time, from several threads.
public interface PullListener {
    /// Hears nothing.
    PullListener NONE = new PullListener() {};

    /// What will be in the folder, before the first byte of it is fetched.
    default void planned(String commit, List<RemoteFile> files) {}

    /// Bytes of a file that are here; fewer than before where it had to start over.
    default void progress(RemoteFile file, long bytes) {}

    /// A file is whole and its hash right.
    ///
    /// @param fetched false where it was in the cache before
    default void finished(RemoteFile file, boolean fetched) {}

    /// Something failed and is tried again after a pause.
    default void retrying(String what, String reason, Duration pause) {}

    /// Another process is fetching the same file.
    default void waiting(String what) {}
}
