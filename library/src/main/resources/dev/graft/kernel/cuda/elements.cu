// A thread for each pack of numbers.

#define SILU 0
#define GELU_TANH 1
#define GELU 2

__device__ __forceinline__ i64 packIndex() {
    return (i64) blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ float inner(float g) {
    return 0.7978845608028654f * (g + 0.044715f * g * g * g); // √(2/π)
}

__device__ __forceinline__ float distribution(float g) {
    return 0.5f * (1 + erff(g * 0.7071067811865476f));
}

__device__ __forceinline__ float sigmoid(float g) {
    return 1 / (1 + expf(-g));
}

template <int ACTIVATION>
__device__ __forceinline__ float value(float g) {
    switch (ACTIVATION) {
        case SILU:
            return g * sigmoid(g);
        case GELU_TANH:
            return 0.5f * g * (1 + tanhf(inner(g)));
        default:
            return g * distribution(g);
    }
}

template <int ACTIVATION>
__device__ __forceinline__ float slope(float g) {
    switch (ACTIVATION) {
        case SILU: {
            float s = sigmoid(g);
            return s * (1 + g * (1 - s));
        }
        case GELU_TANH: {
            float t = tanhf(inner(g));
            float dInner = 0.7978845608028654f * (1 + 3 * 0.044715f * g * g);
            return 0.5f * (1 + t + g * (1 - t * t) * dInner);
        }
        default:
            return distribution(g) + g * 0.3989422804014327f * expf(-0.5f * g * g); // 1/√(2π)
    }
}

// Shazeer 2020: out = f(gate) · up.
template <int ACTIVATION, class T, int N>
__device__ __forceinline__ void glu_by(
        const void* gates, i64 gateStride, const void* ups, i64 upStride, void* outs, i64 rows,
        int width) {
    int packs = width / N; // of a row
    i64 index = packIndex();
    if (index >= rows * packs) {
        return;
    }
    i64 row = quotient(index, packs);
    int column = (int) (index - row * packs) * N;
    Pack<T, N> gate = load<T, N>(static_cast<const T*>(gates) + row * gateStride + column);
    Pack<T, N> up = load<T, N>(static_cast<const T*>(ups) + row * upStride + column);
    UNROLL
    for (int j = 0; j < N; j++) {
        narrow(value<ACTIVATION>(wide(gate.at[j])) * wide(up.at[j]), gate.at[j]);
    }
    store<T, N>(static_cast<T*>(outs) + index * N, gate);
}

template <class T, int N>
__device__ __forceinline__ void glu(
        int activation, const void* gates, i64 gateStride, const void* ups, i64 upStride, void* outs,
        i64 rows, int width) {
    switch (activation) {
        case SILU:
            return glu_by<SILU, T, N>(gates, gateStride, ups, upStride, outs, rows, width);
        case GELU_TANH:
            return glu_by<GELU_TANH, T, N>(gates, gateStride, ups, upStride, outs, rows, width);
        default:
            return glu_by<GELU, T, N>(gates, gateStride, ups, upStride, outs, rows, width);
    }
}

FOR_EACH_TYPE(
        glu,
        (int activation, const void* gates, i64 gateStride, const void* ups, i64 upStride,
         void* outs, i64 rows, int width),
        (activation, gates, gateStride, ups, upStride, outs, rows, width))

// dUp = dOut · f(gate), dGate = dOut · up · f′(gate); each may be the memory of its source.
template <int ACTIVATION, class T, int N>
__device__ __forceinline__ void glu_backward_by(
        const void* dOuts, const void* gates, i64 gateStride, const void* ups, i64 upStride,
        void* dGates, i64 dGateStride, void* dUps, i64 dUpStride, i64 rows, int width) {
    int packs = width / N; // of a row
    i64 index = packIndex();
    if (index >= rows * packs) {
        return;
    }
    i64 row = quotient(index, packs);
    int column = (int) (index - row * packs) * N;
    Pack<T, N> given = load<T, N>(static_cast<const T*>(dOuts) + index * N);
    Pack<T, N> gate = load<T, N>(static_cast<const T*>(gates) + row * gateStride + column);
    Pack<T, N> up = load<T, N>(static_cast<const T*>(ups) + row * upStride + column);
    UNROLL
    for (int j = 0; j < N; j++) {
        float d = wide(given.at[j]);
        float g = wide(gate.at[j]);
        float u = wide(up.at[j]);
        narrow(d * value<ACTIVATION>(g), up.at[j]);
        narrow(d * u * slope<ACTIVATION>(g), gate.at[j]);
    }
    store<T, N>(static_cast<T*>(dGates) + row * dGateStride + column, gate);
    store<T, N>(static_cast<T*>(dUps) + row * dUpStride + column, up);
}

template <class T, int N>
__device__ __forceinline__ void glu_backward(
        int activation, const void* dOuts, const void* gates, i64 gateStride, const void* ups,
        i64 upStride, void* dGates, i64 dGateStride, void* dUps, i64 dUpStride, i64 rows,
        int width) {
    switch (activation) {
        case SILU:
            return glu_backward_by<SILU, T, N>(
                    dOuts, gates, gateStride, ups, upStride, dGates, dGateStride, dUps, dUpStride,
                    rows, width);
        case GELU_TANH:
            return glu_backward_by<GELU_TANH, T, N>(
                    dOuts, gates, gateStride, ups, upStride, dGates, dGateStride, dUps, dUpStride,
                    rows, width);
        default:
            return glu_backward_by<GELU, T, N>(
                    dOuts, gates, gateStride, ups, upStride, dGates, dGateStride, dUps, dUpStride,
                    rows, width);
    }
}

FOR_EACH_TYPE(
        glu_backward,
        (int activation, const void* dOuts, const void* gates, i64 gateStride, const void* ups,
         i64 upStride, void* dGates, i64 dGateStride, void* dUps, i64 dUpStride, i64 rows,
         int width),
        (activation, dOuts, gates, gateStride, ups, upStride, dGates, dGateStride, dUps, dUpStride,
         rows, width))

// Su et al. 2021. A pair of packs that are rotated into each other, or a pack of the numbers of a
// head that stay. `sign` is 1, or −1 for the transpose. One side is token-major, [T, N·D] with rows
// `stride` apart, the other head-major, [N, T, D].
template <class T, int N>
__device__ void rope(
        const T* from, T* to, bool fromTokens, const float* cosines, const float* sines, float sign,
        i64 stride, i64 tokens, int heads, int width, int half) {
    int packs = (half + (width - 2 * half)) / N; // of a head
    i64 index = packIndex();
    if (index >= tokens * heads * packs) {
        return;
    }
    i64 whole = quotient(index, packs);
    i64 token = quotient(whole, heads);
    int pack = (int) (index - whole * packs);
    int head = (int) (whole - token * heads);
    i64 byToken = token * stride + (i64) head * width;
    i64 byHead = ((i64) head * tokens + token) * width;
    const T* source = from + (fromTokens ? byToken : byHead);
    T* target = to + (fromTokens ? byHead : byToken);
    int i = pack * N;
    if (i >= half) {
        store<T, N>(target + half + i, load<T, N>(source + half + i));
        return;
    }
    Pack<T, N> a = load<T, N>(source + i);
    Pack<T, N> b = load<T, N>(source + half + i);
    float c[N];
    float s[N];
    floats<N>(cosines + token * half + i, c);
    floats<N>(sines + token * half + i, s);
    UNROLL
    for (int j = 0; j < N; j++) {
        float x = wide(a.at[j]);
        float y = wide(b.at[j]);
        narrow(x * c[j] - y * (sign * s[j]), a.at[j]);
        narrow(y * c[j] + x * (sign * s[j]), b.at[j]);
    }
    store<T, N>(target + i, a);
    store<T, N>(target + half + i, b);
}

template <class T, int N>
__device__ void rope_forward(
        const void* x, const float* cosines, const float* sines, void* out, i64 stride, i64 tokens,
        int heads, int width, int half) {
    rope<T, N>(
            static_cast<const T*>(x), static_cast<T*>(out), true, cosines, sines, 1, stride, tokens,
            heads, width, half);
}

FOR_EACH_TYPE(
        rope_forward,
        (const void* x, const float* cosines, const float* sines, void* out, i64 stride, i64 tokens,
         int heads, int width, int half),
        (x, cosines, sines, out, stride, tokens, heads, width, half))

template <class T, int N>
__device__ void rope_backward(
        const void* dOut, const float* cosines, const float* sines, void* dx, i64 stride, i64 tokens,
        int heads, int width, int half) {
    rope<T, N>(
            static_cast<const T*>(dOut), static_cast<T*>(dx), false, cosines, sines, -1, stride,
            tokens, heads, width, half);
}

FOR_EACH_TYPE(
        rope_backward,
        (const void* dOut, const float* cosines, const float* sines, void* dx, i64 stride,
         i64 tokens, int heads, int width, int half),
        (dOut, cosines, sines, dx, stride, tokens, heads, width, half))

// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
__device__ __forceinline__ u64 hash(u64 x) {
    u64 z = x * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// out = x · mask / (1 − p): a number is dropped where the upper 53 bits of its place's hash lie below
// the threshold.
template <class T, int N>
__device__ void dropout(
        const void* x, i64 seed, i64 threshold, float kept, void* out, i64 count) {
    i64 i = packIndex() * N;
    if (i >= count) {
        return;
    }
    Pack<T, N> p = load<T, N>(static_cast<const T*>(x) + i);
    UNROLL
    for (int j = 0; j < N; j++) {
        bool dropped = (i64) (hash((u64) (seed + i + j)) >> 11) < threshold;
        narrow(wide(p.at[j]) * (dropped ? 0 : kept), p.at[j]);
    }
    store<T, N>(static_cast<T*>(out) + i, p);
}

FOR_EACH_TYPE(
        dropout,
        (const void* x, i64 seed, i64 threshold, float kept, void* out, i64 count),
        (x, seed, threshold, kept, out, count))

// x = cap · tanh(ratio · x) with ratio = scale / cap, and where slopes are wanted
// slopes = scale · (1 − tanh²).
template <class T, int N>
__device__ void soft_cap(void* x, float ratio, float scale, float cap, void* slopes, i64 count) {
    i64 i = packIndex() * N;
    if (i >= count) {
        return;
    }
    Pack<T, N> p = load<T, N>(static_cast<const T*>(x) + i);
    Pack<T, N> slope;
    UNROLL
    for (int j = 0; j < N; j++) {
        float t = tanhf(ratio * wide(p.at[j]));
        narrow(cap * t, p.at[j]);
        narrow(scale * (1 - t * t), slope.at[j]);
    }
    store<T, N>(static_cast<T*>(x) + i, p);
    if (slopes != nullptr) {
        store<T, N>(static_cast<T*>(slopes) + i, slope);
    }
}

FOR_EACH_TYPE(
        soft_cap,
        (void* x, float ratio, float scale, float cap, void* slopes, i64 count),
        (x, ratio, scale, cap, slopes, count))
