package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// The corpus that the base model of the demonstration is pretrained on.
///
/// Little scenes in simple English, told, asked about, retold, noted, quoted and listed. Names are
/// mostly made up, so that what there is to learn is copying and finding things in the context. It
/// has no JSON object anywhere.
public final class DemoCorpus {
    /// So many documents at the start repeat rows of letters, and so many more rows of words.
    ///
    /// A small model that first learns to copy learns the rest much sooner: keep the order.
    private static final long LETTERS = 32_000;

    static final long WARM_UP = LETTERS + 12_000;

    private final Words words = Words.load();
    private final Names names = new Names(words.names(), words.syllables());
    private final long seed;

    public DemoCorpus(long seed) {
        this.seed = seed;
    }

    /// The first `count` documents; document i depends on the seed and on i alone.
    public Stream<String> documents(long count) {
        return LongStream.range(0, count).mapToObj(this::document);
    }

    private String document(long index) {
        var dice = new Dice(seed, index);
        var scenes = new Scenes(words, names, dice);
        if (index < LETTERS) {
            return new Drills(scenes).letters();
        }
        if (index < WARM_UP) {
            return new Drills(scenes).repetition();
        }
        return switch (dice.between(0, 9)) {
            case 0, 1 -> new Stories(scenes).document();
            case 2 -> new Drills(scenes).repetition();
            case 3, 4 -> new Drills(scenes).document();
            default -> instructions(scenes);
        };
    }

    private static String instructions(Scenes scenes) {
        var instructions = new Instructions(scenes);
        List<String> blocks = new ArrayList<>();
        int count = scenes.dice().between(1, 3);
        for (int i = 0; i < count; i++) {
            blocks.add(instructions.block());
        }
        return String.join("\n\n", blocks);
    }
}
