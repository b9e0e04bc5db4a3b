// The digest worker: a thread that turns copies into statistics, captures and answers. It never touches the program's memory:
// only copies (copies.h), the registry's constants (tensor.h) and the plan (plan.h), all in run's network (network.h).
#ifndef NNS_PROBE_DIGEST_H
#define NNS_PROBE_DIGEST_H

#include "run.h"

#include <stdint.h>

// Helper, once the ring is there: starts the worker (signals blocked, run_start_thread). It takes a lane of its own. 0 or NNS_E_NO_MEMORY.
int digest_start(nns_run *run);

// Helper (and any other thread of the library; the trainer only while it is held): entries wait in the ring. Cheap when it is awake.
void digest_wake(nns_run *run);

// nns_close, before the helper's last drain: takes what stands in the ring, ends the worker, gives its memory back. False: it did not
// end until then (the program's evaluate call holds it): everything of it is left as it is.
bool digest_stop(nns_run *run, int64_t until_ns);

// Weights and biases, as nns_evaluate_call sees them: [tensor - 1], float32 in the order of memory, NULL: not copied.
struct nns_copy {
    const float *const *data;
    uint32_t count;
};

#endif
