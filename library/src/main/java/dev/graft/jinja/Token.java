package dev.graft.jinja;

/// A piece of a template: its kind (an operator is its own kind) and its value.
///
/// @param value the text, or the number of a literal
record Token(int line, String kind, Object value) {
    static final String DATA = "data";
    static final String NAME = "name";
    static final String STRING = "string";
    static final String INTEGER = "integer";
    static final String FLOAT = "float";
    static final String VARIABLE_BEGIN = "begin of print statement";
    static final String VARIABLE_END = "end of print statement";
    static final String BLOCK_BEGIN = "begin of statement block";
    static final String BLOCK_END = "end of statement block";
    static final String END = "end of template";

    boolean is(String other) {
        return kind.equals(other);
    }

    boolean isName(String name) {
        return kind.equals(NAME) && value.equals(name);
    }

    String text() {
        return String.valueOf(value);
    }

    /// As an error message shows it.
    String described() {
        return kind.equals(NAME) ? text() : kind;
    }
}
