package dev.graft.tensor;

import dev.graft.error.OutOfMemory;
import dev.graft.profile.Profile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/// A native array of numbers: a thin handle on a libtorch tensor that belongs to a [Scope].
///
/// Names and meanings of the operations are PyTorch's; those that end in `InPlace` or `Into` write
/// to memory that exists. A view shares the memory of its source, which must outlive it. Errors of
/// libtorch arrive as `IllegalArgumentException` that names the operation and the shapes.
public final class Tensor implements AutoCloseable {
    static {
        Torch.load();
    }

    private static final Scalar ONE = new Scalar(1.0);
    private static final Scalar ZERO = new Scalar(0.0);
    private static final Tensor[] NOTHING_READ = {}; // by a view

    private final org.bytedeco.pytorch.Tensor raw;
    private final DType dtype;
    private long[] shape;
    private long[] strides;

    // Every kernel asks for these; a call of libtorch takes longer than a short kernel.
    private Device device;
    private long address;
    private MemorySegment memory;

    final long ownBytes;
    Scope owner;
    Tensor previous;
    Tensor next;

    private Tensor(org.bytedeco.pytorch.Tensor raw, boolean ownsMemory) {
        this.raw = raw;
        this.dtype = DType.of(raw.scalar_type());
        this.ownBytes = ownsMemory ? raw.nbytes() : 0;
        Profile.allocated(ownBytes);
        Scope.current().register(this);
    }

    // ---- making ----

    public static Tensor empty(DType dtype, long... shape) {
        return empty(Scope.currentDevice(), dtype, shape);
    }

    static Tensor empty(Device device, DType dtype, long... shape) {
        return made(
                "empty",
                () ->
                        device.isCpu()
                                ? Blocks.tensor(dtype, shape)
                                : elsewhere(device, dtype, shape));
    }

    private static org.bytedeco.pytorch.Tensor elsewhere(
            Device device, DType dtype, long... shape) {
        try (var at = new org.bytedeco.pytorch.Device(device.toString());
                var where = new DeviceOptional(at);
                var plain = new TensorOptions(dtype.scalarType);
                var options = plain.device(where)) {
            return torch.torch_empty(shape, options, null);
        }
    }

    public static Tensor zeros(DType dtype, long... shape) {
        return empty(dtype, shape).zeroInPlace();
    }

    public static Tensor full(DType dtype, double value, long... shape) {
        try (var scalar = new Scalar(value)) {
            Tensor t = empty(dtype, shape);
            return t.act("full", () -> t.raw.fill_(scalar));
        }
    }

    /// A tensor of the values in row-major order; `shape` defaults to one dimension.
    public static Tensor of(float[] values, long... shape) {
        return filled(
                DType.F32,
                values.length,
                shape,
                to -> MemorySegment.copy(values, 0, to, ValueLayout.JAVA_FLOAT, 0, values.length));
    }

    public static Tensor of(double[] values, long... shape) {
        return filled(
                DType.F64,
                values.length,
                shape,
                to -> MemorySegment.copy(values, 0, to, ValueLayout.JAVA_DOUBLE, 0, values.length));
    }

    public static Tensor of(int[] values, long... shape) {
        return filled(
                DType.I32,
                values.length,
                shape,
                to -> MemorySegment.copy(values, 0, to, ValueLayout.JAVA_INT, 0, values.length));
    }

    public static Tensor of(long[] values, long... shape) {
        return filled(
                DType.I64,
                values.length,
                shape,
                to -> MemorySegment.copy(values, 0, to, ValueLayout.JAVA_LONG, 0, values.length));
    }

    /// A tensor whose numbers the host writes, sent to the device where tensors are made.
    private static Tensor filled(
            DType dtype, int count, long[] shape, Consumer<MemorySegment> values) {
        Repetition.takeFromHost();
        long[] wanted = shape.length == 0 ? new long[] {count} : shape;
        Device device = Scope.currentDevice();
        if (device.isCpu()) {
            return written(empty(device, dtype, wanted), count, values);
        }
        try (var host = Scope.open("host", Device.CPU)) {
            Tensor here = device.isCard() ? pinned(dtype, wanted) : empty(dtype, wanted);
            return host.keep(written(here, count, values).to(device));
        }
    }

