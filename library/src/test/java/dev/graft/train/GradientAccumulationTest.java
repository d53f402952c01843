package dev.graft.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.adapter.Adapter;
import dev.graft.adapter.LoraConfig;
import dev.graft.data.Batch;
import dev.graft.data.Batches;
import dev.graft.golden.Golden;
import dev.graft.nn.Losses;
import dev.graft.nn.Parameter;
import dev.graft.nn.Tape;
import dev.graft.tensor.DType;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Micro-batches whose gradients add up.
class GradientAccumulationTest {
    @Test
    void eightMicroBatchesOfOneEqualABatchOfEight() {
        List<double[]> runs = new ArrayList<>();
        List<Map<String, float[]>> gradients = new ArrayList<>();
        for (int batch : new int[] {1, 8}) {
            try (var model = new Golden.Model("llama-tiny", DType.F32);
                    var adapter =
                            Adapter.attach(model.transformer, LoraConfig.allLinear(4, 8), 42);
                    var _ = Scope.open()) {
                fillB(adapter);
                var batches = new Batches(TrainerTest.data(8), batch, 42, false);
                long labelled = TrainerTest.data(8).trainedTokens();
                double loss = 0;
                for (int i = 0; i < 8 / batch; i++) {
                    loss += passOf(model, batches.next(), labelled);
                }
                runs.add(new double[] {loss / labelled});
                Map<String, float[]> all = new HashMap<>();
                adapter.parameters().forEach((n, p) -> all.put(n, p.gradient().toFloats()));
                gradients.add(all);
            }
        }
        assertThat(runs.get(0)[0]).isCloseTo(runs.get(1)[0], within(1e-5));
        gradients
                .get(0)
                .forEach(
                        (name, values) -> {
                            float[] other = gradients.get(1).get(name);
                            for (int i = 0; i < values.length; i++) {
                                assertThat(values[i]).isCloseTo(other[i], within(1e-5f));
                            }
                        });
    }

    private static void fillB(Adapter adapter) {
        var random = new Random(1);
        for (Parameter p : adapter.parameters().values()) {
            if (p.name().contains("lora_B")) {
                float[] values = new float[(int) p.value().numel()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) random.nextGaussian() * 0.1f;
                }
                p.value().copyInPlace(Tensor.of(values, p.value().shape()));
            }
        }
    }

    private static double passOf(Golden.Model model, Batch batch, long labelled) {
        try (var _ = Scope.open();
                var tape = Tape.recording(model.workspace, 1)) {
            double loss =
                    Losses.of(
                            model.transformer,
                            tape,
                            batch.ids(),
                            batch.positions(),
                            batch.offsets(),
                            batch.labels(),
                            1.0 / labelled);
            tape.backward();
            return loss;
        }
    }
}
