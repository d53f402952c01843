// Loshchilov and Hutter 2019, in float32.

#define BLOCK 256  // numbers that share a maximum
#define CODES 256

// In the order of torch.optim.AdamW. The constants are those of the step: decay = 1 − lr·λ,
// rest = 1 − β, rate = lr / (1 − β₁ᵗ), root = 1 / √(1 − β₂ᵗ).
extern "C" __global__ void adamw(
        float* p, const float* gradient, float* m, float* v, i64 count, float gradScale,
        float decay, float beta1, float rest1, float beta2, float rest2, float rate, float root,
        float epsilon) {
    for (i64 i = (i64) blockIdx.x * blockDim.x + threadIdx.x; i < count;
         i += (i64) gridDim.x * blockDim.x) {
        float g = gradient[i] * gradScale;
        float newM = beta1 * m[i] + rest1 * g;
        float newV = beta2 * v[i] + rest2 * g * g;
        m[i] = newM;
        v[i] = newV;
        p[i] = p[i] * decay - rate * newM / (sqrtf(newV) * root + epsilon);
    }
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

// Dettmers et al. 2022, a block of threads for each block of numbers. `rate` is
// lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ), `floor` is ε·√(1 − β₂ᵗ).
extern "C" __global__ void adamw_8bit(
        float* p, const float* gradient, u8* mCodes, float* mMaxima, const float* mValues,
        const float* mMidpoints, u8* vCodes, float* vMaxima, const float* vValues,
        const float* vMidpoints, i64 count, float gradScale, float decay, float beta1, float rest1,
        float beta2, float rest2, float rate, float floor, int zero) {
    i64 i = (i64) blockIdx.x * BLOCK + threadIdx.x;
    bool mine = i < count;
    float g = mine ? gradient[i] : 0;
    bool good = fabsf(g) < INFINITE;
    g *= gradScale;
    float newM = 0;
    float newV = 0;
    if (mine && good) {
        newM = beta1 * mValues[mCodes[i]] * mMaxima[blockIdx.x] + rest1 * g;
        newV = beta2 * vValues[vCodes[i]] * vMaxima[blockIdx.x] + rest2 * g * g;
        p[i] = (p[i] - rate * newM / (sqrtf(newV) + floor)) * decay;
    }
    float mMost = blockMax(fabsf(newM)); // every thread has read the old maxima
    float vMost = blockMax(newV);
    if (threadIdx.x == 0) {
        mMaxima[blockIdx.x] = mMost;
        vMaxima[blockIdx.x] = vMost;
    }
    if (!mine) {
        return;
    }
    int code = nearest(mMidpoints, mMost > 0 ? newM / mMost : 0);
    mCodes[i] = (u8) (newM < 0 && code == zero ? code - 1 : code);
    vCodes[i] = (u8) nearest(vMidpoints, vMost > 0 ? newV / vMost : 0);
}
EXPORT(adamw_8bit)
