package dev.graft.app;

/// A line that says how far something is: rewritten in place on a terminal, printed every few
/// seconds elsewhere.
final class ProgressLine {
    private static final long PLAIN_INTERVAL = 5_000_000_000L;
    private static final long TERMINAL_INTERVAL = 100_000_000L;

    private final Console console;
    private long shownAt;
    private boolean shown;
    private boolean begun;

    ProgressLine(Console console) {
        this.console = console;
    }

    /// From now on the interval counts: what is done sooner is not shown.
    void begin() {
        begun = true;
        shownAt = System.nanoTime();
    }

    /// Shows the line if it is time to.
    ///
    /// @param now whether it is time in any case
    void show(String line, boolean now) {
        long at = System.nanoTime();
        long interval = console.terminal() ? TERMINAL_INTERVAL : PLAIN_INTERVAL;
        if (begun && !now && at - shownAt < interval) {
            return;
        }
        begun = true;
        shownAt = at;
        if (console.terminal()) {
            int width = Math.max(20, console.columns() - 1);
            String cut = line.length() > width ? line.substring(0, width) : line;
            console.err().print("\r\u001b[K" + cut);
        } else {
            console.err().println(line);
        }
        console.err().flush();
        shown = true;
    }

    /// Takes the line away, so that others can be printed.
    void clear() {
        if (shown && console.terminal()) {
            console.err().print("\r\u001b[K");
            console.err().flush();
        }
        shown = false;
    }
}
