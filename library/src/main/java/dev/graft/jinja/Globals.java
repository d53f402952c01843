package dev.graft.jinja;

import java.util.Map;

/// What every template finds by name.
final class Globals {
    static final Map<String, Object> ALL =
            Map.of(
                    "range", new BuiltIn("range", (_, arguments) -> range(arguments)),
                    "dict", new BuiltIn("dict", DictMethods::dict),
                    "namespace",
                            new BuiltIn(
                                    "namespace",
                                    (run, arguments) ->
                                            new Namespace(DictMethods.dict(run, arguments))),
                    "joiner", new BuiltIn("joiner", (_, arguments) -> joiner(arguments)),
                    "cycler",
                            new BuiltIn(
                                    "cycler", (_, arguments) -> new Cycler(arguments.positional())),
                    "raise_exception",
                            new BuiltIn("raise_exception", (_, arguments) -> refuse(arguments)),
                    "strftime_now",
                            new BuiltIn("strftime_now", (run, arguments) -> now(run, arguments)),
                    "lipsum",
                            new BuiltIn(
                                    "lipsum",
                                    (_, _) -> {
                                        throw JinjaException.runtime(
                                                "lipsum is not there: a rendering is repeatable");
                                    }));

    private Globals() {}

    private static Object range(Arguments arguments) {
        Object[] a = Signature.of("range", "/start stop? step?").bind(arguments);
        long first = bound(a[0]);
        if (Frame.missing(a[1])) {
            return new Range(0, first, 1);
        }
        return new Range(first, bound(a[1]), Frame.missing(a[2]) ? 1 : bound(a[2]));
    }

    private static long bound(Object value) {
        return Numbers.index(value);
    }

    private static Object joiner(Arguments arguments) {
        Object separator = Signature.of("joiner", "sep?").bind(arguments)[0];
        return new Joiner(Frame.missing(separator) ? ", " : separator);
    }

    private static Object refuse(Arguments arguments) {
        Object message = Signature.of("raise_exception", "message").bind(arguments)[0];
        throw new JinjaException(JinjaException.Kind.RAISED, Repr.str(message));
    }

    private static Object now(Run run, Arguments arguments) {
        Object format = Signature.of("strftime_now", "format").bind(arguments)[0];
        if (!Texts.isText(format)) {
            throw JinjaException.type(
                    "strftime() argument 1 must be str, not %s", Types.name(format));
        }
        return run.made(Strftime.format(run.now(), Texts.of(format)));
    }
}
