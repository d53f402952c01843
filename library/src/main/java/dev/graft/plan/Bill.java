package dev.graft.plan;

import dev.graft.plan.Part.Place;
import java.util.List;

/// What a run holds at the worst moment of a step, part by part, in bytes.
///
/// @param baseParameters of the model
/// @param trainedParameters of the adapter, or of the model when it is trained whole
public record Bill(Job job, long baseParameters, long trainedParameters, List<Part> parts) {
    public Bill {
        parts = List.copyOf(parts);
    }

    /// The bill of a run.
    ///
    /// @throws dev.graft.error.ConfigException if the adapter names modules that are not there
    public static Bill of(Job job) {
        return new Account(job).bill();
    }

    /// Bytes that no file backs.
    public long anonymous() {
        return sum(Place.MEMORY);
    }

    /// Bytes that have to be in memory for a step to run at full speed, those in the cache of the
    /// system included.
    public long needed() {
        return sum(Place.MEMORY) + sum(Place.MAPPED) + sum(Place.CACHED);
    }

    /// Bytes that are resident in this process if nothing else wants the memory, pages of mapped
    /// files included.
    public long resident() {
        return sum(Place.MEMORY) + sum(Place.MAPPED) + sum(Place.PASSING);
    }

    /// Bytes of files beside the memory.
    public long onDisk() {
        return sum(Place.DISK);
    }

    /// Bytes of page-locked memory of the host that a run on a card takes beside that card.
    public long inHost() {
        return sum(Place.HOST);
    }

    private long sum(Place place) {
        return parts.stream().filter(p -> p.place() == place).mapToLong(Part::bytes).sum();
    }

    /// Bytes of all parts of this key.
    public long bytes(String key) {
        return parts.stream().filter(p -> p.key().equals(key)).mapToLong(Part::bytes).sum();
    }

    /// Trained parameters by those of the base, in percent.
    public double trainedPercent() {
        return 100.0 * trainedParameters / baseParameters;
    }
}
