package dev.graft.config;

import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetModules;
import dev.graft.data.DatasetFormat;
import dev.graft.hub.CachedModels;
import dev.graft.model.BaseResidency;
import dev.graft.optim.Optim;
import dev.graft.quant.FourBitCode;
import dev.graft.quant.Quantization;
import dev.graft.tensor.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/// The one table of keys: the reader, the writer, the ranges, the command line and the manual all
/// stand on it. Names are those of PEFT, TRL and Transformers; other names follow the help text.
final class Keys {
    private static final List<Key<?>> TABLE = new ArrayList<>();
    static final List<Key<?>> ALL = Collections.unmodifiableList(TABLE);

    private static final Kind<Boolean> FLAG = Kind.flag();
    private static final Kind<Integer> COUNT = Kind.whole("a whole number from 1", n -> n >= 1);
    private static final Kind<Integer> COUNT_OR_0 =
            Kind.whole("a whole number from 0", n -> n >= 0);
    private static final Kind<Double> POSITIVE = Kind.number("a number above 0", n -> n > 0);
    private static final Kind<Double> NOT_NEGATIVE = Kind.number("a number from 0", n -> n >= 0);
    private static final Kind<Double> BELOW_1 =
            Kind.number("a number from 0 to below 1", n -> n >= 0 && n < 1);
    private static final Kind<List<String>> NAMES = Kind.list("a list of names", s -> s);
    private static final Kind<List<Path>> FILES = Kind.list("a file or a list of files", Path::of);
    private static final Kind<IntervalStrategy> WHEN = Kind.choice(IntervalStrategy.class);

    static final Key<String> MODEL =
            model(
                    "model_name_or_path",
                    Kind.text(),
                    null,
                    "Base model: a folder, or the org/name of one that was pulled (required)");
    static final Key<String> MODEL_REVISION =
            model(
                    "model_revision",
                    Kind.text(),
                    CachedModels.MAIN,
                    "Branch, tag or commit of a model by name");
    static final Key<String> ADAPTER =
            model(
                    "adapter_name_or_path",
                    Kind.text(),
                    null,
                    "Adapter to go on from: a folder, or the org/name of one that was pulled");
    static final Key<FinetuningType> FINETUNING_TYPE =
            model(
                    "finetuning_type",
                    Kind.choice(FinetuningType.class),
                    FinetuningType.LORA,
                    "Train an adapter (lora) or every weight (full)");
    static final Key<String> DEVICE =
            model(
                    "device",
                    Kind.parsed("auto, cpu, cuda or cuda:1", Keys::device),
                    "auto",
                    "Where to compute; auto takes an NVIDIA card where there is one that this build"
                            + " can use");

    static final Key<Boolean> LOAD_IN_4BIT =
            quantization("load_in_4bit", FLAG, false, "Hold the frozen base in 4 bits (QLoRA)");
    static final Key<Boolean> LOAD_IN_8BIT =
            quantization("load_in_8bit", FLAG, false, "Hold the frozen base in 8 bits");
    static final Key<FourBitCode> QUANT_TYPE =
            quantization(
                    "bnb_4bit_quant_type",
                    Kind.choice(FourBitCode.class),
                    FourBitCode.NF4,
                    "The 4-bit code",
                    "quantization_type");
    static final Key<Boolean> DOUBLE_QUANT =
            quantization(
                    "bnb_4bit_use_double_quant",
                    FLAG,
                    true,
                    "Quantize the block maxima too",
                    "double_quantization");
    static final Key<Integer> BLOCK_SIZE =
            quantization(
                    "bnb_4bit_blocksize",
                    Kind.whole(
                            "a power of two from 32 to 4096",
                            Quantization.FourBit.BLOCK_SIZES::contains),
                    64,
                    "Weights that share a maximum");
    static final Key<ComputeType> COMPUTE_TYPE =
            quantization(
                    "bnb_4bit_compute_dtype",
                    Kind.choice(ComputeType.class),
                    ComputeType.AUTO,
                    "Type of the computation on a card, where auto is bfloat16, before Ampere float16; on a processor"
                            + " float32 whatever stands here");
    static final Key<List<String>> SKIP_MODULES =
            quantization(
                    "llm_int8_skip_modules",
                    NAMES,
                    List.of("lm_head"),
                    "Linear maps that are not quantized");
    static final Key<BaseResidency> BASE_RESIDENCY =
            quantization(
                    "base_residency",
                    Kind.choice(BaseResidency.class),
                    BaseResidency.AUTO,
                    "Where the frozen base lives: in memory (ram), in its files (mapped), or, for a card, in the host's memory (streamed)");

