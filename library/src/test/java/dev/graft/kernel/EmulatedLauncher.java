package dev.graft.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.graft.tensor.Device;
import dev.graft.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Runs the CUDA kernels on a processor, on tensors of the processor, compiled by the C++ compiler
/// of the system with `cuda/emulation.h` before them.
final class EmulatedLauncher implements CudaLauncher {
    private static final String COMPILER = "g++";

    /// Whether kernels end the process where they read or write beside what was allocated, or at an
    /// address that a card does not take; such a process has to be begun with libasan.
    static final String SANITIZE = "graft.test.sanitize";

    private static final FunctionDescriptor LAUNCH =
            FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);

    private final SymbolLookup library;
    private final boolean reversed;
    private final Map<String, MethodHandle> kernels = new HashMap<>();

    private EmulatedLauncher(SymbolLookup library, boolean reversed) {
        this.library = library;
        this.reversed = reversed;
    }

    /// Whether this system has the compiler.
    static boolean isPossible() {
        try {
            Process process =
                    new ProcessBuilder(COMPILER, "--version").redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException _) {
            return false; // what ProcessBuilder throws where there is no such program
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Compiles the kernels into a folder.
    @SuppressWarnings("restricted")
    static EmulatedLauncher compile(Path folder) throws IOException, InterruptedException {
        Path source = folder.resolve("kernels.cpp");
        try (InputStream in = EmulatedLauncher.class.getResourceAsStream("/cuda/emulation.h")) {
            String before = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            Files.writeString(source, before + CudaCompiler.source());
        }
        Path library = folder.resolve("kernels.so");
        List<String> command = new ArrayList<>(List.of(COMPILER, "-std=c++17", "-O1", "-shared"));
        command.add("-fPIC");
        command.add("-ffp-contract=off");
        command.add("-U_FORTIFY_SOURCE"); // which takes jumps between stacks for errors
        if (Boolean.getBoolean(SANITIZE)) {
            command.add("-fsanitize=address,undefined");
            command.add("-fno-sanitize-recover=all");
        }
        command.addAll(List.of("-o", library.toString(), source.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException(output);
        }
        return new EmulatedLauncher(SymbolLookup.libraryLookup(library, Arena.global()), false);
    }

    /// The same with blocks, and the threads of a block, in the opposite order.
    EmulatedLauncher reversed() {
        return new EmulatedLauncher(library, true);
    }

    @SuppressWarnings("restricted")
    private MethodHandle find(String kernel) {
        MemorySegment function = library.find("emulate_" + kernel).orElseThrow();
        return Linker.nativeLinker().downcallHandle(function, LAUNCH);
    }

    @Override
    public void launch(String kernel, long blocks, int threads, Object... arguments) {
        List<Device> devices =
                Arrays.stream(arguments)
                        .filter(Tensor.class::isInstance)
                        .map(a -> ((Tensor) a).device())
                        .distinct()
                        .toList();
        if (devices.size() > 1) {
            throw new IllegalArgumentException(kernel + " has tensors on " + devices);
        }
        if (devices.contains(Device.META)) {
            return; // without numbers there is nothing to do
        }
        MethodHandle function = kernels.computeIfAbsent(kernel, this::find);
        try (var arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(JAVA_LONG, arguments.length);
            MemorySegment addresses = arena.allocate(ADDRESS, arguments.length);
            for (int i = 0; i < arguments.length; i++) {
                CardLauncher.put(values, i, arguments[i]);
                addresses.setAtIndex(ADDRESS, i, values.asSlice((long) i * Long.BYTES));
            }
            function.invokeExact(Math.toIntExact(blocks), threads, addresses, reversed ? 1 : 0);
        } catch (Throwable e) {
            throw new IllegalStateException(kernel + " could not be called", e);
        }
    }
}
