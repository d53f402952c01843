package dev.graft.plan;

import dev.graft.adapter.LoraConfig;
import dev.graft.model.BaseResidency;
import dev.graft.optim.Optim;
import dev.graft.plan.Fit.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// What to change in a run so that it fits: the first of these that are enough, and none that is
/// not needed. An adapter instead of every weight or an 8-bit optimizer, a quantized base,
/// recomputation, a smaller batch, a shorter length, a base that is read layer by layer.
///
/// @param verdict on the run as it is
/// @param changes empty where it fits, or where nothing helps
/// @param changed the bill with the changes; where nothing helps, of the least that there is
public record Advice(Verdict verdict, Bill bill, List<Change> changes, Bill changed) {
    private static final int SHORTEST = 64;

    /// One change.
    ///
    /// @param key the setting, `max_length: 512`
    /// @param saved bytes, when the changes are made in this order
    /// @param sentence what it does
    public record Change(String key, long saved, String sentence) {}

    public Advice {
        changes = List.copyOf(changes);
    }

    /// Whether the run fits after the changes.
    public boolean helps() {
        return verdict == Verdict.FITS || !changes.isEmpty();
    }

    public static Advice of(Job job, long memory) {
        return new Search(job, new Fit(memory)).advice();
    }

    private record Move(String key, String why, UnaryOperator<Job> change) {}

    private static final class Search {
        private final Job job;
        private final Fit fit;
        private final List<Move> moves = new ArrayList<>();
        private Job at;

        Search(Job job, Fit fit) {
            this.job = job;
            this.fit = fit;
            this.at = job;
        }

        Advice advice() {
            Bill bill = Bill.of(job);
            Verdict verdict = fit.of(job);
            if (verdict == Verdict.FITS) {
                return new Advice(verdict, bill, List.of(), bill);
            }
            boolean found = search();
            if (!found) {
                return new Advice(verdict, bill, List.of(), Bill.of(at));
            }
            dropNeedless();
            return new Advice(verdict, bill, changes(), Bill.of(at));
        }

        private boolean search() {
            if (steps()) {
                return true;
            }
            if (!(job.tuning() instanceof Tuning.Full)) {
                return false;
            }
            goBack(List.of());
            return made(
                            "finetuning_type: lora",
                            "trains an adapter instead of every weight",
                            j -> j.with(new Tuning.Lora(LoraConfig.allLinear(8, 8))))
                    || steps();
        }

        private boolean steps() {
            if (quantize() || recompute()) {
                return true;
            }
            List<Move> before = List.copyOf(moves);
            if (smaller()) {
                return true;
            }
            goBack(before);
            return streamed() || smaller();
        }

        private void goBack(List<Move> some) {
            moves.clear();
            moves.addAll(some);
            at = after(moves);
        }

        private boolean made(String key, String why, UnaryOperator<Job> change) {
            Job next = change.apply(at);
            if (Bill.of(next).needed() < Bill.of(at).needed()) {
                moves.add(new Move(key, why, change));
                at = next;
            }
            return fit.fits(at);
        }

        private boolean quantize() {
            return switch (at.tuning()) {
                case Tuning.Full() -> {
                    boolean paged = at.optimizer().optim().paged();
                    Optim small = paged ? Optim.PAGED_ADAMW_8BIT : Optim.ADAMW_8BIT;
                    yield made(
                            "optim: " + small,
                            "keeps the optimizer's moments in 8 bits",
                            j -> j.with(new OptimizerState(small, j.optimizer().limit())));
                }
                case Tuning.Lora _ when at.base().codes() == null ->
                        made(
                                "load_in_4bit: true",
                                "keeps the frozen base in 4 bits a weight (QLoRA)",
                                j -> j.with(j.base().with(BaseStorage.QLORA)));
                case Tuning.Lora _ -> false;
            };
        }

        private boolean recompute() {
            for (Recomputation policy : Recomputation.values()) {
                if (policy.compareTo(at.recomputation()) > 0
                        && made(
                                "gradient_checkpointing: " + policy,
                                switch (policy) {
                                    case NONE -> "keeps everything";
                                    case MLP -> "computes the feed-forward values twice";
                                    case LAYER -> "computes every layer twice";
                                    case OFFLOAD ->
                                            "computes every layer twice and lets the layers' inputs wait in a file";
                                },
                                j -> j.with(policy))) {
                    return true;
                }
            }
            return false;
        }

        private boolean smaller() {
            int length = at.batch().longest();
            int batch = Math.min(at.batch().sequences(), fit.largestBatch(at));
            int sequences = Math.max(1, batch);
            if (made(
                    "per_device_train_batch_size: " + sequences,
                    "takes fewer sequences at once; raise gradient_accumulation_steps to keep the step as large",
                    j -> j.with(BatchShape.of(sequences, length)))) {
                return true;
            }
            int longest = fit.longestContext(at) / SHORTEST * SHORTEST;
            int shorter = Math.clamp(longest, Math.min(SHORTEST, length), length);
            return made(
                    "max_length: " + shorter,
                    "cuts longer sequences",
                    j -> j.with(BatchShape.of(1, shorter)));
        }

        private boolean streamed() {
            if (at.computation().card()) {
                return !(at.tuning() instanceof Tuning.Full)
                        && made(
                                "base_residency: streamed",
                                "the card reads the layers from the host's memory, over its bus, in each pass",
                                j -> j.with(j.base().with(BaseResidency.STREAMED)));
            }
            return at.base().codes() != null
                    && made(
                            "base_residency: mapped",
                            "reads the quantized base from its files layer by layer, once `graft quantize` has written them",
                            j -> j.with(j.base().with(BaseResidency.MAPPED)));
        }

        private Job after(List<Move> some) {
            Job result = job;
            for (Move move : some) {
                result = move.change().apply(result);
            }
            return result;
        }

        /// What came first may not be needed after what came later.
        private void dropNeedless() {
            for (Move move : List.copyOf(moves)) {
                List<Move> others = new ArrayList<>(moves);
                others.remove(move);
                if (fit.fits(after(others))) {
                    moves.remove(move);
                }
            }
            at = after(moves);
        }

        private List<Change> changes() {
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < moves.size(); i++) {
                long before = Bill.of(after(moves.subList(0, i))).needed();
                long then = Bill.of(after(moves.subList(0, i + 1))).needed();
                Move move = moves.get(i);
                changes.add(new Change(move.key(), before - then, move.why()));
            }
            return changes;
        }
    }
}
