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

#endif
