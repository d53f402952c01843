package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// `pprint.pformat`: the `repr` with sorted keys, broken where it is wider than 80.
final class PrettyPrint {
    private static final int WIDTH = 80;
    private static final Pattern WORD = Pattern.compile("(?U)\\S*\\s*");

    private final StringBuilder out = new StringBuilder();

    private PrettyPrint() {}

    static String of(Object value) {
        var print = new PrettyPrint();
        print.format(value, 0, 0, 1);
        return print.out.toString();
    }

    private static String repr(Object value) {
        Run.stepOfCurrent();
        return switch (value) {
            case Map<?, ?> map -> {
                List<String> parts = new ArrayList<>();
                for (Tuple entry : entries(map)) {
                    parts.add(
                            repr(entry.items().getFirst()) + ": " + repr(entry.items().getLast()));
                }
                yield "{" + String.join(", ", parts) + "}";
            }
            case Range range -> Repr.repr(range);
            case List<?> list -> "[" + reprs(list) + "]";
            case Tuple(var items) -> "(" + reprs(items) + (items.size() == 1 ? ",)" : ")");
            case null, default -> Repr.repr(value);
        };
    }

    private static String reprs(List<?> items) {
        return String.join(", ", items.stream().map(PrettyPrint::repr).toList());
    }

    private static List<Tuple> entries(Map<?, ?> map) {
        List<Tuple> entries = new ArrayList<>();
        new DictView(DictView.Part.ITEMS, map).forEach(entry -> entries.add((Tuple) entry));
        entries.sort((x, y) -> order(x.items().getFirst(), y.items().getFirst()));
        return entries;
    }

    /// Keys of different types stand in the order of their types' names.
    private static int order(Object left, Object right) {
        boolean alike =
                (Texts.isText(left) && Texts.isText(right))
                        || (Numbers.isNumber(left) && Numbers.isNumber(right));
        return alike
                ? Comparison.order(left, right)
                : Types.name(left).compareTo(Types.name(right));
    }

    private void format(Object value, int indent, int allowance, int level) {
        String repr = repr(value);
        boolean fits = Chars.length(repr) <= WIDTH - indent - allowance;
        switch (value) {
            case Map<?, ?> map when !fits -> dict(map, indent, allowance + 1, level);
            case Range _ -> out.append(repr);
            case List<?> list when !fits -> items("[", list, "]", indent, allowance, level);
            case Tuple(var items) when !fits ->
                    items("(", items, items.size() == 1 ? ",)" : ")", indent, allowance, level);
            case String text when !fits -> text(text, indent, allowance, level);
            case null, default -> out.append(repr);
        }
    }

    private void dict(Map<?, ?> map, int indent, int allowance, int level) {
        out.append('{');
        var entries = entries(map);
        for (int i = 0; i < entries.size(); i++) {
            boolean last = i == entries.size() - 1;
            String key = repr(entries.get(i).items().getFirst());
            out.append(key).append(": ");
            int inner = indent + 1 + Chars.length(key) + 2;
            format(entries.get(i).items().getLast(), inner, last ? allowance : 1, level + 1);
            if (!last) {
                out.append(",\n").append(" ".repeat(indent + 1));
            }
        }
        out.append('}');
    }

    private void items(
            String open, List<?> items, String close, int indent, int allowance, int level) {
        out.append(open);
        for (int i = 0; i < items.size(); i++) {
            boolean last = i == items.size() - 1;
            if (i > 0) {
                out.append(",\n").append(" ".repeat(indent + 1));
            }
            format(items.get(i), indent + 1, last ? allowance + close.length() : 1, level + 1);
        }
        out.append(close);
    }

    private void text(String text, int indent, int allowance, int level) {
        boolean top = level == 1;
        int begin = top ? indent + 1 : indent;
        int after = top ? allowance + 1 : allowance;
        List<String> lines = Split.lines(text, true);
        List<String> chunks = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            boolean last = i == lines.size() - 1;
            int room = WIDTH - begin - (last ? after : 0);
            String repr = Repr.quote(lines.get(i));
            if (Chars.length(repr) <= room) {
                chunks.add(repr);
            } else {
                words(lines.get(i), WIDTH - begin, last ? after : 0, chunks);
            }
        }
        if (chunks.size() == 1) {
            out.append(chunks.getFirst());
            return;
        }
        out.append(top ? "(" : "");
        out.append(String.join("\n" + " ".repeat(begin), chunks));
        out.append(top ? ")" : "");
    }

    private static void words(String line, int width, int allowance, List<String> chunks) {
        List<String> parts = new ArrayList<>();
        var word = WORD.matcher(line);
        while (word.find() && !word.group().isEmpty()) {
            parts.add(word.group());
        }
        String current = "";
        for (int i = 0; i < parts.size(); i++) {
            String candidate = current + parts.get(i);
            int room = i == parts.size() - 1 ? width - allowance : width;
            if (Chars.length(Repr.quote(candidate)) > room) {
                if (!current.isEmpty()) {
                    chunks.add(Repr.quote(current));
                }
                current = parts.get(i);
            } else {
                current = candidate;
            }
        }
        if (!current.isEmpty()) {
            chunks.add(Repr.quote(current));
        }
    }
}
