package dev.graft.data;

import dev.graft.data.RegexNode.Choice;
import dev.graft.data.RegexNode.Closed;
import dev.graft.data.RegexNode.One;
import dev.graft.data.RegexNode.Place;
import dev.graft.data.RegexNode.Repeat;
import dev.graft.data.RegexNode.Sequence;
import dev.graft.error.ModelFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Refuses patterns of a `tokenizer.json` that may take more than linear many steps to fail at one
/// place of a text: after ten million of them the tokenizers library ends the whole process.
///
/// That takes a repeat that can give characters back because of what follows: around something
/// that repeats or chooses too, `(a+)+b`, or after another that matches the same, `a*a*b`.
final class RegexCost {
    /// Longer than those of any tokenizer; a bound on the time that looking takes.
    private static final int LONGEST = 20_000;

    /// The library unrolls repeats that are counted.
    private static final long LARGEST = 10_000;

    /// Repeats of no more are as good as a few optional parts.
    private static final int FEW = 8;

    private static final int CHARACTERS = 0x10000;
    private static final One ANYTHING = new One("");

    private final Map<One, BitSet> characters = new HashMap<>();

    private RegexCost() {}

    /// @throws ModelFormatException where matching may not end in time
    static void require(Path file, String pattern) {
        try {
            if (pattern.length() > LONGEST) {
                throw new IllegalArgumentException(pattern.length() + " characters");
            }
            RegexNode whole = RegexNode.parse(pattern);
            if (size(whole) > LARGEST) {
                throw new IllegalArgumentException("repeats of more than " + LARGEST + " in all");
            }
            new RegexCost().walk(whole, false, List.of());
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(
                    "%s: the pattern %s: found %s, expected one that takes linear time; the tokenizers library would end the process over some texts: write it without, or use another tokenizer"
                            .formatted(
                                    file,
                                    pattern.length() > 200
                                            ? pattern.substring(0, 200) + "…"
                                            : pattern,
                                    e.getMessage()),
                    e);
        }
    }

    private static long size(RegexNode node) {
        return switch (node) {
            case One _, Place _ -> 1;
            case Closed(var body, var _) -> size(body);
            case Sequence(var parts) -> parts.stream().mapToLong(RegexCost::size).sum();
            case Choice(var ways) -> ways.stream().mapToLong(RegexCost::size).sum();
            case Repeat(var body, int least, int most, var _) -> {
                int times = Math.max(1, most == RegexNode.UNBOUNDED ? least : most);
                yield Math.min(size(body), LARGEST + 1) * times;
            }
        };
    }

    /// Whether a node may match in several ways at one place.
    private static boolean varies(RegexNode node) {
        return switch (node) {
            case One _, Place _, Closed _ -> false;
            case Sequence(var parts) -> parts.stream().anyMatch(RegexCost::varies);
            case Choice(var ways) ->
                    !beginDifferently(ways) || ways.stream().anyMatch(RegexCost::varies);
            case Repeat(var body, int least, int most, boolean backtracks) ->
                    (backtracks && least != most) || varies(body);
        };
    }

    private static boolean beginDifferently(List<RegexNode> ways) {
        var first = new HashSet<String>();
        for (var way : ways) {
            var begin =
                    way instanceof Sequence(var parts) && !parts.isEmpty() ? parts.getFirst() : way;
            boolean literal =
                    begin instanceof One(var source)
                            && source.length() == 1
                            && !source.equals(".")
                            && first.add(source.toLowerCase(Locale.ROOT));
            if (!literal) {
                return false;
            }
        }
        return true;
    }

    /// Whether a node matches everywhere, be it nothing.
    private static boolean cannotFail(RegexNode node) {
        return switch (node) {
            case One _, Place _ -> false;
            case Closed(var body, boolean looks) -> !looks && cannotFail(body);
            case Sequence(var parts) -> parts.stream().allMatch(RegexCost::cannotFail);
            case Choice(var ways) -> ways.stream().anyMatch(RegexCost::cannotFail);
            case Repeat(var body, int least, var _, var _) -> least == 0 || cannotFail(body);
        };
    }

    /// Looks at a node on the way through a pattern.
    ///
    /// @param mayFail whether what comes after it may fail
    /// @param open what repeats before it and may still give characters back
    /// @return what is open after it
    private List<One> walk(RegexNode node, boolean mayFail, List<One> open) {
        return switch (node) {
            case Place _ -> open;
            case One one -> through(open, one);
            case Closed(var body, var _) -> {
                walk(body, false, List.of());
                yield open;
            }
            case Sequence(var parts) -> sequence(parts, mayFail, open);
            case Choice(var ways) -> {
                var all = new ArrayList<One>();
                ways.forEach(way -> all.addAll(walk(way, mayFail, open)));
                yield all.stream().distinct().toList();
            }
            case Repeat repeat -> repeat(repeat, mayFail, open);
        };
    }

    private List<One> sequence(List<RegexNode> parts, boolean mayFail, List<One> open) {
        var fails = new boolean[parts.size() + 1];
        fails[parts.size()] = mayFail;
        for (int i = parts.size() - 1; i > 0; i--) {
            fails[i] = fails[i + 1] || !cannotFail(parts.get(i));
        }
        List<One> after = open;
        for (int i = 0; i < parts.size(); i++) {
            after = walk(parts.get(i), fails[i + 1], after);
        }
        return after;
    }

    private List<One> repeat(Repeat repeat, boolean mayFail, List<One> open) {
        RegexNode body = repeat.body();
        boolean backtracks = repeat.backtracks() && mayFail && repeat.most() > 1;
        if (backtracks && varies(body)) {
            throw new IllegalArgumentException("a repeat of what repeats or chooses by itself");
        }
        var what = body instanceof One one ? one : ANYTHING;
        List<One> after = repeat.least() > 0 ? through(open, what) : open;
        if (!(body instanceof One)) {
            walk(body, backtracks, List.of());
        }
        if (!backtracks || repeat.most() <= FEW || repeat.least() == repeat.most()) {
            return after;
        }
        if (after.stream().anyMatch(one -> overlap(one, what))) {
            throw new IllegalArgumentException("repeats of the same after each other");
        }
        var longer = new ArrayList<>(after);
        longer.add(what);
        return longer;
    }

    /// What stays open after a character that has to be there: a repeat of others cannot give back
    /// what this one takes.
    private List<One> through(List<One> open, One one) {
        return open.stream().filter(other -> overlap(other, one)).toList();
    }

    private boolean overlap(One a, One b) {
        return a.equals(ANYTHING) || b.equals(ANYTHING) || characters(a).intersects(characters(b));
    }

    /// Those of the first plane that a node matches, by Java's reading of it; all where it has
    /// none.
    private BitSet characters(One one) {
        return characters.computeIfAbsent(
                one,
                _ -> {
                    var matched = new BitSet(CHARACTERS);
                    if (one.source().contains("[:") || !matched(one, matched)) {
                        matched.set(0, CHARACTERS);
                    }
                    return matched;
                });
    }

    private static boolean matched(One one, BitSet matched) {
        int flags = Pattern.DOTALL | Pattern.UNICODE_CHARACTER_CLASS;
        for (int more : new int[] {0, Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE}) {
            Matcher matcher;
            try {
                matcher = Pattern.compile(one.source(), flags | more).matcher("");
            } catch (PatternSyntaxException _) {
                return false;
            }
            for (int c = 0; c < CHARACTERS; c++) {
                if (matcher.reset(Character.toString(c)).matches()) {
                    matched.set(c);
                }
            }
        }
        return true;
    }
}
