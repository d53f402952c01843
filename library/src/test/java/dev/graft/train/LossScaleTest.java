package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.tensor.DType;
import org.junit.jupiter.api.Test;

class LossScaleTest {
    private static final double INFINITE = Double.POSITIVE_INFINITY;

    @Test
    void typesThatReachAsFarAsFloat32AreNotScaled() {
        for (DType type : new DType[] {DType.F32, DType.BF16}) {
            LossScale scale = LossScale.of(type);
            assertThat(scale.factor()).isOne();
            assertThat(scale.relieves(3, INFINITE)).isFalse();
            for (int i = 0; i < 5_000; i++) {
                scale.taken();
            }
            assertThat(scale.factor()).isOne();
        }
    }

    @Test
    void anOverflowHalvesAndTwoThousandStepsInARowDouble() {
        LossScale scale = LossScale.of(DType.F16);
        assertThat(scale.factor()).isEqualTo(65_536);
        for (int i = 0; i < 1_999; i++) {
            scale.taken();
        }
        assertThat(scale.relieves(3, 0.5)).isFalse();
        assertThat(scale.relieves(3, INFINITE)).isTrue();
        assertThat(scale.factor()).isEqualTo(32_768);
        for (int i = 0; i < 1_999; i++) {
            scale.taken();
        }
        assertThat(scale.factor()).as("counted from the overflow").isEqualTo(32_768);
        scale.taken();
        assertThat(scale.factor()).isEqualTo(65_536);
        assertThat(scale.relieves(3, Double.NaN)).isTrue();
    }

    @Test
    void whatNoFactorHelpsIsLeftToTheRun() {
        LossScale scale = LossScale.of(DType.F16);
        assertThat(scale.relieves(INFINITE, INFINITE)).as("the loss itself").isFalse();
        int halved = 0;
        while (scale.relieves(3, INFINITE)) {
            halved++;
        }
        assertThat(halved).isEqualTo(16);
        assertThat(scale.factor()).isOne();
    }

    @Test
    void itGoesOnWhereItStood() {
        LossScale scale = LossScale.of(DType.F16);
        var before = new LossScale.State(4_096, 1_999);
        scale.restore(before);
        assertThat(scale.state()).isEqualTo(before);
        scale.taken();
        assertThat(scale.factor()).isEqualTo(8_192);
        LossScale plain = LossScale.of(DType.BF16);
        plain.restore(before);
        assertThat(plain.factor()).isOne();
    }
}
