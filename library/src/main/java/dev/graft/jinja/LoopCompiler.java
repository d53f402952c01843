package dev.graft.jinja;

import java.util.Iterator;

/// Compiles loops.
final class LoopCompiler {
    private final Compiler compiler;

    LoopCompiler(Compiler compiler) {
        this.compiler = compiler;
    }

    /// The compiled pieces of a loop.
    ///
    /// @param loop where `loop` is kept, or below zero when the body does not mention it
    /// @param filter drops items before the loop sees them, or null
    private record Parts(
            Target target,
            int loop,
            Filter filter,
            Scope.Entry entry,
            Step body,
            Scope.Entry otherwiseEntry,
            Step otherwise) {}

    private interface Filter {
        Iterator<?> over(Frame frame, Iterator<?> items);
    }

    Step loop(Statement.For loop, Scope scope) {
        if (Names.stores(loop, "loop")) {
            throw JinjaException.syntax(
                    loop.line(), "Can't assign to special loop variable in for-loop target");
        }
        Eval items = compiler.expressions.compile(loop.items(), scope);
        if (loop.recursive()) {
            return recursive(loop, scope, items);
        }
        Parts parts = parts(loop, scope.inner(), scope.inner(), scope);
        return (frame, out) -> turns(parts, frame, out, items.of(frame), null, 0);
    }

    private Parts parts(Statement.For loop, Scope inner, Scope otherwise, Scope scope) {
        boolean named = loop.recursive() || !Names.undeclared(loop.body(), "loop").isEmpty();
        if (named) {
            inner.symbols().parameter("loop");
        }
        SymbolVisitor.parameters(inner.symbols(), loop.target());
        SymbolVisitor.body(inner.symbols(), loop.body());
        SymbolVisitor.body(otherwise.symbols(), loop.otherwise());
        var entry = inner.entry();
        var otherwiseEntry = otherwise.entry();
        Filter filter = loop.test() == null ? null : filter(loop, scope, inner.function());
        return new Parts(
                Target.of(loop.target(), inner),
                named ? inner.variable("loop").slot() : -1,
                filter,
                entry,
                compiler.body(loop.body(), inner.looping()),
                otherwiseEntry,
                compiler.body(loop.otherwise(), otherwise));
    }

    /// The test of a loop runs as a function of its own, item by item, just before the item's turn.
    private Filter filter(Statement.For loop, Scope scope, Scope.Function within) {
        Scope inner = scope.inner().function(new Scope.Function(within));
        SymbolVisitor.parameters(inner.symbols(), loop.target());
        SymbolVisitor.read(inner.symbols(), loop.test());
        var entry = inner.entry();
        Target target = Target.of(loop.target(), inner);
        Eval test = compiler.expressions.compile(loop.test(), inner);
        boolean several = loop.target() instanceof Expression.TupleOf;
        var function = inner.function();
        return (outer, items) -> {
            Frame frame = new Frame(function, outer, outer.run);
            entry.enter(frame);
            return new Selecting(
                    outer.run,
                    items,
                    item -> {
                        Object value = several && item instanceof Generator g ? once(g) : item;
                        target.set(frame, value);
                        return Truth.of(test.of(frame));
                    });
        };
    }

    private static Object once(Generator generator) {
        throw JinjaException.runtime("a loop with a condition cannot unpack a %s", generator.kind);
    }

    private static Step.End turns(
            Parts parts,
            Frame frame,
            StringBuilder out,
            Object items,
            Callable recursion,
            int depth) {
        Iterator<?> iterator = Sequences.iterate(items);
        Object sized = items;
        if (parts.filter != null) {
            iterator = parts.filter.over(frame, iterator);
            sized = null;
        }
        boolean ran =
                parts.loop < 0
                        ? plain(parts, frame, out, iterator)
                        : counted(
                                parts,
                                frame,
                                out,
                                new LoopContext(sized, iterator, recursion, depth));
        parts.entry.leave(frame);
        if (ran) {
            return Step.End.NORMAL;
        }
        parts.otherwiseEntry.enter(frame);
        Step.End end = parts.otherwise.run(frame, out);
        parts.otherwiseEntry.leave(frame);
        return end;
    }

    /// Whether a turn has come to its end; one that left by `break` or `continue` has not, and the
    /// `else` of Jinja2 runs then.
    private static boolean plain(
            Parts parts, Frame frame, StringBuilder out, Iterator<?> iterator) {
        boolean ran = false;
        while (iterator.hasNext()) {
            frame.run.step();
            parts.target.set(frame, iterator.next());
            parts.entry.enter(frame);
            Step.End end = parts.body.run(frame, out);
            if (end == Step.End.BREAK) {
                break;
            }
            ran |= end == Step.End.NORMAL;
        }
        return ran;
    }

    private static boolean counted(Parts parts, Frame frame, StringBuilder out, LoopContext loop) {
        boolean ran = false;
        while (loop.advance()) {
            frame.run.step();
            parts.target.set(frame, loop.current());
            frame.slots[parts.loop] = loop;
            parts.entry.enter(frame);
            Step.End end = parts.body.run(frame, out);
            if (end == Step.End.BREAK) {
                break;
            }
            ran |= end == Step.End.NORMAL;
        }
        return ran;
    }

    /// A recursive loop is a function that `loop(...)` calls from its own body.
    private Step recursive(Statement.For loop, Scope scope, Eval items) {
        var function = new Scope.Function(scope.function());
        Scope inner = scope.inner().function(function);
        Scope otherwise = scope.inner().function(function);
        Parts parts = parts(loop, inner, otherwise, scope);
        return (outer, out) -> {
            Callable[] self = new Callable[1];
            self[0] =
                    (run, arguments) -> {
                        run.enter();
                        Frame frame = new Frame(function, outer, run);
                        var text = new StringBuilder();
                        int depth = (Integer) arguments.positional().get(1);
                        turns(parts, frame, text, arguments.first(), self[0], depth);
                        run.leave();
                        return text.toString();
                    };
            var arguments =
                    new Arguments(java.util.Arrays.asList(items.of(outer), 0), java.util.Map.of());
            outer.run.append(out, Repr.str(self[0].call(outer.run, arguments)));
            return Step.End.NORMAL;
        };
    }
}
