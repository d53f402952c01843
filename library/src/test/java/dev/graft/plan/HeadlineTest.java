package dev.graft.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.adapter.LoraConfig;
import dev.graft.model.BaseResidency;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.optim.Optim;
import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.tensor.DType;
import org.junit.jupiter.api.Test;

/// The figures that the field is known by, from the same arithmetic as everything else.
class HeadlineTest {
    private static final Matrix SQUARE = new Matrix("q_proj", 4096, 4096, false);

    private static Job job(ModelConfig model, Tuning tuning) {
        return Job.of(model, tuning, BatchShape.of(1, 512));
    }

    private static double bits(Quantization how) {
        long bytes = Codes.codes(how, SQUARE) + Codes.scales(how, SQUARE);
        return 8.0 * bytes / SQUARE.elements();
    }

    @Test
    void sevenBillionParametersTakeSixteenBytesEachWithAdam() {
        Bill bill = Bill.of(job(Configs.llama7b(), new Tuning.Full()));
        assertThat(bill.baseParameters()).isEqualTo(6_738_415_616L);
        assertThat(bill.trainedParameters()).isEqualTo(6_738_415_616L);
        long states = bill.bytes("trained") + bill.bytes("gradients") + bill.bytes("optimizer");
        assertThat(states).isEqualTo(16 * 6_738_415_616L).isEqualTo(107_814_649_856L);
        assertThat(states / 6_738_415_616.0 * 7e9).isCloseTo(112e9, within(1.0));
        assertThat(bill.bytes("trained")).isEqualTo(4 * 6_738_415_616L);
        assertThat(bill.bytes("optimizer")).isEqualTo(8 * 6_738_415_616L);
    }

    @Test
    void aSquareLayerOf4096TrainsOneInTwoHundredFiftySixAtRankEight() {
        var tuning = new Tuning.Lora(Configs.lora(8, "model.layers.0.self_attn.q_proj"));
        Bill bill = Bill.of(job(Configs.llama7b(), tuning));
        assertThat(SQUARE.elements()).isEqualTo(16_777_216);
        assertThat(bill.trainedParameters()).isEqualTo(65_536);
    }

    @Test
    void doubleQuantizationTakesTheBitsOfAWeightFrom4500To4127() {
        assertThat(bits(new Quantization.FourBit(FourBitCode.NF4, 64, false))).isEqualTo(4.5);
        assertThat(bits(Quantization.FourBit.DEFAULT)).isCloseTo(4.126953, within(1e-5));
        assertThat(bits(new Quantization.Int8())).isCloseTo(8 + 32.0 / 4096, within(1e-9));
    }

    @Test
    void sixtyFiveBillionParametersFitFortyEightGigabytesByQlora() {
        ModelConfig model = Configs.llama65b();
        Tuning tuning = new Tuning.Lora(LoraConfig.allLinear(16, 16));
        Job plain = job(model, tuning).with(Recomputation.LAYER);
        Job qlora = plain.with(plain.base().with(BaseStorage.QLORA));
        var fit = new Fit(48_000_000_000L);
        assertThat(Bill.of(qlora).baseParameters()).isEqualTo(65_285_660_672L);
        assertThat(fit.of(qlora)).isEqualTo(Fit.Verdict.FITS);
        assertThat(fit.of(plain)).isNotEqualTo(Fit.Verdict.FITS);
        assertThat(Bill.of(qlora).resident()).isBetween(36_000_000_000L, 42_000_000_000L);

        Tuning ofThePaper = new Tuning.Lora(LoraConfig.allLinear(64, 16));
        Job paged = qlora.with(ofThePaper).with(OptimizerState.of(Optim.PAGED_ADAMW_8BIT));
        assertThat(fit.of(paged)).isEqualTo(Fit.Verdict.FITS);
    }

    @Test
    void eightBitMomentsTakeAQuarterAndPagedOnesNoMemoryButTheirMaxima() {
        Job job = job(Configs.llama7b(), new Tuning.Full());
        Bill whole = Bill.of(job);
        Bill eight = Bill.of(job.with(OptimizerState.of(Optim.ADAMW_8BIT)));
        double share = (double) eight.bytes("optimizer") / whole.bytes("optimizer");
        assertThat(share).isCloseTo(2.03 / 8, within(0.001));
        Bill paged = Bill.of(job.with(OptimizerState.of(Optim.PAGED_ADAMW_8BIT)));
        assertThat(paged.bytes("moments")).isEqualTo(2 * 6_738_415_616L);
        assertThat(paged.bytes("moments") + paged.bytes("optimizer"))
                .isEqualTo(eight.bytes("optimizer"));
        var limited = new OptimizerState(Optim.PAGED_ADAMW_8BIT, 1L << 30);
        Bill bill = Bill.of(job.with(limited));
        assertThat(bill.bytes("optimizer") + bill.bytes("moments")).isEqualTo(1L << 30);
        assertThat(bill.onDisk()).isEqualTo(eight.bytes("optimizer") - (1L << 30));
    }

