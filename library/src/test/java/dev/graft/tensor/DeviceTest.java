package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
    @ParameterizedTest
    @CsvSource({"cpu, cpu", "meta, meta", "cuda, cuda:0", "cuda:0, cuda:0", "cuda:3, cuda:3"})
    void namesAreThoseOfPyTorch(String given, String name) {
        assertThat(Device.of(given)).hasToString(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpu", "cuda:", "cuda:x", "CUDA", "", "cuda:-1"})
    void otherNamesAreRefused(String name) {
        assertThatThrownBy(() -> Device.of(name))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found '%s', expected cpu, cuda or cuda:1".formatted(name));
    }

    @Test
    void tensorsAreMadeWhereTheirScopeSays() {
        try (var _ = Scope.open("host")) {
            assertThat(Tensor.zeros(DType.F32, 2).device()).isEqualTo(Device.CPU);
            try (var _ = Scope.open("there", Device.META);
                    var _ = Scope.open("inner")) {
                assertThat(Tensor.empty(DType.BF16, 2, 3).device()).isEqualTo(Device.META);
                assertThat(Tensor.zeros(DType.F32, 2).device()).isEqualTo(Device.META);
                assertThat(Tensor.of(new float[] {1, 2}).device()).isEqualTo(Device.META);
                assertThat(Tensor.of(new int[] {1, 2}, 2, 1).shape()).containsExactly(2, 1);
                try (var _ = Scope.open("back", Device.CPU)) {
                    assertThat(Tensor.of(new float[] {1}).toFloats()).containsExactly(1);
                }
            }
            assertThat(Scope.currentDevice()).isEqualTo(Device.CPU);
        }
    }

    @Test
    void resultsAreWhereTheirOperandsAreWhateverTheScopeSays() {
        try (var _ = Scope.open("host")) {
            Tensor here = Tensor.of(new float[] {1, 2});
            try (var _ = Scope.open("there", Device.META)) {
                assertThat(here.add(here).toFloats()).containsExactly(2, 4);
                assertThat(here.mul(here).toFloats()).containsExactly(1, 4);
                assertThat(here.copy().device()).isEqualTo(Device.CPU);
                assertThat(here.to(DType.F64).device()).isEqualTo(Device.CPU);
                assertThat(here.view(1, 2).matmul(here.view(2, 1)).toFloats()).containsExactly(5);
                assertThat(here.to(Device.META).device()).isEqualTo(Device.META);
            }
        }
    }

    @Test
    void memoryElsewhereIsNotReadAsMemoryHere() {
        try (var _ = Scope.open("there", Device.META)) {
            Tensor t = Tensor.zeros(DType.F32, 2);
            assertThatThrownBy(t::segment)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("F32[2] is on meta");
        }
    }

    @Test
    void detachedScopesHaveTheirOwnDevice() {
        long before = Scope.liveTensors();
        try (var scope = Scope.detached("model", Device.META);
                var _ = scope.enter()) {
            assertThat(scope.device()).isEqualTo(Device.META);
            assertThat(Tensor.empty(DType.F32, 1).device()).isEqualTo(Device.META);
        }
        assertThat(Scope.liveTensors()).isEqualTo(before);
    }
}
