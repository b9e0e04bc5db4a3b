// What the trainer tells nnscope, and what nnscope may change: all calls of the public header are in
// watch.c, so that it can be read as an example.
#ifndef NNS_TRAIN_WATCH_H
#define NNS_TRAIN_WATCH_H

#include "options.h"
#include "show.h"

#include <nnscope.h>

#define WATCH_FIXED 4 // validation images that are followed from the start

typedef struct watch {
    nns_run *run; // NULL when nothing can be recorded: every call below then does nothing
    trainer *t;
    nns_series train_loss, train_accuracy, gradient_norm, lr;
    nns_series val_loss, val_accuracy;
    int64_t next_picture;         // step of the next histograms and samples
    uint32_t fixed[WATCH_FIXED];  // validation images, of different classes
    int fixed_count;
    evaluation last;              // the last validation
    shown shown;                  // layers and arrays that nnscope knows of
} watch;

void watch_open(watch *w, trainer *t, const options *o, int argc, char **argv);
void watch_close(watch *w, int status);

// Lets a waiting watch_step return false. Safe in a signal handler.
void watch_stop(watch *w);

bool watch_step(watch *w);                               // the safe point; false: please stop
bool watch_wait(watch *w);                               // the same, waiting for resume; false too: nothing is recorded
void watch_learning(watch *w, size_t rows);              // the batch is gathered
void watch_batch(watch *w, size_t rows, const loss_sum *sum);
bool watch_before_update(watch *w);                      // false: skip the update (nothing asks for that yet)
void watch_validation(watch *w, const evaluation *e);
void watch_result(watch *w, double accuracy);            // on the test set, at the end

#endif
