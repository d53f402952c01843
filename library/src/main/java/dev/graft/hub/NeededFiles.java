package dev.graft.hub;

import dev.graft.error.ConfigException;
import dev.graft.error.ModelFormatException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// Which files of a repository a model is made of: weights as safetensors, once; configs; the
/// tokenizer; chat templates.
final class NeededFiles {
    static final String CONFIG = "config.json";
    static final String WEIGHTS = "model.safetensors";
    static final String ADAPTER_CONFIG = "adapter_config.json";
    static final String ADAPTER_WEIGHTS = "adapter_model.safetensors";

    private static final List<String> BESIDE =
            List.of(
                    CONFIG,
                    "generation_config.json",
                    "tokenizer.json",
                    "tokenizer.model",
                    "tokenizer_config.json",
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "vocab.json",
                    "merges.txt",
                    "chat_template.jinja",
                    "chat_template.json",
                    ADAPTER_CONFIG);
    private static final Pattern TEMPLATE = Pattern.compile("additional_chat_templates/[^/]+");
    private static final Pattern PICKLE =
            Pattern.compile("(?:pytorch_model|adapter_model).*\\.bin|.*\\.(?:pth?|ckpt)");

    private final RepoId repo;
    private final NavigableSet<String> there;

    /// @param names every file of the repository
    NeededFiles(RepoId repo, Collection<String> names) {
        this.repo = repo;
        this.there = new TreeSet<>(names);
    }

    /// The names to fetch.
    ///
    /// @param index reads the text of the index of shards, where there is one
    /// @throws ConfigException if there is nothing here that can be loaded safely
    /// @throws ModelFormatException if a shard is missing
    Set<String> choose(Supplier<String> index) {
        var chosen = new LinkedHashSet<String>();
        boolean model = there.contains(CONFIG) && addModel(chosen, index);
        boolean adapter = there.contains(ADAPTER_CONFIG) && there.contains(ADAPTER_WEIGHTS);
        if (adapter) {
            chosen.add(ADAPTER_WEIGHTS);
        }
        if (!model && !adapter) {
            throw nothing();
        }
        BESIDE.stream().filter(there::contains).forEach(chosen::add);
        there.stream().filter(n -> TEMPLATE.matcher(n).matches()).forEach(chosen::add);
        return chosen;
    }

    private boolean addModel(Set<String> chosen, Supplier<String> index) {
        if (there.contains(ShardIndex.FILE)) {
            String place = repo + "/" + ShardIndex.FILE;
            for (String shard : ShardIndex.shards(index.get(), place)) {
                if (!there.contains(shard)) {
                    throw new ModelFormatException(
                            "%s: names the shard %s, which the repository does not have; expected another revision (--revision)"
                                    .formatted(place, shard));
                }
                chosen.add(shard);
            }
            chosen.add(ShardIndex.FILE);
            return true;
        }
        return there.contains(WEIGHTS) && chosen.add(WEIGHTS);
    }

    private ConfigException nothing() {
        List<String> pickles =
                there.stream().filter(n -> PICKLE.matcher(n).matches()).limit(3).toList();
        if (!pickles.isEmpty()) {
            return new ConfigException(
                    "%s has its weights only as %s: a pickle is a program that runs when it is read, so Graft does not; look for a revision in safetensors (refs/pr/N among the pull requests on its page), or convert it once at https://huggingface.co/spaces/safetensors/convert"
                            .formatted(repo, String.join(", ", pickles)));
        }
        String listed =
                there.isEmpty() ? "no file" : String.join(", ", there.stream().limit(10).toList());
        return new ConfigException(
                "%s: found %s, expected config.json with %s or %s, or adapter_config.json with %s; a conversion (GGUF, ONNX, ...) names on its page the model that it was made from"
                        .formatted(
                                repo,
                                SafeName.shown(listed),
                                WEIGHTS,
                                ShardIndex.FILE,
                                ADAPTER_WEIGHTS));
    }
}
