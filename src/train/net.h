// The network: a list of layers, images in, logits of classes out. What it has learnt is in `net`; what one pass over a
// batch needs is in `pass`, so that several passes may look through one network without touching each other.
#ifndef NNS_TRAIN_NET_H
#define NNS_TRAIN_NET_H

#include "layer.h"
#include "loss.h"
#include "optimizer.h"

#define NET_LAYERS_CAP 96
#define NET_BATCH_CAP 4096 // rows of one pass

typedef struct net_shape {
    extent in;                             // of an image
    int layers;
    layer_shape layer[NET_LAYERS_CAP];     // the last: dense, linear, as many units as classes
} net_shape;

typedef struct net {
    net_shape shape;
    layer layer[NET_LAYERS_CAP];
    size_t decaying;   // parameters that weight decay pulls
    size_t parameters; // all: P
    size_t statistics; // S
    float *params;     // (P) what decays of all layers, then the rest of all layers
    float *grads;      // (P) in the same order
    float *running;    // (S) kept by normalisations
    optimizer rule;    // its moments: (P) each
    void *memory;      // the one allocation behind all of these
} net;

// How weights start: deviation times `scale`; hidden dense layers and normalisations get `bias` on the share
// `biased` of their units, evenly spread (unit i when (i + 1) biased has passed a whole number since i biased).
typedef struct net_start {
    float scale;
    float bias;
    double biased;
} net_start;

// Plans all sizes and takes memory once. NNS_E_INVALID for a shape that does not fit, NNS_E_NO_MEMORY. Weights are
// zero until net_init.
int net_new(net *n, const net_shape *shape);
void net_free(net *n);

// The sizes alone, without memory: false where net_new would say NNS_E_INVALID.
bool net_size(net *n, const net_shape *shape);
int net_classes(const net *n);
size_t net_cells(const net *n); // values that all layers make of one sample

// Weights from the normal distribution with variance gain / inputs (see activation.h), biases zero.
void net_init(net *n, const net_start *start, random_state *random);
void net_update(net *n, const optimizer_settings *settings);

typedef struct pass {
    size_t rows;     // at most so many: B
    pass_mode mode;
    slot slot[NET_LAYERS_CAP];
    float *x;        // (B, in) the batch
    uint8_t *truth;  // (B)
    float *p;        // (B, classes) probabilities
    float *loss;     // (B) of each row
    void *memory;
} pass;

// Room for `rows` rows; a pass that learns has room for gradients too. NNS_E_NO_MEMORY.
int pass_new(pass *p, const net *n, size_t rows, pass_mode mode);
void pass_free(pass *p);
void pass_set_mode(pass *p, const net *n, pass_mode mode); // from now on; memory stays

// x and truth hold `rows` rows; fills z, a, p, loss. backward follows the forward of the same rows in a pass that
// learns, fills the net's grads. 0 or a code of gemm.
int net_forward(const net *n, pass *p, size_t rows, loss_sum *sum);
int net_backward(const net *n, pass *p, size_t rows);

#endif
