package dev.graft.app.demo;

import java.util.stream.LongStream;
import java.util.stream.Stream;

/// The corpus that the base model of the demonstration is pretrained on.
///
/// Instructions about little scenes in simple English, from a vocabulary of a hundred words, and
/// a few stories. It has no JSON object anywhere.
public final class DemoCorpus {
    private final Words words = Words.load();
    private final long seed;

    public DemoCorpus(long seed) {
        this.seed = seed;
    }

    /// A text, or an instruction about a text and its answer. Only the completion is trained, so a
    /// text stands there whole and the instruction's sentence, which is chance, does not.
    public record Document(String prompt, String completion) {
        String whole() {
            return prompt + completion;
        }
    }

    /// The first `count` documents; document i depends on the seed and on i alone.
    public Stream<Document> documents(long count) {
        return LongStream.range(0, count).mapToObj(this::document);
    }

    private Document document(long index) {
        var dice = new Dice(seed, index);
        var scenes = new Scenes(words, dice);
        return switch (dice.between(0, 49)) {
            case 0 -> new Document("", new Stories(scenes).document());
            case 1 -> new Document("", new Drills(scenes).document());
            default -> new Instructions(scenes).block();
        };
    }
}
