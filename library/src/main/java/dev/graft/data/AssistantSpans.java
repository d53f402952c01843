package dev.graft.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where in a rendered conversation the assistant speaks: by position, for any template.
///
/// A message is rendered once more with other words in its place; where the two texts differ is
/// what the message put there, whatever the template does to it (trims it, leaves reasoning of
/// earlier turns out). The end token that follows belongs to it: what a template writes after an
/// answer and before the next turn.
public final class AssistantSpans {
    /// Words that no template and no person writes.
    private static final String OTHER = "\uE0F3 other words \uE0F4";

    /// What special tokens look like; a template for a base model may use marks that its tokenizer
    /// does not know.
    private static final Pattern LOOKS_SPECIAL =
            Pattern.compile(
                    "</?[^<>\\s]{1,60}>|<\uFF5C[^<>]{1,60}\uFF5C>|\\[/?[A-Z_]{2,40}]"
                            + "|\\[\\|[^\\[\\]|]{1,40}\\|]|\\[e~\\[");

    private final ChatRenderer template;
    private final Conversation chat;
    private final Set<String> special;
    private final String eos;
    private final String text;

    /// A part of the text in UTF-16 units.
    public record Span(int from, int to) {
        boolean isEmpty() {
            return from >= to;
        }
    }

    /// Renders the conversation once.
    ///
    /// @param special the special tokens, or empty where there is no tokenizer
    public AssistantSpans(ChatRenderer template, Conversation chat, Set<String> special) {
        this(template, chat, special, null);
    }

    /// Renders the conversation once.
    ///
    /// @param eos the token that ends a text, or null: where it ends a turn together with other
    ///     marks, all of them are trained
    public AssistantSpans(
            ChatRenderer template, Conversation chat, Set<String> special, String eos) {
        this.template = template;
        this.chat = chat;
        this.special = special;
        this.eos = eos;
        this.text = render(chat.messages());
    }

    /// The conversation as the model sees it.
    public String text() {
        return text;
    }

    /// What the assistant says after the prompt, end tokens included, in order.
    ///
    /// @param lastOnly only the last of these messages
    public List<Span> trained(boolean lastOnly) {
        var spans = new ArrayList<Span>();
        List<ObjectNode> messages = chat.messages();
        for (int i = chat.promptMessages(); i < messages.size(); i++) {
            if (messages.get(i).path("role").asText().equals("assistant")
                    && !chat.untrained().contains(i)) {
                if (lastOnly) {
                    spans.clear();
                }
                of(i).forEach(span -> add(spans, span));
            }
        }
        return spans;
    }

    /// What the messages of everyone put into the text, each without what the template puts around.
    Span content(int message) {
        return differing(text, render(replaced(chat.messages(), message)));
    }

    private static void add(List<Span> spans, Span span) {
        if (span.isEmpty()) {
            return;
        }
        boolean joins = !spans.isEmpty() && spans.getLast().to() >= span.from();
        int from = joins ? Math.min(spans.removeLast().from(), span.from()) : span.from();
        spans.add(new Span(from, span.to()));
    }

    private List<Span> of(int i) {
        List<ObjectNode> until = chat.messages().subList(0, i + 1);
        boolean last = i + 1 == chat.messages().size();
        String own = last ? text : render(until);
        String other = render(replaced(until, i));
        Span ownWords = uncut(own, differing(own, other));
        Span words = last ? ownWords : uncut(text, within(i, own, ownWords));
        int start = words.from();
        ObjectNode message = chat.messages().get(i);
        if (message.has("tool_calls")
                || message.has("reasoning_content")
                || message.has("thinking")) {
            words = new Span(Math.min(words.from(), generationStart(i, words.from())), words.to());
        }
        String tail = own.substring(ownWords.to());
        if (!last && holdsNext(i, words)) {
            String said = own.substring(ownWords.from(), ownWords.to());
            return apart(words, start, said, tail, message.path("content").asText());
        }
        return List.of(new Span(words.from(), words.to() + endToken(tail, words.to())));
    }

    /// Whether what the next one says stands among these words: some templates write the answers of
    /// tools into the turn of the assistant, or not at all without its calls.
    private boolean holdsNext(int i, Span words) {
        if (Set.of("user", "assistant")
                .contains(chat.messages().get(i + 1).path("role").asText())) {
            return false;
        }
        try {
            Span next = content(i + 1);
            return !next.isEmpty() && next.from() >= words.from() && next.to() <= words.to();
        } catch (ConfigException _) {
            return false; // refused by the template, which so far has written no such words
        }
    }

