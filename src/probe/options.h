// Options of nns_open with their defaults, copied into the run.
#ifndef NNS_PROBE_OPTIONS_H
#define NNS_PROBE_OPTIONS_H

#include "run.h"

// 0, NNS_E_NO_MEMORY, NNS_E_NOT_FOUND (no data directory can be named).
int options_copy(nns_run *run, const nns_options *o);
void options_fini(nns_run *run);

#endif
