package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/// A command line that ran in this process: its exit code and what it printed.
record Ran(int exitCode, String out, String err) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static Ran of(Object... args) {
        return withInput("", args);
    }

    static Ran withInput(String input, Object... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var errors = new PrintStream(err, true, StandardCharsets.UTF_8);
        var console =
                new Console(
                        new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        errors,
                        false,
                        100,
                        new Interruption(errors));
        int code = Main.run(console, Stream.of(args).map(Object::toString).toArray(String[]::new));
        return new Ran(
                code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /// Itself, if it succeeded.
    Ran succeeded() {
        assertThat(exitCode).as(err).isZero();
        return this;
    }

    /// Standard output as one JSON object a line, and nothing else.
    List<JsonNode> json() {
        return out.lines().map(Ran::parse).toList();
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + line, e);
        }
    }

    /// Asserts that it failed with one line that says all of this.
    void failedWith(int code, String... parts) {
        assertThat(err.lines()).as(err).hasSize(1);
        assertThat(err).startsWith("error: ").contains(parts);
        assertThat(exitCode).isEqualTo(code);
        assertThat(out).isEmpty();
    }
}
