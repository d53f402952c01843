package dev.graft.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// Reads a template into its tree.
final class Parser extends ExpressionParser {
    private Parser(List<Token> tokens) {
        super(tokens);
    }

    static List<Statement> parse(String source) {
        var parser = new Parser(Lexer.tokens(source));
        return parser.statements(Set.of());
    }

    /// Statements up to a tag of this name, whose name is the current token then.
    private List<Statement> statements(Set<String> ends) {
        List<Statement> body = new ArrayList<>();
        List<Expression> parts = new ArrayList<>();
        while (!at(Token.END)) {
            Token token = next();
            if (token.is(Token.DATA)) {
                parts.add(new Expression.Data(token.text(), token.line()));
            } else if (token.is(Token.VARIABLE_BEGIN)) {
                parts.add(tuple());
                expect(Token.VARIABLE_END);
            } else {
                flush(parts, body);
                if (at(Token.NAME) && ends.contains(current().text())) {
                    return body;
                }
                body.add(statement());
                expect(Token.BLOCK_END);
            }
        }
        flush(parts, body);
        if (!ends.isEmpty()) {
            throw fail(
                    "Unexpected end of template. Jinja was looking for the following tags: %s.",
                    String.join(" or ", ends.stream().sorted().map(Repr::quote).toList()));
        }
        return body;
    }

    private static void flush(List<Expression> parts, List<Statement> body) {
        if (!parts.isEmpty()) {
            body.add(new Statement.Output(List.copyOf(parts), parts.getFirst().line()));
            parts.clear();
        }
    }

    /// The body of a tag whose own tokens have been read; the end tag's name is read too.
    private List<Statement> body(String... ends) {
        skip(":");
        expect(Token.BLOCK_END);
        return statements(Set.copyOf(Arrays.asList(ends)));
    }

    private List<Statement> closed(String end) {
        List<Statement> body = body(end);
        next();
        return body;
    }

    private Statement statement() {
        if (!at(Token.NAME)) {
            throw fail("tag name expected");
        }
        enter();
        Token tag = next();
        int line = tag.line();
        Statement statement =
                switch (tag.text()) {
                    case "for" -> loop(line);
                    case "if" -> condition(line);
                    case "set" -> assignment(line);
                    case "with" -> with(line);
                    case "macro" -> macro(line);
                    case "call" -> callBlock(line);
                    case "filter" ->
                            new Statement.FilterBlock(
                                    filter(null, true), closed("endfilter"), line);
                    case "generation" ->
                            new Statement.Generation(
                                    anonymous(List.of(), List.of(), closed("endgeneration"), line),
                                    line);
                    case "print" -> print(line);
                    case "autoescape" -> autoEscape(line);
                    case "block" -> block(line);
                    case "break" -> new Statement.Break(line);
                    case "continue" -> new Statement.Continue(line);
                    case "extends", "include", "import", "from" -> load(tag.text(), line);
                    default ->
                            throw JinjaException.syntax(
                                    line, "Encountered unknown tag '%s'.", tag.text());
                };
        leave();
        return statement;
    }

    private static Statement.Macro anonymous(
            List<String> parameters, List<Expression> defaults, List<Statement> body, int line) {
        return new Statement.Macro(null, parameters, defaults, body, line);
    }

    private Statement loop(int line) {
        Expression target = target("in", false);
        expectName("in");
        Expression items = tuple(false, false, "recursive", false, false);
        Expression test = skipName("if") ? expression() : null;
        boolean recursive = skipName("recursive");
        List<Statement> body = body("endfor", "else");
        List<Statement> otherwise = next().isName("endfor") ? List.of() : closed("endfor");
        return new Statement.For(target, items, test, recursive, body, otherwise, line);
    }

    private Statement condition(int line) {
        Expression test = tuple(false, false, null, false, false);
        List<Statement> body = body("elif", "else", "endif");
        List<Statement.If> elifs = new ArrayList<>();
        while (true) {
            Token end = next();
            if (end.isName("elif")) {
                Expression other = tuple(false, false, null, false, false);
                var branch = body("elif", "else", "endif");
                elifs.add(new Statement.If(other, branch, List.of(), List.of(), end.line()));
            } else {
                var otherwise = end.isName("else") ? closed("endif") : List.<Statement>of();
                return new Statement.If(test, body, elifs, otherwise, line);
            }
        }
    }

    private Statement assignment(int line) {
        Expression target = target(null, true);
        if (skip("=")) {
            return new Statement.Assign(target, tuple(), line);
        }
        Expression filter = filter(null, false);
        return new Statement.AssignBlock(target, filter, closed("endset"), line);
    }

    private Statement with(int line) {
        List<Expression> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!at(Token.BLOCK_END)) {
            if (!targets.isEmpty()) {
                expect(",");
            }
            targets.add(target(null, false));
            expect("=");
            values.add(expression());
        }
        return new Statement.With(targets, values, closed("endwith"), line);
    }

    private void signature(List<String> parameters, List<Expression> defaults) {
        expect("(");
        while (!at(")")) {
            if (!parameters.isEmpty()) {
                expect(",");
            }
            parameters.add(targetName());
            if (skip("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty()) {
                throw fail("non-default argument follows default argument");
            }
        }
        expect(")");
        if (parameters.stream().distinct().count() < parameters.size()) {
            throw fail("duplicate argument in the definition of a macro");
        }
    }

    private Statement macro(int line) {
        String name = targetName();
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        signature(parameters, defaults);
        return new Statement.Macro(name, parameters, defaults, closed("endmacro"), line);
    }

    private Statement callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (at("(")) {
            signature(parameters, defaults);
        }
        if (!(expression() instanceof Expression.Call call)) {
            throw JinjaException.syntax(line, "expected call");
        }
        var body = anonymous(parameters, defaults, closed("endcall"), line);
        return new Statement.CallBlock(call, body, line);
    }

    private Statement print(int line) {
        List<Expression> parts = new ArrayList<>();
        while (!at(Token.BLOCK_END)) {
            if (!parts.isEmpty()) {
                expect(",");
            }
            parts.add(expression());
        }
        return new Statement.Output(parts, line);
    }

    private Statement autoEscape(int line) {
        if (!(expression() instanceof Expression.Const(Object value, int _))) {
            throw JinjaException.syntax(line, "autoescape takes true or false");
        }
        return new Statement.AutoEscape(Truth.of(value), closed("endautoescape"), line);
    }

    private Statement block(int line) {
        String name = expect(Token.NAME).text();
        boolean scoped = skipName("scoped");
        skipName("required");
        List<Statement> body = closed("endblock");
        skipName(name);
        return new Statement.Block(name, scoped, body, line);
    }

    private Statement load(String tag, int line) {
        Expression template = expression();
        List<String> stores = new ArrayList<>();
        if (tag.equals("import")) {
            expectName("as");
            stores.add(targetName());
        } else if (tag.equals("from")) {
            expectName("import");
            do {
                String name = targetName();
                stores.add(skipName("as") ? targetName() : name);
            } while (skip(","));
        } else if (skipName("ignore")) {
            expectName("missing");
        }
        if ((atName("with") || atName("without")) && look().isName("context")) {
            next();
            next();
        }
        return new Statement.Load(tag, template, stores, line);
    }
}
