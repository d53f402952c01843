// A block of threads for each row.

// Zhang and Sennrich 2019: y = x · s · (w + offset), s = 1 / √(mean(x²) + ε).
template <class T, int N>
__device__ void rms_norm(
        const void* xs, const void* weight, int weightIsFloat, float offset, float epsilon, void* ys,
        float* inverseRms, int width) {
    const T* x = static_cast<const T*>(xs) + (i64) blockIdx.x * width;
    T* y = static_cast<T*>(ys) + (i64) blockIdx.x * width;
    float squares = 0;
    for (int i = threadIdx.x * N; i < width; i += blockDim.x * N) {
        Pack<T, N> p = load<T, N>(x + i);
        UNROLL
        for (int j = 0; j < N; j++) {
            float v = wide(p.at[j]);
            squares += v * v;
        }
    }
    float s = 1 / sqrtf(blockSum(squares) / width + epsilon);
    for (int i = threadIdx.x * N; i < width; i += blockDim.x * N) {
        Pack<T, N> p = load<T, N>(x + i);
        float w[N];
        either<T, N>(weight, weightIsFloat, i, w);
        UNROLL
        for (int j = 0; j < N; j++) {
            narrow(wide(p.at[j]) * s * (w[j] + offset), p.at[j]);
        }
        store<T, N>(y + i, p);
    }
    if (threadIdx.x == 0) {
        inverseRms[blockIdx.x] = s;
    }
}

FOR_EACH_TYPE(
        rms_norm,
        (const void* xs, const void* weight, int weightIsFloat, float offset, float epsilon,
         void* ys, float* inverseRms, int width),
        (xs, weight, weightIsFloat, offset, epsilon, ys, inverseRms, width))

// With g = dy · (w + offset) and n = x · s: dx += s · (g − n · mean(g · n)).
template <class T, int N>
__device__ void rms_norm_backward(
        const void* dys, const void* xs, const void* weight, int weightIsFloat, float offset,
        const float* inverseRms, void* dxs, int width) {
    i64 start = (i64) blockIdx.x * width;
    const T* dy = static_cast<const T*>(dys) + start;
    const T* x = static_cast<const T*>(xs) + start;
    T* dx = static_cast<T*>(dxs) + start;
    float s = inverseRms[blockIdx.x];
    float products = 0;
    for (int i = threadIdx.x * N; i < width; i += blockDim.x * N) {
        Pack<T, N> given = load<T, N>(dy + i);
        Pack<T, N> p = load<T, N>(x + i);
        float w[N];
        either<T, N>(weight, weightIsFloat, i, w);
        UNROLL
        for (int j = 0; j < N; j++) {
            products += wide(given.at[j]) * (w[j] + offset) * (wide(p.at[j]) * s);
        }
    }
    float mean = blockSum(products) / width;
    for (int i = threadIdx.x * N; i < width; i += blockDim.x * N) {
        Pack<T, N> given = load<T, N>(dy + i);
        Pack<T, N> p = load<T, N>(x + i);
        Pack<T, N> sum = load<T, N>(dx + i);
        float w[N];
        either<T, N>(weight, weightIsFloat, i, w);
        UNROLL
        for (int j = 0; j < N; j++) {
            float g = wide(given.at[j]) * (w[j] + offset);
            float slope = s * (g - wide(p.at[j]) * s * mean);
            narrow(wide(sum.at[j]) + slope, sum.at[j]);
        }
        store<T, N>(dx + i, sum);
    }
}

FOR_EACH_TYPE(
        rms_norm_backward,
        (const void* dys, const void* xs, const void* weight, int weightIsFloat, float offset,
         const float* inverseRms, void* dxs, int width),
        (dys, xs, weight, weightIsFloat, offset, inverseRms, dxs, width))

// −log softmax at the target, and the gradient in the place of the logits. The greatest logit and
// the sum of exponentials in one pass (Milakov and Gimelshein 2018).
template <class T, int N>
__device__ void cross_entropy(
        void* logits, const int* targets, float gradScale, double* losses, int vocabulary) {
    T* x = static_cast<T*>(logits) + (i64) blockIdx.x * vocabulary;
    float max = -INFINITE;
    float sum = 0;
    for (int i = threadIdx.x * N; i < vocabulary; i += blockDim.x * N) {
        Pack<T, N> p = load<T, N>(x + i);
        float most = max;
        UNROLL
        for (int j = 0; j < N; j++) {
            most = fmaxf(most, wide(p.at[j]));
        }
        float exponentials = 0;
        UNROLL
        for (int j = 0; j < N; j++) {
            exponentials += most == -INFINITE ? 0 : expf(wide(p.at[j]) - most);
        }
        sum = (max == -INFINITE ? 0 : sum * expf(max - most)) + exponentials;
        max = most;
    }
    float greatest = blockMax(max);
    float all = blockSum(max == -INFINITE ? 0 : sum * expf(max - greatest));
    float logSum = greatest + logf(all);
    int target = targets[blockIdx.x];
    if (threadIdx.x == 0) {
        bool known = target >= 0 && target < vocabulary;
        losses[blockIdx.x] = known ? (double) logSum - wide(x[target]) : (double) NOT_A_NUMBER;
    }
    __syncthreads(); // the target's logit has been read
    for (int i = threadIdx.x * N; i < vocabulary; i += blockDim.x * N) {
        Pack<T, N> p = load<T, N>(x + i);
        UNROLL
        for (int j = 0; j < N; j++) {
            float probability = expf(wide(p.at[j]) - logSum);
            narrow(gradScale * (probability - (i + j == target ? 1 : 0)), p.at[j]);
        }
        store<T, N>(x + i, p);
    }
}

#undef MOST_THREADS
#define MOST_THREADS 1024

FOR_EACH_TYPE(
        cross_entropy,
        (void* logits, const int* targets, float gradScale, double* losses, int vocabulary),
        (logits, targets, gradScale, losses, vocabulary))

#undef MOST_THREADS
#define MOST_THREADS 256
