package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.graft.config.RunConfigReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.ParseResult;

/// README, docs and recipes say only what the command line takes.
final class DocumentationTest {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern BLOCK = Pattern.compile("```(\\w*)\n(.*?)```", Pattern.DOTALL);

    /// Something to check, and where it stands.
    record Piece(Path file, String text) {
        @Override
        public String toString() {
            return HOME.relativize(file) + ": " + text.lines().findFirst().orElse("");
        }
    }

    static Stream<Path> documents() {
        return Stream.of(HOME, HOME.resolve("docs"))
                .flatMap(DocumentationTest::list)
                .filter(p -> p.toString().endsWith(".md"));
    }

    static Stream<Path> recipes() {
        return list(HOME.resolve("recipes")).filter(p -> p.toString().endsWith(".yaml"));
    }

    private static Stream<Path> list(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The fenced blocks of a language.
    private static Stream<Piece> blocks(Path file, String language) {
        List<Piece> found = new ArrayList<>();
        Matcher blocks = BLOCK.matcher(read(file));
        while (blocks.find()) {
            if (blocks.group(1).equals(language)) {
                found.add(new Piece(file, blocks.group(2)));
            }
        }
        return found.stream();
    }

    static Stream<Piece> commands() {
        Stream<Piece> inDocuments =
                documents().flatMap(f -> blocks(f, "")).flatMap(b -> commands(b.file(), b.text()));
        Stream<Piece> inRecipes =
                recipes().flatMap(f -> commands(f, read(f).replaceAll("(?m)^# +(Commands:)?", "")));
        return Stream.concat(inDocuments, inRecipes);
    }

    /// Lines that call the launcher, those that go on with a backslash joined.
    private static Stream<Piece> commands(Path file, String text) {
        return text.replaceAll("\\\\\n\\s*", " ")
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith("./graft "))
                .map(line -> new Piece(file, line));
    }

    static Stream<Piece> configs() {
        return Stream.concat(
                documents().flatMap(f -> blocks(f, "yaml")),
                recipes().map(f -> new Piece(f, read(f))));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandIsOne(Piece command) {
        String[] args =
                Arrays.stream(command.text().split("\\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)"))
                        .skip(1)
                        .map(arg -> arg.replace("\"", ""))
                        .toArray(String[]::new);
        Console console = Console.system();
        ParseResult parsed =
                Main.commandLine(console, new Failures(console, false)).parseArgs(args);
        while (parsed.hasSubcommand()) {
            parsed = parsed.subcommand();
        }
        assertThat(parsed.unmatched()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("configs")
    void everyConfigIsOne(Piece config) {
        assertThatCode(
                        () ->
                                RunConfigReader.read(
                                        config.text(), config.file().toString(), Map.of()))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @MethodSource("rooms")
    void theTreeOfTheReadmeNamesEveryRoom(String room) {
        assertThat(read(HOME.resolve("README.md"))).containsPattern("(?m)^    " + room + " {2,}");
    }

    static Stream<String> rooms() {
        return list(HOME.resolve("library/src/main/java/dev/graft"))
                .filter(Files::isDirectory)
                .map(p -> p.getFileName().toString());
    }
}
