package dev.graft.quant;

import dev.graft.error.ConfigException;
import java.util.List;

/// How the matrices of a frozen base are stored in codes.
public sealed interface Quantization {
    /// Bits a weight, constants included, for large matrices.
    double bitsPerWeight();

    /// Blocks of four-bit codes (QLoRA, Dettmers et al. 2023).
    ///
    /// @param blockSize weights that share a maximum
    /// @param doubleQuant whether the maxima are quantized too
    record FourBit(FourBitCode code, int blockSize, boolean doubleQuant) implements Quantization {
        /// The block sizes that bitsandbytes has kernels for.
        public static final List<Integer> BLOCK_SIZES =
                List.of(32, 64, 128, 256, 512, 1024, 2048, 4096);

        /// NF4 in blocks of 64, double quantization.
        public static final FourBit DEFAULT = new FourBit(FourBitCode.NF4, 64, true);

        public FourBit {
            if (!BLOCK_SIZES.contains(blockSize)) {
                throw new ConfigException(
                        "bnb_4bit_blocksize: found %d, expected one of %s"
                                .formatted(blockSize, BLOCK_SIZES));
            }
        }

        @Override
        public String toString() {
            return "%s, blocks of %d%s"
                    .formatted(code.fileName(), blockSize, doubleQuant ? ", double" : "");
        }

        @Override
        public double bitsPerWeight() {
            return doubleQuant
                    ? 4 + 8.0 / blockSize + 32.0 / (256.0 * blockSize)
                    : 4 + 32.0 / blockSize;
        }
    }

    /// Eight-bit integers, a maximum a row (LLM.int8, Dettmers et al. 2022).
    record Int8() implements Quantization {
        @Override
        public String toString() {
            return "int8";
        }

        @Override
        public double bitsPerWeight() {
            return 8;
        }
    }
}
