package dev.graft.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.profile.Report;
import dev.graft.profile.Report.Row;
import java.util.ArrayList;
import java.util.List;

/// A profile in words and as JSON.
///
/// @param limit GFLOP/s of a plain product of matrices on this machine
record ProfileReport(Report report, double limit) {
    /// The tables, a line each.
    List<String> lines() {
        var lines = new ArrayList<String>();
        lines.add(
                Figures.format(
                        "profile: mean of %s, %.1f ms each",
                        Figures.counted(report.steps(), "step"), report.seconds() * 1e3));
        lines.add("");
        table(lines, "operation", report.operations());
        lines.add("");
        table(lines, "native and kernel calls", report.calls());
        lines.add("");
        double rate = report.flops() / report.seconds() / 1e9;
        lines.add(
                Figures.format(
                        "products: %.1f GFLOP in a step, %.1f GFLOP/s over all of its time, %.0f %% of the %.1f GFLOP/s of a plain product on this machine",
                        report.flops() / 1e9, rate, 100 * rate / limit, limit));
        lines.add(
                Figures.format(
                        "calls: %,.0f in a step; tensors: %s taken in a step",
                        report.callCount(), Figures.mebibytes(report.allocatedBytes())));
        return lines;
    }

    private void table(List<String> lines, String title, List<Row> rows) {
        lines.add(
                Figures.format(
                        "%-24s %9s %10s %7s %9s %9s",
                        title, "calls", "ms", "share", "GFLOP/s", "MiB"));
        for (Row row : rows) {
            String rate = row.flops() == 0 ? "" : Figures.format("%.1f", row.gigaflops());
            lines.add(
                    Figures.format(
                            "%-24s %,9.0f %,10.2f %5.1f %% %9s %,9.1f",
                            row.name().equals("step") ? "everything else" : row.name(),
                            row.calls(),
                            row.seconds() * 1e3,
                            100 * row.seconds() / report.seconds(),
                            rate,
                            row.bytes() / (1 << 20)));
        }
    }

    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("event", "profile").put("steps", report.steps());
        json.put("step_seconds", report.seconds()).put("flops", report.flops());
        json.put("calls", report.callCount()).put("allocated_bytes", report.allocatedBytes());
        json.put("gemm_gflops", limit);
        rows(json.putArray("operations"), report.operations());
        rows(json.putArray("native_calls"), report.calls());
        return json;
    }

    private static void rows(ArrayNode array, List<Row> rows) {
        for (Row row : rows) {
            array.addObject()
                    .put("name", row.name())
                    .put("calls", row.calls())
                    .put("seconds", row.seconds())
                    .put("flops", row.flops())
                    .put("bytes", row.bytes());
        }
    }
}
