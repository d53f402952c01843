package dev.graft.train;

import dev.graft.kernel.EmulatedCard;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;

/// Runs with the kernels for cards, emulated: scaled losses, recorded passes and accumulated
/// gradients.
@ExtendWith(EmulatedCard.class)
class EmulatedTrainingTest {
    @Nested
    class Float16 extends Float16TrainingTest {}

    @Nested
    class Recorded extends RecordedPassesTest {}

    @Nested
    class Accumulated extends GradientAccumulationTest {}
}
