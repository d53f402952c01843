package dev.graft.data;

import dev.graft.error.ConfigException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How the segments of a text become examples: one BOS where the tokenizer begins with one, the
/// text, one EOS that is always trained.
///
/// What goes before a segment keeps its own ids, so those of a prompt are exactly the ids that
/// generation starts from; the segment's are what the text of both together adds to them. Where a
/// token would span the border (TRL warns then, and trains on other prompt ids than it generates
/// from), the segment is tokenized as if it followed a line break. So a border is a position, and
/// no tokenizer adds a space of its own there.
public final class Tokenization {
    private final Tokenizer tokenizer;
    private final int maxLength;
    private final boolean completionOnlyLoss;
    private final int eos;
    private final ChatTokenization chats;
    private final String chatIdentity;

    /// @param maxLength the longest example in tokens
    /// @param completionOnlyLoss whether a prompt, where there is one, is left untrained
    /// @throws ConfigException where the tokenizer has no EOS: a model that never sees one never
    ///     stops
    public Tokenization(Tokenizer tokenizer, int maxLength, boolean completionOnlyLoss) {
        this(tokenizer, maxLength, completionOnlyLoss, null, "none");
    }

    /// Of texts and, with a chat template, of conversations.
    ///
    /// @param ofTexts which part of a text is trained
    /// @param ofChats which part of a conversation is trained
    /// @param chats the chat template, or null where there is none
    /// @throws ConfigException as above
    public Tokenization(
            Tokenizer tokenizer, int maxLength, LossPart ofTexts, LossPart ofChats, Chats chats) {
        this(
                tokenizer,
                maxLength,
                ofTexts != LossPart.ALL,
                chats == null ? null : new ChatTokenization(tokenizer, chats, ofChats),
                chats == null ? "none" : chats.identity() + " " + ofChats);
    }

