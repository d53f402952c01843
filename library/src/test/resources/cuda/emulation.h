// Runs the CUDA kernels on a processor, one block after another, every thread of a block a fiber:
// what a kernel computes can be tested without a card. A barrier that not all threads reach, and a
// shuffle with a lane that has ended, are errors. Threads run in either order; what depends on it is
// a race.

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <utility>

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
const unsigned MOST = 1024;
const size_t STACK = 128 << 10;

enum State { READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, ENDED };

// Begun once, with a stack that it keeps; from then on left and entered by jumps, which unlike
// contexts do not ask the system for anything.
struct Thread {
    std::unique_ptr<char[]> stack;
    ucontext_t begin;
    jmp_buf at;
    State state;
    unsigned shuffles;
};

struct Call {
    virtual void operator()() = 0;
    virtual ~Call() {}
};

static Thread threads[MOST];
static float lanes[2][MOST]; // in turns: what was given last is read while the next is written
static unsigned count;
static jmp_buf scheduler;
static unsigned running;
static Call* body;

inline void fail(const char* what) {
    std::fprintf(
            stderr, "emulation: block %u, thread %u: %s\n", blockIdx.x, threadIdx.x, what);
    std::abort();
}

inline void leave(State as) {
    Thread& self = threads[running];
    self.state = as;
    if (_setjmp(self.at) == 0) {
        _longjmp(scheduler, 1);
    }
}

inline void begin() {
    for (;;) {
        (*body)();
        leave(ENDED);
    }
}

__attribute__((noinline)) void enter(unsigned i) {
    Thread& t = threads[i];
    running = i;
    threadIdx = {i, 0, 0};
    if (_setjmp(scheduler) != 0) {
        return;
    }
    if (t.stack) {
        _longjmp(t.at, 1);
    }
    t.stack.reset(new char[STACK]);
    getcontext(&t.begin);
    t.begin.uc_stack.ss_sp = t.stack.get();
    t.begin.uc_stack.ss_size = STACK;
    t.begin.uc_link = nullptr;
    makecontext(&t.begin, begin, 0);
    setcontext(&t.begin);
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
    bool any = release(0, count, AT_BLOCK_BARRIER);
    for (unsigned from = 0; from < count; from += LANES) {
        any = release(from, std::min(from + LANES, count), AT_WARP_BARRIER) || any;
    }
    return any;
}

inline void runBlock(bool reversed) {
    for (unsigned i = 0; i < count; i++) {
        threads[i].state = READY;
        threads[i].shuffles = 0;
    }
    bool all = false;
    while (!all) {
        all = true;
        for (unsigned n = 0; n < count; n++) {
            unsigned i = reversed ? count - 1 - n : n;
            if (threads[i].state == READY) {
                enter(i);
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
void run(void (*kernel)(A...), unsigned blocks, unsigned size, void** arguments, int reversed) {
    Kernel<A...> call(kernel, arguments);
    body = &call;
    count = size;
    if (count > MOST) {
        fail("a block of more threads than a card takes");
    }
    blockDim = {count, 1, 1};
    gridDim = {blocks, 1, 1};
    for (unsigned n = 0; n < blocks; n++) {
        blockIdx = {reversed ? blocks - 1 - n : n, 0, 0};
        runBlock(reversed != 0);
    }
}

}  // namespace emulation

inline void __syncthreads() {
    emulation::leave(emulation::AT_BLOCK_BARRIER);
}

inline float __shfl_xor_sync(unsigned mask, float x, int distance) {
    unsigned self = emulation::running;
    unsigned other = self ^ distance;
    if (mask != 0xffffffffu || other >= emulation::count) {
        emulation::fail("a shuffle without all lanes");
    }
    unsigned turn = ++emulation::threads[self].shuffles;
    emulation::lanes[turn % 2][self] = x;
    emulation::leave(emulation::AT_WARP_BARRIER);
    if (emulation::threads[other].shuffles < turn) {
        emulation::fail("a shuffle with a lane that has ended");
    }
    return emulation::lanes[turn % 2][other];
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
