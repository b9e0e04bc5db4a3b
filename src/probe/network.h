// What a run keeps for the program's network: made at the first description, given back in nns_close.
#ifndef NNS_PROBE_NETWORK_H
#define NNS_PROBE_NETWORK_H

#include "run.h"

#include "copies.h"
#include "plan.h"
#include "tensor.h"
#include "trouble.h"

struct digest;   // digest.c
struct capturer; // capture.c
struct pushes;   // push.c

typedef struct network {
    registry registry;
    copies copies;
    plan plan;
    troubles troubles;
    struct capturer *capturer; // trainer
    struct pushes *pushes;
    struct digest *digest; // the helper starts it, the worker's own
    _Atomic uint64_t role_bytes[NNS_OTHER + 1]; // helper: of all tensors of a role
    _Atomic uint32_t role_count[NNS_OTHER + 1];
    bool digesting, told_evaluate;              // helper: the worker lives; its MODEL record is in some lane
    uint64_t told_done, told_thinned;           // helper: what the series have
    nns_series series_done, series_thinned;
    // nns_on_evaluate; the call is made on the worker.
    _Atomic(nns_evaluate_call) evaluate;
    _Atomic(void *) evaluate_context;
} network;

// Training thread: the run's network, made when it is not there yet; NULL: the run is closed, or no memory.
network *network_make(nns_run *run);
// Helper, each turn: memory, worker, MODEL records, what is due. When it wants to be called again, in ns from now.
int64_t network_tend(nns_run *run, int64_t now_ns);
void network_second(nns_run *run); // once a second
void network_again(nns_run *run);                  // the run's folder was made anew: everything is described again
// Helper: sizes and memory of what `kind` (plan.h) takes are looked at before it is wanted.
void network_prepare(nns_run *run, uint32_t kind);
void network_look(nns_run *run, const void *record); // a LOOK record
// Helper, at the end: what is described is written, the worker ended.
void network_finish(nns_run *run);
void network_fini(nns_run *run);

// NULL: none described yet. Any thread.
static inline network *network_of(nns_run *run) {
    return atomic_load_explicit(&run->network, memory_order_acquire);
}

#endif
