package dev.graft.config;

import dev.graft.model.BaseResidency;
import dev.graft.model.LoadOptions;
import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.tensor.Device;
import java.util.List;

/// How the frozen base is held.
public record QuantizationOptions(
        boolean loadIn4bit,
        boolean loadIn8bit,
        FourBitCode quantType,
        boolean useDoubleQuant,
        int blockSize,
        ComputeType computeType,
        List<String> skipModules,
        BaseResidency baseResidency) {
    public QuantizationOptions {
        Keys.BLOCK_SIZE.check(blockSize);
        skipModules = List.copyOf(skipModules);
    }

    /// What the loader is told, but the device.
    public LoadOptions load() {
        Quantization how =
                loadIn4bit
                        ? new Quantization.FourBit(quantType, blockSize, useDoubleQuant)
                        : loadIn8bit ? new Quantization.Int8() : null;
        return new LoadOptions(how, skipModules, baseResidency, Device.CPU, (_, _) -> {});
    }
}
