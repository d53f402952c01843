package dev.graft.model;

import dev.graft.quant.Quantization;
import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.Device;
import java.util.List;

/// How a base is loaded.
///
/// @param quantization what the matrices of the layers are turned into, or null to leave them
/// @param skipModules modules that are left as they are; null for the output head alone
/// @param device where the weights are brought, and so where the model computes
/// @param whole whether all weights become parameters: a card then gets them as the files have
///     them, not rounded to the type of the computation
/// @param progress told how far the loading is
public record LoadOptions(
        Quantization quantization,
        List<String> skipModules,
        BaseResidency residency,
        Device device,
        boolean whole,
        Progress progress) {
    /// As the files have it.
    public static final LoadOptions PLAIN =
            new LoadOptions(null, null, BaseResidency.AUTO, Device.CPU, (_, _) -> {});

    /// Told the matrices that are loaded and all there are.
    @FunctionalInterface
    public interface Progress {
        void at(int done, int total);
    }

    /// For weights that stay as they are.
    public LoadOptions(
            Quantization quantization,
            List<String> skipModules,
            BaseResidency residency,
            Device device,
            Progress progress) {
        this(quantization, skipModules, residency, device, false, progress);
    }

    public LoadOptions {
        skipModules = skipModules == null ? null : List.copyOf(skipModules);
    }

    public LoadOptions withProgress(Progress other) {
        return new LoadOptions(quantization, skipModules, residency, device, whole, other);
    }

    public LoadOptions on(Device other) {
        return new LoadOptions(quantization, skipModules, residency, other, whole, progress);
    }

    /// For [FullTuning].
    public LoadOptions whole(boolean all) {
        return new LoadOptions(quantization, skipModules, residency, device, all, progress);
    }

    /// Whether a linear map is quantized, by its path.
    boolean quantizes(String module) {
        List<String> skipped = skipModules == null ? List.of("lm_head") : skipModules;
        return quantization != null && !new QuantizationConfig(quantization, skipped).skips(module);
    }
}
