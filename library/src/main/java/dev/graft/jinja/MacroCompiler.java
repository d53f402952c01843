package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/// Compiles macros and the bodies of call and generation blocks.
final class MacroCompiler {
    private final Compiler compiler;

    MacroCompiler(Compiler compiler) {
        this.compiler = compiler;
    }

    /// What makes the macro out of the variables around its definition.
    Function<Frame, Macro> macro(Statement.Macro macro, Scope scope) {
        Scope inner = scope.inner().function(new Scope.Function(scope.function()));
        Symbols symbols = inner.symbols();
        SymbolVisitor.macro(symbols, macro);
        List<String> names = new ArrayList<>(macro.parameters());
        Set<String> undeclared = Names.undeclared(macro.body(), "caller", "kwargs", "varargs");
        boolean caller = undeclared.contains("caller");
        if (caller) {
            checkCaller(macro, names);
        }
        boolean kwargs = special("kwargs", undeclared, names, symbols);
        boolean varargs = special("varargs", undeclared, names, symbols);
        SymbolVisitor.macro(symbols, macro);

        var shape =
                new Macro.Shape(
                        macro.name(), List.copyOf(macro.parameters()), caller, kwargs, varargs);
        var entry = inner.entry();
        int[] slots = names.stream().mapToInt(name -> inner.variable(name).slot()).toArray();
        Eval[] defaults = defaults(macro, inner);
        Step body = compiler.body(macro.body(), inner);
        var function = inner.function();
        return outer ->
                new Macro(
                        shape,
                        (run, values) -> {
                            Frame frame = new Frame(function, outer, run);
                            for (int i = 0; i < slots.length; i++) {
                                frame.slots[slots[i]] = values.get(i);
                            }
                            entry.enter(frame);
                            for (int i = 0; i < defaults.length; i++) {
                                if (Frame.missing(frame.slots[slots[i]])) {
                                    frame.slots[slots[i]] = defaults[i].of(frame);
                                }
                            }
                            var out = new StringBuilder();
                            body.run(frame, out);
                            return out.toString();
                        });
    }

    private static void checkCaller(Statement.Macro macro, List<String> names) {
        int index = macro.parameters().indexOf("caller");
        int plain = macro.parameters().size() - macro.defaults().size();
        if (index >= 0 && index < plain) {
            throw JinjaException.syntax(
                    macro.line(),
                    "When defining macros or call blocks the special \"caller\" argument must be"
                            + " omitted or be given a default.");
        }
        if (index < 0) {
            names.add("caller");
        }
    }

    private static boolean special(
            String name, Set<String> undeclared, List<String> names, Symbols symbols) {
        // `caller` comes before the other two
        if (names.contains("caller")) {
            symbols.parameter("caller");
        }
        if (!undeclared.contains(name) || names.contains(name)) {
            return false;
        }
        symbols.parameter(name);
        names.add(name);
        return true;
    }

    private Eval[] defaults(Statement.Macro macro, Scope scope) {
        int count = macro.parameters().size();
        int plain = count - macro.defaults().size();
        Eval[] defaults = new Eval[count];
        for (int i = 0; i < count; i++) {
            if (i < plain) {
                var missing =
                        Undefined.because(
                                "parameter %s was not provided"
                                        .formatted(Repr.quote(macro.parameters().get(i))));
                defaults[i] = _ -> missing;
            } else {
                defaults[i] = compiler.expressions.compile(macro.defaults().get(i - plain), scope);
            }
        }
        return defaults;
    }
}
