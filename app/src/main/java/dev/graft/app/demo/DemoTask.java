package dev.graft.app.demo;

import dev.graft.app.demo.Fact.Part;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// The task of the demonstration: a sentence to a JSON object, which the base model never saw.
///
/// The held-out rows use names that no training row and no corpus document has, and no pairing of
/// object and place that a training row has.
public final class DemoTask {
    public static final String INSTRUCTION = "Turn the sentence into JSON.";

    private static final long TRAIN_STREAM = 1L << 40;
    private static final long HELD_OUT_STREAM = 1L << 41;
    private static final double FULLNESS = 0.65;

    private final Words words = Words.load();
    private final Names names = new Names(words.names(), words.syllables());
    private final long seed;

    public DemoTask(long seed) {
        this.seed = seed;
    }

    /// One example; trained on `completion` only.
    public record Row(String prompt, String completion) {}

    /// The rows to train on and the rows to judge by.
    public record Split(List<Row> train, List<Row> heldOut) {}

    public Split split(int train, int heldOut) {
        Set<String> pairings = new HashSet<>();
        Set<String> prompts = new HashSet<>();
        var trainRows = new ArrayList<Row>();
        for (long i = 0; trainRows.size() < train; i++) {
            var dice = new Dice(seed, TRAIN_STREAM + i);
            Fact fact = Fact.roll(words, names.any(dice), dice, FULLNESS);
            Row row = row(fact, dice);
            if (prompts.add(row.prompt())) {
                trainRows.add(row);
                if (fact.has(Part.WHERE)) {
                    pairings.add(pairing(fact));
                }
            }
        }
        var heldOutRows = new ArrayList<Row>();
        for (long i = 0; heldOutRows.size() < heldOut; i++) {
            var dice = new Dice(seed, HELD_OUT_STREAM + i);
            Fact fact = Fact.roll(words, names.madeUp(dice, true), dice, FULLNESS);
            Row row = row(fact, dice);
            if (!pairings.contains(pairing(fact)) && prompts.add(row.prompt())) {
                heldOutRows.add(row);
            }
        }
        return new Split(List.copyOf(trainRows), List.copyOf(heldOutRows));
    }

    private static String pairing(Fact fact) {
        return fact.thing().singular() + "@" + fact.value(Part.WHERE);
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
