// The helper thread of a run.
#ifndef NNS_PROBE_HELPER_H
#define NNS_PROBE_HELPER_H

#include "run.h"

void *helper_main(void *run);

#endif
