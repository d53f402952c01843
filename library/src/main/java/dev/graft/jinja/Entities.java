package dev.graft.jinja;

import java.util.Map;
import java.util.regex.Pattern;

/// The filter `striptags`: HTML without its tags, with its common entities as characters.
final class Entities {
    private static final Pattern ENTITY =
            Pattern.compile("&(?:#(\\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]+));?");
    private static final Map<String, String> NAMED =
            Map.ofEntries(
                    Map.entry("amp", "&"),
                    Map.entry("lt", "<"),
                    Map.entry("gt", ">"),
                    Map.entry("quot", "\""),
                    Map.entry("apos", "'"),
                    Map.entry("nbsp", "\u00a0"),
                    Map.entry("copy", "\u00a9"),
                    Map.entry("reg", "\u00ae"),
                    Map.entry("laquo", "\u00ab"),
                    Map.entry("raquo", "\u00bb"),
                    Map.entry("middot", "\u00b7"),
                    Map.entry("ndash", "\u2013"),
                    Map.entry("mdash", "\u2014"),
                    Map.entry("lsquo", "\u2018"),
                    Map.entry("rsquo", "\u2019"),
                    Map.entry("ldquo", "\u201c"),
                    Map.entry("rdquo", "\u201d"),
                    Map.entry("bull", "\u2022"),
                    Map.entry("hellip", "\u2026"),
                    Map.entry("euro", "\u20ac"),
                    Map.entry("trade", "\u2122"));

    private Entities() {}

    static String stripTags(String html) {
        String text = without(without(html, "<!--", "-->"), "<", ">");
        return unescape(String.join(" ", Split.words(text, -1, false)));
    }

    private static String without(String text, String open, String close) {
        var out = new StringBuilder();
        int at = 0;
        for (int begin; (begin = text.indexOf(open, at)) >= 0; ) {
            int end = text.indexOf(close, begin + (open.length() > 1 ? 0 : 1));
            if (end < 0) {
                break;
            }
            out.append(text, at, begin);
            at = end + close.length();
        }
        return out.append(text.substring(at)).toString();
    }

    private static String unescape(String text) {
        return ENTITY.matcher(text)
                .replaceAll(
                        match -> {
                            String named = match.group(3);
                            String character = named == null ? null : NAMED.get(named);
                            if (match.group(1) != null) {
                                character = character(Integer.parseInt(match.group(1)));
                            } else if (match.group(2) != null) {
                                character = character(Integer.parseInt(match.group(2), 16));
                            } else if (character == null) {
                                character = match.group();
                            }
                            return java.util.regex.Matcher.quoteReplacement(character);
                        });
    }

    private static String character(int code) {
        boolean wrong = code == 0 || code > Character.MAX_CODE_POINT || (code >> 11) == 0x1b;
        return wrong ? "\ufffd" : Character.toString(code);
    }
}
