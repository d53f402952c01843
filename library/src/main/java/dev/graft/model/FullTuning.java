package dev.graft.model;

import dev.graft.error.ConfigException;
import dev.graft.nn.FrozenWeight;
import dev.graft.nn.Linear;
import dev.graft.nn.Parameter;
import dev.graft.nn.RmsNorm;
import dev.graft.nn.TrainedWeight;
import dev.graft.nn.Weight;
import dev.graft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Full fine-tuning: every weight of the model becomes a parameter in the type of what is trained.
/// A table that is embedding and head at once is one parameter.
public final class FullTuning {
    private final Transformer model;
    private final List<Parameter> parameters = new ArrayList<>();

    private FullTuning(Transformer model) {
        this.model = model;
    }

    /// Makes the weights trainable, in the model's scope, and returns the parameters by their names
    /// in the model's files.
    ///
    /// @throws ConfigException if weights are stored in codes, which cannot be trained
    public static List<Parameter> attach(Transformer model) {
        for (Linear linear : model.linears().values()) {
            if (linear.weight() instanceof FrozenWeight.Quantized q) {
                throw new ConfigException(
                        "finetuning_type: full trains every weight, but %s is stored in codes (%s), which cannot take small steps; use finetuning_type: lora, or the 16-bit checkpoint without load_in_4bit and load_in_8bit"
                                .formatted(linear.name(), q.tensor().how()));
            }
        }
        var tuning = new FullTuning(model);
        try (var _ = model.scope().enter()) {
            tuning.attach();
        }
        return Collections.unmodifiableList(tuning.parameters);
    }

    private void attach() {
        var embedding = model.embedding();
        boolean tied = model.head().weight().equals(embedding.weight());
        embedding.setWeight(trained(embedding.name(), embedding.weight()));
        for (Linear linear : model.linears().values()) {
            boolean isTiedHead = tied && linear == model.head();
            linear.setWeight(
                    isTiedHead ? embedding.weight() : trained(linear.name(), linear.weight()));
            if (linear.bias() != null) {
                linear.trainBias(trained(linear.name() + ".bias", linear.bias()));
            }
        }
        for (RmsNorm norm : model.norms().values()) {
            norm.train(trained(norm.name() + ".weight", norm.weight()));
        }
    }

    private TrainedWeight trained(String name, Weight before) {
        var stored = ((FrozenWeight.Dense) before).stored();
        return new TrainedWeight(trained(name + ".weight", stored));
    }

    /// A copy, in whose stead the original is let go of: on a card it would take up room.
    private Parameter trained(String name, Tensor stored) {
        Parameter parameter = parameter(name, stored.copyAs(model.trainedType()));
        stored.close();
        return parameter;
    }

    private Parameter parameter(String name, Tensor value) {
        var parameter = new Parameter(name, value);
        parameters.add(parameter);
        return parameter;
    }
}
