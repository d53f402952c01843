package dev.graft.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Which names a piece of a template mentions, through all scopes.
final class Names {
    private final Set<String> wanted;
    private final Set<String> undeclared = new HashSet<>();
    private final Set<String> stored = new HashSet<>();

    private Names(Set<String> wanted) {
        this.wanted = new HashSet<>(wanted);
    }

    /// Those of the wanted names that the body reads before it sets them.
    static Set<String> undeclared(List<Statement> body, String... wanted) {
        var names = new Names(Set.of(wanted));
        names.statements(body);
        return names.undeclared;
    }

    /// Whether a loop assigns to this name anywhere.
    static boolean stores(Statement.For loop, String name) {
        var names = new Names(Set.of());
        names.statement(loop);
        return names.stored.contains(name);
    }

    /// The names of a target of an assignment.
    static List<String> targets(Expression target) {
        return switch (target) {
            case Expression.Name(String name, int _) -> List.of(name);
            case Expression.TupleOf(var items, int _) ->
                    items.stream().flatMap(item -> targets(item).stream()).toList();
            default -> List.of();
        };
    }

    /// Every name that an expression reads.
    static void loads(Expression expression, Consumer<String> found) {
        switch (expression) {
            case null -> {}
            case Expression.Name(String name, int _) -> found.accept(name);
            case Expression.NamespaceRef(String name, String _, int _) -> found.accept(name);
            default -> children(expression).forEach(child -> loads(child, found));
        }
    }

    private static List<Expression> children(Expression expression) {
        List<Expression> children = new ArrayList<>();
        switch (expression) {
            case Expression.Data _,
                    Expression.Const _,
                    Expression.Name _,
                    Expression.NamespaceRef _ -> {}
            case Expression.TupleOf(var items, int _) -> children.addAll(items);
            case Expression.ListOf(var items, int _) -> children.addAll(items);
            case Expression.Concat(var parts, int _) -> children.addAll(parts);
            case Expression.DictOf(var keys, var values, int _) -> {
                children.addAll(keys);
                children.addAll(values);
            }
            case Expression.Unary unary -> children.add(unary.operand());
            case Expression.Binary binary -> {
                children.add(binary.left());
                children.add(binary.right());
            }
            case Expression.Compare compare -> {
                children.add(compare.first());
                children.addAll(compare.rest());
            }
            case Expression.Conditional conditional -> {
                children.add(conditional.test());
                children.add(conditional.then());
                children.add(conditional.otherwise());
            }
            case Expression.Attribute attribute -> children.add(attribute.object());
            case Expression.Item item -> {
                children.add(item.object());
                children.add(item.key());
            }
            case Expression.Slice slice -> {
                children.add(slice.start());
                children.add(slice.stop());
                children.add(slice.step());
            }
            case Expression.Call call -> called(children, call.function(), call.arguments());
            case Expression.Filter filter -> called(children, filter.value(), filter.arguments());
            case Expression.Test test -> called(children, test.value(), test.arguments());
        }
        return children;
    }

    private static void called(
            List<Expression> children, Expression first, Expression.CallArguments arguments) {
        children.add(first);
        children.addAll(arguments.positional());
        children.addAll(arguments.named());
        children.add(arguments.star());
        children.add(arguments.starStar());
    }

    private void statements(List<Statement> body) {
        body.forEach(this::statement);
    }

    private void read(Expression expression) {
        loads(
                expression,
                name -> {
                    if (wanted.contains(name)) {
                        undeclared.add(name);
                    }
                });
    }

    private void write(String name) {
        stored.add(name);
        wanted.remove(name);
    }

    private void write(Expression target) {
        targets(target).forEach(this::write);
    }

    private void statement(Statement statement) {
        switch (statement) {
            case Statement.Output output -> output.parts().forEach(this::read);
            case Statement.For loop -> {
                write(loop.target());
                read(loop.items());
                statements(loop.body());
                statements(loop.otherwise());
                read(loop.test());
            }
            case Statement.If condition -> {
                read(condition.test());
                statements(condition.body());
                condition.elifs().forEach(this::statement);
                statements(condition.otherwise());
            }
            case Statement.Assign assign -> {
                write(assign.target());
                read(assign.value());
            }
            case Statement.AssignBlock block -> {
                write(block.target());
                read(block.filter());
                statements(block.body());
            }
            case Statement.With with -> {
                with.targets().forEach(this::write);
                with.values().forEach(this::read);
                statements(with.body());
            }
            case Statement.Macro macro -> macro(macro);
            case Statement.CallBlock block -> {
                read(block.call());
                macro(block.body());
            }
            case Statement.FilterBlock block -> {
                statements(block.body());
                read(block.filter());
            }
            case Statement.Generation generation -> macro(generation.body());
            case Statement.AutoEscape escape -> statements(escape.body());
            case Statement.Load load -> read(load.template());
            case Statement.Block _, Statement.Break _, Statement.Continue _ -> {}
        }
    }

    private void macro(Statement.Macro macro) {
        macro.parameters().forEach(this::write);
        macro.defaults().forEach(this::read);
        statements(macro.body());
    }
}
