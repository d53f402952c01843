package dev.graft.optim;

import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.kernel.AdamWPart;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Kernels.AdamWStep;
import dev.graft.nn.Parameter;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.HostMaker;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// AdamW with decoupled decay (Loshchilov and Hutter 2019): in 32 bits in the order of
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

    /// A parameter and its moments.
    private record Slot(Parameter parameter, Moments moments) {
        private String name(String tensor) {
            return parameter.name() + "." + tensor;
        }
    }

    /// What is stepped at a time: all parameters that decay, or not, with one kind of moments; or
    /// a range of the elements of one, where moments come and go.
    private record Group(List<AdamWPart> parts, List<Tensor> paged, boolean decays) {}

    private final Settings settings;
    private final StateMemory memory;
    private final Scope scope;
    private final List<Slot> slots = new ArrayList<>();
    private final List<Group> groups = new ArrayList<>();
    private final List<Tensor> gradients;
    private long step;

    /// Makes zero moments for every parameter.
    ///
    /// @param decays which parameters decay, by name; [Decay#applies] as a rule
    /// @throws dev.graft.error.ConfigException if there is no disk room for paged moments, or their
    ///   limit is too low
    public AdamW(List<Parameter> parameters, Settings settings, Predicate<String> decays) {
        this(parameters, settings, decays, memory(parameters, settings));
    }

    /// With moments in this memory, which is closed with it.
    AdamW(
            List<Parameter> parameters,
            Settings settings,
            Predicate<String> decays,
            StateMemory memory) {
        this.settings = settings;
        this.memory = memory;
        gradients = parameters.stream().map(Parameter::gradient).toList();
        scope = Scope.detached("AdamW", device(parameters));
        try (var _ = scope.enter()) {
            for (Parameter p : parameters) {
                var slot = new Slot(p, Moments.zeros(settings.optim(), p.value(), memory));
                slots.add(slot);
                boolean decaying = decays.test(p.name());
                if (memory.partwise()) {
                    cut(slot, decaying);
                } else {
                    join(slot, decaying);
                }
            }
        }
    }

    private static Device device(List<Parameter> parameters) {
        return parameters.isEmpty() ? Device.CPU : parameters.getFirst().value().device();
    }

    private static StateMemory memory(List<Parameter> parameters, Settings settings) {
        if (!settings.optim().paged()) {
            return ResidentMemory.INSTANCE;
        }
        Device device = device(parameters);
        return device.isCpu()
                ? pageFile(parameters, settings)
                : new HostMemory(device, HostMaker.of(device));
    }

    private static PageFile pageFile(List<Parameter> parameters, Settings settings) {
        Optim optim = settings.optim();
        long absmax = 0;
        long bytes = 0;
        for (Parameter p : parameters) {
            absmax += optim.absmaxBytes(p.value().numel());
            long one = Moments.pagedBytes(optim, p.value());
            bytes = PageFile.with(PageFile.with(bytes, one), one);
        }
        long kept = settings.paging().keptBytes(absmax);
        return PageFile.create(settings.paging().folder(), bytes, kept);
    }

    /// Adds a parameter to those that it may be stepped with.
    private void join(Slot slot, boolean decays) {
        AdamWPart part = slot.moments().with(slot.parameter().value(), slot.parameter().gradient());
        for (Group group : groups) {
            AdamWPart first = group.parts().getFirst();
            if (group.decays() == decays
                    && first.getClass() == part.getClass()
                    && first.p().dtype() == part.p().dtype()) {
                group.parts().add(part);
                return;
            }
        }
        groups.add(new Group(new ArrayList<>(List.of(part)), List.of(), decays));
    }

    /// A parameter in parts whose moments fill a window.
    private void cut(Slot slot, boolean decays) {
        Tensor value = slot.parameter().value();
        Tensor gradient = slot.parameter().gradient();
        long elements = value.numel();
        long most = Paging.partElements(settings.optim());
        for (long from = 0; from < elements; from += most) {
            long count = Math.min(most, elements - from);
            Moments moments = slot.moments().part(from, count);
            AdamWPart part =
                    moments.with(
                            Moments.range(value, from, count),
                            Moments.range(gradient, from, count));
            groups.add(new Group(List.of(part), moments.paged(), decays));
        }
    }

    /// The norm of all gradients together, √Σ g².
    public double gradientNorm() {
        try (var _ = Scope.open("gradient norm", scope.device())) {
            Tensor sum = Tensor.zeros(DType.F64, 1);
            addSquares(sum);
            return Math.sqrt(sum.item());
        }
    }

    /// Adds Σ g² over all gradients, and does not wait for it.
    ///
    /// @param sum [1] F64
    public void addSquares(Tensor sum) {
        if (!gradients.isEmpty()) {
            Kernels.of(gradients.getFirst()).addSquares(gradients, sum);
        }
    }

    /// Moves every parameter by its gradient times `gradScale`, and zeroes the gradients. The
    /// moments of the next part are fetched while one is worked on.
    public void step(double learningRate, double gradScale) {
        step++;
        for (int i = 0; i < groups.size(); i++) {
            Group group = groups.get(i);
            if (i == 0) {
                group.paged().forEach(memory::willNeed);
            }
            if (i + 1 < groups.size()) {
                groups.get(i + 1).paged().forEach(memory::willNeed);
            }
            var constants =
                    new AdamWStep(
                            learningRate,
                            settings.beta1(),
                            settings.beta2(),
                            settings.epsilon(),
                            group.decays() ? settings.weightDecay() : 0,
                            step,
                            gradScale);
            Kernels.of(group.parts().getFirst().p()).adamW(group.parts(), constants);
            group.paged().forEach(memory::release);
        }
    }

    /// Makes all gradients 0 without a step.
    public void clearGradients() {
        gradients.forEach(Tensor::zeroInPlace);
    }

    /// Steps taken so far.
    public long steps() {
        return step;
    }

    /// The moments, for a checkpoint. Where they are paged, each lets go of the one before it.
    public List<SafetensorsWriter.Entry> state() {
        memory.settle();
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        List<Tensor> written = List.of();
        for (Slot slot : slots) {
            List<Tensor> before = written;
            slot.moments()
                    .tensors()
                    .forEach((name, moment) -> entries.add(entry(slot.name(name), moment, before)));
            written = slot.moments().paged();
        }
        return entries;
    }

    private SafetensorsWriter.Entry entry(String name, Tensor moment, List<Tensor> written) {
        return new SafetensorsWriter.Entry(
                name,
                moment.dtype(),
                moment.shape(),
                () -> {
                    written.forEach(memory::release);
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
            slot.moments().paged().forEach(memory::release);
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
        memory.settle();
        scope.close();
        memory.close();
    }
}