    static final Key<Path> OUTPUT_DIR =
            output(
                    "output_dir",
                    Kind.parsed("a folder", Path::of),
                    null,
                    "Where adapter, checkpoints and metrics go (required)");
    static final Key<Boolean> OVERWRITE =
            output("overwrite_output_dir", FLAG, false, "Allow an output folder with files in it");
    static final Key<Resume> RESUME =
            output(
                    "resume_from_checkpoint",
                    Kind.parsed("true, false or a checkpoint folder", Resume::parse),
                    new Resume.Fresh(),
                    "Go on from the newest checkpoint in the output folder (true), or from this"
                            + " one");
    static final Key<Integer> LOGGING_STEPS =
            output("logging_steps", COUNT, 10, "Log every so many steps");
    static final Key<Boolean> FORCE =
            output("force", FLAG, false, "Run even where the plan says that memory is short");

    static final Key<Integer> R = lora("r", COUNT, 8, "Rank of the adapter", "lora_r", "lora_rank");
    static final Key<Double> LORA_ALPHA =
            lora("lora_alpha", POSITIVE, 8.0, "The adapter is scaled by lora_alpha / r");
    static final Key<Double> LORA_DROPOUT =
            lora("lora_dropout", BELOW_1, 0.0, "Dropout on the adapter's input");
    static final Key<TargetModules> TARGET_MODULES =
            lora(
                    "target_modules",
                    Kind.modules(),
                    new TargetModules.AllLinear(),
                    "Modules that get an adapter: all-linear, names, or a regular expression",
                    "lora_target_modules",
                    "lora_target");
    static final Key<List<String>> EXCLUDE_MODULES =
            lora("exclude_modules", NAMES, List.of(), "Modules that get no adapter");
    static final Key<LoraConfig.Bias> BIAS =
            lora(
                    "bias",
                    Kind.choice(LoraConfig.Bias.class),
                    LoraConfig.Bias.NONE,
                    "Biases that are trained too");
    static final Key<Boolean> USE_RSLORA =
            lora("use_rslora", FLAG, false, "Scale by lora_alpha / sqrt(r) instead");
    static final Key<List<String>> MODULES_TO_SAVE =
            lora(
                    "modules_to_save",
                    NAMES,
                    List.of(),
                    "Modules that are trained whole and saved with the adapter",
                    "lora_modules_to_save");
    static final Key<Map<String, Double>> RANK_PATTERN =
            lora(
                    "rank_pattern",
                    Kind.numbers(
                            "a map from modules to whole numbers from 1, as {q_proj: 16}",
                            n -> n >= 1 && n == Math.rint(n) && n <= Integer.MAX_VALUE),
                    Map.of(),
                    "Another rank for some modules");
    static final Key<Map<String, Double>> ALPHA_PATTERN =
            lora(
                    "alpha_pattern",
                    Kind.numbers(
                            "a map from modules to numbers above 0, as {q_proj: 32}", n -> n > 0),
                    Map.of(),
                    "Another lora_alpha for some modules");
    static final Key<List<Integer>> LAYERS_TO_TRANSFORM =
            lora(
                    "layers_to_transform",
                    Kind.list("a layer number from 0 or a list of them", Keys::layer),
                    List.of(),
                    "Only these layers get an adapter");
    static final Key<List<String>> LAYERS_PATTERN =
            lora("layers_pattern", NAMES, List.of(), "Name of the list of layers in the model");
    static final Key<LoraConfig.Init> INIT_LORA_WEIGHTS =
            lora(
                    "init_lora_weights",
                    Kind.choice(LoraConfig.Init.class),
                    LoraConfig.Init.TRUE,
                    "How a fresh adapter begins");

