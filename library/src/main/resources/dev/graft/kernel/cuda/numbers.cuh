// Types and helpers of all kernels. Nothing is included: NVRTC has no headers on a machine that has
// only a driver.

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#define WARP 32
#define EVERY_LANE 0xffffffffu

#define INFINITE __uint_as_float(0x7f800000u)
#define NOT_A_NUMBER __uint_as_float(0x7fffffffu)

#ifdef __CUDACC__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

#ifndef EXPORT
#define EXPORT(kernel)
#endif

// The most threads of a block of what is declared next.
#define MOST_THREADS 256

struct bf16 {
    u16 bits;
};

struct f16 {
    u16 bits;
};

__device__ __forceinline__ float wide(float x) {
    return x;
}

__device__ __forceinline__ float wide(bf16 x) {
    return __uint_as_float((u32) x.bits << 16);
}

__device__ __forceinline__ void narrow(float x, float& to) {
    to = x;
}

// To the nearest, ties to even; a NaN stays one.
__device__ __forceinline__ void narrow(float x, bf16& to) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(to.bits) : "f"(x));
#else
    u32 bits = __float_as_uint(x);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to.bits = (u16) (nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
#endif
}

#ifdef __CUDACC__
__device__ __forceinline__ float wide(f16 x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}

// To the nearest, ties to even; infinite beyond 65,504.
__device__ __forceinline__ void narrow(float x, f16& to) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to.bits) : "f"(x));
}

// a · b + c, rounded twice, as where the two are operations of their own.
__device__ __forceinline__ float productThenSum(float a, float b, float c) {
    return __fadd_rn(__fmul_rn(a, b), c);
}
#else
float productThenSum(float a, float b, float c) {
    return a * b + c;
}

float wide(f16 x) {
    _Float16 y;
    __builtin_memcpy(&y, &x.bits, sizeof y);
    return (float) y;
}

void narrow(float x, f16& to) {
    _Float16 y = (_Float16) x;
    __builtin_memcpy(&to.bits, &y, sizeof y);
}
#endif

// N numbers that are loaded and stored at once.
template <class T, int N>
struct __align__(sizeof(T) * N) Pack {
    T at[N];
};

template <class T, int N>
__device__ __forceinline__ Pack<T, N> load(const T* from) {
    return *reinterpret_cast<const Pack<T, N>*>(from);
}

template <class T, int N>
__device__ __forceinline__ void store(T* to, const Pack<T, N>& pack) {
    *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

// N numbers of float32, four at a time where there are as many.
template <int N>
__device__ __forceinline__ void floats(const float* from, float (&to)[N]) {
    if constexpr (N % 4 == 0) {
        UNROLL
        for (int j = 0; j < N; j += 4) {
            Pack<float, 4> pack = load<float, 4>(from + j);
            UNROLL
            for (int k = 0; k < 4; k++) {
                to[j + k] = pack.at[k];
            }
        }
    } else {
        UNROLL
        for (int j = 0; j < N; j++) {
            to[j] = from[j];
        }
    }
}

// N numbers of a vector that is float32 or of the type of the pass.
template <class T, int N>
__device__ __forceinline__ void either(
        const void* vector, int isFloat, i64 first, float (&to)[N]) {
    if (isFloat) {
        floats<N>(static_cast<const float*>(vector) + first, to);
        return;
    }
    Pack<T, N> pack = load<T, N>(static_cast<const T*>(vector) + first);
    UNROLL
    for (int j = 0; j < N; j++) {
        to[j] = wide(pack.at[j]);
    }
}

// a / b, neither negative; a division of 64 bits takes several times as long as one of 32.
__device__ __forceinline__ i64 quotient(i64 a, int b) {
    return (a >> 32) == 0 ? (i64) ((u32) a / (u32) b) : a / b;
}

__device__ __forceinline__ float warpSum(float x) {
    UNROLL
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        x += __shfl_xor_sync(EVERY_LANE, x, distance);
    }
    return x;
}

__device__ __forceinline__ float warpMax(float x) {
    UNROLL
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        x = fmaxf(x, __shfl_xor_sync(EVERY_LANE, x, distance));
    }
    return x;
}

// The sum over a block's threads, a multiple of WARP; the same in all of them.
__device__ __forceinline__ float blockSum(float x) {
    __shared__ float of[WARP];
    x = warpSum(x);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        of[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    float all = threadIdx.x % WARP < blockDim.x / WARP ? of[threadIdx.x % WARP] : 0;
    return warpSum(all);
}

__device__ __forceinline__ float blockMax(float x) {
    __shared__ float of[WARP];
    x = warpMax(x);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        of[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    float all = threadIdx.x % WARP < blockDim.x / WARP ? of[threadIdx.x % WARP] : -INFINITE;
    return warpMax(all);
}

// The same kernel for each type, one number at a time and as many as 16 bytes hold.
#define FOR_EACH_TYPE(kernel, parameters, arguments) \
    FOR_TYPE(kernel, f32_1, float, 1, parameters, arguments) \
    FOR_TYPE(kernel, f32_4, float, 4, parameters, arguments) \
    FOR_TYPE(kernel, bf16_1, bf16, 1, parameters, arguments) \
    FOR_TYPE(kernel, bf16_8, bf16, 8, parameters, arguments) \
    FOR_TYPE(kernel, f16_1, f16, 1, parameters, arguments) \
    FOR_TYPE(kernel, f16_8, f16, 8, parameters, arguments)

#define FOR_TYPE(kernel, suffix, type, pack, parameters, arguments) \
    extern "C" __global__ void __launch_bounds__(MOST_THREADS) kernel##_##suffix parameters { \
        kernel<type, pack> arguments; \
    } \
    EXPORT(kernel##_##suffix)
