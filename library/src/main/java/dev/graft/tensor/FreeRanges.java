package dev.graft.tensor;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/// Ranges of addresses that nobody uses. Neighbours are joined, and a request takes the beginning
/// of the smallest range that holds it.
final class FreeRanges {
    /// Is told of a range that is here no longer.
    interface Dropped {
        void range(long address, long size);
    }

    private final TreeMap<Long, Long> sizes = new TreeMap<>();
    private final TreeMap<Long, TreeSet<Long>> bySize = new TreeMap<>();
    private final LinkedHashSet<Long> byAge = new LinkedHashSet<>();
    private long bytes;

    /// Bytes of all ranges.
    long bytes() {
        return bytes;
    }

    void add(long address, long size) {
        long begin = address;
        long end = address + size;
        Map.Entry<Long, Long> before = sizes.lowerEntry(address);
        if (before != null && before.getKey() + before.getValue() == begin) {
            begin = before.getKey();
            remove(begin);
        }
        if (sizes.containsKey(end)) {
            end += remove(end);
        }
        put(begin, end - begin);
    }

    /// The address of so many bytes, which are free no longer; 0 where no range is that long.
    long take(long size) {
        var fit = bySize.ceilingEntry(size);
        if (fit == null) {
            return 0;
        }
        long address = fit.getValue().first();
        long whole = remove(address);
        if (whole > size) {
            put(address + size, whole - size);
        }
        return address;
    }

    /// Drops so many bytes, of the ranges that have lain here longest; fewer where there are not
    /// so many.
    void drop(long wanted, Dropped dropped) {
        for (long left = wanted; left > 0 && bytes > 0; ) {
            long address = byAge.getFirst();
            long whole = remove(address);
            long part = Math.min(left, whole);
            if (whole > part) {
                put(address, whole - part);
            }
            dropped.range(address + whole - part, part);
            left -= part;
        }
    }

    private void put(long address, long size) {
        sizes.put(address, size);
        bySize.computeIfAbsent(size, _ -> new TreeSet<>()).add(address);
        byAge.add(address);
        bytes += size;
    }

    private long remove(long address) {
        long size = sizes.remove(address);
        var same = bySize.get(size);
        same.remove(address);
        if (same.isEmpty()) {
            bySize.remove(size);
        }
        byAge.remove(address);
        bytes -= size;
        return size;
    }
}
