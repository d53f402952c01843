package dev.graft.data;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A regular expression as the tokenizers library reads it (Oniguruma, Ruby's syntax), as far as
/// the time of a match depends on it.
sealed interface RegexNode {
    int UNBOUNDED = Integer.MAX_VALUE;

    /// One character: a literal, an escape or a class.
    record One(String source) implements RegexNode {}

    /// A place, such as an anchor.
    record Place() implements RegexNode {}

    record Sequence(List<RegexNode> parts) implements RegexNode {}

    record Choice(List<RegexNode> ways) implements RegexNode {}

    /// A part, so many times.
    ///
    /// @param backtracks whether a shorter match is tried where what follows fails
    record Repeat(RegexNode body, int least, int most, boolean backtracks) implements RegexNode {}

    /// An atomic group or a look around: once it has matched, nothing else is tried inside.
    ///
    /// @param looks whether it takes no characters
    record Closed(RegexNode body, boolean looks) implements RegexNode {}

    /// Reads a pattern.
    ///
    /// @throws IllegalArgumentException with the construct that is not supported
    static RegexNode parse(String pattern) {
        var parser = new Parser(pattern);
        RegexNode whole = parser.choice(0);
        if (parser.at < pattern.length()) {
            throw new IllegalArgumentException("a closing bracket that nothing opens");
        }
        return whole;
    }

    /// By recursive descent.
    final class Parser {
        private static final int DEEPEST = 50;
        private static final Pattern INTERVAL = Pattern.compile("\\{(\\d{0,6})(,?)(\\d{0,6})}");
        private static final Pattern ESCAPE =
                Pattern.compile(
                        "\\\\(?:[pP]\\{[^}]*}|x\\{[^}]*}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|.)",
                        Pattern.DOTALL);
        private static final Pattern OPEN =
                Pattern.compile("\\((?:\\?(?:<?[=!]|>|#[^)]*|[imx-]*:|[imx-]+|<\\w+>))?");

        private final String text;
        private int at;

        private Parser(String text) {
            this.text = text;
        }

        private boolean sees(char c) {
            return at < text.length() && text.charAt(at) == c;
        }

        private RegexNode choice(int depth) {
            if (depth > DEEPEST) {
                throw new IllegalArgumentException("brackets inside of each other, too deep");
            }
            var ways = new ArrayList<RegexNode>();
            ways.add(sequence(depth));
            while (sees('|')) {
                at++;
                ways.add(sequence(depth));
            }
            return ways.size() == 1 ? ways.getFirst() : new Choice(ways);
        }

        private RegexNode sequence(int depth) {
            var parts = new ArrayList<RegexNode>();
            while (at < text.length() && !sees('|') && !sees(')')) {
                parts.add(repeated(atom(depth)));
            }
            return parts.size() == 1 ? parts.getFirst() : new Sequence(parts);
        }

        private RegexNode repeated(RegexNode atom) {
            RegexNode node = atom;
            while (at < text.length()) {
                char c = text.charAt(at);
                Matcher interval = INTERVAL.matcher(text).region(at, text.length());
                if (c == '*' || c == '+' || c == '?') {
                    at++;
                    boolean possessive = sees('+');
                    at += possessive || sees('?') ? 1 : 0;
                    node =
                            new Repeat(
                                    node, c == '+' ? 1 : 0, c == '?' ? 1 : UNBOUNDED, !possessive);
                } else if (interval.lookingAt()
                        && !(interval.group(1) + interval.group(3)).isEmpty()) {
                    at = interval.end();
                    at += sees('?') ? 1 : 0; // a + after it repeats it once more
                    OptionalInt least = number(interval.group(1));
                    OptionalInt most =
                            interval.group(2).isEmpty() ? least : number(interval.group(3));
                    node = new Repeat(node, least.orElse(0), most.orElse(UNBOUNDED), true);
                } else {
                    break;
                }
            }
            return node;
        }

        private static OptionalInt number(String digits) {
            return digits.isEmpty()
                    ? OptionalInt.empty()
                    : OptionalInt.of(Integer.parseInt(digits));
        }

        private RegexNode atom(int depth) {
            char c = text.charAt(at);
            return switch (c) {
                case '(' -> group(depth);
                case '[' -> one(classEnd(at));
                case '\\' -> escape();
                case '^', '$' -> {
                    at++;
                    yield new Place();
                }
                default -> one(text.offsetByCodePoints(at, 1));
            };
        }

        private RegexNode one(int end) {
            String source = text.substring(at, end);
            at = end;
            return new One(source);
        }

        private RegexNode escape() {
            Matcher escape = ESCAPE.matcher(text).region(at, text.length());
            if (!escape.lookingAt()) {
                throw new IllegalArgumentException("a backslash at the end");
            }
            String source = escape.group();
            if (source.matches("\\\\[gk1-9]")) {
                throw new IllegalArgumentException(source + ", which refers to a group");
            }
            at = escape.end();
            return source.matches("\\\\[bBAzZG]") ? new Place() : new One(source);
        }

        private RegexNode group(int depth) {
            Matcher open = OPEN.matcher(text).region(at, text.length());
            open.lookingAt();
            String kind = open.group();
            at = open.end();
            if (kind.equals("(") && sees('?')) {
                throw new IllegalArgumentException("a group that begins with (?");
            }
            if (kind.matches("\\(\\?[imx-]+")) {
                // It counts from there to the end of the group around it.
                expectClosing();
                return new Sequence(List.of());
            }
            if (kind.startsWith("(?#")) {
                expectClosing();
                return new Sequence(List.of());
            }
            RegexNode body = choice(depth + 1);
            expectClosing();
            boolean looks = kind.endsWith("=") || kind.endsWith("!");
            return looks || kind.equals("(?>") ? new Closed(body, looks) : body;
        }

        private void expectClosing() {
            if (!sees(')')) {
                throw new IllegalArgumentException("an opening bracket that nothing closes");
            }
            at++;
        }

        /// Classes may stand inside of each other.
        private int classEnd(int start) {
            int open = 0;
            for (int i = start; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '\\') {
                    i++;
                } else if (c == '[') {
                    open++;
                    i += text.startsWith("^", i + 1) ? 1 : 0;
                    i += text.startsWith("]", i + 1) ? 1 : 0;
                } else if (c == ']' && --open == 0) {
                    return i + 1;
                }
            }
            throw new IllegalArgumentException("a class without an end");
        }
    }
}