    private static Tensor written(Tensor t, int count, Consumer<MemorySegment> values) {
        t.requireElements(count);
        values.accept(t.segment());
        return t;
    }

    /// Page-locked memory of the host, which a card reads and writes by itself: what is sent from
    /// there travels while the host goes on, and may be closed meanwhile.
    public static Tensor pinned(DType dtype, long... shape) {
        return made(
                "empty",
                () -> {
                    try (var yes = new BoolOptional(true);
                            var plain = new TensorOptions(dtype.scalarType);
                            var options = plain.pinned_memory(yes)) {
                        return torch.torch_empty(shape, options, null);
                    }
                });
    }

    /// A tensor over memory that someone else owns, a mapped file above all. The memory must
    /// outlive the tensor, and a tensor over read-only memory must never be written to.
    public static Tensor over(MemorySegment memory, DType dtype, long... shape) {
        try (var options = new TensorOptions(dtype.scalarType);
                var address = new Address(memory.address())) {
            var t = view("over", () -> torch.from_blob(address, shape, options));
            if (t.numel() * dtype.bytes() != memory.byteSize()) {
                String found = t.describe();
                t.close();
                throw new IllegalArgumentException(
                        "over: %,d bytes of memory for %s".formatted(memory.byteSize(), found));
            }
            return t;
        }
    }

    private void requireElements(int count) {
        if (numel() != count) {
            String found = describe();
            close();
            throw new IllegalArgumentException(count + " values for " + found);
        }
    }

    static Tensor made(String op, Supplier<org.bytedeco.pytorch.Tensor> call, Tensor... inputs) {
        return run(op, call, true, inputs);
    }

    private static Tensor view(
            String op, Supplier<org.bytedeco.pytorch.Tensor> call, Tensor... inputs) {
        return run(op, call, false, inputs);
    }

    private static Tensor run(
            String op, Supplier<org.bytedeco.pytorch.Tensor> call, boolean owns, Tensor... inputs) {
        long begin = Profile.enter();
        try {
            var result = new Tensor(call.get(), owns);
            called(op, begin, 0, owns ? inputs : NOTHING_READ);
            return result;
        } catch (IllegalStateException | OutOfMemory e) {
            throw e;
        } catch (RuntimeException e) {
            throw Torch.failure(op, e, inputs);
        }
    }

    private Tensor act(String op, Runnable call, Tensor... inputs) {
        return act(op, 0, call, inputs);
    }

    private Tensor act(String op, long flops, Runnable call, Tensor... inputs) {
        long begin = Profile.enter();
        try {
            call.run();
            called(op, begin, flops, inputs);
            return this;
        } catch (RuntimeException e) {
            throw Torch.failure(op, e, inputs);
        }
    }

    private static void called(String op, long begin, long flops, Tensor... operands) {
        if (begin != 0) {
            long bytes = 0;
            for (Tensor operand : operands) {
                bytes += operand.numel() * operand.dtype.bytes();
            }
            Profile.called(op, begin, flops, bytes);
        }
    }

    // ---- looking ----

    /// The lengths of the dimensions; not to be written to.
    public long[] shape() {
        if (shape == null) {
            long[] s = new long[(int) raw.dim()];
            for (int i = 0; i < s.length; i++) {
                s[i] = raw.size(i);
            }
            shape = s;
        }
        return shape;
    }

    /// The length of dimension `i`; negative `i` counts from the end.
    public long size(int i) {
        long[] s = shape();
        return s[i < 0 ? s.length + i : i];
    }

    public int dim() {
        return shape().length;
    }

    public long numel() {
        long n = 1;
        for (long d : shape()) {
            n *= d;
        }
        return n;
    }

    public DType dtype() {
        return dtype;
    }

    public boolean isContiguous() {
        return raw.is_contiguous();
    }

    /// Elements to step over for the next index of dimension `i`.
    public long stride(int i) {
        if (strides == null) {
            strides = new long[dim()];
            Arrays.setAll(strides, raw::stride);
        }
        return strides[i];
    }

    public Device device() {
        if (device == null) {
            device = raw.is_cpu() ? Device.CPU : device(raw);
        }
        return device;
    }

