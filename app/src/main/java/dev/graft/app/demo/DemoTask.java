package dev.graft.app.demo;

import dev.graft.app.demo.Fact.Part;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// The task of the demonstration: a sentence to a JSON object, which the base model never saw.
///
/// The held-out rows pair people and things that no training row pairs.
public final class DemoTask {
    public static final String INSTRUCTION = "Turn the sentence into JSON.";

    private static final long TRAIN_STREAM = 1L << 40;
    private static final long HELD_OUT_STREAM = 1L << 41;
    private static final int RESERVED_OUT_OF = 8;
    private static final double FULLNESS = 0.65;

    private final Words words = Words.load();
    private final long seed;

    public DemoTask(long seed) {
        this.seed = seed;
    }

    /// One example; trained on `completion` only.
    public record Row(String prompt, String completion) {}

    /// The rows to train on and the rows to judge by.
    public record Split(List<Row> train, List<Row> heldOut) {}

    public Split split(int train, int heldOut) {
        return new Split(rows(train, TRAIN_STREAM, false), rows(heldOut, HELD_OUT_STREAM, true));
    }

    private List<Row> rows(int count, long stream, boolean reserved) {
        Set<String> prompts = new HashSet<>();
        var rows = new ArrayList<Row>();
        for (long i = 0; rows.size() < count; i++) {
            var dice = new Dice(seed, stream + i);
            Fact fact = Fact.roll(words, dice.pick(words.names()), dice, FULLNESS).withoutTime();
            Row row = row(fact, dice);
            if (reserved(fact) == reserved && prompts.add(row.prompt())) {
                rows.add(row);
            }
        }
        return rows;
    }

    /// One pairing of person and thing in eight never occurs in training.
    static boolean reserved(Fact fact) {
        String pairing = fact.who() + "@" + fact.thing().singular();
        return Math.floorMod(pairing.hashCode() * 31 + 7, RESERVED_OUT_OF) == 0;
    }

    private Row row(Fact fact, Dice dice) {
        String sentence = Phrasing.roll(fact, dice).tell(fact, words.numbers());
        return new Row(INSTRUCTION + "\n" + sentence + "\n", json(fact));
    }

    /// The answer: a key for every part that was said, in one order.
    static String json(Fact fact) {
        return List.of(Part.values()).stream()
                .filter(fact::has)
                .map(part -> "\"" + key(part) + "\": " + literal(part, fact.value(part)))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static String key(Part part) {
        return switch (part) {
            case WHO -> "who";
            case DID -> "did";
            case COUNT -> "count";
            case COLOUR -> "colour";
            case WHAT -> "what";
            case WHERE -> "where";
            case WHEN -> "when";
        };
    }

    private static String literal(Part part, String value) {
        return part == Part.COUNT ? value : "\"" + value + "\"";
    }
}
