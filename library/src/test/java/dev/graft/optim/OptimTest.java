package dev.graft.optim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.nn.Parameter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptimTest {
    @TempDir Path folder;

    @Test
    void eightBitMomentsTakeTwoBytesAndAThirtiethAnElement() {
        long million = 1 << 20;
        assertThat(Optim.ADAMW_TORCH.stateBytes(million)).isEqualTo(8 * million);
        assertThat(Optim.ADAMW_8BIT.stateBytes(million) / (double) million).isEqualTo(2.03125);
        assertThat(Optim.ADAMW_8BIT.stateBytes(4097)).isEqualTo(2 * 4097 + 2 * 4 * 17);
    }

    @Test
    void smallParametersKeep32BitMoments() {
        assertThat(Optim.ADAMW_8BIT.stateBytes(4095)).isEqualTo(8 * 4095);
        assertThat(Optim.PAGED_ADAMW_8BIT.stateBytes(4096)).isEqualTo(2 * 4096 + 2 * 4 * 16);
    }

    @Test
    void theFiguresAreWhatAnOptimizerAllocates() {
        for (Optim optim : new Optim[] {Optim.ADAMW_TORCH, Optim.ADAMW_8BIT}) {
            try (var _ = Scope.open()) {
                List<Parameter> parameters =
                        List.of(
                                new Parameter("large", Tensor.zeros(DType.F32, 300, 100)),
                                new Parameter("odd", Tensor.zeros(DType.F32, 5001)),
                                new Parameter("small", Tensor.zeros(DType.F32, 4095)));
                long before = Scope.liveBytes();
                try (var _ = new AdamW(parameters, settings(optim), name -> true)) {
                    long expected =
                            parameters.stream()
                                    .mapToLong(p -> optim.stateBytes(p.value().numel()))
                                    .sum();
                    assertThat(Scope.liveBytes() - before).as("%s", optim).isEqualTo(expected);
                }
                assertThat(Scope.liveBytes()).isEqualTo(before);
            }
        }
    }

    private AdamW.Settings settings(Optim optim) {
        return new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, optim, new Paging(folder, 0));
    }
}
