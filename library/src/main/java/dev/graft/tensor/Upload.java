package dev.graft.tensor;

import java.lang.foreign.MemorySegment;

/// The way of numbers from the host to a card. Through page-locked memory, piece by piece: while
/// one piece travels, the next is read from its file.
final class Upload {
    private static final long PIECE_BYTES = 32L << 20;

    private Upload() {}

    /// Sends all numbers of a tensor.
    ///
    /// @param to on a card, contiguous, of the same type and shape
    /// @return `to`, whose numbers are there for whatever is asked of the card next
    static Tensor send(Tensor from, Tensor to) {
        if (from.isPinned()) {
            return to.sendInPlace(from);
        }
        try (var _ = Scope.open("upload", Device.CPU)) {
            Tensor source = from.contiguous().view(-1);
            Tensor target = to.view(-1);
            long bytes = from.dtype().bytes();
            long step = PIECE_BYTES / bytes;
            for (long at = 0; at < source.numel(); at += step) {
                long count = Math.min(step, source.numel() - at);
                try (var _ = Scope.open("piece")) {
                    Tensor piece = Tensor.pinned(from.dtype(), count);
                    MemorySegment.copy(
                            source.segment(), at * bytes, piece.segment(), 0, count * bytes);
                    target.narrow(0, at, count).sendInPlace(piece);
                }
            }
        }
        return to;
    }
}
