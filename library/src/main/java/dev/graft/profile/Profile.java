package dev.graft.profile;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/// Listens to the training steps of one thread: to operations, which nest, and to the calls of the
/// native library and of kernels within them. Where nobody listens, all of it costs a look at a
/// field.
///
/// Nothing outside of a step counts, nor does the first step, in which the virtual machine
/// compiles, if another follows.
public final class Profile implements AutoCloseable {
    private static volatile Profile current;

    private final Thread thread = Thread.currentThread();
    private final Trace trace;
    private final Map<String, Totals> operations = new HashMap<>();
    private final Map<String, Totals> calls = new HashMap<>();
    private final Deque<Open> open = new ArrayDeque<>();
    private int steps;
    private boolean isWarm;
    private long stepNanos;
    private long allocatedBytes;
    private boolean isInCall;

    private Profile(Trace trace) {
        this.trace = trace;
    }

    /// An operation that has begun.
    private final class Open implements Span {
        private final String name;
        private final long begin = System.nanoTime();
        private final Totals own = new Totals();
        private long inside;

        Open(String name) {
            this.name = name;
        }

        @Override
        public void close() {
            end(this);
        }
    }

    /// Begins to listen to the calling thread.
    ///
    /// @throws IllegalStateException if a profile listens already
    public static Profile start() {
        return start(new Trace(0));
    }

    /// The same, and keeps when each operation and call was.
    public static Profile start(Trace trace) {
        if (current != null) {
            throw new IllegalStateException("a profile is being taken already");
        }
        current = new Profile(trace);
        return current;
    }

    private static Profile listening() {
        Profile profile = current;
        return profile != null && profile.thread == Thread.currentThread() ? profile : null;
    }

    /// Whether the calling thread is in a step that someone listens to, and in no call of it.
    public static boolean listens() {
        Profile profile = listening();
        return profile != null && !profile.isInCall && !profile.open.isEmpty();
    }

    /// A training step.
    public static Span step() {
        Profile profile = listening();
        return profile == null ? Span.NONE : profile.beginStep();
    }

    /// An operation of a step.
    public static Span operation(String name) {
        return listens() ? current.begin(name) : Span.NONE;
    }

    /// A call begins: the calls that it makes itself are not noted.
    ///
    /// @return when, for `called`; 0 where nobody listens
    public static long enter() {
        if (!listens()) {
            return 0;
        }
        current.isInCall = true;
        return System.nanoTime();
    }

    /// Notes a call that has just come back.
    ///
    /// @param begin what `enter` said
    /// @param flops floating-point operations of products; 0 for other work
    /// @param bytes of what was read and written
    public static void called(String name, long begin, long flops, long bytes) {
        if (begin != 0) {
            current.isInCall = false;
            current.add(name, begin, System.nanoTime() - begin, flops, bytes);
        }
    }

    /// Notes memory that was taken for a tensor.
    public static void allocated(long bytes) {
        Profile profile = listening();
        if (profile != null && !profile.open.isEmpty()) {
            profile.allocatedBytes += bytes;
        }
    }

    private Span beginStep() {
        if (steps == 1 && !isWarm) {
            forget();
        }
        return begin("step");
    }

    /// Forgets the first step.
    private void forget() {
        operations.clear();
        calls.clear();
        steps = 0;
        stepNanos = 0;
        allocatedBytes = 0;
        isWarm = true;
    }

    private Span begin(String name) {
        var span = new Open(name);
        open.push(span);
        return span;
    }

    private void end(Open span) {
        if (open.peek() != span) {
            throw new IllegalStateException(span.name + " ends before what began in it");
        }
        open.pop();
        long nanos = System.nanoTime() - span.begin;
        trace.add("operation", span.name, span.begin, nanos);
        span.own.calls = 1;
        span.own.nanos = nanos - span.inside;
        operations.computeIfAbsent(span.name, _ -> new Totals()).add(span.own);
        if (open.isEmpty()) {
            steps++;
            stepNanos += nanos;
        } else {
            open.peek().inside += nanos;
        }
    }

    private void add(String name, long begin, long nanos, long flops, long bytes) {
        trace.add("call", name, begin, nanos);
        var call = new Totals();
        call.calls = 1;
        call.nanos = nanos;
        call.flops = flops;
        call.bytes = bytes;
        calls.computeIfAbsent(name, _ -> new Totals()).add(call);
        open.peek().own.flops += flops;
        open.peek().own.bytes += bytes;
    }

    /// What was heard so far, as means of a step.
    public Report report() {
        return new Report(
                steps,
                stepNanos / 1e9 / Math.max(1, steps),
                allocatedBytes / Math.max(1, steps),
                Report.rows(operations, steps),
                Report.rows(calls, steps));
    }

    /// Stops listening.
    @Override
    public void close() {
        current = null;
    }
}
