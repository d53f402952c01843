package dev.graft.config;

import dev.graft.data.DatasetFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/// The one table of keys: the reader, the writer, the ranges, the command line and the manual all
/// stand on it. Names are those of PEFT, TRL and Transformers.
final class Keys {
    private static final List<Key<?>> TABLE = new ArrayList<>();

    static final List<Key<?>> ALL = Collections.unmodifiableList(TABLE);

    private static final String FROM_1 = "a whole number from 1";
    private static final String FROM_0 = "a whole number from 0";
    private static final String POSITIVE = "a number above 0";
    private static final String NOT_NEGATIVE = "a number from 0";
    private static final String BELOW_1 = "a number from 0 to below 1";

    // spotless:off
    static final Key<String> MODEL = key(Section.MODEL, "model_name_or_path", List.of(), Kind.text(), null,
            "Folder of the base model (required)");
    static final Key<String> ADAPTER = key(Section.MODEL, "adapter_name_or_path", List.of(), Kind.text(), null,
            "Folder of an adapter to go on from");
    static final Key<FinetuningType> FINETUNING_TYPE = key(Section.MODEL, "finetuning_type", List.of(),
            Kind.choice(FinetuningType.class), FinetuningType.LORA, "Train an adapter or every weight");

    static final Key<Path> OUTPUT_DIR = key(Section.OUTPUT, "output_dir", List.of(), Kind.parsed("a folder", Path::of), null,
            "Where adapter, checkpoints and metrics go (required)");
    static final Key<Boolean> OVERWRITE = key(Section.OUTPUT, "overwrite_output_dir", List.of(), Kind.flag(), false,
            "Allow an output folder that is not empty");
    static final Key<Resume> RESUME = key(Section.OUTPUT, "resume_from_checkpoint", List.of(),
            Kind.parsed("true, false or a checkpoint folder", Resume::parse), new Resume.Fresh(),
            "Go on from the newest checkpoint of the output folder (true) or from this one");
    static final Key<Integer> LOGGING_STEPS = key(Section.OUTPUT, "logging_steps", List.of(),
            Kind.whole(FROM_1, n -> n >= 1), 10, "Log every so many steps");

    static final Key<Integer> R = key(Section.LORA, "r", List.of("lora_r", "lora_rank"), Kind.whole(FROM_1, n -> n >= 1), 8,
            "Rank of the adapter");
    static final Key<Double> LORA_ALPHA = key(Section.LORA, "lora_alpha", List.of(), Kind.number(POSITIVE, n -> n > 0), 8.0,
            "The adapter is scaled by lora_alpha / r");
    static final Key<Double> LORA_DROPOUT = key(Section.LORA, "lora_dropout", List.of(),
            Kind.number(BELOW_1, n -> n >= 0 && n < 1), 0.0, "Dropout on the adapter's input");
    static final Key<TargetModules> TARGET_MODULES = key(Section.LORA, "target_modules", List.of("lora_target_modules", "lora_target"),
            Kind.modules(), new TargetModules.AllLinear(), "Modules that get an adapter: all-linear, names, or a regular expression");
    static final Key<List<String>> EXCLUDE_MODULES = key(Section.LORA, "exclude_modules", List.of(),
            Kind.list("a list of module names", s -> s), List.of(), "Modules that get none");
    static final Key<Bias> BIAS = key(Section.LORA, "bias", List.of("lora_bias_type"), Kind.choice(Bias.class), Bias.NONE,
            "Biases that are trained too");
    static final Key<Boolean> USE_RSLORA = key(Section.LORA, "use_rslora", List.of(), Kind.flag(), false,
            "Scale by lora_alpha / sqrt(r) instead");
    static final Key<List<String>> MODULES_TO_SAVE = key(Section.LORA, "modules_to_save", List.of("lora_modules_to_save"),
            Kind.list("a list of module names", s -> s), List.of(), "Modules that are trained whole and saved with the adapter");
    static final Key<Map<String, Double>> RANK_PATTERN = key(Section.LORA, "rank_pattern", List.of(),
            Kind.numbers("a map from module patterns to whole numbers from 1, as {q_proj: 16}", n -> n >= 1 && n == Math.rint(n)), Map.of(),
            "Other ranks for some modules");
    static final Key<Map<String, Double>> ALPHA_PATTERN = key(Section.LORA, "alpha_pattern", List.of(),
            Kind.numbers("a map from module patterns to numbers above 0, as {q_proj: 32}", n -> n > 0), Map.of(),
            "Other lora_alpha for some modules");
    static final Key<List<Integer>> LAYERS_TO_TRANSFORM = key(Section.LORA, "layers_to_transform", List.of(),
            Kind.list("a layer number or a list of them, from 0", Keys::layer), List.of(), "Only these layers get an adapter");
    static final Key<List<String>> LAYERS_PATTERN = key(Section.LORA, "layers_pattern", List.of(),
            Kind.list("a list of names", s -> s), List.of(), "Name of the list of layers, where it is not `layers`");
    static final Key<InitLoraWeights> INIT_LORA_WEIGHTS = key(Section.LORA, "init_lora_weights", List.of(),
            Kind.choice(InitLoraWeights.class), InitLoraWeights.TRUE, "How a fresh adapter begins");

