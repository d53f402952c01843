package dev.graft.app.demo;

import dev.graft.app.demo.Fact.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// Little stories, followed by questions and answers, by a retelling or by what someone said.
record Stories(Scenes scenes) {

    String document() {
        List<Fact> facts = scenes.facts(dice().between(2, 4));
        String story = facts.stream().map(this::sentence).collect(Collectors.joining(" "));
        return story
                + "\n"
                + switch (dice().between(0, 5)) {
                    case 0 -> retold(facts);
                    case 1 -> said(facts);
                    case 2 -> gathered(facts);
                    default -> questions(facts);
                };
    }

    private Dice dice() {
        return scenes.dice();
    }

    private String sentence(Fact fact) {
        String told = scenes.tell(fact);
        return dice().chance(0.15)
                ? told + " " + fact.who() + " was " + dice().pick(scenes.words().moods()) + "."
                : told;
    }

    private String retold(List<Fact> facts) {
        String opening = dice().of("Again: ", "In other words: ", "Once more: ", "That is: ");
        List<Fact> order = dice().chance(0.5) ? facts : dice().shuffled(facts);
        return opening + order.stream().map(scenes::tell).collect(Collectors.joining(" "));
    }

    private String said(List<Fact> facts) {
        var lines = new ArrayList<String>();
        for (Fact fact : dice().shuffled(facts)) {
            String had = fact.verb().past() + Phrasing.things(fact, scenes.words().numbers());
            lines.add(
                    dice().chance(0.5)
                            ? fact.who() + " said: \"I " + had + ".\""
                            : "\"I " + had + ",\" said " + fact.who() + ".");
        }
        return String.join("\n", lines);
    }

    private String gathered(List<Fact> facts) {
        var people = facts.stream().map(Fact::who).toList();
        var things = facts.stream().map(fact -> fact.value(Part.WHAT)).toList();
        return switch (dice().between(0, 3)) {
            case 0 ->
                    "People: ["
                            + String.join(", ", people)
                            + "]\nThings: ["
                            + String.join(", ", things)
                            + "]";
            case 1 -> "The people: {" + String.join(", ", people) + "}";
            case 2 -> "Seen: \"" + String.join("\", \"", things) + "\"";
            default ->
                    facts.stream()
                            .map(fact -> fact.value(Part.WHAT) + " - " + fact.who())
                            .collect(Collectors.joining("\n"));
        };
    }

    private String questions(List<Fact> facts) {
        var lines = new ArrayList<String>();
        int count = dice().between(2, 5);
        while (lines.size() < count) {
            Fact fact = dice().pick(facts);
            Part part = dice().pick(List.of(Part.values()));
            if (fact.has(part)) {
                lines.add(question(fact, part));
            }
        }
        return String.join("\n", lines);
    }

    private String question(Fact fact, Part part) {
        String what = fact.value(Part.WHAT);
        String who = fact.who();
        String base = fact.verb().base();
        String past = fact.verb().past();
        boolean brief = dice().chance(0.5);
        String be = fact.count() == 1 ? "was" : "were";
        return switch (part) {
            case WHO -> "Who " + past + " the " + what + "? " + who + (brief ? "." : " did.");
            case DID -> "What did " + who + " do? " + who + " " + past + " the " + what + ".";
            case WHAT ->
                    "What did "
                            + who
                            + " "
                            + base
                            + "? "
                            + (brief
                                    ? "The " + what + "."
                                    : who + " " + past + " the " + what + ".");
            case COUNT ->
                    "How many "
                            + fact.thing().plural()
                            + "? "
                            + (brief
                                    ? fact.value(part)
                                    : Phrasing.capital(scenes.words().numbers().get(fact.count())))
                            + ".";
            case COLOUR -> "What colour " + be + " the " + what + "? It was " + fact.colour() + ".";
            case WHERE ->
                    "Where did "
                            + who
                            + " "
                            + base
                            + " the "
                            + what
                            + "? "
                            + Phrasing.capital(Phrasing.the(fact.place()).strip())
                            + ".";
            case WHEN ->
                    "When did "
                            + who
                            + " "
                            + base
                            + " the "
                            + what
                            + "? "
                            + Phrasing.capital(Phrasing.phrase(fact.time()).strip())
                            + ".";
        };
    }
}
