package dev.graft.data;

/// Which part of what a row says is trained.
public enum LossPart {
    /// The answers: what completes a prompt, what the assistant says.
    ANSWERS,
    /// The last answer of a conversation.
    LAST_ANSWER,
    /// Everything, prompts included.
    ALL
}
