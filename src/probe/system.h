// Samples of the machine: CPU, memory, disk, network, GPUs.
#ifndef NNS_PROBE_SYSTEM_H
#define NNS_PROBE_SYSTEM_H

#include "run.h"

typedef struct system_sampler system_sampler;

system_sampler *system_open(nns_run *run); // NULL: out of memory
void system_sample(
    system_sampler *s); // once a second; writes nothing before the first step; NULL is fine
void system_close(system_sampler *s);

#endif
