package dev.graft.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.graft.adapter.TargetModules;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What a key's value may be: how it is read from a YAML node (or from the text of a flag), which
/// values are in range, and how it is written.
///
/// @param expected the phrase of error messages, as in "expected a whole number from 1"
/// @param choices the allowed words where there are few, for completion; empty otherwise
public record Kind<T>(
        String expected,
        List<String> choices,
        Reading<T> reading,
        Predicate<T> inRange,
        Function<T, JsonNode> writing) {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final Pattern BYTES =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(?:([kmgt])(i?))?b?", Pattern.CASE_INSENSITIVE);

    /// Turns a node into a value; any `RuntimeException` means that the node is not of this kind.
    @FunctionalInterface
    public interface Reading<T> {
        T read(JsonNode node);
    }

    /// The value of the node, in range; throws [IllegalArgumentException] otherwise.
    T read(JsonNode node) {
        T value = reading.read(node);
        if (!inRange.test(value)) {
            throw new IllegalArgumentException(expected);
        }
        return value;
    }

    static Kind<String> text() {
        return new Kind<>("a text", List.of(), Kind::scalar, s -> !s.isBlank(), NODES::textNode);
    }

    /// Anything with a textual form: a path, a pattern.
    static <T> Kind<T> parsed(String expected, Function<String, T> parse) {
        return new Kind<>(
                expected,
                List.of(),
                node -> parse.apply(scalar(node)),
                _ -> true,
                value -> NODES.textNode(value.toString()));
    }

    static Kind<Boolean> flag() {
        return new Kind<>(
                "true or false",
                List.of("true", "false"),
                node ->
                        switch (scalar(node).toLowerCase(Locale.ROOT)) {
                            case "true", "yes", "on" -> true;
                            case "false", "no", "off" -> false;
                            default -> throw new IllegalArgumentException();
                        },
                _ -> true,
                NODES::booleanNode);
    }

    /// A whole number; `1_000`, `1000.0` and `1e3` are read too.
    static Kind<Integer> whole(String expected, Predicate<Integer> inRange) {
        return new Kind<>(
                expected,
                List.of(),
                node -> decimal(node).intValueExact(),
                inRange,
                NODES::numberNode);
    }

    static Kind<Long> seed() {
        return new Kind<>(
                "a whole number from 0",
                List.of(),
                node -> decimal(node).longValueExact(),
                n -> n >= 0,
                NODES::numberNode);
    }

    /// A number of bytes, plain or with a unit: of 1000 as in `512MB`, of 1024 as in `2GiB`.
    static Kind<Long> bytes(String expected) {
        return new Kind<>(
                expected, List.of(), node -> bytesOf(scalar(node)), n -> n >= 0, NODES::numberNode);
    }

    private static long bytesOf(String text) {
        var matcher = BYTES.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not a number of bytes");
        }
        int power =
                matcher.group(2) == null
                        ? 0
                        : 1 + "kmgt".indexOf(matcher.group(2).toLowerCase(Locale.ROOT));
        boolean binary = matcher.group(3) != null && !matcher.group(3).isEmpty();
        return BigDecimal.valueOf(binary ? 1024 : 1000)
                .pow(power)
                .multiply(new BigDecimal(matcher.group(1)))
                .setScale(0, RoundingMode.DOWN)
                .longValueExact();
    }

    /// A finite number; YAML 1.1 takes `2e-4` for a text, here it is the number.
    static Kind<Double> number(String expected, Predicate<Double> inRange) {
        return new Kind<>(
                expected,
                List.of(),
                node -> decimal(node).doubleValue(),
                n -> Double.isFinite(n) && inRange.test(n),
                n ->
                        n == Math.rint(n) && Math.abs(n) < 1e9
                                ? NODES.numberNode((long) (double) n)
                                : NODES.numberNode(n));
    }

    static <E extends Enum<E>> Kind<E> choice(Class<E> type) {
        // Some YAML readers take a bare `no` for a boolean.
        return choice(type, Map.of("false", "no"));
    }

    /// @param synonyms words that mean one of the choices
    static <E extends Enum<E>> Kind<E> choice(Class<E> type, Map<String, String> synonyms) {
        var words = Stream.of(type.getEnumConstants()).map(Enum::toString).toList();
        return new Kind<>(
                "one of " + String.join(", ", words),
                words,
                node -> {
                    String word = scalar(node).toLowerCase(Locale.ROOT);
                    String meant = words.contains(word) ? word : synonyms.get(word);
                    return type.getEnumConstants()[words.indexOf(meant)];
                },
                _ -> true,
                value -> NODES.textNode(value.toString()));
    }

    /// A list, a single element, or on the command line elements with commas between.
    static <T> Kind<List<T>> list(String expected, Function<String, T> parse) {
        return new Kind<>(
                expected,
                List.of(),
                node -> elements(node).stream().map(parse).toList(),
                _ -> true,
                values -> {
                    var array = NODES.arrayNode();
                    for (T value : values) {
                        if (value instanceof Integer number) {
                            array.add(number);
                        } else {
                            array.add(value.toString());
                        }
                    }
                    return array;
                });
    }

    /// Module patterns with a number each, in the order of the file: the first that matches counts.
    static Kind<Map<String, Double>> numbers(String expected, Predicate<Double> inRange) {
        var number = number(expected, inRange);
        return new Kind<>(
                expected,
                List.of(),
                node -> {
                    if (!node.isObject()) {
                        throw new IllegalArgumentException(expected);
                    }
                    var map = new LinkedHashMap<String, Double>();
                    node.properties().forEach(e -> map.put(e.getKey(), number.read(e.getValue())));
                    return map;
                },
                _ -> true,
                values -> {
                    var object = NODES.objectNode();
                    values.forEach((key, value) -> object.set(key, number.writing.apply(value)));
                    return object;
                });
    }

    /// Names with a name each: an object, or `a=b,c=d`.
    static Kind<Map<String, String>> names(String expected) {
        return new Kind<>(
                expected,
                List.of(),
                node -> {
                    var map = new LinkedHashMap<String, String>();
                    if (node.isObject()) {
                        node.properties().forEach(e -> map.put(e.getKey(), scalar(e.getValue())));
                        return map;
                    }
                    for (String pair : elements(node)) {
                        String[] names = pair.split("\\s*=\\s*", -1);
                        if (names.length != 2 || names[0].isEmpty() || names[1].isEmpty()) {
                            throw new IllegalArgumentException(expected);
                        }
                        map.put(names[0], names[1]);
                    }
                    return map;
                },
                _ -> true,
                values -> {
                    var object = NODES.objectNode();
                    values.forEach(object::put);
                    return object;
                });
    }

    static Kind<TargetModules> modules() {
        return new Kind<>(
                "all-linear, a list of module names, or a regular expression",
                List.of(),
                node ->
                        node.isArray()
                                ? new TargetModules.Names(elements(node))
                                : TargetModules.parse(scalar(node)),
                modules -> !(modules instanceof TargetModules.Names(var names)) || !names.isEmpty(),
                modules ->
                        modules instanceof TargetModules.Names(var names)
                                ? list("", String::valueOf).writing.apply(names)
                                : NODES.textNode(modules.toString()));
    }

    private static List<String> elements(JsonNode node) {
        var elements = new ArrayList<String>();
        if (node.isArray()) {
            node.forEach(element -> elements.add(scalar(element)));
        } else {
            elements.addAll(List.of(scalar(node).split("\\s*,\\s*", -1)));
        }
        if (elements.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("an empty element");
        }
        return elements;
    }

    private static String scalar(JsonNode node) {
        if (!node.isValueNode() || node.isNull()) {
            throw new IllegalArgumentException("not a single value");
        }
        return node.asText().strip();
    }

    private static BigDecimal decimal(JsonNode node) {
        if (node.isBoolean()) {
            throw new IllegalArgumentException("not a number");
        }
        return new BigDecimal(scalar(node).replaceAll("(?<=\\d)_(?=\\d)", ""));
    }
}
