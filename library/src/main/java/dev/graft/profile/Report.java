package dev.graft.profile;

import java.util.Comparator;
import java.util.List;
import java.util.Map;

/// A profile as means of a step.
///
/// @param steps that the means are of
/// @param seconds of a step
/// @param allocatedBytes taken for tensors, from the system or from what was kept
/// @param operations the time of each without the operations in it, the longest first; `step` is
///   what is in none
/// @param calls of the native library and of kernels, the longest first
public record Report(
        int steps, double seconds, long allocatedBytes, List<Row> operations, List<Row> calls) {
    public Report {
        operations = List.copyOf(operations);
        calls = List.copyOf(calls);
    }

    /// An operation or a call in a step.
    ///
    /// @param calls how often it happens
    /// @param seconds of all of them
    /// @param flops floating-point operations of products in them
    /// @param bytes that they read and wrote
    public record Row(String name, double calls, double seconds, double flops, double bytes) {
        /// Floating-point operations of products in a second, in 10⁹.
        public double gigaflops() {
            return seconds == 0 ? 0 : flops / seconds / 1e9;
        }
    }

    static List<Row> rows(Map<String, Totals> totals, int steps) {
        double n = Math.max(1, steps);
        return totals.entrySet().stream()
                .map(e -> row(e.getKey(), e.getValue(), n))
                .sorted(Comparator.comparingDouble(Row::seconds).reversed())
                .toList();
    }

    private static Row row(String name, Totals t, double n) {
        return new Row(name, t.calls / n, t.nanos / 1e9 / n, t.flops / n, t.bytes / n);
    }

    /// Floating-point operations of all products of a step.
    public double flops() {
        return operations.stream().mapToDouble(Row::flops).sum();
    }

    /// Native and kernel calls of a step.
    public double callCount() {
        return calls.stream().mapToDouble(Row::calls).sum();
    }
}
