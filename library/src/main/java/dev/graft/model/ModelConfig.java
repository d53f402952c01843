package dev.graft.model;

import dev.graft.quant.QuantizationConfig;
import dev.graft.tensor.DType;
import java.nio.file.Files;
import java.nio.file.Path;
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
/// @param tiedEmbeddings whether the output head is the embedding table
/// @param mlpBias whether gate, up and down have biases
/// @param storedType the type that the file declares, or null
public record ModelConfig(
        String modelType,
        int hidden,
        int layers,
        int feedForward,
        int vocabulary,
        int contextLength,
        double normEpsilon,
        double initializerRange,
        boolean tiedEmbeddings,
        boolean mlpBias,
        AttentionShape attention,
        DType storedType) {

    /// The heads of every layer.
    ///
    /// @param heads N
    /// @param keyHeads K, a divisor of N
    /// @param headWidth D
    /// @param bias whether q, k, v and o have biases
    public record AttentionShape(
            int heads,
            int keyHeads,
            int headWidth,
            boolean bias,
            double ropeTheta,
            RopeScaling ropeScaling) {}

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
        long n = attention.heads();
        long k = attention.keyHeads();
        long d = attention.headWidth();
        long attentionWeights = hidden * d * (n + 2 * k) + n * d * hidden;
        long biases = attention.bias() ? d * (n + 2 * k) + hidden : 0;
        long mlp = 3L * hidden * feedForward + (mlpBias ? 2L * feedForward + hidden : 0);
        long layer = attentionWeights + biases + mlp + 2L * hidden;
        long tables = (tiedEmbeddings ? 1L : 2L) * vocabulary * hidden;
        return layers * layer + tables + hidden;
    }
}
