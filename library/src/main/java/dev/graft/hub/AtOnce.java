package dev.graft.hub;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/// The same work on many things, some of them at once. The first failure stops the rest.
final class AtOnce {
    private AtOnce() {}

    /// The results in the order of the things.
    ///
    /// @param most how many at once
    static <T, R> List<R> all(int most, Collection<T> things, Function<T, R> work) {
        try (var threads = Executors.newFixedThreadPool(most, Thread.ofVirtual().factory())) {
            var done = new ExecutorCompletionService<R>(threads);
            List<Future<R>> begun = new ArrayList<>();
            things.forEach(thing -> begun.add(done.submit(() -> work.apply(thing))));
            try {
                for (int i = 0; i < begun.size(); i++) {
                    done.take().get();
                }
                return begun.stream().map(Future::resultNow).toList();
            } catch (ExecutionException e) {
                threads.shutdownNow();
                throw rethrown(e.getCause());
            } catch (InterruptedException _) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new CancellationException("interrupted");
            }
        }
    }

    private static RuntimeException rethrown(Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(cause);
        };
    }
}
