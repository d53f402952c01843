package dev.graft.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// The filter `urlize`: addresses in a text as HTML links.
final class Urlize {
    private static final Pattern ADDRESS =
            Pattern.compile(
                    "(?iU)^((https?://|www\\.)(([\\w%-]+\\.)+)?([a-z]{2,63}|xn--[\\w%]{2,59})"
                            + "|([\\w%-]{2,63}\\.)+(com|net|int|edu|gov|org|info|mil)"
                            + "|(https?://)((([\\d]{1,3})(\\.[\\d]{1,3}){3})"
                            + "|(\\[([\\da-f]{0,4}:){2}([\\da-f]{0,4}:?){1,6}])))"
                            + "(?::[\\d]{1,5})?(?:[/?#]\\S*)?$");
    private static final Pattern MAIL = Pattern.compile("(?U)^\\S+@\\w[\\w.-]*\\.\\w+$");
    private static final Pattern HEAD = Pattern.compile("^([(<]|&lt;)+");
    private static final Pattern TAIL = Pattern.compile("([)>.,\n]|&gt;)+$");
    private static final Pattern SCHEME = Pattern.compile("(?U)[\\w.+-]{2,}:/{0,2}");
    private static final Pattern PIECE = Pattern.compile("(?U)\\s+|\\S+");

    private final long limit;
    private final String attributes;
    private final List<String> schemes;

    private Urlize(long limit, String attributes, List<String> schemes) {
        this.limit = limit;
        this.attributes = attributes;
        this.schemes = schemes;
    }

    /// @param a the text, `trim_url_limit`, `nofollow`, `target`, `rel`, `extra_schemes`
    static Object filter(Run run, Object[] a) {
        long limit = Frame.missing(a[1]) || a[1] == null ? Long.MAX_VALUE : Numbers.index(a[1]);
        var rel = new TreeSet<>(Split.words(text(a[4]), -1, false));
        if (Filters.flag(a[2])) {
            rel.add("nofollow");
        }
        rel.add("noopener");
        String target = text(a[3]);
        String attributes =
                " rel=\""
                        + Markup.escape(String.join(" ", rel)).text()
                        + "\""
                        + (target.isEmpty()
                                ? ""
                                : " target=\"" + Markup.escape(target).text() + "\"");
        List<String> schemes = new ArrayList<>();
        if (!Frame.missing(a[5]) && a[5] != null) {
            Sequences.iterate(a[5]).forEachRemaining(one -> schemes.add(Texts.of(one)));
        }
        for (String scheme : schemes) {
            if (!SCHEME.matcher(scheme).matches()) {
                throw JinjaException.runtime(
                        "%s is not a valid URI scheme prefix.", Repr.quote(scheme));
            }
        }
        var urlize = new Urlize(limit, attributes, schemes);
        var out = new StringBuilder();
        var piece = PIECE.matcher(Markup.escape(a[0]).text());
        while (piece.find()) {
            run.append(out, urlize.word(piece.group()));
        }
        return run.escapes ? new Markup(out.toString()) : out.toString();
    }

    private static String text(Object value) {
        return Frame.missing(value) || value == null ? "" : Texts.of(value);
    }

    private String word(String word) {
        String middle = word;
        String head = "";
        String tail = "";
        var begin = HEAD.matcher(middle);
        if (begin.find()) {
            head = begin.group();
            middle = middle.substring(begin.end());
        }
        var end = TAIL.matcher(middle);
        if (end.find()) {
            tail = end.group();
            middle = middle.substring(0, end.start());
        }
        for (String[] pair : new String[][] {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}) {
            int opened = count(middle, pair[0]);
            if (opened <= count(middle, pair[1])) {
                continue;
            }
            for (int i = Math.min(opened, count(tail, pair[1])); i > 0; i--) {
                int close = tail.indexOf(pair[1]) + pair[1].length();
                middle += tail.substring(0, close);
                tail = tail.substring(close);
            }
        }
        return head + link(middle) + tail;
    }

    private static int count(String text, String sub) {
        return Split.at(text, sub, -1, false).size() - 1;
    }

    private String link(String word) {
        if (ADDRESS.matcher(word).find()) {
            boolean complete = word.startsWith("https://") || word.startsWith("http://");
            return anchor((complete ? "" : "https://") + word, attributes, shown(word));
        }
        if (word.startsWith("mailto:") && MAIL.matcher(word.substring(7)).find()) {
            return anchor(word, "", word.substring(7));
        }
        if (word.contains("@")
                && !word.startsWith("www.")
                && !word.startsWith("@")
                && !word.contains(":")
                && MAIL.matcher(word).find()) {
            return anchor("mailto:" + word, "", word);
        }
        String result = word;
        for (String scheme : schemes) {
            if (!result.equals(scheme) && result.startsWith(scheme)) {
                result = anchor(result, attributes, result);
            }
        }
        return result;
    }

    private static String anchor(String address, String attributes, String shown) {
        return "<a href=\"" + address + "\"" + attributes + ">" + shown + "</a>";
    }

    private String shown(String address) {
        return Chars.length(address) > limit
                ? address.substring(0, address.offsetByCodePoints(0, (int) limit)) + "..."
                : address;
    }
}
