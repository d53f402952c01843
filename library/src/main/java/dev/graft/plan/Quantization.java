package dev.graft.plan;

import dev.graft.adapter.TargetModules;
import dev.graft.model.ModelLayout.Matrix;
import java.util.List;

/// In how few bits the linear maps of the base are kept, in the layout of bitsandbytes.
public sealed interface Quantization {
    /// The modules that bitsandbytes leaves alone unless told otherwise.
    List<String> HEAD_ONLY = List.of("lm_head");

    /// As stored.
    record None() implements Quantization {}

    /// NF4 or FP4 (Dettmers et al. 2023): half a byte a weight and a scale for each block; with
    /// double quantization the scales take a byte each, and a float32 for 256 of them.
    ///
    /// @param skipModules names of modules that stay as stored
    record FourBit(int blockSize, boolean doubleQuantized, List<String> skipModules)
            implements Quantization {
        public FourBit {
            skipModules = List.copyOf(skipModules);
        }
    }

    /// A byte a weight and a float32 scale a row (Dettmers et al. 2022).
    ///
    /// @param skipModules names of modules that stay as stored
    record EightBit(List<String> skipModules) implements Quantization {
        public EightBit {
            skipModules = List.copyOf(skipModules);
        }
    }

    /// NF4 in blocks of 64 with double quantization, the head as stored: QLoRA.
    static Quantization qlora() {
        return new FourBit(64, true, HEAD_ONLY);
    }

    /// Whether a linear map is quantized.
    default boolean covers(Matrix linear) {
        return switch (this) {
            case None() -> false;
            case FourBit(var _, var _, var skip) -> !isIn(skip, linear.path());
            case EightBit(var skip) -> !isIn(skip, linear.path());
        };
    }

    private static boolean isIn(List<String> names, String path) {
        return names.stream().anyMatch(n -> TargetModules.nameMatches(n, path));
    }

    /// Bytes of the codes of a matrix.
    default long codeBytes(Matrix linear) {
        long n = linear.elements();
        return switch (this) {
            case None() -> 0;
            case FourBit _ -> Math.ceilDiv(n, 2);
            case EightBit _ -> n;
        };
    }

    /// Bytes of the scales of a matrix: 4⌈n/b⌉, or ⌈n/b⌉ + 4⌈⌈n/b⌉/256⌉ + 4 where they are
    /// quantized themselves; 4 a row for 8-bit.
    default long scaleBytes(Matrix linear) {
        return switch (this) {
            case None() -> 0;
            case FourBit(var block, var twice, var _) -> {
                long scales = Math.ceilDiv(linear.elements(), block);
                yield twice ? scales + 4 * Math.ceilDiv(scales, 256) + 4 : 4 * scales;
            }
            case EightBit _ -> 4 * linear.out();
        };
    }

    /// Bytes of the tables that give the codes their meaning, once a model.
    default long tableBytes() {
        return switch (this) {
            case None(), EightBit _ -> 0;
            case FourBit four -> 16 * 4 + (four.doubleQuantized() ? 256 * 4 : 0);
        };
    }
}
