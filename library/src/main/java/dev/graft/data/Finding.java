package dev.graft.data;

import java.util.Locale;

/// Something about the data that a user should know before training.
///
/// @param key the config key to change
public record Finding(Level level, String text, String key) {
    /// How bad it is.
    public enum Level {
        /// Training would teach something wrong.
        ERROR,
        /// Likely not what was meant.
        WARNING,
        /// Good to know.
        NOTE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public String toString() {
        return "%s: %s".formatted(key, text);
    }
}