    private Tokenization(
            Tokenizer tokenizer,
            int maxLength,
            boolean completionOnlyLoss,
            ChatTokenization chats,
            String chatIdentity) {
        this.chats = chats;
        this.chatIdentity = chatIdentity;
        if (maxLength < 2) {
            throw new ConfigException(
                    "max_length: found %d, expected at least 2".formatted(maxLength));
        }
        this.tokenizer = tokenizer;
        this.maxLength = maxLength;
        this.completionOnlyLoss = completionOnlyLoss;
        this.eos =
                tokenizer
                        .eosId()
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "%s: found no end-of-sequence token, expected one to train on; name a token of the vocabulary as eos_token in the tokenizer_config.json beside it"
                                                        .formatted(tokenizer.file())));
    }

    /// The tokenizer at work.
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// What the tokens of a text depend on, besides the tokenizer's file.
    String identity() {
        return "max_length %d, completion_only_loss %s, bos %s, eos %d, stops %s, chat template %s"
                .formatted(
                        maxLength,
                        completionOnlyLoss,
                        tokenizer.addsBos() ? tokenizer.bosId() : "none",
                        eos,
                        Arrays.toString(tokenizer.stopIds()),
                        chatIdentity);
    }

    /// The ids that generation starts from, given a prompt: the same as those of training.
    public int[] prompt(String text) {
        return tokenizer.encodeBeginning(text);
    }

    /// The one sequence of the segments, however long it is; its EOS is trained.
    public Example sequence(List<Segment> segments) {
        var before = new StringBuilder();
        int[] ids = {};
        boolean[] trained = {};
        for (var segment : joined(segments)) {
            int[] more =
                    before.isEmpty() ? prompt(segment.text()) : following(before, ids, segment);
            int length = ids.length;
            ids = append(ids, more);
            trained = Arrays.copyOf(trained, ids.length);
            Arrays.fill(trained, length, ids.length, segment.trained());
            before.append(segment.text());
        }
        if (ids.length == 0 || ids[ids.length - 1] != eos || before.isEmpty()) {
            ids = append(ids, eos);
            trained = Arrays.copyOf(trained, ids.length);
        }
        trained[ids.length - 1] = true;
        return new Example(ids, trained);
    }

    /// What a row became: its examples, and the length of the sequence before it was cut.
    record Made(List<Example> examples, int wholeLength, boolean truncated) {
        /// Of a row that there is nothing to learn from.
        static final Made NOTHING = new Made(List.of(), 0, false);

        /// Of a row that is not what its format wants, and is left out.
        static final Made BAD = new Made(List.of(), -1, false);

        boolean isBad() {
            return wholeLength < 0;
        }
    }

    /// The examples of the segments: one, cut off at `max_length`; or, where the format has no
    /// prompt (a text, a corpus), as many consecutive windows of `max_length` as it takes.
    Made examples(List<Segment> segments) {
        var whole = sequence(segments);
        int length = whole.length();
        if (length <= maxLength) {
            return new Made(List.of(whole), length, false);
        }
        if (segments.stream().allMatch(Segment::trained)) {
            return new Made(windows(whole), length, false);
        }
        return new Made(List.of(slice(whole, 0, maxLength)), length, true);
    }

    /// The example of a conversation, cut off at `max_length`.
    ///
    /// @throws ConfigException where there is no chat template, or it refuses the messages
    Made examples(Row row, Conversation chat) {
        if (chats == null) {
            throw new ConfigException(
                    "%s: found a conversation, and the model has no chat template; name one with chat_template (chatml, llama3, …) or a .jinja file"
                            .formatted(row.place()));
        }
        Example whole;
        try {
            whole = chats.rendered(chat).example();
        } catch (ConfigException e) {
            throw new ConfigException(row.place() + ": " + e.getMessage(), e);
        }
        int length = whole.length();
        return length <= maxLength
                ? new Made(List.of(whole), length, false)
                : new Made(List.of(slice(whole, 0, maxLength)), length, true);
    }

    private List<Example> windows(Example whole) {
        var windows = new ArrayList<Example>();
        for (int from = 0; from < whole.length(); from += maxLength) {
            int to = Math.min(from + maxLength, whole.length());
            // A last token alone could not be trained; it takes the one before it along.
            windows.add(slice(whole, Math.min(from, to - 2), to));
        }
        return windows;
    }

    private static Example slice(Example whole, int from, int to) {
        return new Example(
                Arrays.copyOfRange(whole.ids(), from, to),
                Arrays.copyOfRange(whole.trained(), from, to));
    }

    /// Segments without empty ones, neighbours of one kind joined, trained as the options say.
    private List<Segment> joined(List<Segment> segments) {
        var joined = new ArrayList<Segment>();
        for (var segment : segments) {
            if (segment.text().isEmpty()) {
                continue;
            }
            if (!joined.isEmpty() && joined.getLast().trained() == segment.trained()) {
                var last = joined.removeLast();
                joined.add(new Segment(last.text() + segment.text(), last.trained()));
            } else {
                joined.add(segment);
            }
        }
        if (joined.isEmpty()) {
            joined.add(new Segment("", true));
        }
        return completionOnlyLoss
                ? joined
                : joined.stream().map(s -> new Segment(s.text(), true)).toList();
    }

    private int[] following(CharSequence before, int[] beforeIds, Segment segment) {
        int[] both = prompt(before + segment.text());
        if (begins(both, beforeIds)) {
            return Arrays.copyOfRange(both, beforeIds.length, both.length);
        }
        int[] lineBreak = tokenizer.encode("\n", false);
        int[] after = tokenizer.encodeText("\n" + segment.text());
        return begins(after, lineBreak)
                ? Arrays.copyOfRange(after, lineBreak.length, after.length)
                : tokenizer.encodeText(segment.text());
    }

    private static boolean begins(int[] ids, int[] with) {
        return ids.length >= with.length
                && Arrays.equals(ids, 0, with.length, with, 0, with.length);
    }

    private static int[] append(int[] ids, int... more) {
        int[] all = Arrays.copyOf(ids, ids.length + more.length);
        System.arraycopy(more, 0, all, ids.length, more.length);
        return all;
    }
}
