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
                add(spans, of(i));
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

    private Span of(int i) {
        List<ObjectNode> until = chat.messages().subList(0, i + 1);
        boolean last = i + 1 == chat.messages().size();
        String own = last ? text : render(until);
        String other = render(replaced(until, i));
        Span ownWords = differing(own, other);
        Span words = last ? ownWords : within(i, own, ownWords);
        ObjectNode message = chat.messages().get(i);
        if (message.has("tool_calls")
                || message.has("reasoning_content")
                || message.has("thinking")) {
            words = new Span(Math.min(words.from(), generationStart(i, words.from())), words.to());
        }
        int end = words.to() + endToken(own.substring(ownWords.to()), words.to());
        return new Span(words.from(), end);
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
        other.set(index, Messages.message(messages.get(index).path("role").asText(), OTHER));
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

    /// The length of white space and the special token after it, if that is what comes there.
    private int special(String in, int from) {
        int start = from;
        while (start < in.length() && Character.isWhitespace(in.charAt(start))) {
            start++;
        }
        Matcher looks = LOOKS_SPECIAL.matcher(in).region(start, in.length());
        int begin = start;
        int longest =
                special.stream()
                        .filter(token -> in.startsWith(token, begin))
                        .mapToInt(String::length)
                        .max()
                        .orElse(looks.lookingAt() ? looks.end() - begin : 0);
        return longest == 0 ? 0 : begin - from + longest;
    }
}
