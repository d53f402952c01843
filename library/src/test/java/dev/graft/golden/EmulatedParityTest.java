package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.kernel.EmulatedCard;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whole models against Transformers, PEFT and bitsandbytes with the kernels for cards: how the
/// passes call them, with which shapes and strides.
@ExtendWith(EmulatedCard.class)
class EmulatedParityTest {
    @Nested
    class Llama extends LlamaParityTest {}

    @Nested
    class Families extends FamiliesTest {
        /// Read again, numbers lie at other addresses of the file, where kernels take other packs.
        @Override
        void assertReadAgain(Tensor logits, Tensor before) {
            assertThat(Golden.maxDifference(logits, before)).isLessThan(1e-4);
        }
    }

    @Nested
    class Qlora extends QloraParityTest {}

    @Nested
    class Variants extends VariantsTest {}

    @Nested
    class Adapters extends AdaptersTest {}

    @Nested
    class Decoding extends DecodeStepTest {}

    @Nested
    class Stories extends StoriesTest {
        Stories() throws Exception {}
    }

    @ParameterizedTest
    @MethodSource("dev.graft.golden.FamiliesTest#families")
    void sixteenBitsGiveNearlyTheLossAndTheGradientsOfFloat32(String family) {
        DevicePassTest.assertNearFloat32(family, DType.BF16, Device.CPU, 0.01, 0.99);
        DevicePassTest.assertNearFloat32(family, DType.F16, Device.CPU, 0.002, 0.995);
    }
}