    /// The words of a message around those of others: as far as the text is what the template has
    /// where the conversation ends with the message, and its content where that comes behind.
    ///
    /// @param said the words where the conversation ends with them, and `tail` what follows there
    private List<Span> apart(Span words, int start, String said, String tail, String content) {
        int same = differing(said, text.substring(start)).from();
        int end = start + same;
        if (same == said.length()) {
            return List.of(new Span(words.from(), end + endToken(tail, end)));
        }
        String rest = content.strip();
        int behind = words.to() - rest.length();
        if (rest.isEmpty() || behind < end || !text.startsWith(rest, behind)) {
            return List.of(new Span(words.from(), end));
        }
        int close = endToken(tail, words.to());
        return List.of(new Span(words.from(), end), new Span(behind, words.to() + close));
    }

    /// The length of white space and end token after a message's words.
    ///
    /// @param tail what the template writes after the words where the conversation ends there
    private int endToken(String tail, int wordsEnd) {
        int own = special(tail, 0);
        int all = throughEos(tail, own);
        if (all > own && text.startsWith(tail.substring(0, all), wordsEnd)) {
            return all;
        }
        if (own > 0 && text.startsWith(tail.substring(0, own), wordsEnd)) {
            return own;
        }
        // The last turn ends otherwise than this one. What follows is its end if another mark
        // comes at once: that one begins the next turn.
        int here = special(text, wordsEnd);
        boolean ends = here > 0 && (isBlank(wordsEnd + here) || special(text, wordsEnd + here) > 0);
        return ends ? here : 0;
    }

    /// Up to where EOS ends, where it follows the end token without white space between: some
    /// templates close the answer with one mark and the turn with another.
    private int throughEos(String tail, int own) {
        int at = own == 0 || eos == null ? -1 : tail.indexOf(eos, own);
        boolean closed = at < 0 || tail.substring(0, own).contains(eos);
        boolean apart = closed || tail.substring(own, at).chars().anyMatch(Character::isWhitespace);
        return apart ? own : at + eos.length();
    }

    private boolean isBlank(int from) {
        return text.substring(from).isBlank();
    }

    /// The place of a message's words in the whole text.
    private Span within(int i, String own, Span words) {
        try {
            return content(i);
        } catch (ConfigException e) {
            // A template may refuse words where it wants the call that the next message answers.
            if (text.startsWith(own.substring(0, words.to()))) {
                return words;
            }
            throw e;
        }
    }

    /// Where generation of this message begins: a call and reasoning are written by the model from
    /// there on, marks and all.
    private int generationStart(int i, int otherwise) {
        String prompt =
                template.render(chat.messages().subList(0, i), chat.tools(), true, chat.options());
        return text.startsWith(prompt) ? prompt.length() : otherwise;
    }

    private String render(List<ObjectNode> messages) {
        return template.render(messages, chat.tools(), false, chat.options());
    }

    private static List<ObjectNode> replaced(List<ObjectNode> messages, int index) {
        var other = new ArrayList<>(messages);
        ObjectNode message = messages.get(index);
        String role = message.path("role").asText();
        // the name of a tool and the id of its call stay; calls and reasoning are words
        other.set(
                index,
                role.equals("assistant")
                        ? Messages.message(role, OTHER)
                        : message.deepCopy().put("content", OTHER));
        return other;
    }

    /// Whether a message holds the other words.
    static boolean isOther(ObjectNode message) {
        return message.path("content").asText().equals(OTHER);
    }

    /// The part of `a` between what both texts begin and end with.
    private static Span differing(String a, String b) {
        int least = Math.min(a.length(), b.length());
        int from = 0;
        while (from < least && a.charAt(from) == b.charAt(from)) {
            from++;
        }
        int same = 0;
        while (same < least - from
                && a.charAt(a.length() - 1 - same) == b.charAt(b.length() - 1 - same)) {
            same++;
        }
        return new Span(from, a.length() - same);
    }

    /// Without half a special token at the end: two marks may end alike, such as that of a call and
    /// that of other words.
    private Span uncut(String in, Span span) {
        for (int at = Math.max(span.from(), span.to() - 62); at < span.to(); at++) {
            int end = at + mark(in, at);
            if (end > span.to()) {
                return new Span(span.from(), end);
            }
        }
        return span;
    }

    /// The length of white space and the special token after it, if that is what comes there.
    private int special(String in, int from) {
        int start = from;
        while (start < in.length() && Character.isWhitespace(in.charAt(start))) {
            start++;
        }
        int length = mark(in, start);
        return length == 0 ? 0 : start - from + length;
    }

    /// The length of the special token at a place, or nothing.
    private int mark(String in, int at) {
        Matcher looks = LOOKS_SPECIAL.matcher(in).region(at, in.length());
        return special.stream()
                .filter(token -> in.startsWith(token, at))
                .mapToInt(String::length)
                .max()
                .orElse(looks.lookingAt() ? looks.end() - at : 0);
    }
}
