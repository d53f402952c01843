package dev.graft.app;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.train.TrainEvent;

/// Events of a run as JSON objects, `event` first.
final class TrainEventJson {
    private TrainEventJson() {}

    static ObjectNode of(TrainEvent event) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        switch (event) {
            case TrainEvent.Loading l ->
                    json.put("event", "loading").put("done", l.done()).put("total", l.total());
            case TrainEvent.Prepared p -> prepared(json, p);
            case TrainEvent.Started s -> {
                json.put("event", "started").put("total_steps", s.totalSteps());
                json.put("resumed_from", s.resumedFrom());
            }
            case TrainEvent.Step s -> step(json, s);
            case TrainEvent.Evaluated e -> {
                json.put("event", "evaluated").put("step", e.step()).put("eval_loss", e.loss());
                json.put("eval_perplexity", e.perplexity()).put("eval_tokens", e.tokens());
            }
            case TrainEvent.Saved s -> {
                json.put("event", "saved").put("step", s.step());
                json.put("checkpoint", s.folder().toString());
            }
            case TrainEvent.Warned w -> json.put("event", "warned").put("message", w.message());
            case TrainEvent.Interrupted i -> json.put("event", "interrupted").put("step", i.step());
            case TrainEvent.Measured m -> {
                json.put("event", "measured").put("peak_memory_bytes", m.resident());
                json.put("peak_anonymous_bytes", m.anonymous());
                json.put("planned_memory_bytes", m.planned().resident());
                json.put("planned_anonymous_bytes", m.planned().anonymous());
            }
            case TrainEvent.Finished f -> {
                json.put("event", "finished").put("steps", f.steps());
                json.put("seconds", f.seconds()).put("loss", f.meanLoss());
                f.firstStep()
                        .ifPresent(
                                first ->
                                        json.put("seconds_before_first_step", first.began())
                                                .put("seconds_to_first_step", first.ended()));
            }
        }
        return json;
    }

    private static void prepared(ObjectNode json, TrainEvent.Prepared p) {
        json.put("event", "prepared").put("model", p.model()).put("data", p.data());
        json.put("held_out", p.heldOut());
        p.decisions().forEach(json.putArray("decisions")::add);
        BillText.put(json, p.bill());
    }

    private static void step(ObjectNode json, TrainEvent.Step s) {
        json.put("event", "step").put("step", s.step()).put("epoch", s.epoch());
        json.put("loss", s.loss()).put("grad_norm", s.gradNorm());
        json.put("learning_rate", s.learningRate());
        json.put("tokens", s.tokens()).put("total_tokens", s.totalTokens());
        json.put("seconds", s.seconds()).put("tokens_per_second", s.tokens() / s.stepSeconds());
        json.put("peak_memory_bytes", s.peakBytes());
    }
}
