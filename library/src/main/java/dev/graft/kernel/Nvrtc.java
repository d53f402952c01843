package dev.graft.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
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

    private final SymbolLookup library;

    private Nvrtc(SymbolLookup library) {
        this.library = library;
    }

    /// The library of the system (`LD_LIBRARY_PATH`), else the one that this build brings.
    ///
    /// @throws IllegalStateException if there is none; says what to do
    static Nvrtc find() {
        return lookup(NAME)
                .or(Nvrtc::ofThisBuild)
                .map(Nvrtc::new)
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "the kernels cannot be compiled for this card: found no %s, expected it in this build or where LD_LIBRARY_PATH says; build it with `./graft --cuda`"
                                                .formatted(NAME)));
    }

    @SuppressWarnings("restricted")
    private static Optional<SymbolLookup> lookup(String name) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
        } catch (IllegalArgumentException _) {
            return Optional.empty(); // what libraryLookup throws where it finds none
        }
    }

    private static Optional<SymbolLookup> ofThisBuild() {
        try {
            for (String companion : COMPANIONS) {
                File beside = Loader.cacheResource(FOLDER + companion);
                if (beside == null) {
                    return Optional.empty();
                }
            }
            File file = Loader.cacheResource(FOLDER + NAME);
            return file == null ? Optional.empty() : lookup(file.getPath());
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
                    call(
                            "nvrtcCreateProgram",
                            List.of(ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS),
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
                        call("nvrtcDestroyProgram", List.of(ADDRESS), program));
            }
        }
    }

    private byte[] compile(Arena arena, MemorySegment program, String architecture) {
        List<String> options = List.of("--gpu-architecture=" + architecture, "--std=c++17");
        MemorySegment words = arena.allocate(ADDRESS, options.size());
        for (int i = 0; i < options.size(); i++) {
            words.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
        }
        int code =
                call(
                        "nvrtcCompileProgram",
                        List.of(ADDRESS, JAVA_INT, ADDRESS),
                        program,
                        options.size(),
                        words);
        if (code != 0) {
            byte[] log = bytes(arena, program, "nvrtcGetProgramLog");
            throw new IllegalStateException(
                    "the kernels do not compile for %s: %s".formatted(architecture, text(log)));
        }
        return bytes(arena, program, "nvrtcGetCUBIN");
    }

    private byte[] bytes(Arena arena, MemorySegment program, String what) {
        MemorySegment size = arena.allocate(JAVA_LONG);
        check(what, call(what + "Size", List.of(ADDRESS, ADDRESS), program, size));
        MemorySegment all = arena.allocate(size.get(JAVA_LONG, 0));
        check(what, call(what, List.of(ADDRESS, ADDRESS), program, all));
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

    /// Calls a function that returns an nvrtcResult.
    @SuppressWarnings("restricted")
    private int call(String function, List<MemoryLayout> parameters, Object... arguments) {
        MemorySegment symbol =
                library.find(function)
                        .orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                NAME + " has no function " + function));
        var descriptor = FunctionDescriptor.of(JAVA_INT, parameters.toArray(MemoryLayout[]::new));
        try {
            return (int)
                    Linker.nativeLinker()
                            .downcallHandle(symbol, descriptor)
                            .invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException(function + " could not be called", e);
        }
    }
}
