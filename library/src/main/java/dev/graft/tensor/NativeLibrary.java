package dev.graft.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// A library of the system, loaded for as long as the process runs, whose functions return an
/// `int`.
public final class NativeLibrary {
    private final String name;
    private final SymbolLookup symbols;

    private NativeLibrary(String name, SymbolLookup symbols) {
        this.name = name;
        this.symbols = symbols;
    }

    /// Loads a library, if it is there.
    ///
    /// @param name a path, or a name that the system's loader finds
    @SuppressWarnings("restricted")
    public static Optional<NativeLibrary> find(String name) {
        try {
            SymbolLookup symbols = SymbolLookup.libraryLookup(name, Arena.global());
            return Optional.of(new NativeLibrary(name, symbols));
        } catch (IllegalArgumentException _) {
            return Optional.empty(); // what libraryLookup throws where it finds none
        }
    }

    /// A function to be called often.
    ///
    /// @throws IllegalStateException if the library has none of this name
    @SuppressWarnings("restricted")
    public MethodHandle handle(String function, MemoryLayout... parameters) {
        MemorySegment symbol =
                symbols.find(function)
                        .orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                name + " has no function " + function));
        return Linker.nativeLinker()
                .downcallHandle(symbol, FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
    }

    /// A function to be called now.
    public Call call(String function, MemoryLayout... parameters) {
        MethodHandle handle = handle(function, parameters);
        return arguments -> {
            try {
                return (int) handle.invokeWithArguments(arguments);
            } catch (Throwable e) {
                throw new IllegalStateException(function + " could not be called", e);
            }
        };
    }

    /// A function with its parameters' types.
    public interface Call {
        /// Calls it and returns what it returns.
        int with(Object... arguments);
    }
}
