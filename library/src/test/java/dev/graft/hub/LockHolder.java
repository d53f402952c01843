package dev.graft.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A process that holds a lock until it is killed.
final class LockHolder {
    private LockHolder() {}

    static void main(String[] args) throws IOException, InterruptedException {
        try (var channel =
                        FileChannel.open(
                                Path.of(args[0]),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                var lock = channel.lock()) {
            System.out.println(lock.isValid() ? "locked" : "not locked");
            Thread.sleep(60_000);
        }
    }
}
