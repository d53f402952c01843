package dev.graft.plan;

import dev.graft.model.ModelConfig;
import dev.graft.plan.Part.Place;
import java.util.List;
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
        Bill bill = Bill.of(job);
        if (bill.needed() <= memory) {
            return Verdict.FITS;
        }
        return bill.needed() - spared(bill) <= memory ? Verdict.READS_AGAIN : Verdict.TOO_LARGE;
    }

    /// The pages of a mapped base that a pass does without: all but two layers and what lies
    /// around the layers.
    private static long spared(Bill bill) {
        ModelConfig model = bill.job().model();
        boolean isMapped =
                bill.parts().stream()
                        .filter(p -> p.key().equals("base"))
                        .anyMatch(p -> p.place() == Place.MAPPED || p.place() == Place.CACHED);
        if (!isMapped) {
            return 0;
        }
        long tables = (model.tiedEmbeddings() ? 1L : 2L) * model.vocabulary() * model.hidden();
        long around = tables * bill.job().base().stored().bytes();
        long layers = Math.max(0, bill.bytes("base") - around);
        return layers - Math.min(layers, 2 * Math.ceilDiv(layers, model.layers()));
    }

    /// The same run with the least recomputation that fits; that runs at all where none does; or as
    /// it is.
    public Job recomputingWhereNeeded(Job job) {
        for (Verdict wanted : List.of(Verdict.FITS, Verdict.READS_AGAIN)) {
            for (Recomputation policy : Recomputation.values()) {
                boolean possible = policy != Recomputation.OFFLOAD || !job.computation().graphs();
                if (possible && of(job.with(policy)) == wanted) {
                    return job.with(policy);
                }
            }
        }
        return job;
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
