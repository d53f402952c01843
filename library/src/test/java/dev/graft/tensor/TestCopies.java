package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Copies between tensors of the processor, made as early or as late as a card might make them. One
/// that is asked for while something may still use its place is refused.
public final class TestCopies implements CopyQueue {
    public enum Moment {
        /// When they are asked for.
        EARLY,
        /// When something waits for them.
        LATE
    }

    private final Moment moment;
    private final List<Runnable> waiting = new ArrayList<>();
    private final Map<Integer, Integer> marks = new HashMap<>();
    private boolean follows;
    private int sent;
    private boolean closed;

    public TestCopies(Moment moment) {
        this.moment = moment;
    }

    /// Says that something was computed, which later copies have to follow.
    public void computed() {
        follows = false;
    }

    public int sent() {
        return sent;
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public void follow() {
        follows = true;
    }

    @Override
    public void send(Tensor from, Tensor to) {
        assertThat(follows).as("behind what was computed before").isTrue();
        sent++;
        // a card has the addresses, whatever becomes of the tensors
        MemorySegment source = from.segment();
        MemorySegment target = to.segment();
        Runnable copy = () -> target.copyFrom(source);
        if (moment == Moment.EARLY) {
            copy.run();
        } else {
            waiting.add(copy);
        }
    }

    @Override
    public void mark(int number) {
        marks.put(number, waiting.size());
    }

    @Override
    public void await(int number) {
        run(marks.get(number));
    }

    private void run(int count) {
        List<Runnable> due = waiting.subList(0, count);
        due.forEach(Runnable::run);
        due.clear();
        marks.replaceAll((_, n) -> Math.max(0, n - count));
    }

    @Override
    public void finish() {
        run(waiting.size());
    }

    @Override
    public void close() {
        finish();
        closed = true;
    }
}
