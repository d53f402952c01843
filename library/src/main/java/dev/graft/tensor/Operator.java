package dev.graft.tensor;

import java.util.Arrays;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;

/// An operator that libtorch registers and its C++ interface does not declare, called by name as
/// `torch.ops.aten` does.
final class Operator {
    private final String name;
    private final OperatorHandle handle;

    private Operator(String name, OperatorHandle handle) {
        this.name = name;
        this.handle = handle;
    }

    /// @param name such as `aten::_flash_attention_forward`
    /// @throws IllegalStateException if this libtorch has no such operator
    static Operator of(String name) {
        Torch.load();
        try {
            return new Operator(name, Dispatcher.singleton().findSchemaOrThrow(name, ""));
        } catch (RuntimeException e) {
            throw new IllegalStateException("this libtorch has no operator " + name, e);
        }
    }

    /// Calls it with every argument of its schema in order, those with defaults included.
    ///
    /// @param wanted the results to return, by their place; the others are given up
    /// @param arguments [Tensor], [Long], [Double], [Boolean], or null for `None`
    Tensor[] call(int[] wanted, Object... arguments) {
        try (var stack = new IValueVector()) {
            for (Object argument : arguments) {
                try (IValue value = value(argument)) {
                    stack.push_back(value);
                }
            }
            try {
                handle.callBoxed(stack);
            } catch (RuntimeException e) {
                throw Torch.failure(name, e, tensors(arguments));
            }
            Tensor[] results = new Tensor[wanted.length];
            for (int i = 0; i < wanted.length; i++) {
                var inStack = stack.get(wanted[i]).toTensor(); // gone with the stack
                results[i] = Tensor.made(name, () -> new org.bytedeco.pytorch.Tensor(inStack));
            }
            return results;
        }
    }

    private static IValue value(Object argument) {
        return switch (argument) {
            case null -> new IValue();
            case Tensor t -> new IValue(t.raw());
            case Long n -> new IValue(n.longValue());
            case Double x -> new IValue(x.doubleValue());
            case Boolean b -> new IValue(b.booleanValue());
            default -> throw new IllegalArgumentException("an argument " + argument.getClass());
        };
    }

    private static Tensor[] tensors(Object... arguments) {
        return Arrays.stream(arguments)
                .filter(Tensor.class::isInstance)
                .map(Tensor.class::cast)
                .toArray(Tensor[]::new);
    }
}
