package dev.graft.jinja;

import java.util.List;

/// The tree of a template.
sealed interface Statement {
    int line();

    /// Text and expressions to print.
    record Output(List<Expression> parts, int line) implements Statement {}

    /// `for target in items if test recursive`, with an `else` for no turn at all.
    record For(
            Expression target,
            Expression items,
            Expression test,
            boolean recursive,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    /// `if` with its `elif` branches.
    record If(
            Expression test,
            List<Statement> body,
            List<If> elifs,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    /// `set target = value`.
    record Assign(Expression target, Expression value, int line) implements Statement {}

    /// `set target` ... `endset`; the filter is null or stands on an empty value.
    record AssignBlock(Expression target, Expression filter, List<Statement> body, int line)
            implements Statement {}

    /// `with`.
    record With(List<Expression> targets, List<Expression> values, List<Statement> body, int line)
            implements Statement {}

    /// A macro, or the anonymous one of a call block.
    ///
    /// @param name null for a call block
    /// @param defaults of the last parameters
    record Macro(
            String name,
            List<String> parameters,
            List<Expression> defaults,
            List<Statement> body,
            int line)
            implements Statement {}

    /// `call(...) function(...)`.
    record CallBlock(Expression.Call call, Macro body, int line) implements Statement {}

    /// `filter name` ... `endfilter`.
    record FilterBlock(Expression filter, List<Statement> body, int line) implements Statement {}

    /// `generation` ... `endgeneration`: what the assistant wrote.
    record Generation(Macro body, int line) implements Statement {}

    /// `autoescape true` ... `endautoescape`.
    record AutoEscape(boolean on, List<Statement> body, int line) implements Statement {}

    /// `block name`.
    record Block(String name, boolean scoped, List<Statement> body, int line)
            implements Statement {}

    /// `include`, `import`, `from`, `extends`: there is nothing to load from.
    ///
    /// @param stores the names that it would set
    record Load(String tag, Expression template, List<String> stores, int line)
            implements Statement {}

    /// `break`.
    record Break(int line) implements Statement {}

    /// `continue`.
    record Continue(int line) implements Statement {}
}
