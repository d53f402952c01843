package dev.graft.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.quant.DynamicMap;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodeBookTest {
    private static final List<float[]> MAPS = List.of(DynamicMap.signed(), DynamicMap.unsigned());

    /// By definition: how many midpoints lie strictly below.
    private static int byCounting(float[] values, float x) {
        int code = 0;
        for (int c = 0; c < 255; c++) {
            code += (values[c] + values[c + 1]) / 2 < x ? 1 : 0;
        }
        return code;
    }

    @Test
    void everyNumberGetsTheCodeOfTheNearestValue() {
        var random = new Random(3);
        for (float[] values : MAPS) {
            var book = new CodeBook(values);
            for (int i = 0; i < 200_000; i++) {
                float magnitude = (float) Math.pow(10, -10 * random.nextDouble());
                float x = random.nextBoolean() ? magnitude : -magnitude;
                assertThat(book.nearest(x)).as("%s", x).isEqualTo(byCounting(values, x));
            }
        }
    }

    @Test
    void aMidpointGetsTheLowerCodeAndTheNextFloatTheUpper() {
        for (float[] values : MAPS) {
            var book = new CodeBook(values);
            for (int c = 0; c < 255; c++) {
                float middle = (values[c] + values[c + 1]) / 2;
                assertThat(book.nearest(middle)).isEqualTo(c);
                assertThat(book.nearest(Math.nextUp(middle))).isEqualTo(c + 1);
                assertThat(book.nearest(values[c])).isEqualTo(c);
            }
        }
    }

    @Test
    void extremesGetTheOuterCodes() {
        var book = new CodeBook(DynamicMap.signed());
        assertThat(book.nearest(Float.POSITIVE_INFINITY)).isEqualTo(255);
        assertThat(book.nearest(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(book.nearest(-0f)).isEqualTo(127);
        assertThat(book.nearest(Float.MIN_VALUE)).isEqualTo(127);
        assertThat(book.nearest(Float.NaN)).isBetween(0, 255);
        assertThat(book.nearest(Float.intBitsToFloat(-1))).isBetween(0, 255);
    }

    @Test
    void valuesThatDoNotRiseOrLieTooCloseAreRefused() {
        float[] equal = DynamicMap.signed();
        equal[7] = equal[8];
        assertThatThrownBy(() -> new CodeBook(equal)).hasMessageContaining("rising");
        float[] close = new float[256];
        for (int c = 0; c < 256; c++) {
            close[c] = 1 + c / 1000f;
        }
        assertThatThrownBy(() -> new CodeBook(close)).hasMessageContaining("one part in 128");
        assertThatThrownBy(() -> new CodeBook(new float[3])).hasMessageContaining("3 values");
    }
}
