// What pruning would cost: the program's evaluate call on copies in which the smallest weights are zero, more and more of them.
#ifndef NNS_PROBE_PRUNE_H
#define NNS_PROBE_PRUNE_H

#include <nnscope.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRUNE_POINTS 13 // 0, 10, ... 90, 95, 98, 99 %

typedef struct prune_point {
    float share, threshold, accuracy; // share of all weights that are zero then
} prune_point;

// One job. The worker fills it and starts its thread; the thread alone touches it until `done`.
typedef struct prune {
    float **data; // [tensors] in the order of memory, owned; NULL: not copied
    uint64_t *elements;
    bool *weight; // a bias is never pruned
    uint32_t tensors;
    nns_evaluate_call evaluate;
    void *context;
    uint64_t number; // of the command
    int64_t step;
    pthread_t thread;
    bool running; // worker: not joined yet
    _Atomic bool done;
    const _Atomic bool *stop; // set from outside: no more points
    void (*ready)(void *); // called by the thread when it is done
    void *ready_context;
    prune_point points[PRUNE_POINTS];
    uint32_t count;
} prune;

// NNS_E_NO_MEMORY. `tensors` places are made.
int prune_init(prune *p, uint32_t tensors);
void prune_fini(prune *p); // not while it runs

// |w| at and below which `count` of all weights lie, exactly; 0 for count 0.
float prune_threshold(const prune *p, uint64_t count);
// Zeroes the weights with |w| <= threshold (none for 0). Returns how many weights are zero.
uint64_t prune_mask(prune *p, float threshold);
uint64_t prune_weights(const prune *p);

// Runs all points on the calling thread.
void prune_work(prune *p);
// Starts a thread for it, at the lowest priority. NNS_E_NO_MEMORY.
int prune_start(prune *p);

#endif
