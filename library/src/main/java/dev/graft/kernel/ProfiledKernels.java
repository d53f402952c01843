package dev.graft.kernel;

import dev.graft.profile.Profile;
import dev.graft.tensor.Tensor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/// Kernels that tell a profile of their calls.
final class ProfiledKernels implements InvocationHandler {
    private static final Kernels VECTOR = around(VectorKernels.INSTANCE);
    private static final Kernels TORCH = around(TorchKernels.INSTANCE);

    private final Kernels kernels;

    private ProfiledKernels(Kernels kernels) {
        this.kernels = kernels;
    }

    static Kernels of(Kernels kernels) {
        return kernels == VectorKernels.INSTANCE ? VECTOR : TORCH;
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
            long flops = method.getName().equals("product") ? flops(arguments[0]) : 0;
            Profile.called(method.getName(), begin, flops, bytes(arguments));
        }
    }

    /// Multiplications and additions of a row times a matrix.
    private static long flops(Object matrix) {
        return switch (matrix) {
            case Tensor t -> 2 * t.numel();
            case QuantizedMatrix w -> 2 * w.out() * w.in();
            default -> 0;
        };
    }

    private static long bytes(Object[] arguments) {
        long bytes = 0;
        for (Object argument : arguments) {
            bytes +=
                    switch (argument) {
                        case Tensor t -> t.numel() * t.dtype().bytes();
                        case QuantizedMatrix w -> w.bytes();
                        case null, default -> 0;
                    };
        }
        return bytes;
    }
}
