package dev.graft.kernel;

import dev.graft.disk.AtomicFile;
import dev.graft.disk.CacheFolder;
import dev.graft.tensor.Cards;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// The kernels of `cuda/*.cu` for a card's architecture, compiled once and kept in the user's
/// cache.
final class CudaCompiler {
    private static final List<String> SOURCES =
            List.of(
                    "numbers.cuh",
                    "rows.cu",
                    "attention.cu",
                    "elements.cu",
                    "quantized.cu",
                    "adamw.cu");

    private CudaCompiler() {}

    /// All sources as one.
    static String source() {
        var all = new StringBuilder();
        for (String name : SOURCES) {
            try (InputStream in = CudaCompiler.class.getResourceAsStream("cuda/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("this build lacks the kernels of " + name);
                }
                all.append("#line 1 \"").append(name).append("\"\n");
                all.append(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(name, e);
            }
        }
        return all.toString();
    }

    /// The cubin for a card, from the cache if it is there.
    static byte[] binary(Cards.Card card) {
        String architecture = "sm_" + card.capability();
        String source = source();
        Path file = CacheFolder.ofUser("kernels").resolve(key(source, architecture) + ".cubin");
        try {
            if (Files.exists(file)) {
                return Files.readAllBytes(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read; delete it and start again", e);
        }
        byte[] made = Nvrtc.find().compile(source, architecture);
        AtomicFile.write(file, channel -> writeAll(channel, ByteBuffer.wrap(made)));
        return made;
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static String key(String source, String architecture) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String option : Nvrtc.options(architecture)) {
                digest.update(option.getBytes(StandardCharsets.UTF_8));
            }
            digest.update(source.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest()).substring(0, 32);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
