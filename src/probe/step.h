// The safe point.
#ifndef NNS_PROBE_STEP_H
#define NNS_PROBE_STEP_H

#include "run.h"

void step_init(nns_run *run);

#endif
