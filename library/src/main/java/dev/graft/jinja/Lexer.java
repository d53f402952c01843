package dev.graft.jinja;

import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into tokens, with `trim_blocks` and `lstrip_blocks` on and the last newline
/// dropped, as Transformers sets them.
final class Lexer {
    private static final Pattern NEWLINE = Pattern.compile("\r\n|\r|\n");
    private static final String S =
            "[\\s\\x1c-\\x1f\\x85\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*";
    private static final Pattern RAW_BEGIN =
            Pattern.compile("\\{%([-+]?)" + S + "raw" + S + "(?:-%\\}" + S + "|%\\})");
    private static final Pattern RAW_END =
            Pattern.compile(
                    "\\{%([-+]?)" + S + "endraw" + S + "(?:\\+%\\}|-%\\}" + S + "|%\\}\n?)");
    private static final Pattern FLOAT =
            Pattern.compile(
                    "(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?[eE][+\\-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)");
    private static final Pattern INTEGER =
            Pattern.compile(
                    "0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\\d)*|0(?:_?0)*");
    private static final List<String> OPERATORS =
            List.of(
                    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(",
                    ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarts = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = NEWLINE.matcher(template).replaceAll("\n");
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        var lexer = new Lexer(source);
        lexer.root();
        lexer.tokens.add(new Token(lexer.line, Token.END, ""));
        return lexer.tokens;
    }

    private void root() {
        while (at < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                data(source.substring(at));
                at = source.length();
                return;
            }
            char kind = source.charAt(tag + 1);
            var raw = RAW_BEGIN.matcher(source).region(tag, source.length());
            if (kind == '%' && raw.lookingAt()) {
                before(tag, raw.group(1), true);
                advance(tag, raw.end());
                raw();
                continue;
            }
            String sign = signAt(tag + 2);
            before(tag, sign, kind != '{');
            advance(tag, tag + 2 + sign.length());
            switch (kind) {
                case '#' -> comment();
                case '%' -> code(Token.BLOCK_BEGIN, Token.BLOCK_END);
                default -> code(Token.VARIABLE_BEGIN, Token.VARIABLE_END);
            }
        }
    }

    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
            if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private String signAt(int index) {
        boolean signed = index < source.length() && "-+".indexOf(source.charAt(index)) >= 0;
        return signed ? source.substring(index, index + 1) : "";
    }

