package dev.graft.profile;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/// When each operation and call was, for a viewer of Chrome's trace events (chrome://tracing,
/// Perfetto).
public final class Trace {
    private final int most;
    private final List<Event> events = new ArrayList<>();
    private long left;

    /// @param most events that are kept, the first ones
    public Trace(int most) {
        this.most = most;
    }

    private record Event(String kind, String name, long begin, long nanos) {}

    void add(String kind, String name, long begin, long nanos) {
        if (events.size() < most) {
            events.add(new Event(kind, name, begin, nanos));
        } else {
            left++;
        }
    }

    /// Events that came after the last that was kept.
    public long left() {
        return left;
    }

    /// Writes complete events, in microseconds since the first; `out` stays open.
    public void write(OutputStream out) throws IOException {
        long start = events.stream().mapToLong(Event::begin).min().orElse(0);
        var factory = new JsonFactory().disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
        try (JsonGenerator json = factory.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField("displayTimeUnit", "ms");
            json.writeArrayFieldStart("traceEvents");
            for (Event event : events) {
                json.writeStartObject();
                json.writeStringField("name", event.name());
                json.writeStringField("cat", event.kind());
                json.writeStringField("ph", "X");
                json.writeNumberField("pid", 1);
                json.writeNumberField("tid", 1);
                json.writeNumberField("ts", (event.begin() - start) / 1e3);
                json.writeNumberField("dur", event.nanos() / 1e3);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
    }
}
