package dev.graft.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Turns the tree of a template into steps, with a place for every variable.
final class Compiler {
    private final String name;
    private final Map<String, Step> blocks = new HashMap<>();
    private final List<Statement.Block> pending = new ArrayList<>();
    final ExpressionCompiler expressions;

    Compiler(String name) {
        this.name = name;
        this.expressions = new ExpressionCompiler();
    }

    /// A whole template as one step, which makes its own variables.
    Step template(List<Statement> body) {
        Step root = root(body, Scope.template());
        for (int i = 0; i < pending.size(); i++) {
            var block = pending.get(i);
            Scope scope = Scope.template();
            var inner = new Scope(scope.symbols(), scope.function(), false, false, false, false);
            blocks.put(block.name(), root(block.body(), inner));
        }
        return root;
    }

    private Step root(List<Statement> body, Scope scope) {
        SymbolVisitor.body(scope.symbols(), body);
        var entry = scope.entry();
        Step steps = body(body, scope);
        var function = scope.function();
        return (outer, out) -> {
            Frame frame = new Frame(function, null, outer.run);
            entry.enter(frame);
            return steps.run(frame, out);
        };
    }

    Step body(List<Statement> body, Scope scope) {
        List<Step> steps = new ArrayList<>(body.size());
        for (Statement statement : body) {
            steps.add(located(statement, scope));
        }
        return Step.all(steps);
    }

    private Step located(Statement statement, Scope scope) {
        Step step;
        try {
            step = step(statement, scope);
        } catch (JinjaException e) {
            throw e.at(name, statement.line());
        }
        int line = statement.line();
        return at(
                line,
                (frame, out) -> {
                    frame.run.step();
                    return step.run(frame, out);
                });
    }

    private Step step(Statement statement, Scope scope) {
        return switch (statement) {
            case Statement.Output output -> output(output, scope);
            case Statement.For loop -> new LoopCompiler(this).loop(loop, scope);
            case Statement.If condition -> condition(condition, scope.softened());
            case Statement.Assign assign -> assign(assign, scope);
            case Statement.AssignBlock block -> assignBlock(block, scope);
            case Statement.With with -> with(with, scope);
            case Statement.Macro macro -> macro(macro, scope);
            case Statement.CallBlock block -> callBlock(block, scope);
            case Statement.FilterBlock block -> filterBlock(block, scope);
            case Statement.Generation generation -> generation(generation, scope);
            case Statement.AutoEscape escape -> autoEscape(escape, scope);
            case Statement.Block block -> block(block);
            case Statement.Load load -> load(load, scope);
            case Statement.Break(int line) -> leave(scope, line, "break", Step.End.BREAK);
            case Statement.Continue(int line) -> leave(scope, line, "continue", Step.End.CONTINUE);
        };
    }

    private static Step leave(Scope scope, int line, String tag, Step.End end) {
        if (!scope.loops()) {
            throw JinjaException.syntax(line, "'%s' outside loop", tag);
        }
        return (_, _) -> end;
    }

    private Step output(Statement.Output output, Scope scope) {
        List<Step> steps = new ArrayList<>();
        for (Expression part : output.parts()) {
            if (part instanceof Expression.Data(String text, int _)) {
                steps.add(print(text));
                continue;
            }
            Eval value = expressions.compile(part, scope);
            Step step = scope.escapes() ? escaped(value) : printed(value);
            steps.add(output.line() == part.line() ? step : at(part.line(), step));
        }
        return Step.all(steps);
    }

    private Step at(int line, Step step) {
        return (frame, out) -> {
            try {
                return step.run(frame, out);
            } catch (JinjaException e) {
                throw e.at(name, line);
            }
        };
    }

    private static Step print(String text) {
        return (frame, out) -> {
            frame.run.append(out, text);
            return Step.End.NORMAL;
        };
    }

    private static Step printed(Eval value) {
        return (frame, out) -> {
            frame.run.append(out, Repr.str(value.of(frame)));
            return Step.End.NORMAL;
        };
    }

    private static Step escaped(Eval value) {
        return (frame, out) -> {
            frame.run.append(out, Markup.escape(value.of(frame)).text());
            return Step.End.NORMAL;
        };
    }

    private Step condition(Statement.If condition, Scope scope) {
        List<Eval> tests = new ArrayList<>();
        List<Step> bodies = new ArrayList<>();
        tests.add(expressions.compile(condition.test(), scope));
        bodies.add(body(condition.body(), scope));
        for (Statement.If branch : condition.elifs()) {
            tests.add(expressions.compile(branch.test(), scope));
            bodies.add(body(branch.body(), scope));
        }
        Eval[] test = tests.toArray(Eval[]::new);
        Step[] body = bodies.toArray(Step[]::new);
        Step otherwise = body(condition.otherwise(), scope);
        return (frame, out) -> {
            for (int i = 0; i < test.length; i++) {
                if (Truth.of(test[i].of(frame))) {
                    return body[i].run(frame, out);
                }
            }
            return otherwise.run(frame, out);
        };
    }

    private Step assign(Statement.Assign assign, Scope scope) {
        Target target = Target.of(assign.target(), scope);
        Eval value = expressions.compile(assign.value(), scope);
        return (frame, _) -> {
            target.check(frame);
            target.set(frame, value.of(frame));
            return Step.End.NORMAL;
        };
    }

