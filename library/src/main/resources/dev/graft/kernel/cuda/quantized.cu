// Matrices in codes of four and eight bits.

#define NESTED_BLOCKS 256
#define INT8_STEP 0.007874015718698502f  // 1/127 in float32

// What an element of a FourBitMatrix is multiplied by: the maximum of its block, which may be in
// codes itself. `shift` is log2 of the block's size.
struct Maxima {
    const void* values;
    const float* outer;  // null where the maxima are plain
    const float* table;
    float offset;
    int shift;

    __device__ __forceinline__ float of(i64 element) const {
        i64 block = element >> shift;
        if (outer == 0) {
            return static_cast<const float*>(values)[block];
        }
        return table[static_cast<const u8*>(values)[block]] * outer[block / NESTED_BLOCKS] + offset;
    }
};

// Every lane has the 16 values of the codes in banks of its own, so that no two lanes wait for each
// other.
__device__ __forceinline__ void spread(const float* table, float* shared) {
    for (int i = threadIdx.x; i < 16 * WARP; i += blockDim.x) {
        shared[i] = table[i / WARP];
    }
    __syncthreads();
}

// Eight codes, four bytes of them, at a time: out[i] = table(code(first + i)) · maximum.
template <class T, int N>
__device__ void expand_four_bit(
        const u8* codes, Maxima maxima, const float* table, i64 first, void* out, i64 count) {
    __shared__ float values[16 * WARP];
    spread(table, values);
    const float* mine = values + threadIdx.x % WARP;
    for (i64 i = ((i64) blockIdx.x * blockDim.x + threadIdx.x) * N; i < count;
         i += (i64) gridDim.x * blockDim.x * N) {
        i64 element = first + i;
        Pack<T, N> made;
        if (N == 1) {
            u8 pair = codes[element / 2];
            int code = element % 2 == 0 ? pair >> 4 : pair & 15;
            narrow(mine[code * WARP] * maxima.of(element), made.at[0]);
        } else {
            float maximum = maxima.of(element); // blocks are no smaller than packs, and aligned
            Pack<u8, (N + 1) / 2> pairs = load<u8, (N + 1) / 2>(codes + element / 2);
            for (int j = 0; j < N; j++) {
                u8 pair = pairs.at[j / 2];
                int code = j % 2 == 0 ? pair >> 4 : pair & 15;
                narrow(mine[code * WARP] * maximum, made.at[j]);
            }
        }
        store<T, N>(static_cast<T*>(out) + i, made);
    }
}

FOR_EACH_TYPE(
        expand_four_bit,
        (const u8* codes, const void* maxima, const float* outer, const float* outerTable,
         float offset, int shift, const float* table, i64 first, void* out, i64 count),
        (codes, Maxima{maxima, outer, outerTable, offset, shift}, table, first, out, count))

// out[r, i] = code · maximum of the row / 127.
template <class T, int N>
__device__ void expand_int8(const i8* codes, const float* maxima, void* out, i64 rows, int width) {
    for (i64 i = ((i64) blockIdx.x * blockDim.x + threadIdx.x) * N; i < rows * width;
         i += (i64) gridDim.x * blockDim.x * N) {
        float maximum = maxima[i / width];
        Pack<i8, N> from = load<i8, N>(codes + i);
        Pack<T, N> made;
        for (int j = 0; j < N; j++) {
            narrow(from.at[j] * maximum * INT8_STEP, made.at[j]);
        }
        store<T, N>(static_cast<T*>(out) + i, made);
    }
}

FOR_EACH_TYPE(
        expand_int8,
        (const i8* codes, const float* maxima, void* out, i64 rows, int width),
        (codes, maxima, out, rows, width))

#define LANE_CODES 32  // 16 bytes

// y = x · Wᵀ for one row x: a warp for each row of W, 16 bytes of codes a lane at a time. The width
// is a multiple of LANE_CODES, and blocks of codes are no smaller.
template <class T, int N>
__device__ void product_four_bit(
        const u8* codes, Maxima maxima, const float* table, const void* xs, void* y, i64 rows,
        int width) {
    __shared__ float values[16 * WARP];
    spread(table, values);
    int lane = threadIdx.x % WARP;
    const float* mine = values + lane;
    const T* x = static_cast<const T*>(xs);
    i64 row = (i64) blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (row >= rows) {
        return; // a whole warp, after the last barrier
    }
    float sum = 0;
    for (int i = lane * LANE_CODES; i < width; i += WARP * LANE_CODES) {
        i64 element = row * width + i;
        Pack<u8, LANE_CODES / 2> pairs = load<u8, LANE_CODES / 2>(codes + element / 2);
        float part = 0;
        for (int j = 0; j < LANE_CODES; j += N) {
            Pack<T, N> factors = load<T, N>(x + i + j);
            for (int k = 0; k < N; k++) {
                u8 pair = pairs.at[(j + k) / 2];
                int code = (j + k) % 2 == 0 ? pair >> 4 : pair & 15;
                part += mine[code * WARP] * wide(factors.at[k]);
            }
        }
        sum += part * maxima.of(element);
    }
    sum = warpSum(sum);
    if (lane == 0) {
        narrow(sum, static_cast<T*>(y)[row]);
    }
}

FOR_EACH_TYPE(
        product_four_bit,
        (const u8* codes, const void* maxima, const float* outer, const float* outerTable,
         float offset, int shift, const float* table, const void* x, void* y, i64 rows, int width),
        (codes, Maxima{maxima, outer, outerTable, offset, shift}, table, x, y, rows, width))
