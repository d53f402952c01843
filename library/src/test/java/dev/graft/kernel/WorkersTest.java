package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void everyRowRunsExactlyOnce() {
        for (int threads : new int[] {1, 2, 4}) {
            for (int rows : new int[] {0, 1, 2, 17, 1000}) {
                for (int repeat = 0; repeat < 200; repeat++) {
                    var runs = new AtomicIntegerArray(rows);
                    Workers.rows(threads, rows, 9999, (from, to) -> count(runs, from, to));
                    for (int i = 0; i < rows; i++) {
                        assertThat(runs.get(i)).isEqualTo(1);
                    }
                }
            }
        }
    }

    private static void count(AtomicIntegerArray runs, long from, long to) {
        for (long row = from; row < to; row++) {
            runs.incrementAndGet((int) row);
        }
    }

    @Test
    void aSleepingWorkerIsWoken() throws InterruptedException {
        for (int i = 0; i < 5; i++) {
            Thread.sleep(20);
            var others = new AtomicLong();
            Thread caller = Thread.currentThread();
            long end = System.nanoTime() + 2_000_000_000L;
            while (others.get() == 0 && System.nanoTime() < end) {
                Workers.rows(
                        2,
                        100,
                        100_000,
                        (_, _) -> {
                            if (Thread.currentThread() != caller) {
                                others.incrementAndGet();
                            }
                            LockSupport.parkNanos(20_000);
                        });
            }
            assertThat(others.get()).isPositive();
        }
    }

    @Test
    void anExceptionReachesTheCallerAndTheNextLoopRuns() {
        for (int threads : new int[] {1, 3}) {
            for (int bad : new int[] {0, 50, 99}) {
                assertThatThrownBy(
                                () ->
                                        Workers.rows(
                                                threads, 100, 99_999, (from, _) -> fail(from, bad)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("row " + bad);
            }
            var sum = new AtomicLong();
            Workers.rows(threads, 100, 99_999, (from, to) -> sum.addAndGet(to - from));
            assertThat(sum.get()).isEqualTo(100);
        }
    }

    private static void fail(long row, int bad) {
        if (row == bad) {
            throw new IllegalArgumentException("row " + row);
        }
    }

    @Test
    void aLoopInsideALoopRuns() {
        var sum = new AtomicLong();
        Workers.rows(
                3,
                20,
                99_999,
                (_, _) -> Workers.rows(3, 30, 99_999, (from, to) -> sum.addAndGet(to - from)));
        assertThat(sum.get()).isEqualTo(600);
    }
}