    static final Key<List<Path>> DATASET = key(Section.DATA, "dataset", List.of("dataset_name"),
            Kind.list("a file or a list of files", Path::of), List.of(), "Files to train on: .json, .jsonl, .csv, .parquet, .txt (required)");
    static final Key<List<Path>> EVAL_DATASET = key(Section.DATA, "eval_dataset", List.of(),
            Kind.list("a file or a list of files", Path::of), List.of(), "Files to evaluate on");
    static final Key<DatasetFormat> DATASET_FORMAT = key(Section.DATA, "dataset_format", List.of(),
            Kind.choice(DatasetFormat.class), DatasetFormat.AUTO, "What the columns mean; auto tells it from their names");
    static final Key<String> DATASET_TEXT_FIELD = key(Section.DATA, "dataset_text_field", List.of(), Kind.text(), "text",
            "The column of the text format");
    static final Key<Double> EVAL_SPLIT = key(Section.DATA, "eval_split", List.of("val_size", "test_size"),
            Kind.number("a share from 0 to below 1, or a whole number of rows", n -> n >= 0 && (n < 1 || n == Math.rint(n))), 0.0,
            "Rows of the data set that are held out for evaluation");
    static final Key<Integer> MAX_LENGTH = key(Section.DATA, "max_length", List.of("max_seq_length", "cutoff_len"),
            Kind.whole("a whole number from 2", n -> n >= 2), 1024, "Longest sequence in tokens; longer ones are cut and counted");
    static final Key<Boolean> COMPLETION_ONLY_LOSS = key(Section.DATA, "completion_only_loss", List.of(), Kind.flag(), true,
            "Train on the completion only where the format has a prompt");
    static final Key<Boolean> SHUFFLE = key(Section.DATA, "shuffle", List.of(), Kind.flag(), true,
            "Another order in every epoch; false keeps that of the file");

    static final Key<Double> NUM_TRAIN_EPOCHS = key(Section.TRAINING, "num_train_epochs", List.of(), Kind.number(POSITIVE, n -> n > 0), 3.0,
            "Passes over the data set");
    static final Key<Integer> MAX_STEPS = key(Section.TRAINING, "max_steps", List.of(),
            Kind.whole("a whole number from 1, or -1 for none", n -> n == -1 || n >= 1), -1, "Stop after so many steps, whatever num_train_epochs says");
    static final Key<Integer> TRAIN_BATCH = key(Section.TRAINING, "per_device_train_batch_size", List.of(),
            Kind.whole(FROM_1, n -> n >= 1), 8, "Sequences in a micro-batch");
    static final Key<Integer> ACCUMULATION = key(Section.TRAINING, "gradient_accumulation_steps", List.of(),
            Kind.whole(FROM_1, n -> n >= 1), 1, "Micro-batches in a step");
    static final Key<Long> SEED = key(Section.TRAINING, "seed", List.of(), Kind.seed(), 42L, "Seed of everything that is random");

