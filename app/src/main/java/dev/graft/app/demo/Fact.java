package dev.graft.app.demo;

import dev.graft.app.demo.Words.Placed;
import dev.graft.app.demo.Words.Thing;
import dev.graft.app.demo.Words.Verb;

/// Who did what to how many things of which colour, where and when.
///
/// What is left unsaid is 0 (`count`) or null (`colour`, `place`, `time`).
record Fact(
        String who, Verb verb, int count, String colour, Thing thing, Placed place, Placed time) {

    /// The parts of a fact that can be told or asked for.
    enum Part {
        WHO,
        DID,
        COUNT,
        COLOUR,
        WHAT,
        WHERE,
        WHEN
    }

    boolean has(Part part) {
        return value(part) != null;
    }

    /// The bare word or figure for a part, or null where it is unsaid.
    String value(Part part) {
        return switch (part) {
            case WHO -> who;
            case DID -> verb.past();
            case COUNT -> count == 0 ? null : Integer.toString(count);
            case COLOUR -> colour;
            case WHAT -> thing.counted(count);
            case WHERE -> place == null ? null : place.noun();
            case WHEN -> time == null ? null : time.noun();
        };
    }

    /// The same fact, the time left unsaid.
    Fact withoutTime() {
        return new Fact(who, verb, count, colour, thing, place, null);
    }

    /// A fact with each optional part present with probability `fullness`.
    static Fact roll(Words words, String who, Dice dice, double fullness) {
        return new Fact(
                who,
                dice.pick(words.verbs()),
                dice.chance(fullness) ? dice.between(1, words.numbers().size() - 1) : 0,
                dice.chance(fullness) ? dice.pick(words.colours()) : null,
                dice.pick(words.things()),
                dice.chance(fullness) ? dice.pick(words.places()) : null,
                dice.chance(fullness) ? dice.pick(words.times()) : null);
    }
}
