package dev.graft.jinja;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Renders per second on one core: every template of a folder over the conversations of its golden
/// file. `JinjaBench shared/data/chat_templates`
public final class JinjaBench {
    private JinjaBench() {}

    /// Prints the slowest, the median and the fastest template, then a few well-known ones.
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        speeds(folder); // the compiler of the JVM warms up
        report(speeds(folder));
    }

    private record Speed(String name, double perSecond) {}

    private static List<Speed> speeds(Path folder) throws IOException {
        List<Speed> speeds = new ArrayList<>();
        for (String source : List.of("axolotl", "llama.cpp", "trl")) {
            JsonNode golden =
                    new JsonMapper()
                            .readTree(folder.resolve("golden/" + source + ".json").toFile());
            for (var entry : golden.path("templates").properties()) {
                String text = Files.readString(folder.resolve(source).resolve(entry.getKey()));
                var template = Template.compile(entry.getKey(), text);
                var inputs = inputs(golden, entry.getValue());
                if (!inputs.isEmpty()) {
                    speeds.add(new Speed(entry.getKey(), perSecond(template, inputs)));
                }
            }
        }
        return speeds;
    }

    private static void report(List<Speed> speeds) {
        Speed[] sorted = speeds.toArray(Speed[]::new);
        Arrays.sort(sorted, (a, b) -> Double.compare(a.perSecond, b.perSecond));
        for (int i : new int[] {0, sorted.length / 10, sorted.length / 2, sorted.length - 1}) {
            System.out.printf("%-50s %,10.0f renders/s%n", sorted[i].name, sorted[i].perSecond);
        }
        for (Speed speed : speeds) {
            if (speed.name.matches("(chatml|llama3|qwen3|gemma3)\\.jinja|.*Llama-3.1-8B.*")) {
                System.out.printf("%-50s %,10.0f renders/s%n", speed.name, speed.perSecond);
            }
        }
    }

    private static List<Map<String, Object>> inputs(JsonNode golden, JsonNode outcomes) {
        List<Map<String, Object>> inputs = new ArrayList<>();
        for (var outcome : outcomes.properties()) {
            if (outcome.getValue().has("output")) {
                var input = Plain.map(golden.path("cases").path(outcome.getKey()));
                input.put("bos_token", "<s>");
                input.put("eos_token", "</s>");
                inputs.add(input);
            }
        }
        return inputs;
    }

    private static double perSecond(Template template, List<Map<String, Object>> inputs) {
        double best = 0;
        for (int round = 0; round < 5; round++) {
            long start = System.nanoTime();
            int renders = 0;
            while (System.nanoTime() - start < 30_000_000) {
                for (var input : inputs) {
                    template.render(input);
                    renders++;
                }
            }
            best = Math.max(best, renders * 1e9 / (System.nanoTime() - start));
        }
        return best;
    }
}
