package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// Plain exercises in copying: repeated lists, look-ups in a table, numbers in words and figures.
record Drills(Scenes scenes) {
    String document() {
        return switch (dice().between(0, 6)) {
            case 0 -> repeatedGoods();
            case 5 -> words();
            case 6 -> repeatedNames();
            case 1, 2 -> lookUp();
            case 3 -> numbers();
            default -> guests();
        };
    }

    /// A row of words without sense, twice, so that nothing but copying helps.
    private String words() {
        var row = new ArrayList<String>();
        for (int n = dice().between(3, 12); n > 0; n--) {
            row.add(anyWord());
        }
        return twice(row);
    }

    private String twice(List<String> row) {
        String line = String.join(" ", row);
        return line + dice().of("\n", " | ", ". ", ": ") + line;
    }

    private String anyWord() {
        var words = scenes.words();
        return switch (dice().between(0, 6)) {
            case 0 -> dice().pick(words.colours());
            case 1 -> dice().pick(words.places()).noun();
            case 2 -> dice().pick(words.verbs()).past();
            case 3 -> dice().pick(words.times()).noun();
            case 4 -> scenes.name();
            default -> dice().pick(words.things()).plural();
        };
    }

    private Dice dice() {
        return scenes.dice();
    }

    private String repeatedNames() {
        String line = String.join(" ", scenes.people(dice().between(4, 9)));
        return dice().chance(0.5) ? line + "\n" + line + "\n" + line : line + " | " + line;
    }

    private String repeatedGoods() {
        List<String> goods = scenes.goods(dice().between(3, 8));
        String list = String.join(", ", goods);
        return switch (dice().between(0, 3)) {
            case 0 -> "[" + list + "]\n[" + list + "]";
            case 1 -> "{" + list + "}\nThe same again: {" + list + "}";
            case 2 -> list + ".\n\"" + String.join("\" \"", goods) + "\"";
            default ->
                    "First: " + list + ".\nBackwards: " + String.join(", ", goods.reversed()) + ".";
        };
    }

    /// Two columns, then the value for some of the keys: the plainest form of retrieval.
    private String lookUp() {
        List<String> keys = scenes.people(dice().between(3, 7));
        boolean goods = dice().chance(0.5);
        List<String> values = goods ? scenes.goods(keys.size()) : scenes.people(keys.size());
        String between = dice().of(": ", " - ", " = ", " has ", " [");
        String end = between.equals(" [") ? "]" : "";
        var lines = new ArrayList<String>();
        for (int i = 0; i < keys.size(); i++) {
            lines.add(keys.get(i) + between + values.get(i) + end);
        }
        var asked = dice().some(List.copyOf(lines), dice().between(2, keys.size()));
        lines.add("");
        lines.addAll(asked);
        return String.join("\n", lines);
    }

    private String numbers() {
        List<String> numbers = scenes.words().numbers();
        var lines = new ArrayList<String>();
        for (int i = dice().between(4, 12); i > 0; i--) {
            int n = dice().between(0, numbers.size() - 1);
            String word = dice().chance(0.3) ? Phrasing.capital(numbers.get(n)) : numbers.get(n);
            lines.add(dice().chance(0.7) ? word + " is " + n : n + " is " + word);
        }
        return lines.stream().collect(Collectors.joining(", ", "", "."));
    }

    private String guests() {
        List<String> people = scenes.people(dice().between(3, 6));
        String list = String.join(", ", people);
        return "Guests: "
                + list
                + ".\n"
                + people.stream()
                        .map(
                                name ->
                                        dice().of(
                                                        "\"" + name + "\"",
                                                        "{" + name + "}",
                                                        "[" + name + "]"))
                        .collect(Collectors.joining(", "))
                + "\n"
                + people.stream()
                        .map(name -> "Hello, " + name + "!")
                        .collect(Collectors.joining(" "));
    }
}
