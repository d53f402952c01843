package dev.graft.format;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ModelFormatException;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// What is said of a file that is not as it should be.
final class BadFile {
    private BadFile() {}

    /// One line with all of these parts.
    static void assertBad(ThrowingCallable call, Object... parts) {
        var texts = Arrays.stream(parts).map(Object::toString).toArray(String[]::new);
        assertThatThrownBy(call)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll(texts)
                .hasMessageNotContaining("\n");
    }
}
