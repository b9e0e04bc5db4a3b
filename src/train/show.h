// What nnscope is told of the network: its layers, and where its numbers are.
#ifndef NNS_TRAIN_SHOW_H
#define NNS_TRAIN_SHOW_H

#include "trainer.h"

#include <nnscope.h>

typedef struct shown {
    nns_layer input;
    nns_layer layer[NET_LAYERS_CAP];
    nns_tensor weight[NET_LAYERS_CAP], bias[NET_LAYERS_CAP]; // 0: the layer has none
    int64_t moves;                                           // trainer.moves when the arrays of the pass were registered
} shown;

// Once, after nns_open: layers, then weights, biases and their gradients, which never move.
void show_network(shown *s, nns_run *run, const trainer *t);

// After trainer_begin: the batch has so many rows; its arrays are registered anew where they have moved.
void show_batch(shown *s, nns_run *run, const trainer *t, size_t rows);

#endif