    private static Device device(org.bytedeco.pytorch.Tensor raw) {
        try (var at = raw.device();
                var name = at.str()) {
            return Device.of(name.getString());
        }
    }

    public boolean onCpu() {
        return device().isCpu();
    }

    /// Whether the memory has been given up, by `close` or with the scope.
    public boolean isClosed() {
        return owner == null;
    }

    /// `F32[2, 3]`, for messages.
    public String describe() {
        return raw.isNull() ? "closed" : dtype + Arrays.toString(shape());
    }

    @Override
    public String toString() {
        return "Tensor " + describe();
    }

    /// The memory of a contiguous CPU tensor. Valid while the tensor lives.
    @SuppressWarnings("restricted")
    public MemorySegment segment() {
        MemorySegment known = memory;
        if (known != null) {
            return known;
        }
        if (!onCpu()) {
            throw new IllegalArgumentException("segment: " + describe() + " is on " + device());
        }
        if (!isContiguous()) {
            throw new IllegalArgumentException("segment: " + describe() + " is not contiguous");
        }
        memory = MemorySegment.ofAddress(address()).reinterpret(numel() * dtype.bytes());
        return memory;
    }

    /// The memory of a CPU matrix whose rows are contiguous and may lie apart, from its
    /// first element to its last. Valid while the tensor lives.
    @SuppressWarnings("restricted")
    public MemorySegment rowsSegment() {
        if (!onCpu() || dim() != 2 || (size(1) > 1 && stride(1) != 1)) {
            throw new IllegalArgumentException("rows: those of " + describe() + " have gaps");
        }
        long elements = numel() == 0 ? 0 : (size(0) - 1) * stride(0) + size(1);
        return MemorySegment.ofAddress(address()).reinterpret(elements * dtype.bytes());
    }

    /// The address of the first element; 0 where there is none.
    public long address() {
        if (address == 0) {
            Pointer data = raw.data_ptr();
            address = data == null ? 0 : data.address();
        }
        return address;
    }

    /// The value of a tensor of one element.
    public double item() {
        return raw.item_double();
    }

    /// The values in row-major order, as floats. A tensor over a file may lie at any address.
    public float[] toFloats() {
        try (var _ = Scope.open()) {
            MemorySegment s = to(DType.F32).to(Device.CPU).contiguous().segment();
            return s.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
        }
    }

    public double[] toDoubles() {
        try (var _ = Scope.open()) {
            MemorySegment s = to(DType.F64).to(Device.CPU).contiguous().segment();
            return s.toArray(ValueLayout.JAVA_DOUBLE_UNALIGNED);
        }
    }

    public int[] toInts() {
        try (var _ = Scope.open()) {
            MemorySegment s = to(DType.I32).to(Device.CPU).contiguous().segment();
            return s.toArray(ValueLayout.JAVA_INT_UNALIGNED);
        }
    }

    /// Whether both have the same type, shape and values.
    public boolean sameAs(Tensor other) {
        return dtype == other.dtype
                && Arrays.equals(shape(), other.shape())
                && raw.equal(other.raw);
    }

    public boolean allFinite() {
        try (var _ = Scope.open()) {
            Tensor sum = made("sum", () -> raw.isfinite().all());
            return sum.item() != 0;
        }
    }

    // ---- views ----

    public Tensor view(long... shape) {
        return view("view", () -> raw.view(shape), this);
    }

    /// The same bytes as numbers of another type.
    ///
    /// @return one dimension
    public Tensor bytesAs(DType type) {
        return view("view", () -> raw.view(type.scalarType), this);
    }

    public Tensor transpose(int a, int b) {
        return view("transpose", () -> raw.transpose(a, b), this);
    }

    public Tensor t() {
        return view("t", raw::t, this);
    }

    public Tensor narrow(int dim, long start, long length) {
        return view("narrow", () -> raw.narrow(dim, start, length), this);
    }

    public Tensor select(int dim, long index) {
        return view("select", () -> raw.select(dim, index), this);
    }

    public Tensor expand(long... shape) {
        return view("expand", () -> raw.expand(shape), this);
    }

