package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.adapter.LoraConfig;
import dev.graft.error.ConfigException;
import dev.graft.model.BaseResidency;
import dev.graft.plan.Fit.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// What fits, and what is advised where it does not.
class AdviceTest {
    private static final long GIB = 1L << 30;

    private static Job lora(int batch, int length) {
        Tuning tuning = new Tuning.Lora(LoraConfig.allLinear(8, 8));
        return Job.of(Configs.llama7b(), tuning, BatchShape.of(batch, length));
    }

    private static Job qlora(int batch, int length) {
        Job job = lora(batch, length);
        return job.with(job.base().with(BaseStorage.QLORA));
    }

    @Test
    void whatFitsIsLeftAsItIs() {
        Advice advice = Advice.of(lora(1, 512), 64 * GIB);
        assertThat(advice.verdict()).isEqualTo(Verdict.FITS);
        assertThat(advice.changes()).isEmpty();
        assertThat(advice.changed()).isEqualTo(advice.bill());
    }

    @Test
    void theBaseIsQuantizedBeforeAnythingElseIsGivenUp() {
        Advice advice = Advice.of(lora(1, 512), 12 * GIB);
        assertThat(advice.changes()).hasSize(1);
        assertThat(advice.changes().getFirst().key()).contains("load_in_4bit: true");
        assertThat(advice.changes().getFirst().saved())
                .isEqualTo(advice.bill().needed() - advice.changed().needed());
    }

    @Test
    void recomputationComesBeforeSmallerBatches() {
        Advice advice = Advice.of(qlora(4, 2048), 16 * GIB);
        assertThat(advice.changes().stream().map(Advice.Change::key))
                .containsExactly("gradient_checkpointing: layer");
        assertThat(advice.changed().job().batch()).isEqualTo(BatchShape.of(4, 2048));
    }

    @Test
    void smallerBatchesComeBeforeShorterSequences() {
        Advice advice = Advice.of(qlora(64, 1024).with(Recomputation.OFFLOAD), 8 * GIB);
        assertThat(advice.changes()).hasSize(1);
        assertThat(advice.changes().getFirst().key())
                .startsWith("per_device_train_batch_size: ")
                .isNotEqualTo("per_device_train_batch_size: 64");
        assertThat(advice.changed().job().batch().longest()).isEqualTo(1024);
    }

    @Test
    void aMappedBaseLargerThanTheMemoryRunsButIsReadAgain() {
        Tuning tuning = new Tuning.Lora(LoraConfig.allLinear(8, 8));
        Job job =
                Job.of(Configs.llama65b(), tuning, BatchShape.of(1, 512)).with(Recomputation.LAYER);
        Advice advice = Advice.of(job, 24 * GIB);
        assertThat(advice.verdict()).isEqualTo(Verdict.READS_AGAIN);
        assertThat(advice.changes().stream().map(Advice.Change::key))
                .contains("load_in_4bit: true", "base_residency: mapped");
        assertThat(advice.changed().needed()).isLessThanOrEqualTo(24 * GIB);
        assertThat(advice.changed().onDisk()).isGreaterThan(30 * GIB);
        Job inMemory = job.with(job.base().with(BaseResidency.RAM));
        assertThat(new Fit(24 * GIB).of(inMemory)).isEqualTo(Verdict.TOO_LARGE);
    }

    @Test
    void theRunRecomputesAsLittleAsFits() {
        Job job = qlora(4, 1024);
        Recomputation before = Recomputation.NONE;
        for (int gib : new int[] {64, 24, 16, 12, 8, 6}) {
            var fit = new Fit(gib * GIB);
            Recomputation chosen = fit.recomputingWhereNeeded(job).recomputation();
            assertThat(chosen).isGreaterThanOrEqualTo(before);
            for (Recomputation less : Recomputation.values()) {
                if (less.compareTo(chosen) < 0) {
                    assertThat(fit.fits(job.with(less))).isFalse();
                }
            }
            before = chosen;
        }
        assertThat(before).isNotEqualTo(Recomputation.NONE);
    }

