// Loshchilov and Hutter 2019, in float32, over all parameters in one launch: a block of threads
// steps 256 numbers of one of them.

#define BLOCK 256  // numbers that share a maximum
#define CODES 256

// A parameter. Its moments may lie in page-locked memory of the host: each number is read once and
// written once, in order.
struct Part {
    float* p;
    float* gradient;  // becomes 0
    void* m;
    void* v;
    float* mMaxima;
    float* vMaxima;
    i64 first;  // the block of threads that has its first numbers
    i64 count;
};

// The one whose numbers this block of threads has: the last that begins at it or before.
__device__ __forceinline__ Part partOf(const Part* parts, int count) {
    int low = 0;
    int high = count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (parts[middle].first <= (i64) blockIdx.x) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return parts[low];
}

// The sum of the squares of each block of numbers.
extern "C" __global__ void squares(const Part* parts, int partCount, float* sums) {
    Part part = partOf(parts, partCount);
    i64 i = ((i64) blockIdx.x - part.first) * BLOCK + threadIdx.x;
    float x = i < part.count ? part.gradient[i] : 0;
    float sum = blockSum(x * x);
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = sum;
    }
}
EXPORT(squares)

// In the order of torch.optim.AdamW. The constants are those of the step: decay = 1 − lr·λ,
// rest = 1 − β, rate = lr / (1 − β₁ᵗ), root = 1 / √(1 − β₂ᵗ).
extern "C" __global__ void adamw(
        const Part* parts, int partCount, float gradScale, float decay, float beta1, float rest1,
        float beta2, float rest2, float rate, float root, float epsilon) {
    Part part = partOf(parts, partCount);
    i64 i = ((i64) blockIdx.x - part.first) * BLOCK + threadIdx.x;
    if (i >= part.count) {
        return;
    }
    float* m = static_cast<float*>(part.m);
    float* v = static_cast<float*>(part.v);
    float g = part.gradient[i] * gradScale;
    float newM = beta1 * m[i] + rest1 * g;
    float newV = beta2 * v[i] + rest2 * g * g;
    part.gradient[i] = 0;
    m[i] = newM;
    v[i] = newV;
    part.p[i] = part.p[i] * decay - rate * newM / (sqrtf(newV) * root + epsilon);
}
EXPORT(adamw)

// The number of midpoints below x: the code whose value is nearest.
__device__ __forceinline__ int nearest(const float* midpoints, float x) {
    int low = 0;
    int high = CODES - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (midpoints[middle] < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// What codes mean, and the points between neighbours.
struct Book {
    float values[CODES];
    float midpoints[CODES];  // the last is not read
};

// Dettmers et al. 2022. `rate` is lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ), `floor` is ε·√(1 − β₂ᵗ); `zero` is the
// first moment's code of 0.
extern "C" __global__ void adamw_8bit(
        const Part* parts, int partCount, const Book* books, float gradScale, float decay,
        float beta1, float rest1, float beta2, float rest2, float rate, float floor, int zero) {
    Part part = partOf(parts, partCount);
    i64 block = (i64) blockIdx.x - part.first;
    i64 i = block * BLOCK + threadIdx.x;
    u8* mCodes = static_cast<u8*>(part.m);
    u8* vCodes = static_cast<u8*>(part.v);
    bool mine = i < part.count;
    float g = mine ? part.gradient[i] : 0;
    bool good = fabsf(g) < INFINITE;
    g *= gradScale;
    float newM = 0;
    float newV = 0;
    if (mine && good) {
        newM = beta1 * books[0].values[mCodes[i]] * part.mMaxima[block] + rest1 * g;
        newV = beta2 * books[1].values[vCodes[i]] * part.vMaxima[block] + rest2 * g * g;
        part.p[i] = (part.p[i] - rate * newM / (sqrtf(newV) + floor)) * decay;
    }
    float mMost = blockMax(fabsf(newM)); // every thread has read the old maxima
    float vMost = blockMax(newV);
    if (threadIdx.x == 0) {
        part.mMaxima[block] = mMost;
        part.vMaxima[block] = vMost;
    }
    if (!mine) {
        return;
    }
    part.gradient[i] = 0;
    int code = nearest(books[0].midpoints, mMost > 0 ? newM / mMost : 0);
    mCodes[i] = (u8) (newM < 0 && code == zero ? code - 1 : code);
    vCodes[i] = (u8) nearest(books[1].midpoints, vMost > 0 ? newV / vMost : 0);
}
EXPORT(adamw_8bit)
