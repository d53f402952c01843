package dev.graft.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.plan.Bill;
import dev.graft.plan.ByteSize;
import dev.graft.plan.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The bill of a run as a table for people, and as JSON.
final class BillText {
    private BillText() {}

    /// One line a part and the sums below.
    static List<String> table(Bill bill) {
        List<String> lines = new ArrayList<>();
        for (Part part : bill.parts()) {
            lines.add(line(part.key(), part.bytes(), place(part.place()) + part.from()));
        }
        lines.add(line("memory", bill.anonymous(), "backed by no file"));
        if (bill.resident() != bill.anonymous()) {
            lines.add(line("resident", bill.resident(), "with the pages of mapped files"));
        }
        return lines;
    }

    private static String line(String name, long bytes, String about) {
        return Figures.format("%-12s %10s %,22d  %s", name, ByteSize.of(bytes), bytes, about);
    }

    private static String place(Part.Place place) {
        return switch (place) {
            case MEMORY -> "";
            case MAPPED -> "mapped: ";
            case CACHED -> "mapped, in the system's cache: ";
            case PASSING -> "mapped, read once: ";
            case DISK -> "on disk: ";
            case HOST -> "in the host's memory: ";
        };
    }

    /// In a few words, for a run that begins.
    static String line(Bill bill) {
        List<String> parts = new ArrayList<>();
        for (Part part : bill.parts()) {
            if (part.place().resident() && part.bytes() * 50 > bill.resident()) {
                parts.add(part.key() + " " + ByteSize.of(part.bytes()));
            }
        }
        return "%s, with mapped files %s: %s"
                .formatted(
                        ByteSize.of(bill.anonymous()),
                        ByteSize.of(bill.resident()),
                        String.join(", ", parts));
    }

    static void put(ObjectNode json, Bill bill) {
        json.put("base_parameters", bill.baseParameters());
        json.put("trained_parameters", bill.trainedParameters());
        ObjectNode bytes = json.putObject("bytes");
        bill.parts().forEach(p -> bytes.put(p.key(), bill.bytes(p.key())));
        bytes.put("anonymous", bill.anonymous()).put("needed", bill.needed());
        bytes.put("resident", bill.resident()).put("on_disk", bill.onDisk());
        bytes.put("in_host", bill.inHost());
        ArrayNode parts = json.putArray("parts");
        for (Part part : bill.parts()) {
            parts.addObject()
                    .put("key", part.key())
                    .put("bytes", part.bytes())
                    .put("place", part.place().name().toLowerCase(Locale.ROOT))
                    .put("from", part.from());
        }
    }
}
