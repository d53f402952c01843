package dev.graft;

import dev.graft.config.DataOptions;
import dev.graft.config.RunConfig;
import dev.graft.data.Batch;
import dev.graft.data.BatchStream;
import dev.graft.data.Batches;
import dev.graft.data.ChatTemplate;
import dev.graft.data.Chats;
import dev.graft.data.Dataset;
import dev.graft.data.DatasetSource;
import dev.graft.data.Example;
import dev.graft.data.Finding;
import dev.graft.data.Inspection;
import dev.graft.data.StreamedBatches;
import dev.graft.data.TokenCache;
import dev.graft.data.Tokenization;
import dev.graft.data.Tokenizer;
import dev.graft.model.ModelConfig;
import dev.graft.plan.BatchShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What a run trains and evaluates on.
///
/// @param heldOut batches to evaluate on, made when they are asked for; may be empty
/// @param largest the largest micro-batch that can be drawn
/// @param report what became of the rows
/// @param identity what has to be equal for a checkpoint to belong to this data
record TrainingData(
        BatchStream batches,
        List<Batch> heldOut,
        int heldOutExamples,
        BatchShape largest,
        Look look,
        String report,
        String identity)
        implements AutoCloseable {
    /// What was seen of the examples.
    ///
    /// @param some examples of the training part, or all
    /// @param template where the chat template comes from, or "none"
    record Look(
            List<Example> some, String template, Inspection inspection, List<Finding> findings) {

        static Look at(
                Dataset data, Tokenization tokenization, ModelConfig model, String template) {
            var inspection = data.inspection();
            // A text without a prompt is trained whole, and may be cut into pieces.
            boolean texts =
                    inspection.trainedTokens() + inspection.examples() >= inspection.tokens();
            return new Look(
                    data.examples(),
                    template,
                    inspection,
                    inspection.findings(data.report(), model.vocabulary(), texts));
        }
    }

    String template() {
        return look.template();
    }

    Inspection inspection() {
        return look.inspection();
    }

    List<Finding> findings() {
        return look.findings();
    }

    /// The first examples, in the order of the files.
    List<Example> first(int count) {
        return look.some().subList(0, Math.min(count, look.some().size()));
    }

    /// Examples that a streamed run looks at before it starts.
    private static final int SAMPLE = 1000;

    /// Reads and tokenizes, or finds that done.
    static TrainingData of(
            RunConfig config, Tokenizer tokenizer, ModelConfig model, List<String> decisions) {
        DataOptions options = config.data();
        int length = options.maxLength();
        if (length > model.contextLength()) {
            length = model.contextLength();
            decisions.add(
                    "max_length: %d, since the model has max_position_embeddings %d"
                            .formatted(length, length));
        }
        Chats chats = chats(options, config.model().folder());
        String template = chats == null ? "none" : chats.template().origin();
        var tokenization =
                new Tokenization(
                        tokenizer,
                        length,
                        options.loss().ofTexts(),
                        options.loss().ofChats(),
                        chats);
        return options.streaming()
                ? streamed(config, model, tokenization, template, length)
                : cached(config, model, tokenization, template);
    }

    /// The chat template of the run, or null where the model has none.
    private static Chats chats(DataOptions options, Path model) {
        return options.chatTemplate()
                .map(choice -> ChatTemplate.chosen(choice, model))
                .or(() -> ChatTemplate.ofModel(model))
                .map(Chats::new)
                .orElse(null);
    }

    private static TrainingData cached(
            RunConfig config, ModelConfig model, Tokenization tokenization, String template) {
        DataOptions options = config.data();
        var cache = TokenCache.ofUser();
        Dataset.Split split =
                options.weights().isEmpty()
                        ? split(
                                options,
                                cache.load(source(options, options.dataset()), tokenization),
                                config)
                        : mixed(config, cache, tokenization);
        Dataset train = split.train();
        Dataset heldOut =
                options.evalDataset().isEmpty()
                        ? split.eval()
                        : cache.load(source(options, options.evalDataset()), tokenization);
        int batchSize = config.train().perDeviceTrainBatchSize();
        List<Integer> longest = train.longest(batchSize);
        long tokens = longest.stream().mapToLong(n -> n).sum();
        return new TrainingData(
                new Batches(train, batchSize, config.train().seed(), options.shuffle()),
                batches(config, heldOut),
                heldOut.size(),
                new BatchShape(longest.size(), longest.getFirst(), tokens),
                Look.at(train, tokenization, model, template),
                train.report().toString(),
                "%d examples, %d trained tokens".formatted(train.size(), train.trainedTokens()));
    }

    /// Files one by one, each divided before it is mixed: what is held out is never trained.
    private static Dataset.Split mixed(
            RunConfig config, TokenCache cache, Tokenization tokenization) {
        DataOptions options = config.data();
        var train = new ArrayList<Dataset>();
        var eval = new ArrayList<Dataset>();
        for (Path file : options.dataset()) {
            Dataset part = cache.load(source(options, List.of(file)), tokenization);
            Dataset.Split split = split(options, part, config);
            train.add(split.train());
            eval.add(split.eval());
        }
        long seed = config.train().seed();
        return new Dataset.Split(
                Dataset.mixed(train, options.weights(), seed), Dataset.joined(eval));
    }

    private static Dataset.Split split(DataOptions options, Dataset all, RunConfig config) {
        boolean divides = options.evalDataset().isEmpty() && options.evalSplit() > 0;
        return all.split(divides ? options.evalSplit() : 0, config.train().seed());
    }

    private static TrainingData streamed(
            RunConfig config,
            ModelConfig model,
            Tokenization tokenization,
            String template,
            int length) {
        DataOptions options = config.data();
        DatasetSource source = source(options, options.dataset());
        Dataset sample = Dataset.first(SAMPLE, source, tokenization);
        int first = (int) options.evalSplit();
        Dataset heldOut = null;
        if (!options.evalDataset().isEmpty()) {
            heldOut =
                    TokenCache.ofUser().load(source(options, options.evalDataset()), tokenization);
        } else if (first > 0) {
            heldOut = Dataset.first(first, source, tokenization);
        }
        int batchSize = config.train().perDeviceTrainBatchSize();
        return new TrainingData(
                new StreamedBatches(
                        source,
                        tokenization,
                        options.evalDataset().isEmpty() ? first : 0,
                        batchSize,
                        config.train().seed(),
                        options.shuffle()),
                batches(config, heldOut),
                heldOut == null ? 0 : heldOut.size(),
                BatchShape.of(batchSize, length),
                Look.at(sample, tokenization, model, template),
                "streamed; of its first rows: " + sample.report(),
                "streamed from " + options.dataset());
    }

    private static DatasetSource source(DataOptions options, List<Path> files) {
        return new DatasetSource(
                files,
                options.format(),
                options.textField(),
                options.columns(),
                options.where(),
                options.skipBadRows());
    }

    private static List<Batch> batches(RunConfig config, Dataset heldOut) {
        return heldOut == null || heldOut.size() == 0
                ? List.of()
                : heldOut.inOrder(config.train().evaluation().perDeviceEvalBatchSize());
    }

    /// Micro-batches of one epoch; 1 where a stream does not tell.
    int microBatchesPerEpoch(int batchSize) {
        return batches.examples().isPresent()
                ? Math.ceilDiv(batches.examples().getAsInt(), batchSize)
                : 1;
    }

    @Override
    public void close() {
        batches.close();
    }
}
