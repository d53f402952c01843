// The scores of attention, a block of threads for each query's row. Rows of some heads lie after
// each other, as many a head as the sequence has queries; a query sees `window` columns up to its
// own, or all of those where the window is 0.

struct Row {
    int first;
    int last;
};

__device__ __forceinline__ Row rowOf(int rows, int past, int window) {
    Row row;
    row.last = (int) (blockIdx.x % rows) + past;
    row.first = window == 0 || row.last < window ? 0 : row.last - window + 1;
    return row;
}

// scale · s, or cap · tanh(scale · s / cap) (Gemma Team 2024); the slope is that by s.
__device__ __forceinline__ float scaled(float score, float scale, float cap, float& slope) {
    if (cap == 0) {
        slope = scale;
        return scale * score;
    }
    float t = tanhf(scale * score / cap);
    slope = scale * (1 - t * t);
    return cap * t;
}

// Softmax in the place of the scores, and the logarithm of each row's sum of exponentials. The
// greatest and the sum in one pass (Milakov and Gimelshein 2018).
extern "C" __global__ void __launch_bounds__(256) probabilities(
        float* scores, float* logSums, int rows, int columns, int past, int window, float scale,
        float cap) {
    float* x = scores + (i64) blockIdx.x * columns;
    Row row = rowOf(rows, past, window);
    float slope;
    float max = -INFINITE;
    float sum = 0;
    for (int i = row.first + threadIdx.x; i <= row.last; i += blockDim.x) {
        float value = scaled(x[i], scale, cap, slope);
        float most = fmaxf(max, value);
        if (most != -INFINITE) {
            sum = sum * expf(max - most) + expf(value - most);
            max = most;
        }
    }
    float greatest = blockMax(max);
    float logSum = greatest + logf(blockSum(max == -INFINITE ? 0 : sum * expf(max - greatest)));
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        bool seen = i >= row.first && i <= row.last;
        x[i] = seen ? expf(scaled(x[i], scale, cap, slope) - logSum) : 0;
    }
    if (threadIdx.x == 0) {
        logSums[blockIdx.x] = logSum;
    }
}

EXPORT(probabilities)

// With p the probabilities, which are written in the place of the scores, and δ = Σ out · dOut:
// ds = p · (dp − δ) · slope, in the place of dp.
extern "C" __global__ void __launch_bounds__(256) score_gradients(
        float* scores, float* gradients, const float* logSums, const float* deltas, int rows,
        int columns, int past, int window, float scale, float cap) {
    float* x = scores + (i64) blockIdx.x * columns;
    float* g = gradients + (i64) blockIdx.x * columns;
    Row row = rowOf(rows, past, window);
    float logSum = logSums[blockIdx.x];
    float delta = deltas[blockIdx.x];
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float slope;
        float value = scaled(x[i], scale, cap, slope);
        bool seen = i >= row.first && i <= row.last;
        float p = seen ? expf(value - logSum) : 0;
        g[i] = seen ? p * (g[i] - delta) * slope : 0;
        x[i] = p;
    }
}

EXPORT(score_gradients)
