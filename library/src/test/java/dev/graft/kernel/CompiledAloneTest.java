package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Loops that the compiler must not inline into their callers: there it runs into its bounds and
/// makes an object of each vector, which no other test sees.
final class CompiledAloneTest {
    private static final int INLINED_AT_MOST = 325; // bytes, C2's FreqInlineSize

    @ParameterizedTest
    @ValueSource(classes = {VectorFourBitRow.class, VectorInt8.class, VectorHalf.class})
    void theLoopIsLongerThanWhatTheCompilerInlines(Class<?> kernel) throws IOException {
        assertThat(codeLength(kernel, "products")).isGreaterThan(INLINED_AT_MOST);
    }

    @Test
    void soAreThoseOfAttention() throws IOException {
        assertThat(codeLength(RowPasses.class, "exponentials")).isGreaterThan(INLINED_AT_MOST);
        assertThat(codeLength(VectorSoftmax.class, "backward")).isGreaterThan(INLINED_AT_MOST);
    }

    private static int codeLength(Class<?> type, String method) throws IOException {
        try (InputStream in = type.getResourceAsStream(type.getSimpleName() + ".class")) {
            MethodModel found =
                    ClassFile.of().parse(in.readAllBytes()).methods().stream()
                            .filter(m -> m.methodName().equalsString(method))
                            .findFirst()
                            .orElseThrow();
            return found.findAttribute(Attributes.code())
                    .map(CodeAttribute::codeLength)
                    .orElseThrow();
        }
    }
}
