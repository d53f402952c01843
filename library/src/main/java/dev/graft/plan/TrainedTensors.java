package dev.graft.plan;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetResolution;
import dev.graft.adapter.TargetResolution.Target;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.model.ModelLayout.Vector;
import dev.graft.optim.Optim;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tensors that a run trains, by name.
///
/// @param elements numbers of each tensor
/// @param ranks of the linear maps that get A and B
/// @param whole paths of the modules whose weight itself is trained
public record TrainedTensors(
        Map<String, Long> elements, Map<String, Integer> ranks, Set<String> whole) {
    public TrainedTensors {
        elements = Collections.unmodifiableMap(new LinkedHashMap<>(elements));
        ranks = Map.copyOf(ranks);
        whole = Set.copyOf(whole);
    }

    /// What is trained of a model.
    ///
    /// @throws dev.graft.error.ConfigException if the adapter names modules that are not there
    public static TrainedTensors of(ModelLayout model, Tuning tuning) {
        return switch (tuning) {
            case Tuning.Full() -> full(model);
            case Tuning.Lora(var config) -> lora(model, config);
        };
    }

    private static TrainedTensors full(ModelLayout model) {
        Set<String> whole = new HashSet<>();
        Map<String, Long> elements = new LinkedHashMap<>();
        whole.add(model.embedding().path());
        elements.put(model.embedding().path() + ".weight", model.embedding().elements());
        for (Matrix linear : model.linears()) {
            boolean isTied = linear.equals(model.head()) && model.config().tiedEmbeddings();
            whole.add(linear.path());
            if (!isTied) {
                elements.put(linear.path() + ".weight", linear.elements());
            }
            if (linear.bias()) {
                elements.put(linear.path() + ".bias", linear.out());
            }
        }
        for (Vector norm : model.norms()) {
            whole.add(norm.path());
            elements.put(norm.path() + ".weight", norm.length());
        }
        return new TrainedTensors(elements, Map.of(), whole);
    }

    private static TrainedTensors lora(ModelLayout model, LoraConfig config) {
        TargetResolution resolution = TargetResolution.of(config, model);
        Map<String, Integer> ranks = new HashMap<>();
        resolution.lora().forEach((Target t) -> ranks.put(t.path(), t.rank()));
        List<String> saved = resolution.saved();
        Map<String, Long> elements = new LinkedHashMap<>();
        if (saved.contains(model.embedding().path())) {
            elements.put(model.embedding().path() + ".weight", model.embedding().elements());
        }
        for (Matrix linear : model.linears()) {
            Integer rank = ranks.get(linear.path());
            if (rank != null) {
                elements.put(linear.path() + ".lora_A.weight", rank * linear.in());
                elements.put(linear.path() + ".lora_B.weight", rank * linear.out());
            }
            boolean isSaved = saved.contains(linear.path());
            if (isSaved) {
                elements.put(linear.path() + ".weight", linear.elements());
            }
            if (linear.bias() && (isSaved || trainsBias(config.bias(), rank != null))) {
                elements.put(linear.path() + ".bias", linear.out());
            }
        }
        for (Vector norm : model.norms()) {
            if (saved.contains(norm.path())) {
                elements.put(norm.path() + ".weight", norm.length());
            }
        }
        return new TrainedTensors(elements, ranks, new HashSet<>(saved));
    }

    private static boolean trainsBias(LoraConfig.Bias bias, boolean adapted) {
        return switch (bias) {
            case NONE -> false;
            case ALL -> true;
            case LORA_ONLY -> adapted;
        };
    }

    /// Trained numbers.
    public long count() {
        return elements.values().stream().mapToLong(n -> n).sum();
    }

    /// Numbers of the largest tensor.
    public long largest() {
        return elements.values().stream().mapToLong(n -> n).max().orElse(0);
    }

    /// Bytes of the optimizer's moments.
    public long momentBytes(Optim optim) {
        return elements.values().stream().mapToLong(optim::stateBytes).sum();
    }

    /// The part of them that is in memory even where moments are paged.
    long maximaBytes(Optim optim) {
        return elements.values().stream().mapToLong(optim::absmaxBytes).sum();
    }

    /// Rank of a linear map's adapter, 0 where it has none.
    public int rank(String path) {
        return ranks.getOrDefault(path, 0);
    }
}
