// Unit prune.c measures accuracy over pruned share, on copied weights, aside.
//
// Place on the path: digest.c gathers the copies of a PRUNE set and starts a thread here, which calls the program's evaluate
// call once a point; it runs when nothing else wants the processor (SCHED_IDLE), and so do the threads that the call makes.
//
// Thresholds are exact: bits of |w| are ordered as the numbers are, so that two passes of counting (upper, then lower 16 bits)
// find the n-th smallest. Each mask holds the one before it: copies are masked in place.
#include "prune.h"

#include "base/error.h"
#include "base/half.h"
#include "base/mem.h"
#include "digest.h"

#include <math.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES (8u << 20) // the program's code runs on it

static const double shares[PRUNE_POINTS] = {0, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .98, .99};

int prune_init(prune *p, uint32_t tensors) {
    *p = (prune){.tensors = tensors};
    p->data = mem_array(tensors, sizeof *p->data);
    p->elements = mem_array(tensors, sizeof *p->elements);
    p->weight = mem_array(tensors, sizeof *p->weight);
    if (p->data && p->elements && p->weight) return 0;
    prune_fini(p);
    return NNS_E_NO_MEMORY;
}

void prune_fini(prune *p) {
    for (uint32_t i = 0; p->data && i < p->tensors; i++)
        mem_free(p->data[i]);
    mem_free(p->data);
    mem_free(p->elements);
    mem_free(p->weight);
    *p = (prune){0};
}

// Thresholds -----------------------------------------------------------------------------------------

static uint32_t size_bits(float v) {
    return float_bits(v) & 0x7FFFFFFF;
}

// Counts bits >> shift & 0xFFFF of the weights whose bits >> 16 are `upper` (any when negative).
static void tally(const prune *p, int shift, int64_t upper, uint64_t *counts) {
    for (uint32_t t = 0; t < p->tensors; t++)
        for (uint64_t i = 0; p->data[t] && p->weight[t] && i < p->elements[t]; i++) {
            uint32_t bits = size_bits(p->data[t][i]);
            if (upper < 0 || bits >> 16 == (uint32_t)upper) counts[bits >> shift & 0xFFFF]++;
        }
}

// The place where the running sum reaches `count`; *before: the sum before it.
static uint32_t reach(const uint64_t *counts, uint64_t count, uint64_t *before) {
    uint64_t sum = 0;
    uint32_t at = 0;
    while (at < 0xFFFF && sum + counts[at] < count)
        sum += counts[at++];
    *before = sum;
    return at;
}

float prune_threshold(const prune *p, uint64_t count) {
    uint64_t *counts = count ? mem_array(1 << 16, sizeof *counts) : NULL;
    if (!counts) return 0;
    uint64_t before;
    tally(p, 16, -1, counts);
    uint32_t upper = reach(counts, count, &before);
    memset(counts, 0, (1 << 16) * sizeof *counts);
    tally(p, 0, upper, counts);
    uint64_t ignored;
    uint32_t bits = upper << 16 | reach(counts, count - before, &ignored);
    mem_free(counts);
    float threshold;
    memcpy(&threshold, &bits, sizeof threshold);
    return threshold;
}

uint64_t prune_mask(prune *p, float threshold) {
    uint64_t zeros = 0;
    for (uint32_t t = 0; t < p->tensors; t++)
        for (uint64_t i = 0; p->data[t] && p->weight[t] && i < p->elements[t]; i++) {
            float *w = &p->data[t][i];
            if (fabsf(*w) <= threshold) *w = 0;
            zeros += *w == 0;
        }
    return zeros;
}

uint64_t prune_weights(const prune *p) {
    uint64_t all = 0;
    for (uint32_t t = 0; t < p->tensors; t++)
        if (p->data[t] && p->weight[t]) all += p->elements[t];
    return all;
}

// The work -----------------------------------------------------------------------------------------

void prune_work(prune *p) {
    struct nns_copy copy = {.data = (const float *const *)p->data, .count = p->tensors};
    uint64_t all = prune_weights(p);
    float before = 0; // what it took is zero by now
    for (int i = 0; i < PRUNE_POINTS && all && !atomic_load(p->stop); i++) {
        float threshold = prune_threshold(p, (uint64_t)(shares[i] * (double)all + 0.5));
        if (threshold < before) threshold = before;
        before = threshold;
        uint64_t zeros = prune_mask(p, threshold);
        double accuracy = p->evaluate(p->context, &copy);
        p->points[p->count++] =
            (prune_point){(float)((double)zeros / (double)all), threshold, (float)accuracy};
    }
}

static void *prune_main(void *context) {
    prune *p = context;
    struct sched_param none = {0};
    pthread_setname_np(pthread_self(), "nnscope-prune");
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    prune_work(p);
    atomic_store(&p->done, true);
    p->ready(p->ready_context);
    return NULL;
}

int prune_start(prune *p) {
    int result = run_start_thread(&p->thread, prune_main, p, STACK_BYTES);
    p->running = !result;
    return result;
}