    static final Key<Optim> OPTIM = key(Section.OPTIMIZER, "optim", List.of(), Kind.choice(Optim.class), Optim.ADAMW_TORCH, "The optimizer");
    static final Key<Double> LEARNING_RATE = key(Section.OPTIMIZER, "learning_rate", List.of(), Kind.number(POSITIVE, n -> n > 0), null,
            "Peak learning rate (default 2e-4 for lora, 2e-5 for full)");
    static final Key<Double> WEIGHT_DECAY = key(Section.OPTIMIZER, "weight_decay", List.of(), Kind.number(NOT_NEGATIVE, n -> n >= 0), 0.0,
            "Decoupled weight decay");
    static final Key<Double> ADAM_BETA1 = key(Section.OPTIMIZER, "adam_beta1", List.of(), Kind.number(BELOW_1, n -> n >= 0 && n < 1), 0.9,
            "Decay of the first moment");
    static final Key<Double> ADAM_BETA2 = key(Section.OPTIMIZER, "adam_beta2", List.of(), Kind.number(BELOW_1, n -> n >= 0 && n < 1), 0.999,
            "Decay of the second moment");
    static final Key<Double> ADAM_EPSILON = key(Section.OPTIMIZER, "adam_epsilon", List.of(), Kind.number(POSITIVE, n -> n > 0), 1e-8,
            "Added to the root of the second moment");
    static final Key<Double> MAX_GRAD_NORM = key(Section.OPTIMIZER, "max_grad_norm", List.of(), Kind.number(NOT_NEGATIVE, n -> n >= 0), 1.0,
            "Clip the gradient to this norm; 0 does not clip");
    static final Key<LrSchedulerType> LR_SCHEDULER_TYPE = key(Section.OPTIMIZER, "lr_scheduler_type", List.of("lr_scheduler"),
            Kind.choice(LrSchedulerType.class), LrSchedulerType.LINEAR, "How the learning rate moves after warm-up");
    static final Key<Double> WARMUP_RATIO = key(Section.OPTIMIZER, "warmup_ratio", List.of(),
            Kind.number("a share from 0 to 1", n -> n >= 0 && n <= 1), 0.0, "Share of the steps that warm up; warmup_steps goes first");
    static final Key<Integer> WARMUP_STEPS = key(Section.OPTIMIZER, "warmup_steps", List.of(), Kind.whole(FROM_0, n -> n >= 0), 0,
            "Steps that warm up");

    static final Key<IntervalStrategy> EVAL_STRATEGY = key(Section.EVALUATION, "eval_strategy", List.of("evaluation_strategy"),
            Kind.choice(IntervalStrategy.class), null, "When to evaluate (default epoch where there is something to evaluate on, else no)");
    static final Key<Integer> EVAL_STEPS = key(Section.EVALUATION, "eval_steps", List.of(), Kind.whole(FROM_1, n -> n >= 1), null,
            "Evaluate every so many steps (default logging_steps)");
    static final Key<Integer> EVAL_BATCH = key(Section.EVALUATION, "per_device_eval_batch_size", List.of(),
            Kind.whole(FROM_1, n -> n >= 1), 8, "Sequences in a batch of the evaluation");

    static final Key<IntervalStrategy> SAVE_STRATEGY = key(Section.CHECKPOINTS, "save_strategy", List.of(),
            Kind.choice(IntervalStrategy.class), IntervalStrategy.STEPS, "When to write a checkpoint");
    static final Key<Integer> SAVE_STEPS = key(Section.CHECKPOINTS, "save_steps", List.of(), Kind.whole(FROM_1, n -> n >= 1), 500,
            "Write a checkpoint every so many steps");
    static final Key<Integer> SAVE_TOTAL_LIMIT = key(Section.CHECKPOINTS, "save_total_limit", List.of(), Kind.whole(FROM_0, n -> n >= 0), 0,
            "Keep so many checkpoints, the newest; 0 keeps all");
    // spotless:on

    private Keys() {}

    private static <T> Key<T> key(
            Section section,
            String name,
            List<String> aliases,
            Kind<T> kind,
            T fallback,
            String help) {
        var key = new Key<>(name, aliases, kind, fallback, section, help);
        TABLE.add(key);
        return key;
    }

    private static Integer layer(String text) {
        int layer = Integer.parseInt(text);
        if (layer < 0) {
            throw new IllegalArgumentException();
        }
        return layer;
    }
}
