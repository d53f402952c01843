package dev.graft.app;

import dev.graft.disk.AtomicFile;
import dev.graft.profile.Profile;
import dev.graft.profile.Trace;
import java.nio.channels.Channels;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/// The options of a command that can be profiled, and the profile itself.
final class Profiling implements AutoCloseable {
    /// Events of some hundred steps of a large model, 48 bytes each.
    private static final int MOST_EVENTS = 2_000_000;

    @Option(
            names = "--profile",
            description = "Say at the end where the time of a step went, by operation.")
    private boolean profile;

    @Option(
            names = "--profile-trace",
            paramLabel = "FILE",
            description =
                    "The same, and when each operation was, for chrome://tracing or Perfetto.")
    private Path traceFile;

    private Trace trace;
    private Profile running;

    /// Begins, if it was asked for.
    Profiling start() {
        if (profile || traceFile != null) {
            trace = new Trace(traceFile == null ? 0 : MOST_EVENTS);
            running = Profile.start(trace);
        }
        return this;
    }

    /// Prints what was asked for.
    void print(Console console, boolean json) {
        if (running == null) {
            return;
        }
        running.close();
        var report = new ProfileReport(running.report(), MachineLimits.gigaflops());
        if (json) {
            console.json(report.toJson());
        } else {
            report.lines().forEach(console.out()::println);
        }
        if (traceFile != null) {
            AtomicFile.write(traceFile, channel -> trace.write(Channels.newOutputStream(channel)));
            String left =
                    trace.left() == 0
                            ? ""
                            : "; %s that came later left out"
                                    .formatted(Figures.counted(trace.left(), "event"));
            console.err().println("trace:   " + traceFile + left);
        }
    }

    @Override
    public void close() {
        if (running != null) {
            running.close();
        }
    }
}
