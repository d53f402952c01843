package dev.graft;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The order of the rooms: each imports only rooms above it.
class RoomsTest {
    private static final List<String> ORDER =
            List.of(
                    "error",
                    "disk",
                    "hub",
                    "profile",
                    "tensor",
                    "kernel",
                    "format",
                    "quant",
                    "nn",
                    "model",
                    "adapter",
                    "jinja",
                    "data",
                    "optim",
                    "generate",
                    "distributed",
                    "plan",
                    "train",
                    "export",
                    "config");

    private static final Set<String> KNOW_LIBTORCH = Set.of("tensor", "kernel", "distributed");

    /// What loads libtorch, which the data room never does.
    private static final Set<String> TENSORS =
            Set.of("tensor", "kernel", "format", "quant", "nn", "model", "adapter");

    private static final Pattern IMPORT = Pattern.compile("import (?:static )?([\\w.]+).*");

    private final Path source = Path.of("src/main/java/dev/graft").toAbsolutePath();

    /// An import line of a room.
    private record Line(String room, String place, String imported) {
        /// The room that is imported, or an empty text.
        String importedRoom() {
            Matcher matcher = Pattern.compile("dev\\.graft\\.([a-z]+)\\..*").matcher(imported);
            return matcher.matches() ? matcher.group(1) : "";
        }
    }

    private List<String> rooms() throws IOException {
        try (Stream<Path> entries = Files.list(source)) {
            return entries.filter(Files::isDirectory)
                    .map(p -> p.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    private List<Line> imports() throws IOException {
        List<Line> lines = new ArrayList<>();
        for (String room : rooms()) {
            List<Path> files;
            try (Stream<Path> all = Files.walk(source.resolve(room))) {
                files = all.filter(p -> p.toString().endsWith(".java")).sorted().toList();
            }
            for (Path file : files) {
                List<String> text = Files.readAllLines(file);
                for (int i = 0; i < text.size(); i++) {
                    Matcher matcher = IMPORT.matcher(text.get(i));
                    if (matcher.matches()) {
                        String place = source.relativize(file) + ":" + (i + 1);
                        lines.add(new Line(room, place, matcher.group(1)));
                    }
                }
            }
        }
        assertThat(lines).hasSizeGreaterThan(100);
        return lines;
    }

    @Test
    void everyRoomHasItsPlaceInTheOrder() throws Exception {
        assertThat(ORDER).containsAll(rooms());
    }

    @Test
    void roomsImportOnlyRoomsAboveThem() throws Exception {
        List<String> wrong = new ArrayList<>();
        for (Line line : imports()) {
            String other = line.importedRoom();
            if (line.imported().startsWith("dev.graft.") && other.isEmpty()) {
                wrong.add("%s: imports %s of the root".formatted(line.place(), line.imported()));
            }
            if (!other.isEmpty() && ORDER.indexOf(other) > ORDER.indexOf(line.room())) {
                wrong.add(
                        "%s: %s imports %s, which is not above it: %s"
                                .formatted(line.place(), line.room(), other, line.imported()));
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void onlyThreeRoomsKnowLibtorch() throws Exception {
        assertThat(imports())
                .filteredOn(line -> line.imported().startsWith("org.bytedeco."))
                .allMatch(line -> KNOW_LIBTORCH.contains(line.room()));
    }

    @Test
    void dataNeverLoadsLibtorch() throws Exception {
        assertThat(imports())
                .filteredOn(line -> line.room().equals("data"))
                .noneMatch(line -> TENSORS.contains(line.importedRoom()));
    }

    @Test
    void everyRoomSaysWhatItIs() throws Exception {
        for (String room : rooms()) {
            Path info = source.resolve(room).resolve("package-info.java");
            assertThat(info).exists().content().startsWith("///");
        }
    }
}
