package dev.graft.tensor;

import dev.graft.error.OutOfMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/// The native library as a whole: loading it, its threads, the memory of the process, and its
/// errors put into words.
public final class Torch {
    private static final int M_MMAP_THRESHOLD = -3;
    private static final int M_ARENA_MAX = -8;
    private static final int OPENBLAS_JOBS = 512 << 10; // bytes

    private static volatile int threads; // libtorch's own, without a call

    static {
        tellAllocator();
        tellThreads();
        tellCardAllocator();
        Loader.load(torch.class);
        // One sum is one order of additions: results do not depend on the load of the machine.
        torch.set_num_threads(Threads.wanted());
        threads = torch.get_num_threads();
    }

    private Torch() {}

    /// Loads the natives if that has not happened yet.
    public static void load() {}

    /// Large tensors live in [Blocks]. What libtorch allocates itself for a moment goes back to the
    /// system at once if it is large; in glibc's heap, which by default takes in blocks of up to
    /// 32 MB, it would leave holes that are too small for the next of its size. But OpenBLAS takes
    /// half a megabyte for every product, and that must stay in the heap. One arena, since threads
    /// that have their own keep what they free; the launcher sets MALLOC_ARENA_MAX for those that
    /// started before.
    private static void tellAllocator() {
        callInt("mallopt", M_MMAP_THRESHOLD, OPENBLAS_JOBS + (32 << 10));
        callInt("mallopt", M_ARENA_MAX, 1);
    }

    /// Threads of OpenMP and OpenBLAS spin between two loops; where other threads want the
    /// processor (Java's own above all), every small product then waits for one that is not
    /// running. What the user has set stays.
    private static void tellThreads() {
        setEnvironment("OMP_WAIT_POLICY", "passive");
        setEnvironment("OPENBLAS_THREAD_TIMEOUT", "20"); // 2^20 ticks of the clock
    }

    /// Segments of the card's memory grow where they lie, so that shapes of many sizes leave no
    /// fragments that nothing fits into. Page-locked memory of more than a piece of an upload is
    /// neither rounded up to a power of two nor kept when it is given back: whole bases lie there.
    private static void tellCardAllocator() {
        if (System.getenv("PYTORCH_CUDA_ALLOC_CONF") == null) {
            setEnvironment(
                    "PYTORCH_ALLOC_CONF",
                    "expandable_segments:True,pinned_max_round_threshold_mb:32,pinned_max_cached_size_mb:32");
        }
    }

    /// Sets a variable for the natives, which read the C library's environment, if it is not set.
    private static void setEnvironment(String name, String value) {
        var setenv =
                Libc.find("setenv", ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
        if (setenv.isEmpty()) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            int _ =
                    (int)
                            setenv.get()
                                    .invokeExact(
                                            arena.allocateFrom(name), arena.allocateFrom(value), 0);
        } catch (Throwable e) {
            throw new IllegalStateException("setenv could not be called", e);
        }
    }

    private static void callInt(String function, int first, int second) {
        var handle = Libc.find(function, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
        if (handle.isEmpty()) {
            return; // not glibc: nothing to tell
        }
        try {
            int _ = (int) handle.get().invokeExact(first, second);
        } catch (Throwable e) {
            throw new IllegalStateException(function + " could not be called", e);
        }
    }

    public static int threads() {
        return threads;
    }

    public static void setThreads(int threads) {
        torch.set_num_threads(threads);
        Torch.threads = torch.get_num_threads();
    }

    /// The version of the native library's binding and the vector instructions it uses.
    public static String version() {
        String capability = "unknown";
        try (var config = torch.show_config()) {
            for (String line : config.getString().lines().toList()) {
                if (line.contains("CPU capability usage:")) {
                    capability = line.substring(line.indexOf(':') + 1).strip();
                }
            }
        }
        try {
            return "libtorch %s, %s"
                    .formatted(Loader.getVersion("org.bytedeco", "pytorch"), capability);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static boolean cudaAvailable() {
        return torch.cuda_is_available();
    }

    /// Resident memory of this process now, in bytes.
    public static long residentBytes() {
        return processStatus("VmRSS:");
    }

    /// The highest resident memory of this process so far, in bytes.
    public static long peakResidentBytes() {
        return processStatus("VmHWM:");
    }

    /// Resident memory of this process that no file backs, in bytes.
    public static long anonymousBytes() {
        return processStatus("RssAnon:");
    }

    private static long processStatus(String field) {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return Runtime.getRuntime().totalMemory() + Scope.liveBytes();
        }
        try {
            for (String line : Files.readAllLines(status)) {
                if (line.startsWith(field)) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new IllegalStateException(status + " has no line " + field);
    }

    static RuntimeException failure(String op, RuntimeException cause, Tensor... inputs) {
        String shapes =
                Arrays.stream(inputs).map(Tensor::describe).collect(Collectors.joining(", "));
        String text = String.valueOf(cause.getMessage());
        int end = text.indexOf("\nException raised from");
        String reason = end < 0 ? text : text.substring(0, end);
        String message = "%s(%s): %s".formatted(op, shapes, reason);
        if (reason.contains("can't allocate memory") || reason.contains("out of memory")) {
            return new OutOfMemory(
                    message
                            + "; expected enough memory: lower per_device_train_batch_size or"
                            + " max_length",
                    cause);
        }
        return new IllegalArgumentException(message, cause);
    }
}
