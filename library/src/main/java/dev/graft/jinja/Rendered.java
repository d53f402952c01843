package dev.graft.jinja;

import java.util.List;

/// What a template printed, and which parts of it came from `{% generation %}` blocks.
///
/// @param text the output
/// @param generated the parts within generation blocks, in order, as indices of `text` (UTF-16, as
///     `substring` takes them)
/// @param generatedCodePoints the same parts counted in code points, as Transformers counts them
public record Rendered(String text, List<Span> generated, List<Span> generatedCodePoints) {
    public Rendered {
        generated = List.copyOf(generated);
        generatedCodePoints = List.copyOf(generatedCodePoints);
    }

    /// A part of a text.
    ///
    /// @param start the first index
    /// @param end one past the last
    public record Span(int start, int end) {}
}
