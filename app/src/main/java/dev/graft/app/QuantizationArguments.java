package dev.graft.app;

import dev.graft.config.ComputeType;
import dev.graft.config.QuantizationOptions;
import dev.graft.error.ConfigException;
import dev.graft.model.BaseResidency;
import dev.graft.model.LoadOptions;
import dev.graft.quant.FourBitCode;
import java.util.List;
import picocli.CommandLine.Option;

/// How a base is held in memory, with the names of Transformers.
final class QuantizationArguments {
    @Option(
            names = "--load-in-4bit",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            paramLabel = "true|false",
            description = "Hold the base in 4 bits.")
    private boolean loadIn4bit;

    @Option(
            names = "--load-in-8bit",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            paramLabel = "true|false",
            description = "Hold the base in 8 bits.")
    private boolean loadIn8bit;

    @Option(
            names = "--bnb-4bit-quant-type",
            defaultValue = "nf4",
            paramLabel = "nf4|fp4",
            description = "The 4-bit code (default ${DEFAULT-VALUE}).")
    private FourBitCode quantType;

    @Option(
            names = "--bnb-4bit-use-double-quant",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "true",
            paramLabel = "true|false",
            description = "Quantize the block maxima too (default ${DEFAULT-VALUE}).")
    private boolean doubleQuant;

    @Option(
            names = "--bnb-4bit-blocksize",
            defaultValue = "64",
            paramLabel = "N",
            description = "Weights that share a maximum (default ${DEFAULT-VALUE}).")
    private int blockSize;

    @Option(
            names = "--llm-int8-skip-modules",
            split = ",",
            defaultValue = "lm_head",
            paramLabel = "NAME",
            description = "Linear maps that are not quantized (default ${DEFAULT-VALUE}).")
    private List<String> skipModules;

    @Option(
            names = "--base-residency",
            defaultValue = "auto",
            paramLabel = "auto|ram|mapped",
            description = "Where the base lives (default ${DEFAULT-VALUE}).")
    private BaseResidency residency;

    /// What the loader is told.
    LoadOptions load() {
        return options().load();
    }

    /// The same with 4 bits where neither was asked for.
    LoadOptions loadQuantized() {
        loadIn4bit = !loadIn8bit;
        return load();
    }

    List<String> skipModules() {
        return List.copyOf(skipModules);
    }

    private QuantizationOptions options() {
        if (loadIn4bit && loadIn8bit) {
            throw new ConfigException(
                    "--load-in-4bit: found with --load-in-8bit, expected one of them");
        }
        return new QuantizationOptions(
                loadIn4bit,
                loadIn8bit,
                quantType,
                doubleQuant,
                blockSize,
                ComputeType.AUTO,
                skipModules,
                residency);
    }
}
