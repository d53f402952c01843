package dev.graft.kernel;

import dev.graft.profile.Profile;
import dev.graft.tensor.FileBytes;
import dev.graft.tensor.Tensor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Kernels that tell a profile of their calls.
final class ProfiledKernels implements InvocationHandler {
    private static final Map<Kernels, Kernels> AROUND = new ConcurrentHashMap<>();

    private final Kernels kernels;

    private ProfiledKernels(Kernels kernels) {
        this.kernels = kernels;
    }

    static Kernels of(Kernels kernels) {
        return AROUND.computeIfAbsent(kernels, ProfiledKernels::around);
    }

    private static Kernels around(Kernels kernels) {
        return (Kernels)
                Proxy.newProxyInstance(
                        Kernels.class.getClassLoader(),
                        new Class<?>[] {Kernels.class},
                        new ProfiledKernels(kernels));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        long begin = Profile.enter();
        try {
            return method.invoke(kernels, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            long flops = flops(method.getName(), arguments);
            Profile.called(method.getName(), begin, flops, all(arguments));
        }
    }

    /// Multiplications and additions of the products in a call.
    private static long flops(String name, Object[] arguments) {
        Object first = arguments[0];
        return switch (name) {
            case "multiply" ->
                    2
                            * ((Factor) arguments[1]).matrix().numel()
                            * ((Factor) arguments[2]).columns();
            case "attention" -> ((AttentionInput) first).flops(2);
            case "attentionBackward" -> ((AttentionInput) first).flops(5);
            case "product" -> matrix(first);
            default -> 0;
        };
    }

    /// A row times a matrix.
    private static long matrix(Object w) {
        return w instanceof QuantizedMatrix codes
                ? 2 * codes.out() * codes.in()
                : 2 * ((Tensor) w).numel();
    }

    private static long bytes(Object argument) {
        return switch (argument) {
            case Tensor t -> t.numel() * t.dtype().bytes();
            case FileBytes f -> f.length();
            case Factor f -> bytes(f.matrix());
            case QuantizedMatrix w -> w.bytes();
            case AttentionInput in -> bytes(in.q()) + bytes(in.k()) + bytes(in.v());
            case BlockwiseCodes codes -> bytes(codes.codes()) + bytes(codes.absmax());
            case AdamWPart.Plain(var p, var g, var m, var v) -> all(p, g, m, v);
            case AdamWPart.Coded(var p, var g, var m, var v) -> all(p, g, m, v);
            case List<?> list -> all(list.toArray());
            case null, default -> 0;
        };
    }

    private static long all(Object... arguments) {
        long bytes = 0;
        for (Object argument : arguments) {
            bytes += bytes(argument);
        }
        return bytes;
    }
}