    public Tensor unsqueeze(int dim) {
        return view("unsqueeze", () -> raw.unsqueeze(dim), this);
    }

    /// Another handle on the same memory.
    public Tensor alias() {
        return view("alias", raw::detach, this);
    }

    // ---- copies ----

    /// A contiguous copy, on the same device.
    public Tensor copy() {
        return copyAs(dtype);
    }

    /// The same in another type, or in its own.
    public Tensor copyAs(DType type) {
        return empty(device(), type, shape()).copyInPlace(this);
    }

    /// The same on another device, or on its own.
    public Tensor copyTo(Device target) {
        Tensor there = empty(target, dtype, shape());
        return onCpu() && target.isCard() ? Upload.send(this, there) : there.copyInPlace(this);
    }

    /// A copy in memory of the host that a device reads by itself, page-locked for a card.
    public Tensor besides(Device reader) {
        Tensor host = reader.isCard() ? pinned(dtype, shape()) : empty(Device.CPU, dtype, shape());
        return host.copyInPlace(this);
    }

    public Tensor contiguous() {
        return isContiguous() ? alias() : copy();
    }

    public Tensor to(DType type) {
        return type == dtype ? alias() : copyAs(type);
    }

    /// The numbers on another device, or another handle on them where they are there.
    public Tensor to(Device target) {
        return device().equals(target) ? alias() : copyTo(target);
    }

    /// Writes the numbers of a source, and does not wait until they have arrived where one of the
    /// two is page-locked memory and the other on a card.
    public Tensor sendInPlace(Tensor source) {
        return act("send", () -> raw.copy_(source.raw, true), this, source);
    }

    boolean isPinned() {
        return raw.is_pinned();
    }

    public static Tensor cat(int dim, Tensor... parts) {
        var raws = Arrays.stream(parts).map(p -> p.raw).toArray(org.bytedeco.pytorch.Tensor[]::new);
        try (var vector = new TensorVector(raws)) {
            return made("cat", () -> torch.cat(vector, dim), parts);
        }
    }

    public Tensor indexSelect(int dim, Tensor index) {
        if (device().equals(Device.META)) { // libtorch has no kernel for it there
            long[] shape = shape().clone();
            shape[dim] = index.numel();
            return empty(device(), dtype, shape);
        }
        return made("index_select", () -> raw.index_select(dim, index.raw), this, index);
    }

    // ---- products ----

    public Tensor matmul(Tensor b) {
        if (dim() == 2 && b.dim() == 2 && dtype == b.dtype && !isRecorded(b)) {
            return mmInto(empty(device(), dtype, size(0), b.size(1)), this, b);
        }
        return made("matmul", () -> raw.matmul(b.raw), this, b);
    }

    /// out = a · b for matrices.
    public static Tensor mmInto(Tensor out, Tensor a, Tensor b) {
        return out.act("mm", flops(out, a), () -> torch.mm_out(out.raw, a.raw, b.raw), a, b, out);
    }

    /// this = beta · this + alpha · a · b for matrices.
    public Tensor addmmInPlace(Tensor a, Tensor b, double beta, double alpha) {
        try (var be = new Scalar(beta);
                var al = new Scalar(alpha)) {
            return act("addmm", flops(this, a), () -> raw.addmm_(a.raw, b.raw, be, al), this, a, b);
        }
    }

    /// Multiplications and additions of a product whose left factor is `a`.
    private static long flops(Tensor out, Tensor a) {
        return 2 * out.numel() * a.size(-1);
    }

    // ---- elementwise ----

    public Tensor add(Tensor b) {
        return isLike(b)
                ? addInto(empty(device(), dtype, shape()), this, b)
                : made("add", () -> raw.add(b.raw, ONE), this, b);
    }

    private static Tensor addInto(Tensor out, Tensor a, Tensor b) {
        return out.act("add", () -> torch.add_out(out.raw, a.raw, b.raw), a, b);
    }

    private static Tensor mulInto(Tensor out, Tensor a, Tensor b) {
        return out.act("mul", () -> torch.mul_out(out.raw, a.raw, b.raw), a, b);
    }

    private boolean isLike(Tensor b) {
        return dtype == b.dtype && Arrays.equals(shape(), b.shape()) && !isRecorded(b);
    }

