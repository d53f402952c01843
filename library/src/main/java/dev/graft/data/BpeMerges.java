package dev.graft.data;

import dev.graft.error.ModelFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// The merges of a BPE vocabulary that does not list them: every way to put a token together from
/// two others, those of the better token first.
///
/// Tokens of one rank keep the order of Transformers' converters, by which the `tokenizer.json`
/// of published models were made.
final class BpeMerges {
    /// Twenty times those of the largest vocabularies; a bound on memory.
    private static final int MOST = 12_000_000;

    record Merge(String left, String right, double rank) {}

    private final Path file;
    private final Map<String, Integer> ids;
    private final List<Merge> merges = new ArrayList<>();

    /// @param ids the tokens that merges may read
    BpeMerges(Path file, Map<String, Integer> ids) {
        this.file = file;
        this.ids = ids;
    }

    /// Adds the merges that make a token.
    void add(String token, double rank) {
        var found = new ArrayList<Merge>();
        for (int i = token.offsetByCodePoints(0, 1);
                i < token.length();
                i = token.offsetByCodePoints(i, 1)) {
            String left = token.substring(0, i);
            if (ids.containsKey(left)) {
                String right = token.substring(i);
                if (ids.containsKey(right)) {
                    found.add(new Merge(left, right, rank));
                }
            }
        }
        found.sort(
                Comparator.comparingInt((Merge m) -> ids.get(m.left))
                        .thenComparingInt(m -> ids.get(m.right)));
        merges.addAll(found);
        if (merges.size() > MOST) {
            throw new ModelFormatException(
                    "%s: found more than %d merges, expected a vocabulary of a language model"
                            .formatted(file, MOST));
        }
    }

    /// By falling score, as of SentencePiece.
    List<Merge> byScore() {
        merges.sort(
                Comparator.comparingDouble(Merge::rank)
                        .thenComparingInt((Merge m) -> length(m.left))
                        .thenComparingInt(m -> length(m.right))
                        .reversed());
        return merges;
    }

    /// By rising rank, as of tiktoken.
    List<Merge> byRank() {
        merges.sort(Comparator.comparingDouble(Merge::rank));
        return merges;
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
