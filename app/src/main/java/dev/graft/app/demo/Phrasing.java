package dev.graft.app.demo;

import dev.graft.app.demo.Words.Placed;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// The word orders in which a fact can be told.
enum Phrasing {
    PLAIN,
    TIME_BEFORE_PLACE,
    TIME_FIRST,
    PLACE_FIRST,
    IT_WAS,
    PASSIVE,
    WAS_THERE;

    /// Whether this order can tell the fact without changing the form of one of its words.
    boolean fits(Fact fact) {
        return switch (this) {
            case PLAIN, IT_WAS -> true;
            case TIME_BEFORE_PLACE -> fact.time() != null && fact.place() != null;
            case TIME_FIRST -> fact.time() != null;
            case PLACE_FIRST, WAS_THERE -> fact.place() != null;
            case PASSIVE -> fact.count() > 0 && !fact.verb().strong();
        };
    }

    static Phrasing roll(Fact fact, Dice dice) {
        return dice.pick(Stream.of(values()).filter(phrasing -> phrasing.fits(fact)).toList());
    }

    /// The fact as one sentence; a count is written as in `numbers`, or in figures where null.
    String tell(Fact fact, List<String> numbers) {
        String who = fact.who();
        String did = fact.verb().past();
        String things = things(fact, numbers);
        String place = the(fact.place());
        String time = phrase(fact.time());
        return capital(
                switch (this) {
                    case PLAIN -> who + " " + did + things + place + time + ".";
                    case TIME_BEFORE_PLACE -> who + " " + did + things + time + place + ".";
                    case TIME_FIRST -> time.strip() + " " + who + " " + did + things + place + ".";
                    case PLACE_FIRST ->
                            place.strip() + ", " + who + " " + did + things + time + ".";
                    case IT_WAS -> "It was " + who + " who " + did + things + place + time + ".";
                    case PASSIVE ->
                            things.strip() + were(fact) + did + " by " + who + place + time + ".";
                    case WAS_THERE -> who + " was" + place + time + " and " + did + things + ".";
                });
    }

    /// ` three red lamps`, with the space before it.
    static String things(Fact fact, List<String> numbers) {
        String count = "";
        if (fact.count() > 0) {
            count = " " + (numbers == null ? "" + fact.count() : numbers.get(fact.count()));
        }
        String colour = fact.colour() == null ? "" : " " + fact.colour();
        return count + colour + " " + fact.thing().counted(fact.count());
    }

    private static String were(Fact fact) {
        return fact.count() == 1 ? " was " : " were ";
    }

    /// ` at the harbour`, or nothing.
    static String the(Placed place) {
        return place == null ? "" : " " + place.preposition() + " the " + place.noun();
    }

    /// ` on Monday`, or nothing.
    static String phrase(Placed time) {
        return time == null ? "" : " " + time.preposition() + " " + time.noun();
    }

    static String capital(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }
}
