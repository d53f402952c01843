// Runs the CUDA kernels on a processor, one block after another, every thread of a block a fiber:
// what a kernel computes can be tested without a card. A barrier that not all threads reach, and a
// shuffle with a lane that has ended, are errors. Threads run in either order; what depends on it is
// a race.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#define __shared__ static
#define __align__(bytes) alignas(bytes)
#define __launch_bounds__(threads)

struct Place {
    unsigned x, y, z;
};

static Place threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

const unsigned LANES = 32;
const size_t STACK = 128 << 10;

enum State { READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, ENDED };

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    State state;
};

struct Call {
    virtual void operator()() = 0;
    virtual ~Call() {}
};

static std::vector<Thread> threads;
static std::vector<float> lanes;
static ucontext_t scheduler;
static unsigned running;
static Call* body;

inline void fail(const char* what) {
    std::fprintf(
            stderr, "emulation: block %u, thread %u: %s\n", blockIdx.x, threadIdx.x, what);
    std::abort();
}

inline void wait(State at) {
    unsigned self = running;
    threads[self].state = at;
    swapcontext(&threads[self].context, &scheduler);
}

inline void begin() {
    (*body)();
    threads[running].state = ENDED;
    swapcontext(&threads[running].context, &scheduler);
}

// Releases those of a range that wait at a barrier if all that have not ended do.
inline bool release(unsigned from, unsigned to, State at) {
    bool any = false;
    for (unsigned i = from; i < to; i++) {
        if (threads[i].state != ENDED && threads[i].state != at) {
            return false;
        }
        any = any || threads[i].state == at;
    }
    for (unsigned i = from; any && i < to; i++) {
        if (threads[i].state == at) {
            threads[i].state = READY;
        }
    }
    return any;
}

inline bool releaseAny() {
    unsigned count = threads.size();
    bool any = release(0, count, AT_BLOCK_BARRIER);
    for (unsigned from = 0; from < count; from += LANES) {
        any = release(from, std::min(from + LANES, count), AT_WARP_BARRIER) || any;
    }
    return any;
}

inline void runBlock(bool reversed) {
    unsigned count = threads.size();
    for (unsigned i = 0; i < count; i++) {
        Thread& t = threads[i];
        t.state = READY;
        getcontext(&t.context);
        t.context.uc_stack.ss_sp = t.stack.get();
        t.context.uc_stack.ss_size = STACK;
        t.context.uc_link = nullptr;
        makecontext(&t.context, begin, 0);
    }
    bool all = false;
    while (!all) {
        all = true;
        for (unsigned n = 0; n < count; n++) {
            unsigned i = reversed ? count - 1 - n : n;
            if (threads[i].state == READY) {
                running = i;
                threadIdx = {i, 0, 0};
                swapcontext(&scheduler, &threads[i].context);
            }
            all = all && threads[i].state == ENDED;
        }
        if (!all && !releaseAny()) {
            fail("not all threads reach a barrier");
        }
    }
}

template <class... A>
struct Kernel : Call {
    void (*kernel)(A...);
    void** arguments;

    Kernel(void (*kernel)(A...), void** arguments) : kernel(kernel), arguments(arguments) {}

    template <size_t... I>
    void call(std::index_sequence<I...>) {
        kernel(*static_cast<A*>(arguments[I])...);
    }

    void operator()() override {
        call(std::index_sequence_for<A...>());
    }
};

template <class... A>
void run(void (*kernel)(A...), unsigned blocks, unsigned count, void** arguments, int reversed) {
    Kernel<A...> call(kernel, arguments);
    body = &call;
    threads.clear();
    threads.resize(count);
    for (Thread& t : threads) {
        t.stack.reset(new char[STACK]);
    }
    lanes.assign(count, 0);
    blockDim = {count, 1, 1};
    gridDim = {blocks, 1, 1};
    for (unsigned n = 0; n < blocks; n++) {
        blockIdx = {reversed ? blocks - 1 - n : n, 0, 0};
        runBlock(reversed != 0);
    }
}

}  // namespace emulation

inline void __syncthreads() {
    emulation::wait(emulation::AT_BLOCK_BARRIER);
}

inline float __shfl_xor_sync(unsigned mask, float x, int distance) {
    unsigned self = emulation::running;
    unsigned other = self ^ distance;
    if (mask != 0xffffffffu || other >= emulation::threads.size()) {
        emulation::fail("a shuffle without all lanes");
    }
    emulation::lanes[self] = x;
    emulation::wait(emulation::AT_WARP_BARRIER);
    if (emulation::threads[other].state == emulation::ENDED) {
        emulation::fail("a shuffle with a lane that has ended");
    }
    float found = emulation::lanes[other];
    emulation::wait(emulation::AT_WARP_BARRIER);
    return found;
}

inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define EXPORT(kernel) \
    extern "C" void emulate_##kernel( \
            unsigned blocks, unsigned threads, void** arguments, int reversed) { \
        emulation::run(kernel, blocks, threads, arguments, reversed); \
    }
