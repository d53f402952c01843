package dev.graft.data;

import dev.graft.error.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// The fields of one message of the protobuf wire format, in the order of the file.
///
/// Nothing is copied or allocated by a length that the file claims before the bytes are known to
/// be there.
final class ProtobufReader {
    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int LENGTH = 2;
    private static final int FIXED_32 = 5;

    private final Path file;
    private final ByteBuffer bytes;
    private int wireType;

    ProtobufReader(Path file, ByteBuffer bytes) {
        this.file = file;
        this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /// The number of the next field; 0 at the end of the message.
    int next() {
        if (!bytes.hasRemaining()) {
            return 0;
        }
        long tag = varint();
        wireType = (int) (tag & 7);
        long field = tag >>> 3;
        if (field < 1 || field > (1 << 29) - 1) {
            throw malformed("the field number " + field);
        }
        return (int) field;
    }

    long number() {
        require(VARINT);
        return varint();
    }

    boolean flag() {
        return number() != 0;
    }

    float fraction() {
        require(FIXED_32);
        return need(4).getFloat();
    }

    String text() {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(data()).toString();
        } catch (CharacterCodingException e) {
            throw new ModelFormatException(malformed("a text that is not UTF-8").getMessage(), e);
        }
    }

    ProtobufReader message() {
        return new ProtobufReader(file, data());
    }

    /// The bytes of the field, a view of the file's.
    ByteBuffer data() {
        require(LENGTH);
        long length = varint();
        return slice(length);
    }

    void skip() {
        switch (wireType) {
            case VARINT -> varint();
            case FIXED_64 -> slice(8);
            case LENGTH -> data();
            case FIXED_32 -> slice(4);
            default -> throw malformed("the wire type " + wireType);
        }
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = need(1).get();
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw malformed("a number of more than ten bytes");
    }

    private ByteBuffer slice(long length) {
        if (length < 0 || length > bytes.remaining()) {
            throw malformed(
                    "a field of %d bytes where %d are left".formatted(length, bytes.remaining()));
        }
        var slice = bytes.slice(bytes.position(), (int) length);
        bytes.position(bytes.position() + (int) length);
        return slice;
    }

    private ByteBuffer need(int length) {
        if (bytes.remaining() < length) {
            throw malformed("the end of the message in the middle of a field");
        }
        return bytes;
    }

    private void require(int expected) {
        if (wireType != expected) {
            throw malformed("the wire type %d where %d belongs".formatted(wireType, expected));
        }
    }

    private ModelFormatException malformed(String found) {
        return new ModelFormatException(
                "%s: found %s, expected a SentencePiece model (protobuf); the file is cut short or not one: download it again"
                        .formatted(file, found));
    }
}
