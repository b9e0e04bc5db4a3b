// NaN and infinities in series: seen by nns_scalar, told at the next safe point.
#ifndef NNS_PROBE_NONFINITE_H
#define NNS_PROBE_NONFINITE_H

#include "run.h"

#include <math.h>

// Any thread. Is there anything to note about this value? Two compares.
static inline bool nonfinite_notable(const nns_run *run, double value) {
    return !isfinite(value) ||
           atomic_load_explicit(&run->nonfinite.count, memory_order_relaxed) != 0;
}
void nonfinite_note(nns_run *run, nns_series series, double value);

// Trainer, at a safe point: hands what is new to the worker, or writes the event where there is none.
void nonfinite_tell(nns_run *run);

// Any thread of the library. EVENT NONFINITE {"where", "step", "flight"}; flight < 0: left out. False: told often enough.
bool nonfinite_event(nns_run *run, const char *where, int64_t step, int64_t flight);

#endif