    static final Key<List<Path>> DATASET =
            data(
                    "dataset",
                    FILES,
                    List.of(),
                    "Files to train on: .json, .jsonl, .csv, .parquet, .txt (required)",
                    "dataset_name");
    static final Key<List<Path>> EVAL_DATASET =
            data("eval_dataset", FILES, List.of(), "Files to evaluate on");
    static final Key<DatasetFormat> DATASET_FORMAT =
            data(
                    "dataset_format",
                    Kind.choice(DatasetFormat.class),
                    DatasetFormat.AUTO,
                    "What the columns mean; auto tells it from their names");
    static final Key<String> DATASET_TEXT_FIELD =
            data("dataset_text_field", Kind.text(), "text", "The column of the text format");
    static final Key<Map<String, String>> DATASET_COLUMNS =
            data(
                    "dataset_columns",
                    Kind.names("a name of a format and the column's own, as in prompt=question"),
                    Map.of(),
                    "Columns under other names than the format's, as in"
                            + " prompt=question,completion=answer");
    static final Key<List<Double>> DATASET_WEIGHTS =
            data(
                    "dataset_weights",
                    Kind.list("numbers above 0, at most 1000", Keys::weight),
                    List.of(),
                    "How often the examples of each file of dataset come in an epoch, as in 2,0.5");
    static final Key<String> DATASET_WHERE =
            data(
                    "dataset_where",
                    Kind.parsed("a condition in SQL", condition -> condition),
                    "",
                    "A condition on the columns in SQL: only rows for which it holds are read");
    static final Key<Double> EVAL_SPLIT =
            data(
                    "eval_split",
                    Kind.number(
                            "a share from 0 to below 1, or a whole number of examples",
                            n -> n >= 0 && (n < 1 || n == Math.rint(n))),
                    0.0,
                    "Examples of the data set that are held out for evaluation",
                    "val_size",
                    "test_size");
    static final Key<Integer> MAX_LENGTH =
            data(
                    "max_length",
                    Kind.whole("a whole number from 2", n -> n >= 2),
                    1024,
                    "Longest sequence in tokens; longer ones are cut and counted",
                    "max_seq_length",
                    "cutoff_len");
    static final Key<Boolean> COMPLETION_ONLY_LOSS =
            data(
                    "completion_only_loss",
                    FLAG,
                    true,
                    "Train on the completion only where the format has a prompt");
    static final Key<Boolean> ASSISTANT_ONLY_LOSS =
            data(
                    "assistant_only_loss",
                    FLAG,
                    true,
                    "Train on what the assistant says only where rows are conversations");
    static final Key<Boolean> MASK_HISTORY =
            data("mask_history", FLAG, false, "Train on the last answer of a conversation only");
    static final Key<Boolean> TRAIN_ON_PROMPT =
            data(
                    "train_on_prompt",
                    FLAG,
                    false,
                    "Train on prompts too: completion_only_loss and assistant_only_loss false");
    static final Key<String> CHAT_TEMPLATE =
            data(
                    "chat_template",
                    Kind.text(),
                    null,
                    "The template of conversations: a .jinja file, or a name such as chatml (default:"
                            + " the model's)",
                    "chat_template_path",
                    "template");
    static final Key<Boolean> SHUFFLE =
            data("shuffle", FLAG, true, "Another order in every epoch; false keeps the file's");
    static final Key<Boolean> STREAMING =
            data(
                    "streaming",
                    FLAG,
                    false,
                    "Read and tokenize while training, and keep nothing: for data that are too many"
                            + " to be tokenized before (needs max_steps)",
                    "dataset_streaming");
    static final Key<Boolean> SKIP_BAD_ROWS =
            data(
                    "skip_bad_rows",
                    FLAG,
                    false,
                    "Leave out lines that are no rows and rows that do not fit, and count them; else they are"
                            + " errors");

    static final Key<Double> NUM_TRAIN_EPOCHS =
            training("num_train_epochs", POSITIVE, 3.0, "Passes over the data set");
    static final Key<Integer> MAX_STEPS =
            training(
                    "max_steps",
                    Kind.whole("a whole number from 1, or -1 for none", n -> n == -1 || n >= 1),
                    -1,
                    "Stop after so many steps, whatever num_train_epochs says");
    static final Key<Integer> TRAIN_BATCH =
            training("per_device_train_batch_size", COUNT, 8, "Sequences in a micro-batch");
    static final Key<Integer> ACCUMULATION =
            training("gradient_accumulation_steps", COUNT, 1, "Micro-batches in a step");
    static final Key<GradientCheckpointing> GRADIENT_CHECKPOINTING =
            training(
                    "gradient_checkpointing",
                    Kind.choice(
                            GradientCheckpointing.class, Map.of("false", "none", "true", "layer")),
                    GradientCheckpointing.AUTO,
                    "Compute activations again instead of keeping them: those of mlp blocks, of"
                            + " whole layers (true), or of layers whose inputs go to disk"
                            + " (offload)");
    static final Key<Boolean> BF16 =
            training(
                    "bf16",
                    FLAG,
                    false,
                    "Multiply with the frozen base in bfloat16: about twice as fast on processors"
                            + " that have it, results rounded to 8 bits");
    static final Key<Boolean> CUDA_GRAPHS =
            training(
                    "cuda_graphs",
                    FLAG,
                    false,
                    "Record passes whose shape comes again, for a card to repeat by itself: for"
                            + " small batches, where the host is slower than the card");
    static final Key<Long> SEED =
            training("seed", Kind.seed(), 42L, "Seed of everything that is random");