    private Step assignBlock(Statement.AssignBlock block, Scope scope) {
        Scope inner = scope.inner();
        SymbolVisitor.body(inner.symbols(), block.body());
        var entry = inner.entry();
        Step body = body(block.body(), inner);
        Target target = Target.of(block.target(), scope);
        Eval filter = block.filter() == null ? null : expressions.filter(block.filter(), inner);
        boolean escapes = scope.escapes();
        return (frame, _) -> {
            entry.enter(frame);
            var text = new StringBuilder();
            Step.End end = body.run(frame, text);
            if (end != Step.End.NORMAL) {
                return end;
            }
            Object value = text.toString();
            if (filter != null) {
                value = ExpressionCompiler.over(filter, frame, value);
            }
            target.set(frame, escapes ? new Markup(Repr.str(value)) : value);
            entry.leave(frame);
            return Step.End.NORMAL;
        };
    }

    private Step with(Statement.With with, Scope scope) {
        Scope inner = scope.inner();
        with.targets().forEach(target -> SymbolVisitor.parameters(inner.symbols(), target));
        SymbolVisitor.body(inner.symbols(), with.body());
        var entry = inner.entry();
        List<Target> targets = new ArrayList<>();
        List<Eval> values = new ArrayList<>();
        with.targets().forEach(target -> targets.add(Target.of(target, inner)));
        with.values().forEach(value -> values.add(expressions.compile(value, scope)));
        Step body = body(with.body(), inner);
        return (frame, out) -> {
            entry.enter(frame);
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).set(frame, values.get(i).of(frame));
            }
            Step.End end = body.run(frame, out);
            entry.leave(frame);
            return end;
        };
    }

    private Step macro(Statement.Macro macro, Scope scope) {
        var compiled = new MacroCompiler(this).macro(macro, scope);
        var variable = scope.variable(macro.name());
        boolean top = scope.top();
        return (frame, _) -> {
            Macro value = compiled.apply(frame);
            frame.slots[variable.slot()] = value;
            if (top) {
                frame.run.set(macro.name(), value);
            }
            return Step.End.NORMAL;
        };
    }

    private Step callBlock(Statement.CallBlock block, Scope scope) {
        var compiled = new MacroCompiler(this).macro(block.body(), scope);
        var call = expressions.call(block.call(), scope);
        boolean escapes = scope.escapes();
        return (frame, out) -> {
            Object value = call.with(frame, "caller", compiled.apply(frame));
            frame.run.append(out, escapes ? Markup.escape(value).text() : Repr.str(value));
            return Step.End.NORMAL;
        };
    }

    private Step filterBlock(Statement.FilterBlock block, Scope scope) {
        Scope inner = scope.inner();
        SymbolVisitor.body(inner.symbols(), block.body());
        SymbolVisitor.read(inner.symbols(), block.filter());
        var entry = inner.entry();
        Step body = body(block.body(), inner);
        Eval filter = expressions.filter(block.filter(), inner);
        boolean escapes = scope.escapes();
        return (frame, out) -> {
            entry.enter(frame);
            var text = new StringBuilder();
            Step.End end = body.run(frame, text);
            if (end != Step.End.NORMAL) {
                return end;
            }
            Object value = escapes ? new Markup(text.toString()) : text.toString();
            value = ExpressionCompiler.over(filter, frame, value);
            if (!Texts.isText(value)) {
                throw JinjaException.type("expected str instance, %s found", Types.name(value));
            }
            frame.run.append(out, escapes ? Markup.escape(value).text() : Repr.str(value));
            entry.leave(frame);
            return Step.End.NORMAL;
        };
    }

    private Step generation(Statement.Generation generation, Scope scope) {
        var compiled = new MacroCompiler(this).macro(generation.body(), scope);
        return (frame, out) -> {
            String text = Repr.str(compiled.apply(frame).call(frame.run, Arguments.NONE));
            int start = frame.run.output.length();
            frame.run.generated.add(
                    new Run.Generated(start, start + text.length(), Chars.length(text)));
            frame.run.append(out, text);
            return Step.End.NORMAL;
        };
    }

    private Step autoEscape(Statement.AutoEscape escape, Scope scope) {
        Scope inner = scope.inner().escaping(escape.on());
        SymbolVisitor.body(inner.symbols(), escape.body());
        var entry = inner.entry();
        Step body = body(escape.body(), inner);
        return (frame, out) -> {
            boolean before = frame.run.escapes;
            frame.run.escapes = escape.on();
            entry.enter(frame);
            Step.End end = body.run(frame, out);
            entry.leave(frame);
            frame.run.escapes = before;
            return end;
        };
    }

    private Step block(Statement.Block block) {
        if (pending.stream().anyMatch(other -> other.name().equals(block.name()))) {
            throw JinjaException.syntax(
                    block.line(), "block %s defined twice", Repr.quote(block.name()));
        }
        pending.add(block);
        return (frame, out) -> blocks.get(block.name()).run(frame, out);
    }

    private Step load(Statement.Load load, Scope scope) {
        Eval template = expressions.compile(load.template(), scope);
        return (frame, _) -> {
            template.of(frame);
            throw JinjaException.type("%s: a chat template has nothing to load from", load.tag());
        };
    }
}
