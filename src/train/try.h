// What a person tries on the network while it learns: samples pushed through it, and other weights.
#ifndef NNS_TRAIN_TRY_H
#define NNS_TRAIN_TRY_H

#include "show.h"

// Names of the classes where they are digits; else NULL.
const char *const *try_words(const data *d);

// Tells nnscope that samples may be pushed (nns_on_push), and that weights may be judged (nns_on_evaluate). There is one trainer
// in a process. Without memory for it nothing is offered.
void try_open(const shown *s, nns_run *run, const trainer *t);

// Before nns_close: a judgement that runs is broken off. After it: gives memory back, but what a judgement that does not end
// soon still uses.
void try_end(void);
void try_close(void);

#endif