    /// The text before a tag, with the white space that the tag takes.
    private void before(int end, String sign, boolean stripsLine) {
        String text = source.substring(at, end);
        String kept = text;
        if (sign.equals("-")) {
            kept = Chars.stripEnd(text);
        } else if (stripsLine && !sign.equals("+")) {
            int begin = text.lastIndexOf('\n') + 1;
            if ((begin > 0 || lineStarts) && Chars.skipSpace(text, begin) == text.length()) {
                kept = text.substring(0, begin);
            }
        }
        data(kept);
        count(text);
        at = end;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(line, Token.DATA, text));
        }
    }

    private void advance(int from, int to) {
        count(source.substring(from, to));
        lineStarts = to > from && source.charAt(to - 1) == '\n';
        at = to;
    }

    private void count(String passed) {
        for (int i = 0; i < passed.length(); i++) {
            if (passed.charAt(i) == '\n') {
                line++;
            }
        }
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw JinjaException.syntax(line, "Missing end of comment tag");
        }
        boolean strips = end > at && source.charAt(end - 1) == '-';
        boolean keeps = end > at && source.charAt(end - 1) == '+';
        advance(at, afterEnd(end + 2, strips, keeps));
    }

    /// The index after the white space that the end of a block or a comment takes.
    private int afterEnd(int end, boolean strips, boolean keeps) {
        if (strips) {
            return Chars.skipSpace(source, end);
        }
        boolean newline = !keeps && end < source.length() && source.charAt(end) == '\n';
        return newline ? end + 1 : end;
    }

    private void raw() {
        var end = RAW_END.matcher(source);
        if (!end.find(at)) {
            throw JinjaException.syntax(line, "Missing end of raw directive");
        }
        before(end.start(), end.group(1), true);
        advance(at, end.end());
    }

    private void code(String begin, String end) {
        tokens.add(new Token(line, begin, ""));
        boolean block = end.equals(Token.BLOCK_END);
        Deque<String> open = new ArrayDeque<>();
        while (at < source.length()) {
            if (open.isEmpty() && atEnd(block)) {
                tokens.add(new Token(line, end, ""));
                String sign = signAt(at);
                int after = at + sign.length() + 2;
                boolean keeps = !block || sign.equals("+");
                advance(at, afterEnd(after, sign.equals("-"), keeps));
                return;
            }
            token(open);
        }
    }

    private boolean atEnd(boolean block) {
        String close = block ? "%}" : "}}";
        return source.startsWith(close, at)
                || source.startsWith("-" + close, at)
                || (block && source.startsWith("+" + close, at));
    }

    private void token(Deque<String> open) {
        int start = at;
        char c = source.charAt(at);
        if (Chars.isSpace(c)) {
            advance(at, Chars.skipSpace(source, at));
            return;
        }
        Object value;
        String kind;
        Matcher number;
        if ((number = match(FLOAT)) != null) {
            kind = Token.FLOAT;
            value = Double.valueOf(number.group().replace("_", ""));
            at = number.end();
        } else if ((number = match(INTEGER)) != null) {
            kind = Token.INTEGER;
            value = integer(number.group().replace("_", ""));
            at = number.end();
        } else if (Chars.isWord(source.codePointAt(at))) {
            kind = Token.NAME;
            value = name();
        } else if (c == '\'' || c == '"') {
            kind = Token.STRING;
            value = Literals.unescape(quoted(c), line);
        } else {
            kind = operator(open);
            value = kind;
        }
        tokens.add(new Token(line, kind, value));
        advance(start, at);
    }

    private Matcher match(Pattern pattern) {
        char c = source.charAt(at);
        if (c < '0' || c > '9') {
            return null;
        }
        var matcher = pattern.matcher(source).region(at, source.length());
        matcher.useTransparentBounds(true);
        return matcher.lookingAt() ? matcher : null;
    }

    private static Object integer(String digits) {
        String low = digits.toLowerCase(java.util.Locale.ROOT);
        int base =
                low.startsWith("0x")
                        ? 16
                        : low.startsWith("0o") ? 8 : low.startsWith("0b") ? 2 : 10;
        return Numbers.exact(new BigInteger(base == 10 ? low : low.substring(2), base));
    }

    private String name() {
        int end = at;
        while (end < source.length() && Chars.isWord(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        String name = source.substring(at, end);
        int first = name.codePointAt(0);
        if (!Character.isUnicodeIdentifierStart(first) && first != '_') {
            throw JinjaException.syntax(line, "Invalid character in identifier");
        }
        at = end;
        return name;
    }

    private String quoted(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw unexpected();
        }
        String text = source.substring(at + 1, end);
        at = end + 1;
        return text;
    }

    private JinjaException unexpected() {
        return JinjaException.syntax(
                line, "unexpected char %s", Repr.quote(Character.toString(source.codePointAt(at))));
    }

    private String operator(Deque<String> open) {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                balance(operator, open);
                at += operator.length();
                return operator;
            }
        }
        throw unexpected();
    }

    private void balance(String operator, Deque<String> open) {
        switch (operator) {
            case "{" -> open.push("}");
            case "(" -> open.push(")");
            case "[" -> open.push("]");
            case "}", ")", "]" -> {
                if (open.isEmpty()) {
                    throw JinjaException.syntax(line, "unexpected '%s'", operator);
                }
                String expected = open.pop();
                if (!expected.equals(operator)) {
                    throw JinjaException.syntax(
                            line, "unexpected '%s', expected '%s'", operator, expected);
                }
            }
            default -> {}
        }
    }
}
