package dev.graft.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;

/// Work on the elements of an iterator by all processors, some pieces ahead of their use, handed
/// out in the order of the elements.
final class Pipeline<T, R> implements Iterator<R>, AutoCloseable {
    private static final int PIECE = 64;

    private final Iterator<T> source;
    private final Function<T, R> work;
    private final int ahead = 2 * Runtime.getRuntime().availableProcessors();
    private final ExecutorService workers;
    private final ArrayDeque<Future<List<R>>> pieces = new ArrayDeque<>();
    private Iterator<R> done = List.<R>of().iterator();

    /// @param work done by several threads
    Pipeline(Iterator<T> source, Function<T, R> work) {
        this.source = source;
        this.work = work;
        this.workers =
                Executors.newFixedThreadPool(
                        Runtime.getRuntime().availableProcessors(),
                        Thread.ofPlatform().daemon().name("tokenize-", 0).factory());
    }

    @Override
    public boolean hasNext() {
        while (!done.hasNext()) {
            fill();
            if (pieces.isEmpty()) {
                return false;
            }
            done = result(pieces.removeFirst()).iterator();
        }
        return true;
    }

    @Override
    public R next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return done.next();
    }

    private void fill() {
        while (pieces.size() < ahead && source.hasNext()) {
            var piece = new ArrayList<T>(PIECE);
            while (piece.size() < PIECE && source.hasNext()) {
                piece.add(source.next());
            }
            pieces.addLast(workers.submit(() -> piece.stream().map(work).toList()));
        }
    }

    private static <R> List<R> result(Future<List<R>> piece) {
        try {
            return piece.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while tokenizing", e);
        }
    }

    @Override
    public void close() {
        workers.shutdownNow();
    }
}
