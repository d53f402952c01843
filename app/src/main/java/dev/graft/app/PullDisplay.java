package dev.graft.app;

import dev.graft.hub.PullListener;
import dev.graft.hub.RemoteFile;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A pull as people read it: a line for every file that is done, and one that says how far the
/// whole is.
final class PullDisplay implements PullListener {
    private static final double SMOOTHING_SECONDS = 5;

    private final PrintStream out;
    private final ProgressLine line;
    private final Map<String, Long> here = new HashMap<>();
    private long total;
    private long bytes;
    private double rate;
    private long measuredAt;
    private long measuredBytes;

    PullDisplay(Console console, PrintStream out) {
        this.out = out;
        this.line = new ProgressLine(console);
    }

    @Override
    public void planned(String commit, List<RemoteFile> files) {
        total = files.stream().mapToLong(RemoteFile::size).sum();
        out.println(
                "%s, %s, commit %s"
                        .formatted(
                                Figures.counted(files.size(), "file"),
                                Figures.mebibytes(total),
                                commit));
        line.begin();
        measuredAt = System.nanoTime();
    }

    @Override
    public void progress(RemoteFile file, long done) {
        Long before = here.put(file.name(), done);
        bytes += done - (before == null ? 0 : before);
        if (before == null) {
            measuredBytes += done; // what a former run left was not fetched now
        }
        measure();
        line.show(text(), false);
    }

    /// The rate of the last seconds, older ones counting less and less.
    private void measure() {
        double seconds = (System.nanoTime() - measuredAt) / 1e9;
        if (seconds < 0.2) {
            return;
        }
        double now = Math.max(0, bytes - measuredBytes) / seconds;
        double old = Math.exp(-seconds / SMOOTHING_SECONDS);
        rate = rate == 0 ? now : old * rate + (1 - old) * now;
        measuredAt = System.nanoTime();
        measuredBytes = bytes;
    }

    private String text() {
        String left = rate > 0 ? Figures.duration((total - bytes) / rate) + " left" : "";
        return Figures.format(
                "%s of %s, %.0f %%, %s/s, %s",
                Figures.mebibytes(bytes),
                Figures.mebibytes(total),
                100.0 * bytes / Math.max(1, total),
                Figures.mebibytes((long) rate),
                left);
    }

    @Override
    public void finished(RemoteFile file, boolean fetched) {
        line.clear();
        bytes += file.size() - here.getOrDefault(file.name(), 0L);
        if (!fetched) {
            measuredBytes += file.size();
        }
        here.put(file.name(), file.size());
        out.println(
                "%-44s %s%s"
                        .formatted(file.name(), size(file.size()), fetched ? "" : " (was here)"));
    }

    /// Most files of a model are small.
    private static String size(long bytes) {
        return bytes < 1 << 20
                ? Figures.format("%,.1f KiB", bytes / 1024.0)
                : Figures.mebibytes(bytes);
    }

    @Override
    public void retrying(String what, String reason, Duration pause) {
        line.clear();
        out.println(
                Figures.format("%s: %s; again in %.1f s", what, reason, pause.toMillis() / 1000.0));
    }

    @Override
    public void waiting(String what) {
        line.clear();
        out.println(what + ": another process is fetching it; waiting");
    }
}
