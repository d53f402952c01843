package dev.graft.optim;

import dev.graft.kernel.BlockwiseCodes;
import java.util.Locale;

/// The optimizers, by the names of Transformers' `optim`: AdamW with its moments in 32 or 8
/// bits, in memory or in a page file.
public enum Optim {
    ADAMW_TORCH(false, false),
    ADAMW_8BIT(true, false),
    PAGED_ADAMW_32BIT(false, true),
    PAGED_ADAMW_8BIT(true, true);

    /// Parameters with fewer elements keep 32-bit moments (`min_8bit_size` of bitsandbytes).
    static final long SMALLEST_8BIT = 4096;

    private final boolean eightBit;
    private final boolean paged;

    Optim(boolean eightBit, boolean paged) {
        this.eightBit = eightBit;
        this.paged = paged;
    }

    /// Whether the moments of large parameters are 8-bit codes.
    public boolean eightBit() {
        return eightBit;
    }

    /// Whether the moments lie in a page file.
    public boolean paged() {
        return paged;
    }

    /// Whether the moments of a parameter of so many elements are 8-bit codes.
    boolean codes(long elements) {
        return eightBit && elements >= SMALLEST_8BIT;
    }

    /// Bytes of the moments of a parameter of so many elements: two float32 each, or two codes each
    /// and two float32 for every block of 256.
    public long stateBytes(long elements) {
        return codes(elements) ? 2 * elements + absmaxBytes(elements) : 8 * elements;
    }

    /// The part of them that stays in memory where the rest is paged: the block maxima.
    public long absmaxBytes(long elements) {
        return codes(elements) ? 2 * Float.BYTES * BlockwiseCodes.blocks(elements) : 0;
    }

    /// The name in a config.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
