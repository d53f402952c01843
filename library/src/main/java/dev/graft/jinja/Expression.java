package dev.graft.jinja;

import java.util.List;

/// The tree of an expression.
sealed interface Expression {
    int line();

    /// Text of the template itself, a part of an output.
    record Data(String text, int line) implements Expression {}

    /// A literal.
    record Const(Object value, int line) implements Expression {}

    /// A variable, read or assigned to.
    record Name(String name, int line) implements Expression {}

    /// `namespace.attribute` as the target of an assignment.
    record NamespaceRef(String name, String attribute, int line) implements Expression {}

    /// A tuple, also of targets.
    record TupleOf(List<Expression> items, int line) implements Expression {}

    /// A list.
    record ListOf(List<Expression> items, int line) implements Expression {}

    /// A dict: keys and values side by side.
    record DictOf(List<Expression> keys, List<Expression> values, int line) implements Expression {}

    /// `-x`, `+x`, `not x`.
    record Unary(String operator, Expression operand, int line) implements Expression {}

    /// Arithmetic, and `and` and `or`, which evaluate their right side only when it matters.
    record Binary(String operator, Expression left, Expression right, int line)
            implements Expression {}

    /// `a ~ b ~ c`.
    record Concat(List<Expression> parts, int line) implements Expression {}

    /// `a < b < c`: operators and what stands to their right.
    record Compare(Expression first, List<String> operators, List<Expression> rest, int line)
            implements Expression {}

    /// `then if test else otherwise`; without `else` it is null.
    record Conditional(Expression test, Expression then, Expression otherwise, int line)
            implements Expression {}

    /// `object.name`.
    record Attribute(Expression object, String name, int line) implements Expression {}

    /// `object[key]`.
    record Item(Expression object, Expression key, int line) implements Expression {}

    /// `start:stop:step` between brackets, each of them possibly null.
    record Slice(Expression start, Expression stop, Expression step, int line)
            implements Expression {}

    /// A call.
    record Call(Expression function, CallArguments arguments, int line) implements Expression {}

    /// `value | name(...)`; the value of a filter block is null.
    record Filter(Expression value, String name, CallArguments arguments, int line)
            implements Expression {}

    /// `value is name(...)`.
    record Test(Expression value, String name, CallArguments arguments, int line)
            implements Expression {}

    /// What stands between the parentheses of a call.
    ///
    /// @param names of the keyword arguments, whose values are `named`
    /// @param star after `*`, or null
    /// @param starStar after `**`, or null
    record CallArguments(
            List<Expression> positional,
            List<String> names,
            List<Expression> named,
            Expression star,
            Expression starStar) {
        static final CallArguments NONE =
                new CallArguments(List.of(), List.of(), List.of(), null, null);
    }
}
