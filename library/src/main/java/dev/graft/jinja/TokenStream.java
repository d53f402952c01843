package dev.graft.jinja;

import java.util.List;

/// The tokens of a template with a place in them.
class TokenStream {
    /// How deep expressions and statements may be nested.
    private static final int DEPTH = 150;

    private final List<Token> tokens;
    private int at;
    private int depth;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    final Token current() {
        return tokens.get(at);
    }

    final Token look() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    /// The current token, and one step on.
    final Token next() {
        Token token = tokens.get(at);
        if (at + 1 < tokens.size()) {
            at++;
        }
        return token;
    }

    final boolean at(String kind) {
        return current().is(kind);
    }

    final boolean atName(String name) {
        return current().isName(name);
    }

    final boolean skip(String kind) {
        boolean found = at(kind);
        if (found) {
            next();
        }
        return found;
    }

    final boolean skipName(String name) {
        boolean found = atName(name);
        if (found) {
            next();
        }
        return found;
    }

    final Token expect(String kind) {
        if (!at(kind)) {
            throw expected(kind);
        }
        return next();
    }

    final Token expectName(String name) {
        if (!atName(name)) {
            throw expected(name);
        }
        return next();
    }

    private JinjaException expected(String what) {
        if (at(Token.END)) {
            return fail("unexpected end of template, expected '%s'.", what);
        }
        return fail("expected token '%s', got '%s'", what, current().described());
    }

    final JinjaException fail(String format, Object... arguments) {
        return JinjaException.syntax(current().line(), format, arguments);
    }

    final void enter() {
        if (++depth > DEPTH) {
            throw JinjaException.limit("more than %d levels of nesting", DEPTH);
        }
    }

    final void leave() {
        depth--;
    }
}
