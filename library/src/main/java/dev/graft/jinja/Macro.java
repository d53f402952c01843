package dev.graft.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A macro that a template has defined, or what it calls `caller`.
final class Macro implements Callable {
    /// What is known of a macro before it runs.
    ///
    /// @param name null for a call block
    /// @param takesCaller whether the body mentions `caller`, and `kwargs` and `varargs` likewise
    record Shape(
            String name,
            List<String> parameters,
            boolean takesCaller,
            boolean takesNamed,
            boolean takesRest) {}

    /// The body: parameters in order, then `caller`, `kwargs`, `varargs` as far as it takes them.
    interface Body {
        String render(Run run, List<Object> values);
    }

    private final Shape shape;
    private final Body body;

    Macro(Shape shape, Body body) {
        this.shape = shape;
        this.body = body;
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        int count = shape.parameters.size();
        List<Object> positional = arguments.positional();
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        List<Object> values =
                new ArrayList<>(positional.subList(0, Math.min(count, positional.size())));
        boolean found = shape.parameters.contains("caller") && values.size() == count;
        for (String name : shape.parameters.subList(values.size(), count)) {
            values.add(named.containsKey(name) ? named.remove(name) : Frame.MISSING);
            found |= name.equals("caller");
        }
        if (shape.takesCaller && !found) {
            Object caller = named.remove("caller");
            values.add(caller == null ? Undefined.because("No caller defined") : caller);
        }
        if (shape.takesNamed) {
            values.add(named);
        } else if (!named.isEmpty()) {
            throw JinjaException.type(
                    "macro %s takes no keyword argument '%s'",
                    Repr.repr(shape.name), named.keySet().iterator().next());
        }
        if (shape.takesRest) {
            int from = Math.min(count, positional.size());
            values.add(new Tuple(positional.subList(from, positional.size())));
        } else if (positional.size() > count) {
            throw JinjaException.type(
                    "macro %s takes not more than %d argument(s)", Repr.repr(shape.name), count);
        }
        run.enter();
        String text = body.render(run, values);
        run.leave();
        return run.escapes ? new Markup(text) : text;
    }

    /// The attribute, or [Frame#MISSING].
    Object attribute(String attribute) {
        return switch (attribute) {
            case "name" -> shape.name;
            case "arguments" -> new Tuple(List.copyOf(shape.parameters));
            case "catch_kwargs" -> shape.takesNamed;
            case "catch_varargs" -> shape.takesRest;
            case "caller" -> shape.takesCaller;
            case "explicit_caller" -> shape.parameters.contains("caller");
            default -> Frame.MISSING;
        };
    }

    String described() {
        return "<Macro %s>".formatted(shape.name == null ? "anonymous" : Repr.quote(shape.name));
    }
}
