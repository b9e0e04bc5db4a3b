// What nnscope itself costs and could not keep: shares, counts, the BEAT record.
#ifndef NNS_PROBE_STATS_H
#define NNS_PROBE_STATS_H

#include "run.h"

#include "base/clock.h"

// Around a call that takes longer than a scalar. Two clock reads; time counts on the training thread only.
static inline int64_t stats_begin(nns_run *run) {
    return run_is_open(run) ? clock_mono_ns() : 0;
}
void stats_end(nns_run *run, int64_t began_ns);

int64_t stats_inside_ns(nns_run *run); // in nns_ calls on the training thread so far; any thread of the library
void stats_calibrate(nns_run *run); // helper, once: what a scalar and a bare step cost here
void stats_second(nns_run *run);    // helper, once a second: shares
void stats_beat(nns_run *run);      // helper: a BEAT record into its lane

#endif
