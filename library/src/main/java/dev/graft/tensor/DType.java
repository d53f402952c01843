package dev.graft.tensor;

import dev.graft.error.ConfigException;
import java.util.Arrays;
import org.bytedeco.pytorch.global.torch.ScalarType;

/// Element types, with their name in safetensors files and their size in bytes.
public enum DType {
    F64("F64", 8, ScalarType.Double),
    F32("F32", 4, ScalarType.Float),
    F16("F16", 2, ScalarType.Half),
    BF16("BF16", 2, ScalarType.BFloat16),
    I64("I64", 8, ScalarType.Long),
    I32("I32", 4, ScalarType.Int),
    I16("I16", 2, ScalarType.Short),
    I8("I8", 1, ScalarType.Char),
    U8("U8", 1, ScalarType.Byte),
    BOOL("BOOL", 1, ScalarType.Bool);

    private final String fileName;
    private final int bytes;
    final ScalarType scalarType;

    DType(String fileName, int bytes, ScalarType scalarType) {
        this.fileName = fileName;
        this.bytes = bytes;
        this.scalarType = scalarType;
    }

    /// The name in a safetensors header (`F32`, `BF16`, …).
    public String fileName() {
        return fileName;
    }

    public int bytes() {
        return bytes;
    }

    public boolean isFloating() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    /// The type in which numbers of this floating type are summed up.
    public DType sums() {
        return this == F64 ? F64 : F32;
    }

    /// The nearest number of a floating type, ties to even.
    ///
    /// @throws IllegalStateException for a type of whole numbers
    public double round(double value) {
        return switch (this) {
            case F64 -> value;
            case F32 -> (float) value;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
            case BF16 -> {
                int bits = Float.floatToRawIntBits((float) value);
                yield Float.intBitsToFloat((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
            }
            case I64, I32, I16, I8, U8, BOOL ->
                    throw new IllegalStateException(this + " has whole numbers only");
        };
    }

    static DType of(ScalarType type) {
        for (DType d : values()) {
            if (d.scalarType.value == type.value) { // the binding makes a new enum object each time
                return d;
            }
        }
        throw new IllegalStateException("libtorch returned a tensor of " + type);
    }

    /// The type that a safetensors header names, or null where Graft has no such type.
    public static DType ofFileName(String name) {
        return Arrays.stream(values())
                .filter(d -> d.fileName.equals(name))
                .findFirst()
                .orElse(null);
    }

    /// The type named as in PyTorch and `config.json` (`float32`, `bfloat16`, `float16`).
    public static DType ofTorchName(String name) {
        return switch (name) {
            case "float64", "double" -> F64;
            case "float32", "float" -> F32;
            case "float16", "half" -> F16;
            case "bfloat16" -> BF16;
            default ->
                    throw new ConfigException(
                            "dtype: found '%s', expected float32, bfloat16 or float16"
                                    .formatted(name));
        };
    }

    /// The name in PyTorch and `config.json`.
    public String torchName() {
        return switch (this) {
            case F64 -> "float64";
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            case I64 -> "int64";
            case I32 -> "int32";
            case I16 -> "int16";
            case I8 -> "int8";
            case U8 -> "uint8";
            case BOOL -> "bool";
        };
    }
}