    @Test
    void everyWeightOfAModelTooLargeBecomesAnAdapter() {
        Job job = Job.of(Configs.llama7b(), new Tuning.Full(), BatchShape.of(1, 512));
        Advice advice = Advice.of(job, 24 * GIB);
        assertThat(advice.verdict()).isEqualTo(Verdict.TOO_LARGE);
        assertThat(advice.changes().getFirst().key()).isEqualTo("finetuning_type: lora");
        assertThat(advice.changed().needed()).isLessThanOrEqualTo(24 * GIB);
    }

    @Test
    void whereNothingHelpsTheLeastIsTold() {
        Advice advice = Advice.of(lora(1, 512), GIB / 4);
        assertThat(advice.verdict()).isEqualTo(Verdict.TOO_LARGE);
        assertThat(advice.changes()).isEmpty();
        assertThat(advice.changed().needed()).isBetween(GIB / 4, advice.bill().needed() / 2);
        assertThat(advice.helps()).isFalse();
    }

    /// The advice is enough, and no change of it can be left out.
    @ParameterizedTest
    @CsvSource({"8, 4096, 8", "8, 4096, 16", "32, 1024, 6", "1, 4096, 5", "16, 2048, 40"})
    void everyChangeIsNeeded(int batch, int length, int gibibytes) {
        Advice advice = Advice.of(lora(batch, length), gibibytes * GIB);
        assertThat(advice.changes()).isNotEmpty();
        assertThat(advice.changed().needed()).isLessThanOrEqualTo(gibibytes * GIB);
        assertThat(advice.changes()).allSatisfy(c -> assertThat(c.saved()).isPositive());
    }

    @ParameterizedTest
    @EnumSource(Recomputation.class)
    void theLargestBatchAndTheLongestContextFitAndOneMoreDoesNot(Recomputation policy) {
        Job job = qlora(1, 1024).with(policy);
        var fit = new Fit(20 * GIB);
        int batch = fit.largestBatch(job);
        assertThat(batch).isPositive();
        assertThat(Bill.of(job.with(BatchShape.of(batch, 1024))).needed())
                .isLessThanOrEqualTo(20 * GIB);
        assertThat(Bill.of(job.with(BatchShape.of(batch + 1, 1024))).needed())
                .isGreaterThan(20 * GIB);
        int context = fit.longestContext(job);
        assertThat(Bill.of(job.with(BatchShape.of(1, context))).needed())
                .isLessThanOrEqualTo(20 * GIB);
        if (context < job.model().contextLength()) {
            assertThat(Bill.of(job.with(BatchShape.of(1, context + 1))).needed())
                    .isGreaterThan(20 * GIB);
        }
    }

    @Test
    void eachPolicyKeepsLessThanTheOneBefore() {
        long before = Long.MAX_VALUE;
        for (Recomputation policy : Recomputation.values()) {
            Bill bill = Bill.of(qlora(4, 1024).with(policy));
            assertThat(bill.needed()).isLessThan(before);
            before = bill.needed();
        }
        Bill offloaded = Bill.of(qlora(4, 1024).with(Recomputation.OFFLOAD));
        assertThat(offloaded.bytes("inputs") + offloaded.bytes("inputs_file"))
                .isEqualTo(31L * 4 * 1024 * 4096 * 4);
        assertThat(offloaded.onDisk()).isEqualTo(offloaded.bytes("inputs_file"));
    }

    @Test
    void sizesAreReadAsTheyAreWritten() {
        assertThat(ByteSize.parse("m", "24GB")).isEqualTo(24_000_000_000L);
        assertThat(ByteSize.parse("m", "24GiB")).isEqualTo(24 * GIB);
        assertThat(ByteSize.parse("m", "24g")).isEqualTo(24 * GIB);
        assertThat(ByteSize.parse("m", "1.5 GiB")).isEqualTo(3 * GIB / 2);
        assertThat(ByteSize.parse("m", "4096")).isEqualTo(4096);
        assertThat(ByteSize.of(1023)).isEqualTo("1023 B");
        assertThat(ByteSize.of(24 * GIB)).isEqualTo("24.0 GiB");
        assertThat(ByteSize.of((1L << 20) - 1)).isEqualTo("1.0 MiB");
        assertThatThrownBy(() -> ByteSize.parse("--memory", "much"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("--memory: found 'much'");
    }
}
