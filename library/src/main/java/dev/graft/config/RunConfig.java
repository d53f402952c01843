package dev.graft.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.LinkedHashMap;
import java.util.Map;

/// Everything that a training run is told, resolved: no default is left open.
public record RunConfig(
        ModelOptions model,
        QuantizationOptions quantization,
        OutputOptions output,
        LoraOptions lora,
        DataOptions data,
        TrainOptions train,
        OptimizerOptions optimizer) {

    /// Where the run computes.
    ///
    /// @throws dev.graft.error.ConfigException if it cannot compute there; says why
    public Placement placement() {
        return Placement.of(model.device(), quantization.computeType(), train.bf16());
    }

    /// The whole run as YAML, every key written out; reads back to an equal `RunConfig`.
    public String toYaml() {
        var mapper =
                new YAMLMapper(
                        YAMLFactory.builder()
                                .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                                .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                                .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                                .build());
        try {
            return mapper.writeValueAsString(tree(mapper.createObjectNode()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private ObjectNode tree(ObjectNode tree) {
        var values = values();
        for (var key : Keys.ALL) {
            write(key, values.get(key), tree);
        }
        return tree;
    }

    @SuppressWarnings("unchecked") // values() pairs every key with a value of its type
    private static <T> void write(Key<T> key, Object value, ObjectNode tree) {
        if (value == null) {
            tree.putNull(key.name());
        } else {
            tree.set(key.name(), key.kind().writing().apply((T) value));
        }
    }

    private Map<Key<?>, Object> values() {
        var values = new LinkedHashMap<Key<?>, Object>();
        values.put(Keys.MODEL, model.modelNameOrPath());
        values.put(Keys.MODEL_REVISION, model.modelRevision());
        values.put(Keys.ADAPTER, model.adapter());
        values.put(Keys.FINETUNING_TYPE, model.finetuningType());
        values.put(Keys.DEVICE, model.device());
        values.put(Keys.LOAD_IN_4BIT, quantization.loadIn4bit());
        values.put(Keys.LOAD_IN_8BIT, quantization.loadIn8bit());
        values.put(Keys.QUANT_TYPE, quantization.quantType());
        values.put(Keys.DOUBLE_QUANT, quantization.useDoubleQuant());
        values.put(Keys.BLOCK_SIZE, quantization.blockSize());
        values.put(Keys.COMPUTE_TYPE, quantization.computeType());
        values.put(Keys.SKIP_MODULES, quantization.skipModules());
        values.put(Keys.BASE_RESIDENCY, quantization.baseResidency());
        values.put(Keys.OUTPUT_DIR, output.outputDir());
        values.put(Keys.OVERWRITE, output.overwriteOutputDir());
        values.put(Keys.RESUME, output.resumeFromCheckpoint());
        values.put(Keys.LOGGING_STEPS, output.loggingSteps());
        values.put(Keys.FORCE, output.force());
        values.put(Keys.R, lora.r());
        values.put(Keys.LORA_ALPHA, lora.loraAlpha());
        values.put(Keys.LORA_DROPOUT, lora.loraDropout());
        values.put(Keys.BIAS, lora.bias());
        values.put(Keys.USE_RSLORA, lora.useRslora());
        values.put(Keys.MODULES_TO_SAVE, lora.modulesToSave());
        values.put(Keys.INIT_LORA_WEIGHTS, lora.initLoraWeights());
        var targets = lora.targets();
        values.put(Keys.TARGET_MODULES, targets.targetModules());
        values.put(Keys.EXCLUDE_MODULES, targets.excludeModules());
        var ranks = new LinkedHashMap<String, Double>();
        targets.rankPattern().forEach((module, rank) -> ranks.put(module, (double) rank));
        values.put(Keys.RANK_PATTERN, ranks);
        values.put(Keys.ALPHA_PATTERN, targets.alphaPattern());
        values.put(Keys.LAYERS_TO_TRANSFORM, targets.layersToTransform());
        values.put(Keys.LAYERS_PATTERN, targets.layersPattern());
        values.put(Keys.DATASET, data.dataset());
        values.put(Keys.EVAL_DATASET, data.evalDataset());
        values.put(Keys.DATASET_FORMAT, data.format());
        values.put(Keys.DATASET_TEXT_FIELD, data.textField());
        values.put(Keys.EVAL_SPLIT, data.evalSplit());
        values.put(Keys.MAX_LENGTH, data.maxLength());
        values.put(Keys.COMPLETION_ONLY_LOSS, data.loss().completionOnly());
        values.put(Keys.ASSISTANT_ONLY_LOSS, data.loss().assistantOnly());
        values.put(Keys.MASK_HISTORY, data.loss().maskHistory());
        values.put(Keys.CHAT_TEMPLATE, data.template());
        values.put(Keys.SHUFFLE, data.shuffle());
        values.put(Keys.DATASET_COLUMNS, data.columns());
        values.put(Keys.DATASET_WEIGHTS, data.weights());
        values.put(Keys.DATASET_WHERE, data.where());
        values.put(Keys.STREAMING, data.streaming());
        values.put(Keys.SKIP_BAD_ROWS, data.skipBadRows());
        values.put(Keys.NUM_TRAIN_EPOCHS, train.numTrainEpochs());
        values.put(Keys.MAX_STEPS, train.maxSteps());
        values.put(Keys.TRAIN_BATCH, train.perDeviceTrainBatchSize());
        values.put(Keys.ACCUMULATION, train.gradientAccumulationSteps());
        values.put(Keys.GRADIENT_CHECKPOINTING, train.gradientCheckpointing());
        values.put(Keys.BF16, train.bf16());
        values.put(Keys.CUDA_GRAPHS, train.cudaGraphs());
        values.put(Keys.SEED, train.seed());
        values.put(Keys.EVAL_STRATEGY, train.evaluation().strategy());
        values.put(Keys.EVAL_STEPS, train.evaluation().steps());
        values.put(Keys.EVAL_BATCH, train.evaluation().perDeviceEvalBatchSize());
        values.put(Keys.SAVE_STRATEGY, train.checkpoints().strategy());
        values.put(Keys.SAVE_STEPS, train.checkpoints().steps());
        values.put(Keys.SAVE_TOTAL_LIMIT, train.checkpoints().totalLimit());
        values.put(Keys.OPTIM, optimizer.optim());
        values.put(Keys.OPTIM_MEMORY, optimizer.optimMemory());
        values.put(Keys.LEARNING_RATE, optimizer.learningRate());
        values.put(Keys.WEIGHT_DECAY, optimizer.weightDecay());
        values.put(Keys.ADAM_BETA1, optimizer.adamBeta1());
        values.put(Keys.ADAM_BETA2, optimizer.adamBeta2());
        values.put(Keys.ADAM_EPSILON, optimizer.adamEpsilon());
        values.put(Keys.MAX_GRAD_NORM, optimizer.maxGradNorm());
        values.put(Keys.LR_SCHEDULER_TYPE, optimizer.schedule().type());
        values.put(Keys.WARMUP_RATIO, optimizer.schedule().warmupRatio());
        values.put(Keys.WARMUP_STEPS, optimizer.schedule().warmupSteps());
        return values;
    }
}
