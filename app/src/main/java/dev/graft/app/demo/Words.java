package dev.graft.app.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The vocabulary of the demonstration, read from the text files beside it.
record Words(
        List<String> names,
        List<Thing> things,
        List<Placed> places,
        List<Placed> times,
        List<Verb> verbs,
        List<String> colours,
        List<String> numbers,
        List<String> moods) {

    /// A countable object.
    record Thing(String singular, String plural) {
        String counted(int count) {
            return count == 1 ? singular : plural;
        }
    }

    /// A noun of place or time with its preposition: `at` harbour, `on` Monday.
    record Placed(String preposition, String noun) {}

    /// A transitive verb; `participle` differs from `past` for the strong verbs.
    record Verb(String base, String past, String participle) {
        boolean strong() {
            return !past.equals(participle);
        }
    }

    static Words load() {
        return new Words(
                lines("names"),
                lines("objects").stream().map(Words::thing).toList(),
                lines("places").stream().map(Words::placed).toList(),
                lines("times").stream().map(Words::placed).toList(),
                lines("verbs").stream().map(Words::verb).toList(),
                lines("colours"),
                lines("numbers"),
                lines("moods"));
    }

    private static Thing thing(String line) {
        String[] forms = line.split(" ", -1);
        return new Thing(forms[0], forms.length > 1 ? forms[1] : plural(forms[0]));
    }

    private static String plural(String noun) {
        int length = noun.length();
        boolean consonantY = noun.endsWith("y") && "aeiou".indexOf(noun.charAt(length - 2)) < 0;
        if (consonantY) {
            return noun.substring(0, length - 1) + "ies";
        }
        boolean hissing =
                noun.endsWith("s")
                        || noun.endsWith("x")
                        || noun.endsWith("ch")
                        || noun.endsWith("sh");
        return noun + (hissing ? "es" : "s");
    }

    private static Placed placed(String line) {
        String[] parts = line.split(" ", -1);
        return new Placed(parts[0], parts[1]);
    }

    private static Verb verb(String line) {
        String[] forms = line.split(" ", -1);
        return new Verb(forms[0], forms[1], forms[forms.length - 1]);
    }

    private static List<String> lines(String list) {
        String resource = "/demo/" + list + ".txt";
        try (var in = Words.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(
                        "the word list " + resource + " is not on the class path");
            }
            return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
