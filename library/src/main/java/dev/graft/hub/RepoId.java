package dev.graft.hub;

import dev.graft.error.ConfigException;
import java.util.Optional;
import java.util.regex.Pattern;

/// The name of a model on the hub: `org/name`, or `name` alone for the oldest ones.
///
/// Source: `huggingface_hub/utils/_validators.py`, `validate_repo_id`.
public record RepoId(String text) {
    private static final Pattern FORM =
            Pattern.compile("(?:\\w(?:[\\w.-]{0,94}\\w)?/)?\\w(?:[\\w.-]{0,94}\\w)?");

    public RepoId {
        if (!isOne(text)) {
            throw new ConfigException(
                    "'%s' is no name of a model; expected org/name as in the address of its page"
                            .formatted(text));
        }
    }

    /// The name that a text is, if it is one.
    static Optional<RepoId> of(String text) {
        return isOne(text) ? Optional.of(new RepoId(text)) : Optional.empty();
    }

    private static boolean isOne(String text) {
        return FORM.matcher(text).matches()
                && !text.contains("--")
                && !text.contains("..")
                && !text.endsWith(".git");
    }

    boolean hasOwner() {
        return text.indexOf('/') >= 0;
    }

    /// Its folder in the cache, `models--org--name`.
    String folder() {
        return "models--" + text.replace("/", "--");
    }

    @Override
    public String toString() {
        return text;
    }
}
