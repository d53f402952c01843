package dev.graft.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Functions of the C library, found where the system has them.
final class Libc {
    private Libc() {}

    /// One that returns an `int`.
    static Optional<MethodHandle> find(String function, MemoryLayout... arguments) {
        return find(function, FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments));
    }

    @SuppressWarnings("restricted")
    static Optional<MethodHandle> find(String function, FunctionDescriptor descriptor) {
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find(function)
                .map(symbol -> linker.downcallHandle(symbol, descriptor));
    }
}
