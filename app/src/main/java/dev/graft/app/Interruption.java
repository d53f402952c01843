package dev.graft.app;

import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/// Ctrl-C: the first asks the running work to stop, and the process ends when it has; the second
/// ends the process at once.
final class Interruption {
    private static final int SIGINT = 2;

    private final PrintStream err;
    private final CountDownLatch finished = new CountDownLatch(1);

    Interruption(PrintStream err) {
        this.err = err;
    }

    /// Work that can be asked to stop, until it closes.
    interface Interruptible extends AutoCloseable {
        @Override
        void close();
    }

    /// Calls `stop` when the process is asked to end, and holds the end back until [#finished].
    Interruptible calls(Runnable stop) {
        Optional<MethodHandle> signal = signal(); // linked before there is any hurry
        var hook =
                new Thread(
                        () -> {
                            signal.ifPresent(Interruption::killOnNextInterrupt);
                            err.println();
                            err.println("stopping after this step (Ctrl-C again to kill) ...");
                            stop.run();
                            awaitFinished();
                        },
                        "graft-interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
        return () -> {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) {
                // The process is ending already, and this hook runs.
            }
        };
    }

    /// Everything is saved and said.
    void finished() {
        finished.countDown();
    }

    private void awaitFinished() {
        try {
            finished.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Gives SIGINT back to the system: the JVM, once it is shutting down, would only wait.
    private static void killOnNextInterrupt(MethodHandle signal) {
        try {
            MemorySegment _ = (MemorySegment) signal.invokeExact(SIGINT, MemorySegment.NULL);
        } catch (Throwable e) {
            throw new IllegalStateException("signal could not be called", e);
        }
    }

    /// The C function `signal`.
    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> signal() {
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find("signal")
                .map(
                        symbol ->
                                linker.downcallHandle(
                                        symbol,
                                        FunctionDescriptor.of(
                                                ValueLayout.ADDRESS,
                                                ValueLayout.JAVA_INT,
                                                ValueLayout.ADDRESS)));
    }
}
