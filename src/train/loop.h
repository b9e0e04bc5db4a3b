// The training loop.
#ifndef NNS_TRAIN_LOOP_H
#define NNS_TRAIN_LOOP_H

#include "options.h"
#include "watch.h"

typedef struct loop {
    watch *w;
    trainer *t;
    const options *o;
    const volatile bool *stop; // a signal
    int64_t epoch_began_ns;
    loss_sum learnt;     // over the epoch that just ended
    int64_t seen;        // its images
    int64_t tested_step; // whose weights `tested` is about; -1: none
    double tested;       // accuracy on the test images
} loop;

void loop_open(loop *l, watch *w, const options *o, const volatile bool *stop);

// Trains until the epochs or steps are over, a person stops it, or *stop becomes true. Validates and saves after
// each epoch. With --stay it then waits, paused, and goes on when a person resumes with more epochs. 0, or a code
// with `why`.
int loop_run(loop *l, why *reason);

// The last line: share of the test images that are recognised.
int loop_test(loop *l, why *reason);

#endif
