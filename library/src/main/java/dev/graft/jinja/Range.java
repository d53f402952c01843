package dev.graft.jinja;

import java.util.AbstractList;

/// `range(start, stop, step)`.
final class Range extends AbstractList<Object> {
    private static final int MAXIMUM = 100_000;

    final long start;
    final long stop;
    final long step;
    private final int size;

    Range(long start, long stop, long step) {
        if (step == 0) {
            throw JinjaException.value("range() arg 3 must not be zero");
        }
        this.start = start;
        this.stop = stop;
        this.step = step;
        // as exact numbers: the bounds may be as far apart as two longs can be
        var span = java.math.BigInteger.valueOf(stop).subtract(java.math.BigInteger.valueOf(start));
        var by = java.math.BigInteger.valueOf(step);
        var count =
                span.signum() == 0 || span.signum() != by.signum()
                        ? java.math.BigInteger.ZERO
                        : span.abs()
                                .subtract(java.math.BigInteger.ONE)
                                .divide(by.abs())
                                .add(java.math.BigInteger.ONE);
        if (count.bitLength() > 31 || count.longValueExact() > MAXIMUM) {
            throw new JinjaException(
                    JinjaException.Kind.OVERFLOW,
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE ("
                            + MAXIMUM
                            + ").");
        }
        size = count.intValueExact();
    }

    @Override
    public Object get(int index) {
        java.util.Objects.checkIndex(index, size);
        return start + index * step;
    }

    @Override
    public int size() {
        return size;
    }
}
