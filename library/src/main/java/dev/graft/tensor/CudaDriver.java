package dev.graft.tensor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// NVIDIA's driver library, which comes with the driver and is there without anything else of CUDA
/// (CUDA Driver API: `cuInit`, `cuDeviceGet…`).
final class CudaDriver {
    private static final int CAPABILITY_MAJOR = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    private static final int CAPABILITY_MINOR = 76;
    private static final int NO_DEVICE = 100; // CUDA_ERROR_NO_DEVICE
    private static final int MISMATCH = 803; // CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
    private static final int NAME_BYTES = 256;

    private final NativeLibrary library;

    private CudaDriver(NativeLibrary library) {
        this.library = library;
    }

    private static String libraryName() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("windows")
                ? "nvcuda.dll"
                : "libcuda.so.1";
    }

    /// The driver, if there is one.
    static Optional<CudaDriver> find() {
        return NativeLibrary.find(libraryName()).map(CudaDriver::new);
    }

    /// The cards, or why there are none.
    static Cards ask() {
        Optional<CudaDriver> driver = find();
        if (driver.isEmpty()) {
            return none(
                    0,
                    "no NVIDIA driver: its library %s is not here; on a machine with an NVIDIA card install the driver"
                            .formatted(libraryName()));
        }
        try (var arena = Arena.ofConfined()) {
            return driver.get().cards(arena);
        }
    }

    private static Cards none(int driver, String why) {
        return new Cards(driver, List.of(), Optional.of(why));
    }

    private Cards cards(Arena arena) {
        MemorySegment number = arena.allocate(JAVA_INT);
        int driver =
                call("cuDriverGetVersion", ADDRESS).with(number) == 0 ? number.get(JAVA_INT, 0) : 0;
        int began = call("cuInit", JAVA_INT).with(0);
        int counted = began == 0 ? call("cuDeviceGetCount", ADDRESS).with(number) : began;
        if (counted != 0) {
            return none(driver, problem(arena, counted));
        }
        List<Cards.Card> cards = new ArrayList<>();
        int count = number.get(JAVA_INT, 0);
        for (int i = 0; i < count; i++) {
            cards.add(card(arena, i));
        }
        return cards.isEmpty()
                ? none(driver, problem(arena, NO_DEVICE))
                : new Cards(driver, cards, Optional.empty());
    }

    private Cards.Card card(Arena arena, int index) {
        MemorySegment handle = arena.allocate(JAVA_INT);
        check("cuDeviceGet", call("cuDeviceGet", ADDRESS, JAVA_INT).with(handle, index));
        int card = handle.get(JAVA_INT, 0);
        MemorySegment name = arena.allocate(NAME_BYTES);
        check(
                "cuDeviceGetName",
                call("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT).with(name, NAME_BYTES, card));
        MemorySegment memory = arena.allocate(JAVA_LONG);
        check(
                "cuDeviceTotalMem_v2",
                call("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT).with(memory, card));
        int capability =
                10 * attribute(arena, CAPABILITY_MAJOR, card)
                        + attribute(arena, CAPABILITY_MINOR, card);
        return new Cards.Card(index, name.getString(0), memory.get(JAVA_LONG, 0), capability);
    }

    private int attribute(Arena arena, int which, int card) {
        MemorySegment value = arena.allocate(JAVA_INT);
        check(
                "cuDeviceGetAttribute",
                call("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT).with(value, which, card));
        return value.get(JAVA_INT, 0);
    }

    private String problem(Arena arena, int code) {
        return switch (code) {
            case NO_DEVICE ->
                    "the NVIDIA driver sees no card; inside a container it has to be let in (docker run --gpus all), and CUDA_VISIBLE_DEVICES must not hide it";
            case MISMATCH ->
                    "the driver's library and its kernel module are of different versions: restart the machine";
            default ->
                    "the NVIDIA driver does not answer: %s (%d); nvidia-smi may say more"
                            .formatted(name(arena, code), code);
        };
    }

    private String name(Arena arena, int code) {
        MemorySegment pointer = arena.allocate(ADDRESS);
        int found = call("cuGetErrorName", JAVA_INT, ADDRESS).with(code, pointer);
        return found == 0 ? text(pointer.get(ADDRESS, 0)) : "unknown error";
    }

    @SuppressWarnings("restricted")
    private static String text(MemorySegment characters) {
        return characters.reinterpret(NAME_BYTES).getString(0);
    }

    /// @throws IllegalStateException with the error's name, if the code is one
    void check(String what, int code) {
        if (code != 0) {
            try (var arena = Arena.ofConfined()) {
                throw new IllegalStateException(
                        "%s: the card's driver says %s (%d)"
                                .formatted(what, name(arena, code), code));
            }
        }
    }

    /// A function that returns a CUresult.
    NativeLibrary.Call call(String function, MemoryLayout... parameters) {
        return library.call(function, parameters);
    }

    /// The same, to be called often.
    MethodHandle handle(String function, MemoryLayout... parameters) {
        return library.handle(function, parameters);
    }
}
