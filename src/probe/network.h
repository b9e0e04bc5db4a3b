// What a run keeps for the program's network: made at the first description, given back in nns_close.
#ifndef NNS_PROBE_NETWORK_H
#define NNS_PROBE_NETWORK_H

#include "run.h"

#include "copies.h"
#include "plan.h"
#include "tensor.h"

struct digest; // the worker's own, digest.c
struct capturer;
struct pushes;
struct troubles;

typedef struct network {
    registry registry;
    copies copies;
    plan plan;
    struct capturer *capturer; // capture.c: trainer
    struct pushes *pushes;     // push.c
    struct digest *digest;     // digest.c: helper starts it, worker
    _Atomic uint32_t nonfinite_said; // EVENT NONFINITE so far (of series and of tensors): at most NONFINITE_MAX
    // nns_on_evaluate; the call is made on the worker.
    _Atomic(nns_evaluate_call) evaluate;
    _Atomic(void *) evaluate_context;
} network;

#define NONFINITE_MAX 20

// NULL: none described yet. Any thread.
static inline network *network_of(nns_run *run) {
    return atomic_load_explicit(&run->network, memory_order_acquire);
}

#endif
