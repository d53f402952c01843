package dev.graft.app.demo;

import dev.graft.app.demo.DemoCorpus.Document;
import dev.graft.app.demo.Fact.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Documents of the form instruction, text, answer, a line each; never the task of the
/// demonstration.
record Instructions(Scenes scenes) {

    Document block() {
        Fact fact = scenes.fact();
        return switch (dice().between(0, 19)) {
            case 0, 1, 2, 3, 4, 5, 6 -> onePart(fact);
            case 7, 8, 9, 10, 11, 12, 13 -> severalParts(fact);
            case 14, 15 -> notes(fact);
            case 16, 17 -> wrapped(fact);
            case 18 -> wholeText(fact);
            default -> several();
        };
    }

    private Dice dice() {
        return scenes.dice();
    }

    private Document onePart(Fact fact) {
        Part part = dice().pick(said(fact));
        return block(asking(part), scenes.tell(fact), fact.value(part));
    }

    private String asking(Part part) {
        return switch (part) {
            case WHO -> dice().of("Who is it about?", "Write the name.", "Who was it?");
            case DID -> dice().of("What was done?", "Write the verb.", "What did they do?");
            case COUNT -> dice().of("How many?", "Write the count.", "Count the things.");
            case COLOUR -> dice().of("Which colour?", "Write the colour.", "What colour is it?");
            case WHAT -> dice().of("What things?", "Write the thing.", "Name the thing.");
            case WHERE -> dice().of("Where does it happen?", "Write the place.", "Where was it?");
            case WHEN -> dice().of("When does it happen?", "Write the time.", "When was it?");
        };
    }

    /// Some parts in the order asked for: `Give the colour, the name and the place.`
    private Document severalParts(Fact fact) {
        List<Part> all = said(fact);
        List<Part> parts = dice().some(all, dice().between(2, Math.min(5, all.size())));
        boolean asked = dice().chance(0.4);
        var labels =
                parts.stream().map(part -> asked ? question(part) : "the " + label(part)).toList();
        String list =
                String.join(", ", labels.subList(0, labels.size() - 1))
                        + " and "
                        + labels.getLast();
        String verb = asked ? dice().of("Say ", "Tell me ") : dice().of("Give ", "Write ", "Find ");
        String answer = parts.stream().map(fact::value).collect(Collectors.joining(", "));
        return block(verb + list + ".", scenes.tell(fact), answer);
    }

    private static String question(Part part) {
        return switch (part) {
            case WHO -> "who";
            case DID -> "what they did";
            case COUNT -> "how many";
            case COLOUR -> "which colour";
            case WHAT -> "what";
            case WHERE -> "where";
            case WHEN -> "when";
        };
    }

    private static String label(Part part) {
        return switch (part) {
            case WHO -> "name";
            case DID -> "verb";
            case COUNT -> "number";
            case COLOUR -> "colour";
            case WHAT -> "thing";
            case WHERE -> "place";
            case WHEN -> "time";
        };
    }

    /// All that was said as notes.
    private Document notes(Fact fact) {
        String answer =
                said(fact).stream()
                        .map(part -> label(part) + ": " + fact.value(part))
                        .collect(Collectors.joining("; "));
        String instruction = dice().of("Write it as notes.", "Make notes.", "Note what it says.");
        return block(instruction, scenes.tell(fact), answer);
    }

    /// One part between marks: `Put the name in braces.`
    private Document wrapped(Fact fact) {
        Part part = dice().pick(said(fact));
        String value = fact.value(part);
        String marks = dice().of("quotes", "braces", "brackets");
        String answer =
                switch (marks) {
                    case "quotes" -> "\"" + value + "\"";
                    case "braces" -> "{" + value + "}";
                    default -> "[" + value + "]";
                };
        return block("Put the " + label(part) + " in " + marks + ".", scenes.tell(fact), answer);
    }

    private Document wholeText(Fact fact) {
        String text = scenes.tell(fact);
        return switch (dice().between(0, 2)) {
            case 0 -> block(dice().of("Repeat the sentence.", "Copy the text."), text, text);
            case 1 -> block("Put it in quotes.", text, "\"" + text + "\"");
            default ->
                    block(
                            "Tell it in order.",
                            text,
                            Phrasing.PLAIN.tell(fact, scenes.words().numbers()));
        };
    }

    private Document several() {
        List<Fact> facts = scenes.facts(3);
        String text = facts.stream().map(scenes::tell).collect(Collectors.joining(" "));
        Part part = dice().of(Part.WHO, Part.WHAT, Part.DID);
        String open = dice().of("[", "{", "");
        String close = open.isEmpty() ? "" : open.equals("[") ? "]" : "}";
        var answers = new ArrayList<String>();
        facts.forEach(fact -> answers.add(fact.value(part)));
        String in = open.isEmpty() ? "" : open.equals("[") ? " in brackets" : " in braces";
        return block(
                "List the " + label(part) + "s" + in + ".",
                text,
                open + String.join(", ", answers) + close);
    }

    private static List<Part> said(Fact fact) {
        return Stream.of(Part.values()).filter(fact::has).toList();
    }

    private static Document block(String instruction, String text, String answer) {
        return new Document(instruction + "\n" + text + "\n", answer);
    }
}
