package dev.graft.data;

import dev.graft.disk.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.RandomAccess;
import java.util.function.Consumer;

/// Tokenized examples in a mapped file: resident is what is read, not what there is.
///
/// Little-endian: the tokens of all examples, 4 bytes each, the highest bit set where the token is
/// trained; then 8 bytes for each example, the number of tokens before it; then twelve numbers of 8
/// bytes: tokens, examples, the fields of the report, and [#MAGIC].
final class TokenFile extends AbstractList<Example> implements RandomAccess {
    private static final long MAGIC = 0x314B4F5446415247L; // "GRAFTOK1"
    private static final int FOOTER = 11;
    private static final int TRAINED = Integer.MIN_VALUE;
    private static final ValueLayout.OfInt TOKEN =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong NUMBER =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment file;
    private final long tokens;
    private final int size;

    private TokenFile(MemorySegment file) {
        this.file = file;
        this.tokens = footer(0);
        this.size = Math.toIntExact(footer(1));
    }

    /// Maps a file that [#write] made. It is unmapped when nothing refers to it any more.
    ///
    /// @throws IOException if it cannot be read or is no such file
    static Dataset open(Path path) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            var mapped =
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            long bytes = mapped.byteSize();
            if (bytes < 8L * FOOTER || mapped.get(NUMBER, bytes - 8) != MAGIC) {
                throw new IOException("not a file of tokens, or one that was cut short");
            }
            var examples = new TokenFile(mapped);
            if (bytes != 4 * examples.tokens + 8L * examples.size + 8L * FOOTER) {
                throw new IOException("its length is not what its end says");
            }
            return new Dataset(examples, examples.report());
        }
    }

    /// Writes a file whole or not at all.
    ///
    /// @param source hands over the examples one by one, and then tells what became of the rows
    static void write(Path path, Source source) {
        AtomicFile.write(
                path,
                channel -> {
                    var writer = new Writer(channel);
                    try {
                        writer.finish(source.giveTo(writer));
                    } catch (UncheckedIOException e) {
                        throw e.getCause();
                    }
                });
    }

    /// Where examples come from.
    @FunctionalInterface
    interface Source {
        DatasetReport giveTo(Consumer<Example> sink);
    }

    private long footer(int index) {
        return file.get(NUMBER, file.byteSize() - 8L * (FOOTER - index));
    }

    private DatasetReport report() {
        return new DatasetReport(
                footer(2),
                size,
                tokens,
                footer(3),
                Math.toIntExact(footer(4)),
                Math.toIntExact(footer(5)),
                Math.toIntExact(footer(6)),
                Math.toIntExact(footer(7)),
                Math.toIntExact(footer(8)),
                Math.toIntExact(footer(9)));
    }

    private long start(int index) {
        return index == size ? tokens : file.get(NUMBER, 4 * tokens + 8L * index);
    }

    /// Tokens of an example, without reading it.
    int length(int index) {
        return Math.toIntExact(start(index + 1) - start(index));
    }

    @Override
    public Example get(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        long at = 4 * start(index);
        var ids = new int[length(index)];
        var trained = new boolean[ids.length];
        for (int i = 0; i < ids.length; i++) {
            int token = file.get(TOKEN, at + 4L * i);
            ids[i] = token & ~TRAINED;
            trained[i] = token < 0;
        }
        return new Example(ids, trained);
    }

    @Override
    public int size() {
        return size;
    }

    /// Collects examples into the file; the places of the examples stay in memory until the end.
    private static final class Writer implements Consumer<Example> {
        private final FileChannel channel;
        private final ByteBuffer buffer =
                ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        private final LongList starts = new LongList();
        private long tokens;

        Writer(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public void accept(Example example) {
            starts.add(tokens);
            for (int i = 0; i < example.length(); i++) {
                room(4);
                buffer.putInt(example.ids()[i] | (example.trained()[i] ? TRAINED : 0));
            }
            tokens += example.length();
        }

        void finish(DatasetReport report) throws IOException {
            for (int i = 0; i < starts.size(); i++) {
                put(starts.get(i));
            }
            put(tokens);
            put(starts.size());
            put(report.rows());
            put(report.trainedTokens());
            put(report.truncated());
            put(report.windows());
            put(report.longest());
            put(report.withoutTrainedToken());
            put(report.leftOut());
            put(report.skipped());
            put(MAGIC);
            flush();
        }

        private void put(long number) {
            room(8);
            buffer.putLong(number);
        }

        private void room(int bytes) {
            if (buffer.remaining() < bytes) {
                try {
                    flush();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }

        private void flush() throws IOException {
            buffer.flip();
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            buffer.clear();
        }
    }

    /// A growing array of numbers.
    private static final class LongList {
        private long[] values = new long[1024];
        private int size;

        void add(long value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }

        long get(int index) {
            return values[index];
        }

        int size() {
            return size;
        }
    }
}
