package dev.graft.optim;

import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.nn.Parameter;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// AdamW with decoupled decay (Loshchilov and Hutter 2019): in 32 bits in the order of operations of
/// `torch.optim.AdamW`, in 8 bits as bitsandbytes; in memory, or paged with the same results.
public final class AdamW implements AutoCloseable {
    /// What does not change from step to step.
    ///
    /// @param weightDecay λ, times the learning rate
    /// @param paging where the moments lie if `optim` is paged
    public record Settings(
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            Optim optim,
            Paging paging) {
        /// The defaults of Transformers.
        public static final Settings DEFAULT = new Settings(0.9, 0.999, 1e-8, 0);

        /// With 32-bit moments in memory.
        public Settings(double beta1, double beta2, double epsilon, double weightDecay) {
            this(beta1, beta2, epsilon, weightDecay, Optim.ADAMW_TORCH, Paging.TEMPORARY);
        }
    }

    /// A parameter and its moments, whole and in parts.
    private record Slot(Parameter parameter, Moments moments, List<Part> parts) {
        private String name(String tensor) {
            return parameter.name() + "." + tensor;
        }
    }

    /// What is stepped at a time: a parameter, or a range of its elements where they are paged.
    ///
    /// @param stays whether the moments stay in memory between steps
    private record Part(
            Tensor value, Tensor gradient, Moments moments, boolean decays, boolean stays) {}

    private final Settings settings;
    private final StateMemory memory;
    private final Scope scope = Scope.detached("AdamW");
    private final List<Slot> slots = new ArrayList<>();
    private final List<Part> parts = new ArrayList<>();
    private long step;

    /// Makes zero moments for every parameter.
    ///
    /// @param decays which parameters decay, by name; [Decay#applies] as a rule
    /// @throws dev.graft.error.ConfigException if there is no disk room for paged moments, or their
    ///   limit is too low
    public AdamW(List<Parameter> parameters, Settings settings, Predicate<String> decays) {
        this.settings = settings;
        Optim optim = settings.optim();
        long staying = optim.paged() ? stayingBytes(parameters) : Long.MAX_VALUE;
        memory = optim.paged() ? pageFile(parameters) : ResidentMemory.INSTANCE;
        try (var _ = scope.enter()) {
            for (Parameter p : parameters) {
                Moments moments = Moments.zeros(optim, p.value(), memory);
                List<Part> cut = cut(p, moments, decays.test(p.name()), staying);
                slots.add(new Slot(p, moments, cut));
                parts.addAll(cut);
                staying -= moments.pagedBytes();
            }
        }
    }

    private long stayingBytes(List<Parameter> parameters) {
        long absmax =
                parameters.stream()
                        .mapToLong(p -> settings.optim().absmaxBytes(p.value().numel()))
                        .sum();
        return settings.paging().stayingBytes(settings.optim(), absmax);
    }

    private PageFile pageFile(List<Parameter> parameters) {
        long bytes =
                parameters.stream()
                        .mapToLong(p -> Moments.pagedBytes(settings.optim(), p.value()))
                        .sum();
        return PageFile.create(settings.paging().folder(), bytes);
    }

    /// Cuts a parameter into parts; the first stay in memory as long as `staying` bytes last.
    private List<Part> cut(Parameter p, Moments moments, boolean decays, long staying) {
        Optim optim = settings.optim();
        long elements = p.value().numel();
        long most = optim.paged() ? settings.paging().partElements(optim) : elements;
        if (elements <= most) {
            boolean stays = moments.pagedBytes() <= staying;
            return List.of(new Part(p.value(), p.gradient(), moments, decays, stays));
        }
        List<Part> cut = new ArrayList<>();
        long left = staying;
        for (long from = 0; from < elements; from += most) {
            long count = Math.min(most, elements - from);
            Moments range = moments.part(from, count);
            left -= range.pagedBytes();
            cut.add(
                    new Part(
                            Moments.range(p.value(), from, count),
                            Moments.range(p.gradient(), from, count),
                            range,
                            decays,
                            left >= 0));
        }
        return cut;
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

    /// Moves every parameter by its gradient times `gradScale`, and zeroes the gradients. The
    /// moments of the next part are fetched while one is worked on.
    public void step(double learningRate, double gradScale) {
        step++;
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            if (i == 0) {
                part.moments().paged().forEach(memory::willNeed);
            }
            if (i + 1 < parts.size()) {
                parts.get(i + 1).moments().paged().forEach(memory::willNeed);
            }
            var constants =
                    new AdamWStep(
                            learningRate,
                            settings.beta1(),
                            settings.beta2(),
                            settings.epsilon(),
                            part.decays() ? settings.weightDecay() : 0,
                            step,
                            gradScale);
            part.moments().step(part.value(), part.gradient(), constants);
            part.gradient().zeroInPlace();
            release(List.of(part));
        }
    }

    /// Lets those moments go that do not stay in memory.
    private void release(List<Part> parts) {
        for (Part part : parts) {
            if (!part.stays()) {
                part.moments().paged().forEach(memory::release);
            }
        }
    }

    /// Steps taken so far.
    public long steps() {
        return step;
    }

    /// The moments, for a checkpoint. Where they are paged, each lets go of those written before it.
    public List<SafetensorsWriter.Entry> state() {
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        List<Part> before = List.of();
        for (Slot slot : slots) {
            List<Part> written =
                    Stream.concat(before.stream(), slot.parts().stream()).toList();
            slot.moments()
                    .tensors()
                    .forEach((name, moment) -> entries.add(entry(slot.name(name), moment, written)));
            before = slot.parts();
        }
        return entries;
    }

    private SafetensorsWriter.Entry entry(String name, Tensor moment, List<Part> written) {
        return new SafetensorsWriter.Entry(
                name,
                moment.dtype(),
                moment.shape(),
                () -> {
                    release(written);
                    return moment;
                });
    }

    /// What a checkpoint needs beside the moments.
    public Map<String, String> metadata() {
        return Map.of("step", Long.toString(step));
    }

    /// Takes the state of a checkpoint over.
    ///
    /// @throws ModelFormatException if it belongs to other parameters
    public void restore(SafetensorsFile file) {
        int expected = slots.stream().mapToInt(s -> s.moments().tensors().size()).sum();
        if (file.tensors().size() != expected) {
            throw new ModelFormatException(
                    "%s: found %d tensors, expected %d: the checkpoint belongs to another run"
                            .formatted(file.path(), file.tensors().size(), expected));
        }
        for (Slot slot : slots) {
            try (var _ = Scope.open("restoring AdamW")) {
                slot.moments()
                        .tensors()
                        .forEach((name, tensor) -> restore(file, slot.name(name), tensor));
            }
            release(slot.parts());
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
        if (stored.dtype() != moment.dtype() || !Arrays.equals(stored.shape(), moment.shape())) {
            throw new ModelFormatException(
                    "%s: tensor %s is %s, expected %s: the checkpoint belongs to another run"
                            .formatted(file.path(), name, stored.describe(), moment.describe()));
        }
        moment.copyInPlace(stored);
    }

    @Override
    public void close() {
        scope.close();
        memory.close();
    }
}
