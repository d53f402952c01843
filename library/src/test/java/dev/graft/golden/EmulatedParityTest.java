package dev.graft.golden;

import dev.graft.kernel.EmulatedCard;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;

/// Whole models against Transformers, PEFT and bitsandbytes with the kernels for cards: how the
/// passes call them, with which shapes and strides.
@ExtendWith(EmulatedCard.class)
class EmulatedParityTest {
    @Nested
    class Llama extends LlamaParityTest {}

    @Nested
    class Families extends FamiliesTest {
        /// Read again, numbers lie at other addresses of the file, where kernels take other packs.
        @Override
        void linearMapsAloneAreQuantizedAndTheFolderLoadsAgain(String family, Path written) {}
    }

    @Nested
    class Qlora extends QloraParityTest {}

    @Nested
    class Variants extends VariantsTest {}

    @Nested
    class Adapters extends AdaptersTest {}

    @Nested
    class Stories extends StoriesTest {
        Stories() throws Exception {}
    }
}
