package dev.graft.data;

import java.util.List;

/// What a row says, before it is text or tokens.
public sealed interface Sample {
    /// A text as it is, in pieces that are trained or not.
    record Text(List<Segment> segments) implements Sample {
        public Text {
            segments = List.copyOf(segments);
        }
    }

    /// A conversation, to be rendered by a chat template.
    record Chat(Conversation conversation) implements Sample {}

    /// A row that there is nothing to learn from, an answer that was judged bad above all.
    record Nothing() implements Sample {}
}
