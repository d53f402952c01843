package dev.graft.app.demo;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Trains a byte-level BPE vocabulary: the most frequent pair of neighbours is merged, again and
/// again.
///
/// Text is first cut into words, single digits, single spaces and single marks. A space never
/// joins a word, so a word is the same tokens wherever it stands, which makes it easy to find
/// again.
public final class BpeTrainer {
    /// The cut before merging, in the syntax that Java and the Rust tokenizers share.
    static final String PIECES = "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]|\\s";

    private static final Pattern PIECE = Pattern.compile(PIECES);

    private BpeTrainer() {}

    /// Two neighbours and the order in which they were merged is their place in the list.
    public record Merge(String left, String right) {
        String joined() {
            return left + right;
        }
    }

    private record Pair(int left, int right) {}

    private record Candidate(Pair pair, long count, Merge text) {}

    /// A word without the space before it, and how often it stands there.
    private static final class Word {
        private int count;
        private int[] symbols = {};
    }

    /// At most `merges` merges, in order, of pairs that occur at least `minimum` times.
    public static List<Merge> train(Stream<String> texts, int merges, int minimum) {
        return new Run(words(texts)).merge(merges, minimum);
    }

    private static Map<String, Word> words(Stream<String> texts) {
        var words = new LinkedHashMap<String, Word>();
        texts.forEach(
                text -> {
                    var matcher = PIECE.matcher(text);
                    while (matcher.find()) {
                        String piece = matcher.group();
                        boolean spaced = piece.length() > 1 && piece.startsWith(" ");
                        String bare = spaced ? piece.substring(1) : piece;
                        words.computeIfAbsent(bare, _ -> new Word()).count++;
                    }
                });
        return words;
    }

    /// The state of one training run: words as symbols, and where each pair occurs.
    private static final class Run {
        private static final Comparator<Candidate> MOST_FREQUENT =
                Comparator.comparingLong(Candidate::count)
                        .reversed()
                        .thenComparing(candidate -> candidate.text().left())
                        .thenComparing(candidate -> candidate.text().right());

        private final List<String> symbols = new ArrayList<>();
        private final Map<String, Integer> ids = new HashMap<>();
        private final List<Word> words = new ArrayList<>();
        private final Map<Pair, Long> counts = new HashMap<>();
        private final Map<Pair, Set<Integer>> places = new HashMap<>();
        private final PriorityQueue<Candidate> queue = new PriorityQueue<>(MOST_FREQUENT);

        Run(Map<String, Word> texts) {
            texts.forEach(
                    (text, word) -> {
                        var letters = ByteLevel.encode(text).chars();
                        word.symbols = letters.map(letter -> id("" + (char) letter)).toArray();
                        words.add(word);
                        addPairs(words.size() - 1, new HashSet<>());
                    });
            counts.keySet().forEach(this::offer);
        }

        List<Merge> merge(int merges, int minimum) {
            var done = new ArrayList<Merge>();
            while (done.size() < merges && !queue.isEmpty()) {
                Candidate best = queue.poll();
                long now = counts.getOrDefault(best.pair(), 0L);
                if (now != best.count()) {
                    continue; // an older count; the newer one is in the queue too
                }
                if (now < minimum) {
                    break;
                }
                done.add(best.text());
                apply(best.pair(), id(best.text().joined()));
            }
            return done;
        }

        private int id(String symbol) {
            return ids.computeIfAbsent(
                    symbol,
                    text -> {
                        symbols.add(text);
                        return symbols.size() - 1;
                    });
        }

        private void apply(Pair pair, int joined) {
            var changed = new HashSet<Pair>();
            for (int index : places.remove(pair)) {
                Word word = words.get(index);
                removePairs(word, changed);
                word.symbols = joined(word.symbols, pair, joined);
                addPairs(index, changed);
            }
            changed.forEach(this::offer);
        }

        private static int[] joined(int[] symbols, Pair pair, int joined) {
            int[] out = new int[symbols.length];
            int length = 0;
            for (int i = 0; i < symbols.length; i++) {
                boolean here =
                        i + 1 < symbols.length
                                && symbols[i] == pair.left()
                                && symbols[i + 1] == pair.right();
                out[length++] = here ? joined : symbols[i];
                i += here ? 1 : 0;
            }
            return Arrays.copyOf(out, length);
        }

        private void removePairs(Word word, Set<Pair> changed) {
            for (int i = 0; i + 1 < word.symbols.length; i++) {
                var pair = new Pair(word.symbols[i], word.symbols[i + 1]);
                counts.merge(pair, (long) -word.count, Long::sum);
                changed.add(pair);
            }
        }

        private void addPairs(int index, Set<Pair> changed) {
            Word word = words.get(index);
            for (int i = 0; i + 1 < word.symbols.length; i++) {
                var pair = new Pair(word.symbols[i], word.symbols[i + 1]);
                counts.merge(pair, (long) word.count, Long::sum);
                places.computeIfAbsent(pair, _ -> new HashSet<>()).add(index);
                changed.add(pair);
            }
        }

        private void offer(Pair pair) {
            long count = counts.get(pair);
            if (count > 0) {
                var text = new Merge(symbols.get(pair.left()), symbols.get(pair.right()));
                queue.add(new Candidate(pair, count, text));
            }
        }
    }
}
