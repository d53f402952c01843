package dev.graft.generate;

/// How long a generation took: the prompt's one pass, which gives the first new token, and a pass
/// for each further one.
///
/// @param promptTokens tokens of the prompt
/// @param promptSeconds from the start to the logits of the first new token
/// @param decodedTokens new tokens after the first
/// @param decodeSeconds from those logits to the last new token
public record GenerationTime(
        int promptTokens, double promptSeconds, int decodedTokens, double decodeSeconds) {
    /// Tokens of the prompt in a second.
    public double promptRate() {
        return promptTokens / promptSeconds;
    }

    /// New tokens in a second, the first left out; 0 where there was no other.
    public double decodeRate() {
        return decodedTokens / decodeSeconds;
    }
}
