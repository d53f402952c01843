package dev.graft.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.data.SampleOrder;
import dev.graft.disk.AtomicFile;
import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import dev.graft.error.TrainingException;
import dev.graft.format.SafetensorsFile;
import dev.graft.format.SafetensorsWriter;
import dev.graft.optim.AdamW;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The checkpoints of a run: `checkpoint-<step>` folders that are written under another name and
/// renamed when complete, each with all that a run needs to go on as if it had never stopped.
public final class Checkpoints {
    private static final String NAME = "checkpoint-";
    private static final String STATE = "trainer_state.json";
    private static final String OPTIMIZER = "optimizer.safetensors";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final int keep;
    private final String fingerprint;

    /// @param folder `output_dir`
    /// @param keep the newest so many stay, 0 for all
    /// @param fingerprint of what must be equal for a resumed run to be the same run
    public Checkpoints(Path folder, int keep, String fingerprint) {
        this.folder = folder;
        this.keep = keep;
        this.fingerprint = fingerprint;
    }

    /// Where a run stands between two steps.
    ///
    /// @param cursor the next example
    /// @param lossSum of the losses of all steps, for their mean
    /// @param threads that computed it: sums of another number differ in their last digits
    record State(
            int step,
            SampleOrder.Cursor cursor,
            long tokens,
            double lossSum,
            double seconds,
            int threads,
            LossScale.State scale) {}

    /// Writes a checkpoint and drops the oldest beyond the limit.
    Path write(State state, Trained trained, AdamW optimizer) {
        Path target = folder.resolve(NAME + state.step());
        Path part = folder.resolve(NAME + state.step() + ".part");
        delete(part);
        try {
            Files.createDirectories(part);
            trained.write(part);
            SafetensorsWriter.write(
                    part.resolve(OPTIMIZER), optimizer.state(), optimizer.metadata());
            AtomicFile.write(part.resolve(STATE), json(state));
            delete(target);
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            delete(part);
            throw new TrainingException("cannot write " + target + ": " + e.getMessage(), e);
        } catch (RuntimeException e) {
            delete(part);
            throw e;
        }
        dropOld();
        return target;
    }

    private String json(State state) {
        var root = JSON.createObjectNode();
        root.put("step", state.step());
        root.put("epoch", state.cursor().epoch());
        root.put("position", state.cursor().position());
        root.put("tokens", state.tokens());
        root.put("loss_sum", state.lossSum());
        root.put("seconds", state.seconds());
        root.put("threads", state.threads());
        root.put("loss_scale", state.scale().factor());
        root.put("steps_at_loss_scale", state.scale().steps());
        root.put("fingerprint", fingerprint);
        return root.toPrettyString() + "\n";
    }

    private void dropOld() {
        List<Path> all = list();
        for (int i = 0; keep > 0 && i < all.size() - keep; i++) {
            delete(all.get(i));
        }
    }

    /// The complete checkpoints, oldest first.
    private List<Path> list() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(p -> p.getFileName().toString().matches(NAME + "\\d+"))
                    .filter(p -> Files.exists(p.resolve(STATE)))
                    .sorted(Comparator.comparingInt(Checkpoints::step))
                    .toList();
        } catch (IOException e) {
            throw new ConfigException(folder + ": cannot be listed: " + e.getMessage(), e);
        }
    }

    private static int step(Path checkpoint) {
        return Integer.parseInt(checkpoint.getFileName().toString().substring(NAME.length()));
    }

    /// The newest complete checkpoint.
    public Optional<Path> latest() {
        List<Path> all = list();
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /// Takes a checkpoint's state over.
    ///
    /// @throws ConfigException if it belongs to a run with other settings
    State read(Path checkpoint, Trained trained, AdamW optimizer) {
        Path file = checkpoint.resolve(STATE);
        JsonNode root;
        try {
            if (!Files.isRegularFile(file)) {
                throw new ConfigException(
                        "resume_from_checkpoint: %s has no %s; expected a checkpoint folder"
                                .formatted(checkpoint, STATE));
            }
            root = JSON.readTree(Files.readString(file));
        } catch (JsonProcessingException e) {
            throw new ModelFormatException(file + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ModelFormatException(file + ": cannot be read: " + e.getMessage(), e);
        }
        if (!root.path("fingerprint").asText().equals(fingerprint)) {
            throw new ConfigException(
                    "resume_from_checkpoint: %s belongs to a run with other settings or data; found %s, expected %s: restore them, or choose another output_dir"
                            .formatted(checkpoint, root.path("fingerprint").asText(), fingerprint));
        }
        trained.read(checkpoint);
        try (var state = SafetensorsFile.open(checkpoint.resolve(OPTIMIZER))) {
            optimizer.restore(state);
        }
        return new State(
                root.path("step").asInt(),
                new SampleOrder.Cursor(root.path("epoch").asInt(), root.path("position").asInt()),
                root.path("tokens").asLong(),
                root.path("loss_sum").asDouble(),
                root.path("seconds").asDouble(),
                root.path("threads").asInt(),
                new LossScale.State(
                        root.path("loss_scale").asDouble(LossScale.State.FIRST.factor()),
                        root.path("steps_at_loss_scale").asInt()));
    }

    private static void delete(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> entries = Files.walk(folder)) {
            for (Path p : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        } catch (IOException e) {
            throw new TrainingException(folder + ": cannot be deleted: " + e.getMessage(), e);
        }
    }
}
