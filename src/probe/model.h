// MODEL records: what the program said of its network, for the server.
#ifndef NNS_PROBE_MODEL_H
#define NNS_PROBE_MODEL_H

#include "network.h"

// Helper: writes what is not in a lane yet, what has changed (`second`: at most once a second each), or all of it `again`.
void model_tend(nns_run *run, bool second, bool again);

#endif
