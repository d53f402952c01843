package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.train.TrainEvent;
import java.nio.file.Path;
import java.util.function.Consumer;

/// What is left to say when a run is over.
final class TrainSummary implements Consumer<TrainEvent> {
    private int steps;
    private double seconds;
    private Double meanLoss;
    private Double before;
    private Double after;
    private Path checkpoint;

    @Override
    public void accept(TrainEvent event) {
        switch (event) {
            case TrainEvent.Step s -> {
                steps = s.step();
                seconds = s.seconds();
            }
            case TrainEvent.Evaluated e -> {
                before = e.step() == 0 ? Double.valueOf(e.loss()) : before;
                after = e.step() == 0 ? after : Double.valueOf(e.loss());
            }
            case TrainEvent.Saved s -> checkpoint = s.folder();
            case TrainEvent.Finished f -> {
                steps = f.steps();
                seconds = f.seconds();
                meanLoss = f.meanLoss();
            }
            case TrainEvent.Loading _,
                    TrainEvent.Prepared _,
                    TrainEvent.Started _,
                    TrainEvent.Measured _,
                    TrainEvent.Warned _,
                    TrainEvent.Interrupted _ -> {}
        }
    }

    /// Held-out loss before the first step; null where there was no evaluation.
    Double before() {
        return before;
    }

    Double after() {
        return after;
    }

    /// The newest checkpoint of this run, or null.
    Path checkpoint() {
        return checkpoint;
    }

    ObjectNode toJson(boolean finished, Path output) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("finished", finished).put("steps", steps).put("loss", meanLoss);
        json.put("eval_loss_before", before).put("eval_loss_after", after);
        json.put("output_dir", output.toString()).put("seconds", seconds);
        if (!finished) {
            json.put("checkpoint", checkpoint == null ? null : checkpoint.toString());
        }
        return json;
    }
}
