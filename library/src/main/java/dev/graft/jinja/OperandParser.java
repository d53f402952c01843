package dev.graft.jinja;

import dev.graft.jinja.Expression.CallArguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Reads what operators stand between: literals, names, lists, calls, subscripts, filters, tests,
/// and the targets of assignments.
abstract class OperandParser extends TokenStream {
    private static final Set<String> CONSTANTS =
            Set.of("true", "false", "none", "True", "False", "None");

    OperandParser(List<Token> tokens) {
        super(tokens);
    }

    /// A whole expression.
    abstract Expression expression();

    /// A whole expression, with or without `if` and `else` in it.
    abstract Expression expression(boolean conditional);

    final Expression primary(boolean withNamespace) {
        Token token = current();
        return switch (token.kind()) {
            case Token.NAME -> {
                next();
                yield named(token, withNamespace);
            }
            case Token.STRING -> {
                var text = new StringBuilder();
                while (at(Token.STRING)) {
                    text.append(next().text());
                }
                yield new Expression.Const(text.toString(), token.line());
            }
            case Token.INTEGER, Token.FLOAT -> new Expression.Const(next().value(), token.line());
            case "(" -> {
                next();
                Expression inner = tuple(false, true, null, true, false);
                expect(")");
                yield inner;
            }
            case "[" -> list();
            case "{" -> dict();
            default -> throw fail("unexpected '%s'", token.described());
        };
    }

    private Expression named(Token token, boolean withNamespace) {
        String name = token.text();
        return switch (name) {
            case "true", "True" -> new Expression.Const(true, token.line());
            case "false", "False" -> new Expression.Const(false, token.line());
            case "none", "None" -> new Expression.Const(null, token.line());
            default -> {
                if (withNamespace && skip(".")) {
                    String attribute = expect(Token.NAME).text();
                    yield new Expression.NamespaceRef(name, attribute, token.line());
                }
                yield new Expression.Name(name, token.line());
            }
        };
    }

    /// An expression, or a tuple where there are commas.
    ///
    /// @param simplified names and literals only, for targets
    /// @param stop a name that ends the tuple, or null
    final Expression tuple(
            boolean simplified,
            boolean conditional,
            String stop,
            boolean parentheses,
            boolean withNamespace) {
        int line = current().line();
        List<Expression> items = new ArrayList<>();
        boolean isTuple = false;
        while (true) {
            if (!items.isEmpty()) {
                expect(",");
            }
            if (at(Token.VARIABLE_END)
                    || at(Token.BLOCK_END)
                    || at(")")
                    || (stop != null && atName(stop))) {
                break;
            }
            items.add(simplified ? primary(withNamespace) : expression(conditional));
            if (!at(",")) {
                break;
            }
            isTuple = true;
        }
        if (!isTuple) {
            if (!items.isEmpty()) {
                return items.getFirst();
            }
            if (!parentheses) {
                throw fail("Expected an expression, got '%s'", current().described());
            }
        }
        return new Expression.TupleOf(items, line);
    }

    final Expression tuple() {
        return tuple(false, true, null, false, false);
    }

    /// The target of an assignment or a loop.
    final Expression target(String stop, boolean withNamespace) {
        Expression target = tuple(true, true, stop, false, withNamespace);
        if (!assignable(target)) {
            throw JinjaException.syntax(target.line(), "can't assign to this expression");
        }
        return target;
    }

    private static boolean assignable(Expression target) {
        return switch (target) {
            case Expression.Name _, Expression.NamespaceRef _ -> true;
            case Expression.TupleOf(var items, var _) ->
                    items.stream().allMatch(OperandParser::assignable);
            default -> false;
        };
    }

    final String targetName() {
        Token token = expect(Token.NAME);
        if (CONSTANTS.contains(token.text())) {
            throw JinjaException.syntax(token.line(), "can't assign to 'name'");
        }
        return token.text();
    }

    private Expression list() {
        int line = next().line();
        List<Expression> items = new ArrayList<>();
        while (!at("]")) {
            if (!items.isEmpty()) {
                expect(",");
            }
            if (at("]")) {
                break;
            }
            items.add(expression());
        }
        expect("]");
        return new Expression.ListOf(items, line);
    }

