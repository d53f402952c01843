package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Rolls the facts of one document and tells them.
record Scenes(Words words, Dice dice) {

    String name() {
        return dice.pick(words.names());
    }

    List<String> people(int count) {
        Set<String> people = new HashSet<>();
        var inOrder = new ArrayList<String>();
        while (inOrder.size() < count) {
            String name = name();
            if (people.add(name)) {
                inOrder.add(name);
            }
        }
        return inOrder;
    }

    Fact fact() {
        return Fact.roll(words, name(), dice, 0.75);
    }

    /// Facts that differ in who and what, so that a question has one answer.
    List<Fact> facts(int count) {
        var facts = new ArrayList<Fact>();
        for (String who : people(count)) {
            Fact fact = Fact.roll(words, who, dice, 0.75);
            boolean known = facts.stream().anyMatch(other -> other.thing().equals(fact.thing()));
            if (!known) {
                facts.add(fact);
            }
        }
        return facts;
    }

    /// The fact in a random word order, its count mostly in words.
    String tell(Fact fact) {
        return Phrasing.roll(fact, dice).tell(fact, dice.chance(0.85) ? words.numbers() : null);
    }

    /// What a person mentions: `three red lamps`.
    String things(Fact fact) {
        return Phrasing.things(fact, words.numbers()).strip();
    }

    /// Plural names of different objects.
    List<String> goods(int count) {
        return dice.some(words.things(), count).stream().map(Words.Thing::plural).toList();
    }
}
