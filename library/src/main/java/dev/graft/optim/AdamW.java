package dev.graft.optim;

import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.kernel.Kernels;
import dev.graft.nn.Parameter;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// AdamW with decoupled decay (Loshchilov and Hutter 2019) and 32-bit state, in the order of
/// operations of `torch.optim.AdamW`.
public final class AdamW implements AutoCloseable {
    /// The constants that do not change from step to step.
    ///
    /// @param weightDecay λ, times the learning rate
    public record Settings(double beta1, double beta2, double epsilon, double weightDecay) {
        /// The defaults of Transformers.
        public static final Settings DEFAULT = new Settings(0.9, 0.999, 1e-8, 0);
    }

    /// A parameter, its moments, and whether it decays.
    private record Slot(Parameter parameter, Tensor m, Tensor v, boolean decays) {}

    private final Settings settings;
    private final Scope scope = Scope.detached("AdamW");
    private final List<Slot> slots = new ArrayList<>();
    private long step;

    /// Makes zero moments for every parameter.
    ///
    /// @param decays which parameters decay, by name; [Decay#applies] as a rule
    public AdamW(List<Parameter> parameters, Settings settings, Predicate<String> decays) {
        this.settings = settings;
        try (var _ = scope.enter()) {
            for (Parameter p : parameters) {
                Tensor value = p.value();
                slots.add(
                        new Slot(
                                p,
                                Tensor.zeros(value.dtype(), value.shape()),
                                Tensor.zeros(value.dtype(), value.shape()),
                                decays.test(p.name())));
            }
        }
    }

    /// The norm of all gradients together, √Σ g².
    public double gradientNorm() {
        double sum = 0;
        for (Slot slot : slots) {
            try (var _ = Scope.open("gradient norm")) {
                Tensor g = slot.parameter().gradient().view(-1);
                sum += g.mul(g).sum().item();
            }
        }
        return Math.sqrt(sum);
    }

    /// Moves every parameter by its gradient times `gradScale`, and zeroes the gradients.
    public void step(double learningRate, double gradScale) {
        step++;
        for (Slot slot : slots) {
            var constants =
                    new Kernels.AdamWStep(
                            learningRate,
                            settings.beta1(),
                            settings.beta2(),
                            settings.epsilon(),
                            slot.decays() ? settings.weightDecay() : 0,
                            step,
                            gradScale);
            Tensor value = slot.parameter().value();
            Tensor gradient = slot.parameter().gradient();
            Kernels.of(value).adamW(value, gradient, slot.m(), slot.v(), constants);
            gradient.zeroInPlace();
        }
    }

    /// Steps taken so far.
    public long steps() {
        return step;
    }

    /// The moments, for a checkpoint.
    public List<SafetensorsWriter.Entry> state() {
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        for (Slot slot : slots) {
            entries.add(SafetensorsWriter.Entry.of(slot.parameter().name() + ".exp_avg", slot.m()));
            entries.add(
                    SafetensorsWriter.Entry.of(slot.parameter().name() + ".exp_avg_sq", slot.v()));
        }
        return entries;
    }

    /// What a checkpoint needs beside the moments.
    public Map<String, String> metadata() {
        return Map.of("step", Long.toString(step));
    }

    /// Takes the state of a checkpoint over.
    ///
    /// @throws ModelFormatException if it belongs to other parameters
    public void restore(SafetensorsFile file) {
        if (file.tensors().size() != 2 * slots.size()) {
            throw new ModelFormatException(
                    "%s: found %d tensors, expected %d: the checkpoint belongs to another run"
                            .formatted(file.path(), file.tensors().size(), 2 * slots.size()));
        }
        for (Slot slot : slots) {
            try (var _ = Scope.open("restoring AdamW")) {
                restore(file, slot.parameter().name() + ".exp_avg", slot.m());
                restore(file, slot.parameter().name() + ".exp_avg_sq", slot.v());
            }
        }
        String steps = file.metadata().get("step");
        if (steps == null || !steps.matches("\\d{1,18}")) {
            throw new ModelFormatException(
                    "%s: metadata 'step' is %s, expected the number of steps taken"
                            .formatted(file.path(), steps));
        }
        step = Long.parseLong(steps);
    }

    private static void restore(SafetensorsFile file, String name, Tensor moment) {
        Tensor stored = file.tensor(name);
        if (!Arrays.equals(stored.shape(), moment.shape())) {
            throw new ModelFormatException(
                    "%s: tensor %s is %s, expected %s: the checkpoint belongs to another run"
                            .formatted(file.path(), name, stored.describe(), moment.describe()));
        }
        moment.copyInPlace(stored);
    }

    @Override
    public void close() {
        scope.close();
    }
}
