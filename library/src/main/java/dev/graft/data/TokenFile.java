package dev.graft.data;

import dev.graft.disk.AtomicFile;
import java.io.IOException;
import java.io.RandomAccessFile;
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
import java.util.RandomAccess;
import java.util.TreeMap;
import java.util.function.Consumer;

/// Tokenized examples in a file, read one by one: of a mapping, pages around each would stay
/// resident, in the end all. Only what is known of the examples is mapped.
///
/// Little-endian: the tokens of all examples, 4 bytes each, the highest bit set where the token is
/// trained; then for each example 8 bytes, the number of tokens before it; then for each 4 bytes,
/// how many of its tokens are trained; then numbers of 8 bytes: tokens, examples, the fields of
/// the report and of the inspection, and [#MAGIC].
final class TokenFile extends AbstractList<Example> implements RandomAccess, Measured {
    private static final long MAGIC = 0x324B4F5446415247L; // "GRAFTOK2"
    private static final int LENGTHS = 31; // powers of two
    private static final int FOOTER = 18 + LENGTHS;
    private static final int TRAINED = Integer.MIN_VALUE;
    private static final ValueLayout.OfInt TOKEN =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong NUMBER =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment file;
    private final RandomAccessFile reader;
    private final long tokens;
    private final int size;

    private TokenFile(MemorySegment file, RandomAccessFile reader) {
        this.file = file;
        this.reader = reader;
        this.tokens = footer(0);
        this.size = Math.toIntExact(footer(1));
    }

    /// Maps a file that [#write] made. It is closed when nothing refers to it any more.
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
            var examples = new TokenFile(mapped, new RandomAccessFile(path.toFile(), "r"));
            if (bytes != 4 * examples.tokens + 12L * examples.size + 8L * FOOTER) {
                throw new IOException("its length is not what its end says");
            }
            return new Dataset(examples, examples.report(), examples.inspection());
        }
    }

    /// Writes a file whole or not at all.
    ///
    /// @param source hands over the examples one by one, and then tells what became of the rows
    static void write(Path path, Source source) {
        AtomicFile.write(
                path,
                channel -> {
                    try (var index = new ExampleIndex(path.toAbsolutePath().getParent())) {
                        var writer = new Writer(channel, index);
                        writer.finish(source.giveTo(writer));
                    } catch (UncheckedIOException e) {
                        throw e.getCause();
                    }
                });
    }

    /// Where examples come from.
    @FunctionalInterface
    interface Source {
        Dataset.Summary giveTo(Consumer<Example> sink);
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

    private Inspection inspection() {
        var lengths = new TreeMap<Integer, Integer>();
        for (int i = 0; i < LENGTHS; i++) {
            if (footer(17 + i) > 0) {
                lengths.put(1 << i, Math.toIntExact(footer(17 + i)));
            }
        }
        return new Inspection(
                size,
                tokens,
                footer(3),
                Math.toIntExact(footer(10)),
                Math.toIntExact(footer(11)),
                Math.toIntExact(footer(12)),
                Math.toIntExact(footer(13)),
                Math.toIntExact(footer(14)),
                lengths,
                Math.toIntExact(footer(15)),
                footer(16) == 1);
    }

    private long start(int index) {
        return index == size ? tokens : file.get(NUMBER, 4 * tokens + 8L * index);
    }

    @Override
    public int length(int index) {
        return Math.toIntExact(start(index + 1) - start(index));
    }

    @Override
    public int trained(int index) {
        return file.get(TOKEN, 4 * tokens + 8L * size + 4L * index);
    }

    @Override
    public Example get(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        var ids = new int[length(index)];
        var trained = new boolean[ids.length];
        var bytes = bytes(4 * start(index), 4 * ids.length);
        for (int i = 0; i < ids.length; i++) {
            int token = bytes.getInt();
            ids[i] = token & ~TRAINED;
            trained[i] = token < 0;
        }
        return new Example(ids, trained);
    }

    private ByteBuffer bytes(long from, int count) {
        var bytes = new byte[count];
        try {
            synchronized (reader) {
                reader.seek(from);
                reader.readFully(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public int size() {
        return size;
    }

    /// Collects examples into the file.
    private static final class Writer implements Consumer<Example> {
        private final FileChannel channel;
        private final ExampleIndex index;
        private final ByteBuffer buffer =
                ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        private long tokens;

        Writer(FileChannel channel, ExampleIndex index) {
            this.channel = channel;
            this.index = index;
        }

        @Override
        public void accept(Example example) {
            try {
                index.add(tokens, example.trainedTokens(), Duplicates.hash(example));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            for (int i = 0; i < example.length(); i++) {
                putInt(example.ids()[i] | (example.trained()[i] ? TRAINED : 0));
            }
            tokens += example.length();
        }

        void finish(Dataset.Summary summary) throws IOException {
            index.starts().forEachRemaining((long start) -> put(start));
            index.trained().forEachRemaining((long trained) -> putInt(Math.toIntExact(trained)));
            put(tokens);
            put(index.size());
            put(summary.report());
            int duplicates = Duplicates.count(index.size(), index::hashes);
            put(summary.inspection().withDuplicates(duplicates));
            put(MAGIC);
            flush();
        }

        private void put(DatasetReport report) {
            put(report.rows());
            put(report.trainedTokens());
            put(report.truncated());
            put(report.windows());
            put(report.longest());
            put(report.withoutTrainedToken());
            put(report.leftOut());
            put(report.skipped());
        }

        private void put(Inspection inspection) {
            put(inspection.withOneBos());
            put(inspection.withTwoBos());
            put(inspection.endTrained());
            put(inspection.duplicates());
            put(inspection.emptyAnswers());
            put(inspection.largestId());
            put(inspection.bosExpected() ? 1 : 0);
            for (int i = 0; i < LENGTHS; i++) {
                put(inspection.lengths().getOrDefault(1 << i, 0));
            }
        }

        private void putInt(int number) {
            room(4);
            buffer.putInt(number);
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
}
