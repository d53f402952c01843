package dev.graft.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.graft.tensor.NativeLibrary;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/// NVIDIA's compiler as a library (NVRTC, of CUDA 13).
final class Nvrtc {
    private static final String NAME = "libnvrtc.so.13";

    /// Where the libraries of CUDA lie in JavaCPP's jars.
    private static final String FOLDER = "/org/bytedeco/cuda/linux-x86_64/";

    /// What the compiler loads, from beside itself.
    private static final List<String> COMPANIONS = List.of("libnvrtc-builtins.so.13.3");

    private final NativeLibrary library;

    private Nvrtc(NativeLibrary library) {
        this.library = library;
    }

    /// The library of the system (`LD_LIBRARY_PATH`), else the one that this build brings.
    ///
    /// @throws IllegalStateException if there is none; says what to do
    static Nvrtc find() {
        return NativeLibrary.find(NAME)
                .or(Nvrtc::ofThisBuild)
                .map(Nvrtc::new)
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "the kernels cannot be compiled for this card: found no %s, expected it in this build or where LD_LIBRARY_PATH says; build it with `./graft --cuda`"
                                                .formatted(NAME)));
    }

    private static Optional<NativeLibrary> ofThisBuild() {
        try {
            for (String companion : COMPANIONS) {
                File beside = Loader.cacheResource(FOLDER + companion);
                if (beside == null) {
                    return Optional.empty();
                }
            }
            File file = Loader.cacheResource(FOLDER + NAME);
            return file == null ? Optional.empty() : NativeLibrary.find(file.getPath());
        } catch (IOException e) {
            throw new IllegalStateException(NAME + " could not be unpacked", e);
        }
    }

    /// Compiles to a cubin.
    ///
    /// @param architecture such as `sm_90`
    /// @throws IllegalStateException with the compiler's words
    byte[] compile(String source, String architecture) {
        try (var arena = Arena.ofConfined()) {
            MemorySegment program = arena.allocate(ADDRESS);
            check(
                    "nvrtcCreateProgram",
                    library.call(
                                    "nvrtcCreateProgram",
                                    ADDRESS,
                                    ADDRESS,
                                    ADDRESS,
                                    JAVA_INT,
                                    ADDRESS,
                                    ADDRESS)
                            .with(
                                    program,
                                    arena.allocateFrom(source),
                                    arena.allocateFrom("graft.cu"),
                                    0,
                                    MemorySegment.NULL,
                                    MemorySegment.NULL));
            MemorySegment made = program.get(ADDRESS, 0);
            try {
                return compile(arena, made, architecture);
            } finally {
                check(
                        "nvrtcDestroyProgram",
                        library.call("nvrtcDestroyProgram", ADDRESS).with(program));
            }
        }
    }

    /// What the compiler is told.
    static List<String> options(String architecture) {
        return List.of("--gpu-architecture=" + architecture, "--std=c++17");
    }

    private byte[] compile(Arena arena, MemorySegment program, String architecture) {
        List<String> options = options(architecture);
        MemorySegment words = arena.allocate(ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
            words.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int code =
                library.call("nvrtcCompileProgram", ADDRESS, JAVA_INT, ADDRESS)
                        .with(program, options.size(), words);
        if (code != 0) {
            byte[] log = bytes(arena, program, "nvrtcGetProgramLog");
            throw new IllegalStateException(
                    "the kernels do not compile for %s: %s".formatted(architecture, text(log)));
        }
        return bytes(arena, program, "nvrtcGetCUBIN");
    }

    private byte[] bytes(Arena arena, MemorySegment program, String what) {
        MemorySegment size = arena.allocate(JAVA_LONG);
        check(what, library.call(what + "Size", ADDRESS, ADDRESS).with(program, size));
        MemorySegment all = arena.allocate(size.get(JAVA_LONG, 0));
        check(what, library.call(what, ADDRESS, ADDRESS).with(program, all));
        return all.toArray(JAVA_BYTE);
    }

    private static String text(byte[] characters) {
        return new String(characters, StandardCharsets.UTF_8).strip();
    }

    private static void check(String function, int code) {
        if (code != 0) {
            throw new IllegalStateException(function + " failed with NVRTC error " + code);
        }
    }
}
