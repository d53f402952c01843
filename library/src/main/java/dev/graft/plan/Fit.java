package dev.graft.plan;

import java.util.function.IntPredicate;

/// Whether runs fit a memory, and how large they may get.
///
/// @param memory bytes that the run may use
public record Fit(long memory) {
    private static final int MOST_SEQUENCES = 1 << 16;

    /// What a bill means for this memory.
    public enum Verdict {
        /// Everything stays resident.
        FITS,
        /// It runs, but pages of the base's files have to be read again at every step.
        READS_AGAIN,
        /// It does not.
        TOO_LARGE
    }

    /// The verdict on a run.
    public Verdict of(Job job) {
        if (Bill.of(job).needed() <= memory) {
            return Verdict.FITS;
        }
        Job streamed = job.with(job.base().with(Residency.STREAMED));
        boolean isMapped = job.base().residency() != Residency.MEMORY;
        // Pages can be dropped where they are a file's: what is in memory has to stay.
        long least = Bill.of(job).anonymous() + Bill.of(streamed).needed();
        least -= Bill.of(streamed).anonymous();
        return isMapped && least <= memory ? Verdict.READS_AGAIN : Verdict.TOO_LARGE;
    }

    boolean fits(Job job) {
        return Bill.of(job).needed() <= memory;
    }

    /// The most sequences of the job's length that fit in a micro-batch; 0 where not one does.
    public int largestBatch(Job job) {
        int length = job.batch().longest();
        return largest(MOST_SEQUENCES, b -> fits(job.with(BatchShape.of(b, length))));
    }

    /// The longest single sequence that fits, at most as long as the model's positions reach; 0
    /// where none does.
    public int longestContext(Job job) {
        return largest(
                job.model().contextLength(), length -> fits(job.with(BatchShape.of(1, length))));
    }

    /// The largest number from 1 to `most` that passes, if smaller ones do too; 0 if none.
    private static int largest(int most, IntPredicate passes) {
        int low = 0;
        int high = most;
        while (low < high) {
            int middle = low + (high - low + 1) / 2;
            if (passes.test(middle)) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