    /// Whether libtorch's autograd follows one of the two, as in tests: it refuses outputs that are
    /// given.
    private boolean isRecorded(Tensor b) {
        return raw.requires_grad() || b.raw.requires_grad();
    }

    public Tensor sub(Tensor b) {
        return made("sub", () -> raw.sub(b.raw, ONE), this, b);
    }

    public Tensor mul(Tensor b) {
        return isLike(b)
                ? mulInto(empty(device(), dtype, shape()), this, b)
                : made("mul", () -> raw.mul(b.raw), this, b);
    }

    public Tensor mul(double b) {
        try (var s = new Scalar(b)) {
            return made("mul", () -> raw.mul(s), this);
        }
    }

    public Tensor div(Tensor b) {
        return made("div", () -> raw.div(b.raw), this, b);
    }

    public Tensor add(double b) {
        try (var s = new Scalar(b)) {
            return made("add", () -> raw.add(s, ONE), this);
        }
    }

    public Tensor addInPlace(Tensor b) {
        return act("add", () -> raw.add_(b.raw, ONE), this, b);
    }

    /// this = this + alpha · b.
    public Tensor addInPlace(Tensor b, double alpha) {
        try (var s = new Scalar(alpha)) {
            return act("add", () -> raw.add_(b.raw, s), this, b);
        }
    }

    public Tensor mulInPlace(Tensor b) {
        return act("mul", () -> raw.mul_(b.raw), this, b);
    }

    public Tensor mulInPlace(double b) {
        try (var s = new Scalar(b)) {
            return act("mul", () -> raw.mul_(s), this);
        }
    }

    /// this = this + alpha · a ⊙ b.
    public Tensor addcmulInPlace(Tensor a, Tensor b, double alpha) {
        try (var s = new Scalar(alpha)) {
            return act("addcmul", () -> raw.addcmul_(a.raw, b.raw, s), this, a, b);
        }
    }

    /// this = this + alpha · a / b.
    public Tensor addcdivInPlace(Tensor a, Tensor b, double alpha) {
        try (var s = new Scalar(alpha)) {
            return act("addcdiv", () -> raw.addcdiv_(a.raw, b.raw, s), this, a, b);
        }
    }

    public Tensor copyInPlace(Tensor source) {
        return act("copy", () -> raw.copy_(source.raw), this, source);
    }

    public Tensor zeroInPlace() {
        return act("zero", () -> raw.fill_(ZERO), this);
    }

    public Tensor neg() {
        return made("neg", raw::neg, this);
    }

    public Tensor exp() {
        return made("exp", raw::exp, this);
    }

    public Tensor sigmoid() {
        return made("sigmoid", raw::sigmoid, this);
    }

    public Tensor tanh() {
        return made("tanh", raw::tanh, this);
    }

    public Tensor erf() {
        return made("erf", raw::erf, this);
    }

    public Tensor rsqrt() {
        return made("rsqrt", raw::rsqrt, this);
    }

    public Tensor sqrt() {
        return made("sqrt", raw::sqrt, this);
    }

    public Tensor abs() {
        return made("abs", raw::abs, this);
    }

    /// Where `mask` is true `value`, elsewhere this.
    public Tensor maskedFill(Tensor mask, double value) {
        try (var s = new Scalar(value)) {
            return made("masked_fill", () -> raw.masked_fill(mask.raw, s), this, mask);
        }
    }

    /// The part on and above diagonal `k`.
    public Tensor triu(long k) {
        return made("triu", () -> raw.triu(k), this);
    }

    public Tensor gt(double b) {
        try (var s = new Scalar(b)) {
            return made("gt", () -> raw.gt(s), this);
        }
    }

    /// For integers: the bits moved `bits` places down.
    public Tensor shiftRight(int bits) {
        try (var s = new Scalar(bits)) {
            return made("rshift", () -> raw.bitwise_right_shift(s), this);
        }
    }

    /// For integers: the bits that both have.
    public Tensor bitAnd(int mask) {
        try (var s = new Scalar(mask)) {
            return made("bitwise_and", () -> raw.bitwise_and(s), this);
        }
    }

