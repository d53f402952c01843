package dev.graft.model;

import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A decoder as its `config.json` describes it.
///
/// @param modelType `model_type`
/// @param hidden H
/// @param layers L
/// @param feedForward F
/// @param vocabulary V
/// @param contextLength `max_position_embeddings`
/// @param normEpsilon ε of RMSNorm
/// @param normOffset what RMSNorm adds to its weights: 1 in Gemma, else 0
/// @param tiedEmbeddings whether the output head is the embedding table
/// @param kinds what sets each layer apart
/// @param names where the modules are
/// @param storedType the type that the file declares, or null
public record ModelConfig(
        String modelType,
        int hidden,
        int layers,
        int feedForward,
        int vocabulary,
        int contextLength,
        double normEpsilon,
        double normOffset,
        double initializerRange,
        boolean tiedEmbeddings,
        AttentionShape attention,
        FeedForwardShape mlp,
        NormPlacement norms,
        Multipliers multipliers,
        List<LayerKind> kinds,
        TensorNames names,
        DType storedType) {
    public ModelConfig {
        kinds = List.copyOf(kinds);
    }

    /// The heads of every layer.
    ///
    /// @param heads N
    /// @param keyHeads K, a divisor of N
    /// @param headWidth D
    /// @param bias whether q, k and v have biases
    /// @param outputBias whether o has a bias
    /// @param fused whether q, k and v are one map, `qkv_proj`
    /// @param scale of the scores, 1/√D as a rule
    /// @param softCap bound of the scores, 0 for none
    public record AttentionShape(
            int heads,
            int keyHeads,
            int headWidth,
            boolean bias,
            boolean outputBias,
            boolean fused,
            QueryKeyNorm norm,
            double scale,
            double softCap) {}

    /// Reads `config.json` of a model folder, or such a file itself.
    public static ModelConfig read(Path folder) {
        boolean isFile = Files.isRegularFile(folder);
        return ModelConfigReader.read(isFile ? folder : folder.resolve("config.json"));
    }

    /// What `config.json` of a folder, or such a file, says of codes in the checkpoint.
    public static Optional<QuantizationConfig> codes(Path folder) {
        boolean isFile = Files.isRegularFile(folder);
        return ModelConfigReader.codes(isFile ? folder : folder.resolve("config.json"));
    }

    /// Weights of the model, each counted once.
    public long parameters() {
        return ModelLayout.of(this).parameters();
    }
}
