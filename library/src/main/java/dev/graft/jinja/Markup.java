package dev.graft.jinja;

/// A text that counts as safe HTML (filters `safe`, `escape`): what is joined to it is escaped.
record Markup(String text) {
    static Markup escape(Object value) {
        return value instanceof Markup markup ? markup : new Markup(escaped(Repr.str(value)));
    }

    private static String escaped(String text) {
        var out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&#34;");
                case '\'' -> out.append("&#39;");
                default -> out.append(c);
            }
        }
        return out.toString();
    }
}
