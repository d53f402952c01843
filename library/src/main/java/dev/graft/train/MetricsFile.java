package dev.graft.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.disk.AtomicFile;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/// `metrics.jsonl`: one object per logged step and per evaluation, on disk as soon as it is known.
public final class MetricsFile implements Consumer<TrainEvent> {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final int every;
    private int totalSteps;

    /// @param every steps between two lines; the first and the last step always have one
    public MetricsFile(Path folder, int every) {
        this.file = folder.resolve("metrics.jsonl");
        this.every = every;
    }

    public Path file() {
        return file;
    }

    @Override
    public void accept(TrainEvent event) {
        switch (event) {
            case TrainEvent.Started started -> {
                totalSteps = started.totalSteps();
                begin(started.resumedFrom());
            }
            case TrainEvent.Step s -> {
                if (s.step() % every == 0 || s.step() == 1 || s.step() == totalSteps) {
                    append(line(s));
                }
            }
            case TrainEvent.Evaluated e -> {
                ObjectNode line = JSON.createObjectNode();
                line.put("step", e.step());
                line.put("eval_loss", e.loss());
                line.put("eval_perplexity", e.perplexity());
                line.put("eval_tokens", e.tokens());
                append(line);
            }
            case TrainEvent.Loading _,
                    TrainEvent.Prepared _,
                    TrainEvent.Saved _,
                    TrainEvent.Warned _,
                    TrainEvent.Interrupted _,
                    TrainEvent.Measured _,
                    TrainEvent.Finished _ -> {}
        }
    }

    private static ObjectNode line(TrainEvent.Step s) {
        ObjectNode line = JSON.createObjectNode();
        line.put("step", s.step());
        line.put("epoch", s.epoch());
        line.put("loss", s.loss());
        line.put("grad_norm", s.gradNorm());
        line.put("learning_rate", s.learningRate());
        line.put("tokens", s.tokens());
        line.put("total_tokens", s.totalTokens());
        line.put("seconds", s.seconds());
        line.put("tokens_per_second", s.tokens() / s.stepSeconds());
        line.put("peak_memory_bytes", s.peakBytes());
        return line;
    }

    /// A resumed run drops the lines of steps that it will take again.
    private void begin(int resumedFrom) {
        var kept = new StringBuilder();
        try {
            if (resumedFrom > 0 && Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    if (isUpTo(line, resumedFrom)) {
                        kept.append(line).append('\n');
                    }
                }
            }
        } catch (IOException e) {
            throw new TrainingException(file + ": cannot be read: " + e.getMessage(), e);
        }
        AtomicFile.write(file, kept.toString());
    }

    /// A line that a killed run wrote only half is not kept either.
    private static boolean isUpTo(String line, int step) {
        try {
            return JSON.readTree(line).path("step").asInt(Integer.MAX_VALUE) <= step;
        } catch (JsonProcessingException _) {
            return false;
        }
    }

    private void append(ObjectNode line) {
        try {
            Files.writeString(
                    file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new TrainingException(
                    "cannot write %s: %s; free some space".formatted(file, e.getMessage()), e);
        }
    }
}
