// The training loop.
#ifndef NNS_TRAIN_LOOP_H
#define NNS_TRAIN_LOOP_H

#include "options.h"
#include "watch.h"

// Trains until the epochs or steps are over, a person stops it, or *stop becomes true (a signal).
// Validates and saves after each epoch. 0, or a code with `why`.
int loop_run(watch *w, const options *o, const volatile bool *stop, why *reason);

// The last line: share of the test images that are recognised.
int loop_test(watch *w, why *reason);

#endif
