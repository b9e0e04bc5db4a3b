// Facts of the process and the machine, told once at the start.
#ifndef NNS_PROBE_FACTS_H
#define NNS_PROBE_FACTS_H

#include "run.h"

void facts_write_first(nns_run *run); // in nns_open: what another thread must not read (the environment)
void facts_write(nns_run *run);       // aside: what takes time

#endif
