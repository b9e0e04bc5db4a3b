// GPUs of NVIDIA through libnvidia-ml, loaded when it is there.
#ifndef NNS_PROBE_GPU_H
#define NNS_PROBE_GPU_H

#include "base/buf.h"
#include "run.h"

typedef struct gpu gpu;

gpu *gpu_open(nns_run *run); // NULL: no such library, no GPU
void gpu_sample(gpu *g);     // NULL is fine
void gpu_close(gpu *g);
void gpu_names(gpu *g, buf *json); // ["...", ...]

#endif