    /// For each element the number of rising `bounds` strictly below it. I32
    public Tensor bucketize(Tensor bounds) {
        return made("bucketize", () -> torch.bucketize(raw, bounds.raw, true, false), this, bounds);
    }

    public Tensor clamp(double least, double most) {
        try (var low = new Scalar(least);
                var high = new Scalar(most);
                var min = new ScalarOptional(low);
                var max = new ScalarOptional(high)) {
            return made("clamp", () -> raw.clamp(min, max), this);
        }
    }

    /// Rounded to whole numbers, halves to the even one.
    public Tensor round() {
        return made("round", raw::round, this);
    }

    /// The greatest value along a dimension.
    public Tensor max(int dim) {
        return made("amax", () -> raw.amax(new long[] {dim}, false), this);
    }

    public Tensor isFinite() {
        return made("isfinite", raw::isfinite, this);
    }

    public Tensor logicalNot() {
        return made("logical_not", raw::logical_not, this);
    }

    // ---- reductions ----

    public Tensor sum() {
        return made("sum", raw::sum, this);
    }

    /// The sum over one dimension, which stays with length 1 if `keep`.
    public Tensor sum(int dim, boolean keep) {
        try (var none = new ScalarTypeOptional()) {
            return made("sum", () -> raw.sum(new long[] {dim}, keep, none), this);
        }
    }

    public Tensor mean(int dim, boolean keep) {
        try (var none = new ScalarTypeOptional()) {
            return made("mean", () -> raw.mean(new long[] {dim}, keep, none), this);
        }
    }

    public Tensor max() {
        return made("max", raw::max, this);
    }

    public Tensor amax(int dim, boolean keep) {
        return made("amax", () -> raw.amax(new long[] {dim}, keep), this);
    }

    public Tensor logSumExp(int dim, boolean keep) {
        if (device().equals(Device.META)) { // libtorch has no kernel for it there
            return sum(dim, keep);
        }
        return made("logsumexp", () -> raw.logsumexp(new long[] {dim}, keep), this);
    }

    public Tensor softmax(int dim) {
        return made("softmax", () -> raw.softmax(dim), this);
    }

    /// The order of the elements along `dim`, equal ones as they come. I64
    public Tensor argsort(int dim, boolean descending) {
        return made("argsort", () -> raw.argsort(true, dim, descending), this);
    }

    /// Whole numbers divided, rounded down.
    public Tensor floorDivide(long by) {
        try (var divisor = new Scalar(by)) {
            return made("floor_divide", () -> raw.floor_divide(divisor), this);
        }
    }

    public Tensor argmax(int dim) {
        try (var d = new LongOptional(dim)) {
            return made("argmax", () -> raw.argmax(d, false), this);
        }
    }

    /// Adds the rows of `source` to the rows that `index` names, along `dim`.
    public Tensor indexAddInPlace(int dim, Tensor index, Tensor source) {
        return act(
                "index_add", () -> raw.index_add_(dim, index.raw, source.raw), this, index, source);
    }

    /// Puts the rows of `source` in place of those that `index` names, along `dim`.
    ///
    /// @param index I64
    public Tensor indexCopyInPlace(int dim, Tensor index, Tensor source) {
        return act(
                "index_copy",
                () -> raw.index_copy_(dim, index.raw, source.raw),
                this,
                index,
                source);
    }

    /// Adds each element of `source` where `index` says, along `dim`.
    public Tensor scatterAddInPlace(int dim, Tensor index, Tensor source) {
        return act(
                "scatter_add",
                () -> raw.scatter_add_(dim, index.raw, source.raw),
                this,
                index,
                source);
    }

    public Tensor gather(int dim, Tensor index) {
        return made("gather", () -> raw.gather(dim, index.raw), this, index);
    }

    // ---- life ----

    org.bytedeco.pytorch.Tensor raw() {
        return raw;
    }

    static Tensor wrap(org.bytedeco.pytorch.Tensor raw) {
        return new Tensor(raw, true);
    }

    void free() {
        memory = null;
        address = 0;
        raw.close();
    }

    /// Frees the tensor before its scope closes; closing twice is harmless.
    @Override
    public void close() {
        if (owner != null) {
            owner.release(this);
            free();
        }
    }
}
