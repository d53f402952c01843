// Matrices in codes of four and eight bits.

#define NESTED_SHIFT 8  // 256 blocks share a maximum of maxima
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
        return productThenSum(
                table[static_cast<const u8*>(values)[block]], outer[block >> NESTED_SHIFT], offset);
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

// What code j of a word means: the first of a byte is its upper half.
__device__ __forceinline__ float meaning(const float* mine, u32 word, int j) {
    return mine[((word >> (4 * (j ^ 1))) & 15) * WARP];
}

__device__ __forceinline__ u32 word(const u8* codes, Pack<u8, 2>) {
    return *reinterpret_cast<const u16*>(codes);
}

__device__ __forceinline__ u32 word(const u8* codes, Pack<u8, 4>) {
    return *reinterpret_cast<const u32*>(codes);
}

#define PACKS 4  // of a thread, all of whose reads are under way at once

// out[i] = table(code(first + i)) · maximum. A block's threads take packs side by side, PACKS times.
template <class T, int N>
__device__ void expand_four_bit(
        const u8* codes, Maxima maxima, const float* table, i64 first, void* out, i64 count) {
    __shared__ float values[16 * WARP];
    spread(table, values);
    const float* mine = values + threadIdx.x % WARP;
    T* to = static_cast<T*>(out);
    i64 begin = (i64) blockIdx.x * blockDim.x * PACKS + threadIdx.x;
    if constexpr (N == 1) {
        for (int p = 0; p < PACKS; p++) {
            i64 i = begin + p * blockDim.x;
            if (i < count) {
                i64 element = first + i;
                float code = meaning(mine, codes[element >> 1], (int) (element & 1));
                narrow(code * maxima.of(element), to[i]);
            }
        }
    } else {
        u32 words[PACKS];
        float factors[PACKS]; // blocks are no smaller than packs, and aligned
        UNROLL
        for (int p = 0; p < PACKS; p++) {
            i64 i = (begin + p * blockDim.x) * N;
            if (i < count) {
                words[p] = word(codes + ((first + i) >> 1), Pack<u8, N / 2>());
                factors[p] = maxima.of(first + i);
            }
        }
        UNROLL
        for (int p = 0; p < PACKS; p++) {
            i64 i = (begin + p * blockDim.x) * N;
            if (i < count) {
                Pack<T, N> made;
                UNROLL
                for (int j = 0; j < N; j++) {
                    narrow(meaning(mine, words[p], j) * factors[p], made.at[j]);
                }
                store<T, N>(to + i, made);
            }
        }
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
    int packs = width / N; // of a row
    i64 index = (i64) blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= rows * packs) {
        return;
    }
    float maximum = maxima[quotient(index, packs)];
    Pack<i8, N> from = load<i8, N>(codes + index * N);
    Pack<T, N> made;
    UNROLL
    for (int j = 0; j < N; j++) {
        narrow(from.at[j] * maximum * INT8_STEP, made.at[j]);
    }
    store<T, N>(static_cast<T*>(out) + index * N, made);
}

FOR_EACH_TYPE(
        expand_int8,
        (const i8* codes, const float* maxima, void* out, i64 rows, int width),
        (codes, maxima, out, rows, width))

#define LANE_CODES 16  // 8 bytes
#define WARP_ROWS 2

// y = x · Wᵀ for one row x: a warp for two rows of W, which share what is read of x, 8 bytes of the
// codes of each a lane at a time. The width is a multiple of LANE_CODES, and blocks of codes are no
// smaller.
template <class T, int N>
__device__ void product_four_bit(
        const u8* codes, Maxima maxima, const float* table, const void* xs, void* y, i64 rows,
        int width) {
    __shared__ float values[16 * WARP];
    spread(table, values);
    int lane = threadIdx.x % WARP;
    const float* mine = values + lane;
    const T* x = static_cast<const T*>(xs);
    i64 row = ((i64) blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP) * WARP_ROWS;
    if (row >= rows) {
        return; // a whole warp, after the last barrier
    }
    i64 starts[WARP_ROWS] = {row * width, (row + 1 < rows ? row + 1 : row) * width};
    float sums[WARP_ROWS] = {0, 0};
    for (int i = lane * LANE_CODES; i < width; i += WARP * LANE_CODES) {
        Pack<u32, 2> words[WARP_ROWS];
        UNROLL
        for (int r = 0; r < WARP_ROWS; r++) {
            words[r] = load<u32, 2>(reinterpret_cast<const u32*>(codes + ((starts[r] + i) >> 1)));
        }
        float parts[WARP_ROWS] = {0, 0};
        UNROLL
        for (int j = 0; j < LANE_CODES; j += N) {
            Pack<T, N> factors = load<T, N>(x + i + j);
            UNROLL
            for (int k = 0; k < N; k++) {
                float factor = wide(factors.at[k]);
                UNROLL
                for (int r = 0; r < WARP_ROWS; r++) {
                    parts[r] += meaning(mine, words[r].at[(j + k) / 8], (j + k) % 8) * factor;
                }
            }
        }
        UNROLL
        for (int r = 0; r < WARP_ROWS; r++) {
            sums[r] += parts[r] * maxima.of(starts[r] + i);
        }
    }
    UNROLL
    for (int r = 0; r < WARP_ROWS; r++) {
        float sum = warpSum(sums[r]);
        if (lane == 0 && row + r < rows) {
            narrow(sum, static_cast<T*>(y)[row + r]);
        }
    }
}

FOR_EACH_TYPE(
        product_four_bit,
        (const u8* codes, const void* maxima, const float* outer, const float* outerTable,
         float offset, int shift, const float* table, const void* x, void* y, i64 rows, int width),
        (codes, Maxima{maxima, outer, outerTable, offset, shift}, table, x, y, rows, width))
