package dev.graft.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The known key that an unknown one most likely meant.
final class Suggestion {
    /// What people call these keys elsewhere: not accepted, but understood.
    private static final Map<String, String> ELSEWHERE =
            Map.ofEntries(
                    Map.entry("rank", "r"),
                    Map.entry("alpha", "lora_alpha"),
                    Map.entry("dropout", "lora_dropout"),
                    Map.entry("lr", "learning_rate"),
                    Map.entry("epochs", "num_train_epochs"),
                    Map.entry("num_epochs", "num_train_epochs"),
                    Map.entry("steps", "max_steps"),
                    Map.entry("batch_size", "per_device_train_batch_size"),
                    Map.entry("micro_batch_size", "per_device_train_batch_size"),
                    Map.entry("base_model", "model_name_or_path"),
                    Map.entry("model", "model_name_or_path"),
                    Map.entry("adapter", "adapter_name_or_path"),
                    Map.entry("output", "output_dir"),
                    Map.entry("scheduler", "lr_scheduler_type"),
                    Map.entry("optimizer", "optim"),
                    Map.entry("fp16", "bnb_4bit_compute_dtype"),
                    Map.entry("train_on_inputs", "completion_only_loss"),
                    Map.entry("sequence_len", "max_length"));

    private Suggestion() {}

    static Optional<String> forKey(String unknown) {
        String word = unknown.toLowerCase(Locale.ROOT).replace('-', '_');
        var meanings = new LinkedHashMap<String, String>();
        for (var key : Keys.ALL) {
            meanings.put(key.name(), key.name());
            key.aliases().forEach(alias -> meanings.put(alias, alias));
        }
        ELSEWHERE.forEach(meanings::putIfAbsent);
        List<String> near = new ArrayList<>(meanings.keySet());
        near.removeIf(
                known ->
                        distance(word, known)
                                > Math.max(known.length(), word.length()) / 3.0 + 0.7);
        return near.stream()
                .min(Comparator.comparingInt(known -> distance(word, known)))
                .map(meanings::get);
    }

    /// Edits between two words: insert, delete, replace, or swap two neighbours (optimal string
    /// alignment).
    static int distance(String a, String b) {
        var d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            d[i][0] = i;
        }
        for (int j = 0; j <= b.length(); j++) {
            d[0][j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int replace = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(replace, Math.min(d[i - 1][j], d[i][j - 1]) + 1);
                if (i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
