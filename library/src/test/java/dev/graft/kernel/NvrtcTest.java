package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.tensor.NativeLibrary;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// NVIDIA's compiler needs no card: it is tried wherever CUDA 13 is installed, as by the packages
/// that PyTorch depends on (`LD_LIBRARY_PATH`).
final class NvrtcTest {
    @BeforeEach
    void isHere() {
        assumeTrue(
                NativeLibrary.find("libnvrtc.so.13").isPresent(),
                "there is no libnvrtc.so.13 of CUDA 13 on this machine");
    }

    /// Turing, Ampere, Ada, Hopper, Blackwell.
    @ParameterizedTest
    @ValueSource(strings = {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"})
    void theKernelsCompileForEveryArchitecture(String architecture) {
        byte[] binary = Nvrtc.find().compile(CudaCompiler.source(), architecture);
        assertThat(new String(binary, 0, 4, StandardCharsets.ISO_8859_1)).isEqualTo("\u007fELF");
        assertThat(binary.length).isGreaterThan(10_000);
    }

    @Test
    void anErrorNamesTheFileAndTheLine() {
        String source = "#line 7 \"rows.cu\"\n__global__ void f() { none(); }\n";
        assertThatThrownBy(() -> Nvrtc.find().compile(source, "sm_90"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("do not compile for sm_90")
                .hasMessageContaining("rows.cu(7)");
    }
}
