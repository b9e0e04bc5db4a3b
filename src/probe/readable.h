// Can the memory of tensors be read?
#ifndef NNS_PROBE_READABLE_H
#define NNS_PROBE_READABLE_H

#include "network.h"

// Helper: probes those tensors whose role is among `roles`. One that cannot be read is BROKEN from now on, and said.
void readable_check(nns_run *run, uint32_t roles);

#endif