    @Test
    void theCodesOfEveryDecoderMatrixAreCountedAndNothingElseIsQuantized() {
        ModelConfig model = Configs.llama7b();
        Job job = job(model, new Tuning.Lora(LoraConfig.allLinear(8, 8)));
        Bill bill = Bill.of(job.with(job.base().with(BaseStorage.QLORA)));
        long perLayer = 4L * 4096 * 4096 + 3L * 4096 * 11008;
        assertThat(bill.bytes("codes")).isEqualTo(32 * perLayer / 2);
        long around = 2L * 32000 * 4096 + 65 * 4096;
        assertThat(bill.bytes("base")).isEqualTo(DType.F16.bytes() * around);
        assertThat(bill.bytes("widened")).isEqualTo(4 * 65 * 4096);
    }

    @Test
    void onACardActivationsTakeHalfAndNothingIsMapped() {
        Job job = job(Configs.llama7b(), new Tuning.Lora(LoraConfig.allLinear(8, 8)));
        Bill here = Bill.of(job);
        Bill there = Bill.of(job.with(Computation.onCard(DType.BF16)));
        for (String half : new String[] {"activations", "backward"}) {
            double share = (double) there.bytes(half) / here.bytes(half);
            assertThat(share).as(half).isCloseTo(0.5, within(0.002));
        }
        for (String same : new String[] {"base", "trained", "gradients", "optimizer"}) {
            assertThat(there.bytes(same)).as(same).isEqualTo(here.bytes(same));
        }
        assertThat(there.bytes("widened")).isZero();
        assertThat(there.parts()).allMatch(p -> p.place() == Part.Place.MEMORY);
        Bill wide = Bill.of(job.with(Computation.onCard(DType.F32)));
        assertThat(wide.bytes("activations")).isEqualTo(here.bytes("activations"));
    }

    @Test
    void recordedPassesHaveMemoryOfTheirOwn() {
        Job job =
                job(Configs.llama7b(), new Tuning.Lora(LoraConfig.allLinear(8, 8)))
                        .with(Recomputation.LAYER);
        Computation card = Computation.onCard(DType.BF16);
        Bill plain = Bill.of(job.with(card));
        Bill recorded = Bill.of(job.with(card.withGraphs(true)));
        long again = 0;
        for (String part : new String[] {"activations", "backward", "scratch", "logits"}) {
            again += plain.bytes(part);
        }
        assertThat(recorded.bytes("recorded")).isEqualTo(again);
        assertThat(recorded.needed()).isEqualTo(plain.needed() + again);
    }

    @Test
    void sevenBillionParametersFitACardOfEightGigabytesByQlora() {
        Job job =
                Job.of(
                                Configs.llama7b(),
                                new Tuning.Lora(LoraConfig.allLinear(16, 16)),
                                BatchShape.of(1, 2048))
                        .with(Computation.onCard(DType.BF16));
        Job qlora = job.with(job.base().with(BaseStorage.QLORA));
        var fit = new Fit(8_000_000_000L);
        assertThat(fit.of(qlora.with(Recomputation.LAYER))).isEqualTo(Fit.Verdict.FITS);
        assertThat(fit.of(job.with(Recomputation.LAYER))).isEqualTo(Fit.Verdict.TOO_LARGE);
        assertThat(fit.recomputingWhereNeeded(qlora).recomputation())
                .isIn(Recomputation.MLP, Recomputation.LAYER);
        Bill offloaded =
                Bill.of(
                        Job.of(
                                        Configs.llama7b(),
                                        new Tuning.Lora(LoraConfig.allLinear(16, 16)),
                                        BatchShape.of(1, 2048))
                                .with(Computation.onCard(DType.BF16))
                                .with(Recomputation.OFFLOAD));
        assertThat(offloaded.inHost()).isEqualTo(31L * 2048 * 4096 * 2);
    }

    @Test
    void whatIsStreamedOrPagedOnACardIsInTheHostsMemory() {
        Job job = job(Configs.llama65b(), new Tuning.Lora(LoraConfig.allLinear(16, 16)));
        job = job.with(job.base().with(BaseStorage.QLORA)).with(Computation.onCard(DType.BF16));
        Bill resident = Bill.of(job);
        Bill streamed = Bill.of(job.with(job.base().with(BaseResidency.STREAMED)));
        assertThat(streamed.bytes("codes")).isZero();
        assertThat(streamed.bytes("base_host")).isEqualTo(resident.bytes("codes"));
        assertThat(streamed.inHost()).isEqualTo(resident.bytes("codes"));
        assertThat(resident.inHost()).isZero();
        assertThat(streamed.bytes("scales")).isEqualTo(resident.bytes("scales"));
        assertThat(streamed.bytes("base_sent")).isEqualTo(2 * resident.bytes("codes") / 80);
        Bill paged = Bill.of(job.with(new OptimizerState(Optim.PAGED_ADAMW_32BIT, 0)));
        assertThat(paged.inHost()).isEqualTo(resident.bytes("optimizer"));
        assertThat(paged.needed()).isEqualTo(resident.needed() - resident.bytes("optimizer"));
        Job here = job.with(Computation.ON_PROCESSOR).with(Recomputation.OFFLOAD);
        assertThat(Bill.of(here).onDisk()).isPositive();
        assertThat(Bill.of(here).inHost()).isZero();
    }
}
