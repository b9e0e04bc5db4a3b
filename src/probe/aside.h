// The second helper thread of a run: what may take its time.
#ifndef NNS_PROBE_ASIDE_H
#define NNS_PROBE_ASIDE_H

#include "run.h"

int aside_init(nns_run *run);
void *aside_main(void *run);
void aside_second(nns_run *run); // helper: what there was is written, a second is over
void aside_stop(nns_run *run);   // asks it to end; join it afterwards
void aside_fini(nns_run *run);

#endif
