// The run's folder on disk: made at open, made again when it is gone.
#ifndef NNS_PROBE_FOLDER_H
#define NNS_PROBE_FOLDER_H

#include "run.h"

// Makes the data directory, the run's folder, alive file, inbox, bell. 0 or a code (nothing half made is used).
int folder_up(nns_run *run);
// Helper, once a second: is it still there? Makes it again, at growing distance. True when it was made anew.
bool folder_tend(nns_run *run, int64_t now_ns);
// The end: the inbox goes; the alive file too, unless something is left to salvage.
void folder_down(nns_run *run, bool all_written);

#endif
