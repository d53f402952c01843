package dev.graft.kernel;

import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;

/// The greatest absolute value of each block of a [FourBitMatrix].
public sealed interface BlockMaxima {
    long blocks();

    long bytes();

    /// As they are.
    ///
    /// @param values F32, one a block
    record Plain(Tensor values) implements BlockMaxima {
        public Plain {
            require("block maxima", values, DType.F32);
        }

        @Override
        public long blocks() {
            return values.numel();
        }

        @Override
        public long bytes() {
            return 4 * values.numel();
        }
    }

    /// Quantized again: maximum = table(code) · outer maximum of its 256 blocks + offset.
    ///
    /// @param codes U8, one a block
    /// @param maxima F32, ⌈blocks / 256⌉ elements
    /// @param table F32 [256]
    record Nested(Tensor codes, Tensor maxima, Tensor table, float offset) implements BlockMaxima {
        /// Blocks that share an outer maximum.
        public static final int SIZE = 256;

        public Nested {
            require("nested block maxima", codes, DType.U8);
            require("outer block maxima", maxima, DType.F32);
            require("table of nested block maxima", table, DType.F32);
            if (maxima.numel() != Math.ceilDiv(codes.numel(), SIZE) || table.numel() != 256) {
                throw new IllegalArgumentException(
                        "nested block maxima: found %s, %s and %s"
                                .formatted(codes.describe(), maxima.describe(), table.describe()));
            }
        }

        @Override
        public long blocks() {
            return codes.numel();
        }

        @Override
        public long bytes() {
            return codes.numel() + 4 * maxima.numel() + 4;
        }
    }

    private static void require(String what, Tensor t, DType dtype) {
        if (t.dtype() != dtype) {
            throw new IllegalArgumentException(
                    "%s: found %s, expected %s".formatted(what, t.describe(), dtype));
        }
    }
}
