package dev.graft.adapter;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.format.SafetensorsFile;
import dev.graft.model.Transformer;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.LowRank;
import dev.graft.nn.Parameter;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.TrainedWeight;
import dev.graft.nn.Weight;
import dev.graft.tensor.DType;
import dev.graft.tensor.Device;
import dev.graft.tensor.Scope;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An adapter on a model: the parameters it added, by their names in a PEFT file.
public final class Adapter implements AutoCloseable {
    static final String PREFIX = "base_model.model.";

    private final Transformer model;
    private final LoraConfig config;
    private final TargetResolution resolution;
    private final Scope scope;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<Runnable> undo = new ArrayList<>();

    private Adapter(Transformer model, LoraConfig config) {
        this.model = model;
        this.scope = Scope.detached("adapter", model.device());
        this.config = config;
        this.resolution = TargetResolution.of(config, model);
    }

    /// Puts a fresh adapter on the model.
    ///
    /// @param seed of the initial A
    /// @throws dev.graft.error.ConfigException if the config names modules that are not there
    public static Adapter attach(Transformer model, LoraConfig config, long seed) {
        var adapter = new Adapter(model, config);
        try {
            adapter.attach(seed);
        } catch (RuntimeException e) {
            adapter.close();
            throw e;
        }
        return adapter;
    }

    private void attach(long seed) {
        try (var _ = scope.enter()) {
            for (TargetResolution.Target target : resolution.lora()) {
                addLowRank(target, seed);
            }
            addBiases();
            resolution.saved().forEach(this::addSaved);
        }
    }

    private void addLowRank(TargetResolution.Target target, long seed) {
        Linear linear = model.linears().get(target.path());
        if (linear.lowRank() != null) {
            throw new ConfigException(
                    "%s has an adapter already; close that one first".formatted(target.path()));
        }
        DType type = model.trainedType();
        var init = new Initialization(config.initLoraWeights(), seed, target.path());
        Parameter a =
                parameter(
                        target.path() + ".lora_A.weight",
                        init.a(target.rank(), (int) linear.weight().in()).to(type));
        Parameter b =
                parameter(
                        target.path() + ".lora_B.weight",
                        init.b((int) linear.weight().out(), target.rank()).to(type));
        linear.attach(new LowRank(a, b, target.scale(), config.loraDropout()));
        undo.add(linear::detach);
    }

    private void addBiases() {
        if (config.bias() == LoraConfig.Bias.NONE) {
            return;
        }
        for (Linear linear : model.linears().values()) {
            boolean adapted = linear.lowRank() != null;
            if (linear.bias() == null || (config.bias() == LoraConfig.Bias.LORA_ONLY && !adapted)) {
                continue;
            }
            String key = linear.name() + (adapted ? ".base_layer.bias" : ".bias");
            linear.trainBias(parameter(key, linear.bias().copyAs(model.trainedType())));
            undo.add(() -> linear.trainBias(null));
        }
    }

    private void addSaved(String path) {
        String key = path + ".weight";
        if (path.equals(model.embedding().name())) {
            Weight before = model.embedding().weight();
            model.embedding().setWeight(trained(key, before));
            undo.add(() -> model.embedding().setWeight(before));
            return;
        }
        RmsNorm norm = model.norms().get(path);
        if (norm != null) {
            Tensor before = norm.weight();
            norm.train(parameter(key, before.copyAs(model.trainedType())));
            undo.add(() -> norm.freeze(before));
            return;
        }
        Linear linear = model.linears().get(path);
        Weight before = linear.weight();
        linear.setWeight(trained(key, before));
        undo.add(() -> linear.setWeight(before));
        if (linear.bias() != null) {
            linear.trainBias(parameter(path + ".bias", linear.bias().copyAs(model.trainedType())));
            undo.add(() -> linear.trainBias(null));
        }
    }

    private TrainedWeight trained(String key, Weight before) {
        Tensor wide = before.expanded().to(model.trainedType());
        return new TrainedWeight(parameter(key, wide.to(model.device())));
    }

    private Parameter parameter(String key, Tensor value) {
        var parameter = new Parameter(PREFIX + key, value);
        parameters.put(parameter.name(), parameter);
        return parameter;
    }

    public LoraConfig config() {
        return config;
    }

    public TargetResolution resolution() {
        return resolution;
    }

    /// Every trained tensor, by its name in a PEFT file.
    public Map<String, Parameter> parameters() {
        return Collections.unmodifiableMap(parameters);
    }

    /// Whether a tensor of a file is the base's table or head: PEFT saves both beside the adapter
    /// if one of them is a target.
    ///
    /// @throws ModelFormatException if it should be and has other values
    boolean isOfBase(String name, SafetensorsFile file) {
        String key = name.replace(".base_layer.weight", ".weight");
        Weight weight = null;
        if (key.equals(PREFIX + model.embedding().name() + ".weight")) {
            weight = model.embedding().weight();
        } else if (key.equals(PREFIX + model.head().name() + ".weight")) {
            weight = model.head().weight();
        }
        if (!(weight instanceof FrozenWeight.Dense base)) {
            return false;
        }
        try (var _ = Scope.open("comparing " + name)) {
            Tensor found = file.tensor(name);
            Tensor own = base.stored().to(Device.CPU);
            if (!found.to(own.dtype()).sameAs(own)) {
                throw new ModelFormatException(
                        "%s: tensor %s %s is not that of the base, %s: the adapter belongs to a base whose vocabulary was extended or whose embeddings were trained; merge it with PEFT and use the merged model"
                                .formatted(
                                        file.path(),
                                        name,
                                        Arrays.toString(found.shape()),
                                        Arrays.toString(base.stored().shape())));
            }
        }
        return true;
    }

    /// Trained numbers.
    public long parameterCount() {
        return parameters.values().stream().mapToLong(p -> p.value().numel()).sum();
    }

    /// Takes the adapter off: the model is the base again.
    @Override
    public void close() {
        undo.reversed().forEach(Runnable::run);
        undo.clear();
        scope.close();
    }
}
