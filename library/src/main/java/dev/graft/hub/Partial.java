package dev.graft.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// What has arrived of a file: an `.incomplete` file that grows at its end, and the hash of what
/// is in it. The part that a former run left is hashed from the disk.
final class Partial implements AutoCloseable {
    private final Path path;
    private final RemoteFile file;
    private final BlobHash hash;
    private final FileChannel channel;
    private long position;

    private Partial(Path path, RemoteFile file, FileChannel channel) {
        this.path = path;
        this.file = file;
        this.channel = channel;
        this.hash = new BlobHash(file);
    }

    /// Opens the file where it was left, or a new one.
    ///
    /// @throws dev.graft.error.TrainingException if the disk does not take it
    static Partial open(Path path, RemoteFile file) {
        try {
            Files.createDirectories(path.getParent());
            var partial =
                    new Partial(
                            path,
                            file,
                            FileChannel.open(
                                    path,
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.READ,
                                    StandardOpenOption.WRITE));
            partial.readWhatIsThere();
            return partial;
        } catch (IOException e) {
            throw RepoCache.cannotWrite(path, e);
        }
    }

    private void readWhatIsThere() throws IOException {
        if (channel.size() > file.size()) {
            restart();
        }
        long there = channel.size();
        var buffer = ByteBuffer.allocate(1 << 16);
        while (position < there && channel.read(buffer, position) > 0) {
            hash.update(buffer.array(), buffer.position());
            position += buffer.position();
            buffer.clear();
        }
    }

    long position() {
        return position;
    }

    boolean isComplete() {
        return position == file.size();
    }

    /// Forgets everything that arrived.
    void restart() {
        try {
            channel.truncate(0);
            position = 0;
            hash.reset();
        } catch (IOException e) {
            throw RepoCache.cannotWrite(path, e);
        }
    }

    /// Adds bytes at the end.
    ///
    /// @throws dev.graft.error.TrainingException if the disk does not take them
    void append(byte[] bytes, int count) {
        try {
            var buffer = ByteBuffer.wrap(bytes, 0, count);
            while (buffer.hasRemaining()) {
                channel.write(buffer, position + buffer.position());
            }
            position += count;
            hash.update(bytes, count);
        } catch (IOException e) {
            throw RepoCache.cannotWrite(path, e);
        }
    }

    /// The hash of what arrived, once all of it is there; what comes after begins anew.
    String finish() {
        return hash.finish();
    }

    /// Gives the file its final name, on the disk.
    void moveTo(Path target) {
        try {
            channel.force(true);
            Files.move(
                    path,
                    target,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            Path folder = target.getParent();
            if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                try (var entries = FileChannel.open(folder, StandardOpenOption.READ)) {
                    entries.force(true);
                }
            }
        } catch (IOException e) {
            throw RepoCache.cannotWrite(target, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw RepoCache.cannotWrite(path, e);
        }
    }
}