    static final Key<Optim> OPTIM =
            optimizer(
                    "optim",
                    Kind.choice(
                            Optim.class,
                            Map.of(
                                    "adamw_torch_fused", "adamw_torch",
                                    "adamw_bnb_8bit", "adamw_8bit",
                                    "paged_adamw", "paged_adamw_32bit")),
                    Optim.ADAMW_TORCH,
                    "AdamW with moments in 32 or 8 bits, in memory or paged to output_dir");
    static final Key<Long> OPTIM_MEMORY =
            optimizer(
                    "optim_memory",
                    Kind.bytes("a size such as 512MB or 2GiB, or 0 for no limit"),
                    0L,
                    "Most memory that the moments of a paged optim keep; 0 leaves it to the system");
    static final Key<Double> LEARNING_RATE =
            optimizer(
                    "learning_rate",
                    POSITIVE,
                    null,
                    "Peak learning rate (default 2e-4 for lora, 2e-5 for full)");
    static final Key<Double> WEIGHT_DECAY =
            optimizer("weight_decay", NOT_NEGATIVE, 0.0, "Decoupled weight decay");
    static final Key<Double> ADAM_BETA1 =
            optimizer("adam_beta1", BELOW_1, 0.9, "Decay of the first moment");
    static final Key<Double> ADAM_BETA2 =
            optimizer("adam_beta2", BELOW_1, 0.999, "Decay of the second moment");
    static final Key<Double> ADAM_EPSILON =
            optimizer("adam_epsilon", POSITIVE, 1e-8, "Added to the second moment's root");
    static final Key<Double> MAX_GRAD_NORM =
            optimizer(
                    "max_grad_norm",
                    NOT_NEGATIVE,
                    1.0,
                    "Clip the gradient to this norm; 0 does not clip");
    static final Key<LrSchedulerType> LR_SCHEDULER_TYPE =
            optimizer(
                    "lr_scheduler_type",
                    Kind.choice(LrSchedulerType.class),
                    LrSchedulerType.LINEAR,
                    "How the learning rate moves after warm-up",
                    "lr_scheduler");
    static final Key<Double> WARMUP_RATIO =
            optimizer(
                    "warmup_ratio",
                    Kind.number("a share from 0 to 1", n -> n >= 0 && n <= 1),
                    0.0,
                    "Share of the steps that warm up; warmup_steps goes first");
    static final Key<Integer> WARMUP_STEPS =
            optimizer("warmup_steps", COUNT_OR_0, 0, "Steps that warm up");

    static final Key<IntervalStrategy> EVAL_STRATEGY =
            evaluation(
                    "eval_strategy",
                    WHEN,
                    null,
                    "When to evaluate (default epoch where there is something to evaluate on)",
                    "evaluation_strategy");
    static final Key<Integer> EVAL_STEPS =
            evaluation("eval_steps", COUNT, null, "Steps between (default logging_steps)");
    static final Key<Integer> EVAL_BATCH =
            evaluation("per_device_eval_batch_size", COUNT, 8, "Sequences in a batch");

    static final Key<IntervalStrategy> SAVE_STRATEGY =
            checkpoints("save_strategy", WHEN, IntervalStrategy.STEPS, "When to write one");
    static final Key<Integer> SAVE_STEPS = checkpoints("save_steps", COUNT, 500, "Steps between");
    static final Key<Integer> SAVE_TOTAL_LIMIT =
            checkpoints("save_total_limit", COUNT_OR_0, 0, "Keep the newest; 0 keeps all");

    private Keys() {}

    private static <T> Key<T> model(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.MODEL, help));
    }

    private static <T> Key<T> quantization(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.QUANTIZATION, help));
    }

    private static <T> Key<T> output(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.OUTPUT, help));
    }

    private static <T> Key<T> lora(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.LORA, help));
    }

    private static double weight(String text) {
        double weight = Double.parseDouble(text);
        if (!(weight > 0) || weight > 1000) {
            throw new IllegalArgumentException("not above 0, or above 1000");
        }
        return weight;
    }

    private static <T> Key<T> data(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.DATA, help));
    }

    private static <T> Key<T> training(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.TRAINING, help));
    }

    private static <T> Key<T> optimizer(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.OPTIMIZER, help));
    }

    private static <T> Key<T> evaluation(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.EVALUATION, help));
    }

    private static <T> Key<T> checkpoints(
            String name, Kind<T> kind, T fallback, String help, String... aliases) {
        return add(new Key<>(name, List.of(aliases), kind, fallback, Section.CHECKPOINTS, help));
    }

    private static <T> Key<T> add(Key<T> key) {
        TABLE.add(key);
        return key;
    }

    private static String device(String text) {
        boolean known = text.equals("auto") || Device.of(text).kind() != Device.Kind.META;
        if (!known) {
            throw new IllegalArgumentException();
        }
        return text;
    }

    private static Integer layer(String text) {
        int layer = Integer.parseInt(text);
        if (layer < 0) {
            throw new IllegalArgumentException();
        }
        return layer;
    }
}
