package dev.graft.profile;

/// Sums over the times that something happened.
final class Totals {
    long calls;
    long nanos;
    long flops;
    long bytes;

    void add(Totals other) {
        calls += other.calls;
        nanos += other.nanos;
        flops += other.flops;
        bytes += other.bytes;
    }
}
