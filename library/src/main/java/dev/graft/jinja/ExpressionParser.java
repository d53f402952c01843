package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Reads expressions, with the precedences of Jinja2 (`**` binds to the left, and below a sign).
class ExpressionParser extends OperandParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    ExpressionParser(List<Token> tokens) {
        super(tokens);
    }

    @Override
    final Expression expression() {
        enter();
        int line = current().line();
        Expression value = or();
        while (skipName("if")) {
            Expression test = or();
            Expression otherwise = skipName("else") ? expression() : null;
            value = new Expression.Conditional(test, value, otherwise, line);
            line = current().line();
        }
        leave();
        return value;
    }

    @Override
    final Expression expression(boolean conditional) {
        return conditional ? expression() : or();
    }

    private Expression or() {
        Expression left = and();
        while (atName("or")) {
            int line = next().line();
            left = new Expression.Binary("or", left, and(), line);
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (atName("and")) {
            int line = next().line();
            left = new Expression.Binary("and", left, not(), line);
        }
        return left;
    }

    private Expression not() {
        if (!atName("not")) {
            return compare();
        }
        enter();
        int line = next().line();
        var result = new Expression.Unary("not", not(), line);
        leave();
        return result;
    }

    private Expression compare() {
        int line = current().line();
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> rest = new ArrayList<>();
        while (true) {
            if (COMPARISONS.contains(current().kind())) {
                operators.add(next().kind());
            } else if (skipName("in")) {
                operators.add("in");
            } else if (atName("not") && look().isName("in")) {
                next();
                next();
                operators.add("not in");
            } else {
                break;
            }
            rest.add(sum());
        }
        return rest.isEmpty() ? first : new Expression.Compare(first, operators, rest, line);
    }

    private Expression sum() {
        Expression left = concat();
        while (at("+") || at("-")) {
            Token operator = next();
            left = new Expression.Binary(operator.kind(), left, concat(), operator.line());
        }
        return left;
    }

    private Expression concat() {
        int line = current().line();
        List<Expression> parts = new ArrayList<>();
        parts.add(product());
        while (skip("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.getFirst() : new Expression.Concat(parts, line);
    }

    private Expression product() {
        Expression left = power();
        while (at("*") || at("/") || at("//") || at("%")) {
            Token operator = next();
            left = new Expression.Binary(operator.kind(), left, power(), operator.line());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (at("**")) {
            int line = next().line();
            left = new Expression.Binary("**", left, unary(true), line);
        }
        return left;
    }

    private Expression unary(boolean withFilter) {
        enter();
        Expression node;
        if (at("-") || at("+")) {
            Token sign = next();
            node = new Expression.Unary(sign.kind(), unary(false), sign.line());
        } else {
            node = primary(false);
        }
        node = postfix(node);
        node = withFilter ? filters(node) : node;
        leave();
        return node;
    }
}