    private Expression dict() {
        int line = next().line();
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!at("}")) {
            if (!keys.isEmpty()) {
                expect(",");
            }
            if (at("}")) {
                break;
            }
            keys.add(expression());
            expect(":");
            values.add(expression());
        }
        expect("}");
        return new Expression.DictOf(keys, values, line);
    }

    final Expression postfix(Expression node) {
        Expression result = node;
        while (true) {
            if (at(".") || at("[")) {
                result = subscript(result);
            } else if (at("(")) {
                result = call(result);
            } else {
                return result;
            }
        }
    }

    final Expression filters(Expression node) {
        Expression result = node;
        while (true) {
            if (at("|")) {
                result = filter(result, false);
            } else if (atName("is")) {
                result = test(result);
            } else if (at("(")) {
                result = call(result);
            } else {
                return result;
            }
        }
    }

    private Expression subscript(Expression node) {
        Token token = next();
        if (token.is(".")) {
            Token attribute = next();
            if (attribute.is(Token.NAME)) {
                return new Expression.Attribute(node, attribute.text(), token.line());
            }
            if (!attribute.is(Token.INTEGER)) {
                throw JinjaException.syntax(attribute.line(), "expected name or number");
            }
            var index = new Expression.Const(attribute.value(), attribute.line());
            return new Expression.Item(node, index, token.line());
        }
        List<Expression> keys = new ArrayList<>();
        while (!at("]")) {
            if (!keys.isEmpty()) {
                expect(",");
            }
            keys.add(subscribed());
        }
        expect("]");
        if (keys.size() == 1) {
            return new Expression.Item(node, keys.getFirst(), token.line());
        }
        if (keys.stream().anyMatch(Expression.Slice.class::isInstance)) {
            throw JinjaException.syntax(token.line(), "a slice among several keys");
        }
        var key = new Expression.TupleOf(keys, token.line());
        return new Expression.Item(node, key, token.line());
    }

    private Expression subscribed() {
        int line = current().line();
        Expression start = null;
        if (!at(":")) {
            start = expression();
            if (!at(":")) {
                return start;
            }
        }
        next();
        Expression stop = atBound() ? expression() : null;
        Expression step = skip(":") && atBound() ? expression() : null;
        return new Expression.Slice(start, stop, step, line);
    }

    private boolean atBound() {
        return !at(":") && !at("]") && !at(",");
    }

    final Expression.Call call(Expression function) {
        int line = current().line();
        return new Expression.Call(function, arguments(), line);
    }

    private CallArguments arguments() {
        expect("(");
        List<Expression> positional = new ArrayList<>();
        List<String> names = new ArrayList<>();
        List<Expression> named = new ArrayList<>();
        Expression star = null;
        Expression starStar = null;
        boolean comma = false;
        while (!at(")")) {
            if (comma) {
                expect(",");
                if (at(")")) {
                    break;
                }
            }
            comma = true;
            if (at("*") && star == null && starStar == null) {
                next();
                star = expression();
            } else if (at("**") && starStar == null) {
                next();
                starStar = expression();
            } else if (at(Token.NAME) && look().is("=") && starStar == null) {
                names.add(next().text());
                next();
                named.add(expression());
            } else if (star == null && starStar == null && names.isEmpty()) {
                positional.add(expression());
            } else {
                throw fail("invalid syntax for function call expression");
            }
        }
        expect(")");
        if (names.stream().distinct().count() < names.size()) {
            throw fail("keyword argument repeated");
        }
        return new CallArguments(positional, names, named, star, starStar);
    }

    /// One filter and those that follow it.
    ///
    /// @param started the name stands here, without its `|`
    final Expression filter(Expression value, boolean started) {
        Expression result = value;
        boolean first = started;
        while (first || at("|")) {
            if (!first) {
                next();
            }
            first = false;
            int line = current().line();
            String name = dotted();
            CallArguments arguments = at("(") ? arguments() : CallArguments.NONE;
            result = new Expression.Filter(result, name, arguments, line);
        }
        return result;
    }

    private String dotted() {
        var name = new StringBuilder(expect(Token.NAME).text());
        while (skip(".")) {
            name.append('.').append(expect(Token.NAME).text());
        }
        return name.toString();
    }

    private Expression test(Expression value) {
        int line = next().line();
        boolean negated = skipName("not");
        String name = dotted();
        CallArguments arguments = CallArguments.NONE;
        if (at("(")) {
            arguments = arguments();
        } else if (atTestArgument()) {
            if (atName("is")) {
                throw fail("You cannot chain multiple tests with is");
            }
            Expression argument = postfix(primary(false));
            arguments = new CallArguments(List.of(argument), List.of(), List.of(), null, null);
        }
        Expression result = new Expression.Test(value, name, arguments, line);
        return negated ? new Expression.Unary("not", result, line) : result;
    }

    private boolean atTestArgument() {
        return switch (current().kind()) {
            case Token.NAME -> !atName("else") && !atName("or") && !atName("and");
            case Token.STRING, Token.INTEGER, Token.FLOAT, "[", "{" -> true;
            default -> false;
        };
    }
}
