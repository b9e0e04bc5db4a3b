// What the answers for the inside of networks have in common (inspect.c, values.c, try.c): a job on a worker.
#ifndef NNS_SERVER_INSPECT_H
#define NNS_SERVER_INSPECT_H

#include "keep.h"
#include "network.h"

#include <jansson.h>

typedef struct inspect_job {
    job j;
    store_id run;
    int64_t step, to;
    size_t limit, count;
    bool tensors_only;
    char name[256], layer[256]; // of the tensor; or of the layer
    int quantity, form;
    bool units;
    uint32_t number; // of tensor or layer
    frame *now;      // the capture that has it, counted
} inspect_job;

// NULL: there is no such run, or no memory; `done` is told so.
inspect_job *inspect_new(core *c, const char *key,
                         void (*work)(core *c, job *j, store_reader *reader), core_done done,
                         void *context);

// The description, owned; what a process has just said of it may not be in the store yet. NULL: none.
json_t *inspect_model(core *c, store_reader *reader, store_id of);

// What snapshot_nearest answered, in words.
void inspect_no_snapshot(core_reply *reply, int result);

#endif
