package dev.graft.hub;

import dev.graft.error.ConfigException;
import java.util.regex.Pattern;

/// An access token of the hub. Never printed.
///
/// @param origin where it was found, for errors
record Token(String value, String origin) {
    private static final Pattern FORM = Pattern.compile("[\\x21-\\x7e]+");

    Token {
        if (!FORM.matcher(value).matches()) {
            throw new ConfigException(
                    "the token in %s has spaces or other characters that no token has; expected one word as hf_..."
                            .formatted(origin));
        }
    }

    @Override
    public String toString() {
        return "a token from " + origin;
    }
}
