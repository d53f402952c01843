package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `--profile` and `--profile-trace` of a run.
final class ProfilingTest {
    @TempDir private Path folder;
    private Path data;

    @BeforeEach
    void writeData() throws IOException {
        data = folder.resolve("data.jsonl");
        Files.writeString(data, "{\"text\": \"Tim saw big red balls in the park.\"}\n".repeat(8));
    }

    private Ran train(Object... more) {
        Object[] args = {
            "train",
            "--model-name-or-path",
            Shared.folder("models/stories260K"),
            "--dataset",
            data,
            "--max-steps",
            "3",
            "--output-dir",
            folder.resolve("out")
        };
        Object[] all = new Object[args.length + more.length];
        System.arraycopy(args, 0, all, 0, args.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return Ran.of(all).succeeded();
    }

    @Test
    void aProfileSaysWhereTheTimeOfAStepWent() {
        assertThat(train("--profile").out())
                .contains("profile: mean of 2 steps", "attention backward", "everything else")
                .contains("native and kernel calls", "attentionBackward", "of a plain product");
    }

    @Test
    void aTraceIsWrittenAndTheProfileIsAnEvent() throws IOException {
        Path trace = folder.resolve("trace.json");
        Ran ran = train("--profile-trace", trace, "--json");
        JsonNode profile =
                ran.json().stream()
                        .filter(e -> e.path("event").asText().equals("profile"))
                        .findFirst()
                        .orElseThrow();
        assertThat(profile.get("steps").asInt()).isEqualTo(2);
        assertThat(profile.get("flops").asDouble()).isPositive();
        double seconds = 0;
        for (JsonNode operation : profile.get("operations")) {
            seconds += operation.get("seconds").asDouble();
        }
        assertThat(seconds)
                .isPositive()
                .isLessThanOrEqualTo(profile.get("step_seconds").asDouble() * 1.0001);
        JsonNode events = new ObjectMapper().readTree(trace.toFile()).get("traceEvents");
        assertThat(events.findValuesAsText("name"))
                .contains("step", "attention", "linear", "multiply");
    }

    @Test
    void nothingIsSaidUnasked() {
        assertThat(train().out()).doesNotContain("profile");
    }
}
