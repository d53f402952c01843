package dev.graft.jinja;

import java.util.List;

/// Finds the names of a scope; stops where another scope begins.
final class SymbolVisitor {
    private Symbols symbols;

    private SymbolVisitor(Symbols symbols) {
        this.symbols = symbols;
    }

    static void body(Symbols symbols, List<Statement> body) {
        new SymbolVisitor(symbols).statements(body);
    }

    static void read(Symbols symbols, Expression expression) {
        new SymbolVisitor(symbols).expression(expression);
    }

    static void macro(Symbols symbols, Statement.Macro macro) {
        macro.parameters().forEach(symbols::parameter);
        macro.defaults().forEach(value -> read(symbols, value));
        body(symbols, macro.body());
    }

    /// Names that a loop or a `with` gives to its body.
    static void parameters(Symbols symbols, Expression target) {
        for (String name : Names.targets(target)) {
            symbols.parameter(name);
        }
    }

    private void statements(List<Statement> body) {
        body.forEach(this::statement);
    }

    private void expression(Expression expression) {
        Names.loads(expression, symbols::load);
    }

    private void target(Expression target) {
        switch (target) {
            case Expression.Name(String name, int _) -> symbols.store(name);
            case Expression.NamespaceRef(String name, String _, int _) -> symbols.load(name);
            case Expression.TupleOf(var items, int _) -> items.forEach(this::target);
            default -> throw new IllegalStateException("not a target: " + target);
        }
    }

    private void statement(Statement statement) {
        switch (statement) {
            case Statement.Output output -> output.parts().forEach(this::expression);
            case Statement.For loop -> expression(loop.items());
            case Statement.If condition -> condition(condition);
            case Statement.Assign assign -> {
                expression(assign.value());
                target(assign.target());
            }
            case Statement.AssignBlock block -> target(block.target());
            case Statement.With with -> with.values().forEach(this::expression);
            case Statement.Macro macro -> symbols.store(macro.name());
            case Statement.CallBlock block -> expression(block.call());
            case Statement.FilterBlock block -> expression(block.filter());
            case Statement.Load load -> {
                expression(load.template());
                load.stores().forEach(symbols::store);
            }
            case Statement.Generation _,
                    Statement.AutoEscape _,
                    Statement.Block _,
                    Statement.Break _,
                    Statement.Continue _ -> {}
        }
    }

    private void condition(Statement.If condition) {
        expression(condition.test());
        Symbols before = symbols;
        Symbols then = branch(before, () -> statements(condition.body()));
        Symbols elifs = branch(before, () -> condition.elifs().forEach(this::condition));
        Symbols otherwise = branch(before, () -> statements(condition.otherwise()));
        before.join(List.of(then, elifs, otherwise));
    }

    private Symbols branch(Symbols before, Runnable visit) {
        Symbols copy = before.copy();
        symbols = copy;
        visit.run();
        symbols = before;
        return copy;
    }
}
