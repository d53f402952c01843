package dev.graft.quant;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class DynamicMapTest {
    private static String sha256(float[] codes) throws Exception {
        var bytes = ByteBuffer.allocate(4 * codes.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(codes);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    }

    /// The digests are of the tables that bitsandbytes 0.50.2 makes.
    @Test
    void theBytesAreThoseOfBitsandbytes() throws Exception {
        assertThat(sha256(DynamicMap.signed()))
                .isEqualTo("e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c");
        assertThat(sha256(DynamicMap.unsigned()))
                .isEqualTo("305f002cc11278fb769d13b25b9fd0c7c83c8402c40a878fe086f4039fde6398");
    }
}
