package dev.graft.data;

import java.util.Locale;

/// The value of `dataset_format`: how rows become text, or `auto` to tell it from the columns.
public enum DatasetFormat {
    AUTO,
    ALPACA,
    PROMPT_COMPLETION,
    TEXT;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
