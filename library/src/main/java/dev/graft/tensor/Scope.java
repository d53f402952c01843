package dev.graft.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/// The lifetime of tensors: every tensor belongs to the scope that was current on its thread when
/// it was made, and is freed when that scope closes, unless handed on by `keep` or `adopt`.
///
/// An opened scope is current until closed and must be closed by its own thread, innermost first.
/// A detached scope owns tensors without being current; `enter` makes it current for a while.
///
/// A scope also says on which device tensors are made: the one that it was opened for, else that of
/// the scope around it, else the processor.
public final class Scope implements AutoCloseable {
    private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();
    private static final LongAdder LIVE_TENSORS = new LongAdder();
    private static final AtomicLong LIVE_BYTES = new AtomicLong();
    private static final AtomicLong PEAK_BYTES = new AtomicLong();

    private final String name;
    private final Scope parent;
    private final boolean onStack;
    private final Device device;
    private Tensor first;
    private boolean closed;

    private Scope(String name, Scope parent, boolean onStack, Device device) {
        this.name = name;
        this.parent = parent;
        this.onStack = onStack;
        this.device = device;
    }

    /// A scope that is current on this thread until it closes.
    public static Scope open() {
        return open("scope");
    }

    public static Scope open(String name) {
        return open(name, currentDevice());
    }

    /// A scope in which tensors are made on this device.
    public static Scope open(String name, Device device) {
        var scope = new Scope(name, CURRENT.get(), true, device);
        CURRENT.set(scope);
        return scope;
    }

    /// A scope that owns what is handed to it, or what is made while it is entered.
    public static Scope detached(String name) {
        return detached(name, Device.CPU);
    }

    /// The same; what is made while it is entered is on this device.
    public static Scope detached(String name, Device device) {
        return new Scope(name, null, false, device);
    }

    /// Where tensors are made while this scope is current.
    public Device device() {
        return device;
    }

    /// Where tensors are made now, on this thread.
    public static Device currentDevice() {
        Scope scope = CURRENT.get();
        return scope == null ? Device.CPU : scope.device;
    }

    static Scope current() {
        Scope scope = CURRENT.get();
        if (scope == null) {
            throw new IllegalStateException(
                    "no scope is open on thread "
                            + Thread.currentThread().getName()
                            + ": tensors are made inside try (var scope = Scope.open())");
        }
        return scope;
    }

    /// Makes a detached scope current until the returned handle closes.
    public Entered enter() {
        if (closed) {
            throw new IllegalStateException("scope '" + name + "' is closed");
        }
        Scope before = CURRENT.get();
        CURRENT.set(this);
        return new Entered(this, before);
    }

    /// The time during which a detached scope is current.
    public static final class Entered implements AutoCloseable {
        private final Scope entered;
        private final Scope before;

        private Entered(Scope entered, Scope before) {
            this.entered = entered;
            this.before = before;
        }

        @Override
        public void close() {
            if (CURRENT.get() != entered) {
                throw new IllegalStateException(
                        "scope '" + entered.name + "' is left while an inner scope is open");
            }
            set(before);
        }
    }

    /// Hands a tensor of this scope to the scope around it, and returns it.
    public Tensor keep(Tensor tensor) {
        if (parent == null) {
            throw new IllegalStateException("scope '" + name + "' has no scope around it");
        }
        return parent.adopt(tensor);
    }

    /// Whether a tensor belongs to this scope.
    public boolean owns(Tensor tensor) {
        return tensor.owner == this;
    }

    /// Takes a tensor over from whichever scope owns it, and returns it.
    public Tensor adopt(Tensor tensor) {
        if (closed) {
            throw new IllegalStateException("scope '" + name + "' is closed");
        }
        Scope owner = tensor.owner;
        if (owner == this) {
            return tensor;
        }
        if (owner == null) {
            throw new IllegalStateException("the tensor is closed");
        }
        owner.unlink(tensor);
        link(tensor);
        return tensor;
    }

    /// Hands a tensor to the scope that is current on this thread, and returns it.
    public static Tensor handToCurrent(Tensor tensor) {
        return current().adopt(tensor);
    }

    void register(Tensor tensor) {
        link(tensor);
        LIVE_TENSORS.increment();
        if (tensor.ownBytes > 0) {
            long live = LIVE_BYTES.addAndGet(tensor.ownBytes);
            if (live > PEAK_BYTES.get()) {
                PEAK_BYTES.accumulateAndGet(live, Math::max);
            }
        }
    }

    void release(Tensor tensor) {
        unlink(tensor);
        forget(tensor);
    }

    private static void forget(Tensor tensor) {
        LIVE_TENSORS.decrement();
        LIVE_BYTES.addAndGet(-tensor.ownBytes);
    }

    private void link(Tensor tensor) {
        tensor.owner = this;
        tensor.previous = null;
        tensor.next = first;
        if (first != null) {
            first.previous = tensor;
        }
        first = tensor;
    }

    private void unlink(Tensor tensor) {
        if (tensor.previous == null) {
            first = tensor.next;
        } else {
            tensor.previous.next = tensor.next;
        }
        if (tensor.next != null) {
            tensor.next.previous = tensor.previous;
        }
        tensor.owner = null;
        tensor.previous = null;
        tensor.next = null;
    }

    /// Frees every tensor that still belongs to this scope.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (onStack) {
            if (CURRENT.get() != this) {
                throw new IllegalStateException(
                        "scope '" + name + "' is not the innermost scope of this thread");
            }
            set(parent);
        }
        closed = true;
        for (Tensor t = first; t != null; ) {
            Tensor next = t.next;
            t.owner = null;
            forget(t);
            t.free();
            t = next;
        }
        first = null;
    }

    private static void set(Scope scope) {
        if (scope == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(scope);
        }
    }

    /// Bytes of memory that all live tensors of the process own; views and mapped files count 0.
    public static long liveBytes() {
        return LIVE_BYTES.get();
    }

    /// The highest `liveBytes` since the process or `resetPeak` began.
    public static long peakBytes() {
        return PEAK_BYTES.get();
    }

    /// Begins to watch for the peak anew, from what is live now.
    public static void resetPeak() {
        PEAK_BYTES.set(LIVE_BYTES.get());
    }

    /// Live tensors of the process, views included.
    public static long liveTensors() {
        return LIVE_TENSORS.sum();
    }

    /// What this scope and those around it hold, one line a scope, for finding leaks.
    public String dump() {
        List<String> lines = new ArrayList<>();
        for (Scope s = this; s != null; s = s.parent) {
            long count = 0;
            long bytes = 0;
            for (Tensor t = s.first; t != null; t = t.next) {
                count++;
                bytes += t.ownBytes;
            }
            lines.add("%s: %,d tensors, %,d bytes".formatted(s.name, count, bytes));
        }
        return String.join("\n", lines);
    }
}
