package dev.graft.jinja;

/// The parameters of a built-in function: names, with `?` behind those that may be left out; a
/// leading `/` refuses them by name, as functions written in C do.
final class Signature {
    private final String function;
    private final String[] names;
    private final boolean[] optional;
    private final boolean byPosition;

    private Signature(String function, String parameters) {
        this.function = function;
        byPosition = parameters.startsWith("/");
        String list = (byPosition ? parameters.substring(1) : parameters).strip();
        names = list.isEmpty() ? new String[0] : list.split(" ");
        optional = new boolean[names.length];
        for (int i = 0; i < names.length; i++) {
            optional[i] = names[i].endsWith("?");
            names[i] = optional[i] ? names[i].substring(0, names[i].length() - 1) : names[i];
        }
    }

    static Signature of(String function, String parameters) {
        return new Signature(function, parameters);
    }

    /// One value for each parameter, [Frame#MISSING] where there is none.
    Object[] bind(Arguments arguments) {
        var positional = arguments.positional();
        if (positional.size() > names.length) {
            throw JinjaException.type(
                    "%s() takes at most %d arguments (%d given)",
                    function, names.length, positional.size());
        }
        Object[] values = new Object[names.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = i < positional.size() ? positional.get(i) : Frame.MISSING;
        }
        for (var entry : arguments.named().entrySet()) {
            int i = byPosition ? -1 : java.util.Arrays.asList(names).indexOf(entry.getKey());
            if (i < 0) {
                throw JinjaException.type(
                        "%s() got an unexpected keyword argument '%s'", function, entry.getKey());
            }
            if (!Frame.missing(values[i])) {
                throw JinjaException.type(
                        "%s() got multiple values for argument '%s'", function, names[i]);
            }
            values[i] = entry.getValue();
        }
        for (int i = 0; i < values.length; i++) {
            if (Frame.missing(values[i]) && !optional[i]) {
                throw JinjaException.type(
                        "%s() missing required argument: '%s'", function, names[i]);
            }
        }
        return values;
    }
}
