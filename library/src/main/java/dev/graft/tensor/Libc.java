package dev.graft.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// Functions of the C library, found where the system has them. All of them return an `int`.
final class Libc {
    private Libc() {}

    @SuppressWarnings("restricted")
    static Optional<MethodHandle> find(String function, MemoryLayout... arguments) {
        var linker = Linker.nativeLinker();
        var descriptor = FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments);
        return linker.defaultLookup()
                .find(function)
                .map(symbol -> linker.downcallHandle(symbol, descriptor));
    }
}
