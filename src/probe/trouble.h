// What the program described wrongly, or which rule of its tensors it broke: said once each, as an event.
#ifndef NNS_PROBE_TROUBLE_H
#define NNS_PROBE_TROUBLE_H

#include "run.h"

#define TROUBLES_MAX 128 // different ones of a run

typedef struct troubles {
    _Atomic uint64_t said[TROUBLES_MAX]; // hashes of rule and place
} troubles;

// `rule`: a word ("shape"); `where`: layer or tensor, may be NULL; `what`: a sentence. Any thread.
void trouble(nns_run *run, const char *rule, const char *where, const char *what);

#endif
