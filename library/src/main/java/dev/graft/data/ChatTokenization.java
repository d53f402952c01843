package dev.graft.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.data.AssistantSpans.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How a conversation becomes one example: rendered by the chat template, tokenized as a whole, and
/// trained where the assistant speaks.
///
/// The template writes BOS and end tokens itself. What looks like a special token inside of a
/// message is text: nobody may end a turn from within.
public final class ChatTokenization {
    private final Tokenizer tokenizer;
    private final ChatRenderer template;
    private final LossPart loss;
    private final String eos; // null where the tokenizer has none

    /// Of a template that `Chats` renders.
    public ChatTokenization(Tokenizer tokenizer, ChatRenderer template, LossPart loss) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.loss = loss;
        var id = tokenizer.eosId();
        this.eos = id.isEmpty() ? null : tokenizer.decode(new int[] {id.getAsInt()}, false);
    }

    /// A conversation as text, tokens and marks.
    ///
    /// @param spans parts of the text that are trained
    public record Rendered(
            String text, List<Span> spans, Tokenizer.Encoding tokens, Example example) {}

    /// A text that ends where the assistant is to speak, and its ids: what generation starts
    /// from.
    @SuppressWarnings("ArrayRecordComponent")
    public record Prompt(String text, int[] ids) {}

    /// What generation of an answer starts from.
    public Prompt prompt(Conversation chat) {
        return prompt(
                chat, (messages, tools, _, more) -> template.render(messages, tools, true, more));
    }

    /// What generation goes on from, inside of the last message.
    ///
    /// @param field of that message in which the text ends, such as `content`
    /// @throws dev.graft.error.ConfigException where the template does not write the field
    public Prompt continuation(Conversation chat, String field) {
        return prompt(chat, OpenEnd.renderer(template, field));
    }

    private Prompt prompt(Conversation chat, ChatRenderer renderer) {
        var spans = spans(renderer, chat);
        int[] ids = tokenizer.encodeSpans(spans.text(), foreign(chat, spans)).ids();
        return new Prompt(spans.text(), ids);
    }

    private AssistantSpans spans(ChatRenderer renderer, Conversation chat) {
        return new AssistantSpans(renderer, chat, tokenizer.specialTokens(), eos);
    }

    /// The example of a conversation.
    ///
    /// @throws dev.graft.error.ConfigException where the template refuses it
    public Rendered rendered(Conversation chat) {
        var spans = spans(template, chat);
        String text = spans.text();
        List<Span> trained =
                loss == LossPart.ALL
                        ? List.of(new Span(0, text.length()))
                        : spans.trained(loss == LossPart.LAST_ANSWER);
        Tokenizer.Encoding tokens = tokenizer.encodeSpans(text, foreign(chat, spans));
        boolean[] marks = new boolean[tokens.ids().length];
        for (int i = 0; i < marks.length; i++) {
            marks[i] = overlaps(trained, tokens.starts()[i], tokens.ends()[i]);
        }
        return new Rendered(text, trained, tokens, ended(tokens.ids(), marks));
    }

    /// A template that ends an answer with nothing special leaves it to EOS to say that it is over.
    private Example ended(int[] ids, boolean[] marks) {
        int last = ids.length - 1;
        while (last >= 0 && !marks[last]) {
            last--;
        }
        var end = tokenizer.eosId();
        boolean ends =
                end.isEmpty()
                        || (last >= 0
                                && (tokenizer.isSpecial(ids[last]) || ids[last] == end.getAsInt()));
        if (last < 0 || ends) {
            return new Example(ids, marks);
        }
        int[] longer = Arrays.copyOf(ids, last + 2);
        boolean[] marked = Arrays.copyOf(marks, last + 2);
        longer[last + 1] = end.getAsInt();
        marked[last + 1] = true;
        return new Example(longer, marked);
    }

    private static boolean overlaps(List<Span> spans, int from, int to) {
        for (Span span : spans) {
            boolean empty = from == to;
            if ((from < span.to() && to > span.from()) || (empty && from == span.from())) {
                return true;
            }
        }
        return false;
    }

    /// The parts of the text that people wrote and that spell out a special token.
    private List<Span> foreign(Conversation chat, AssistantSpans spans) {
        var foreign = new ArrayList<Span>();
        for (int i = 0; i < chat.messages().size(); i++) {
            ObjectNode message = chat.messages().get(i);
            if (tokenizer.spellsSpecial(message.toString())) {
                foreign.add(spans.content(i));
            }
        }
        return foreign;
    }
}
