// A multilayer perceptron: images in, logits of classes out. Forward and backward in pairs.
#ifndef NNS_TRAIN_MLP_H
#define NNS_TRAIN_MLP_H

#include "activation.h"
#include "gemm.h"
#include "loss.h"
#include "optimizer.h"
#include "random.h"

#include <stddef.h>
#include <stdint.h>

#define MLP_LAYERS_CAP 64    // hidden layers and the last one
#define MLP_WIDTH_CAP 65536  // units of a layer
#define MLP_BATCH_CAP 4096   // rows of one pass

typedef struct mlp_shape {
    int inputs;                  // pixels of an image
    int layers;                  // hidden layers + 1
    int width[MLP_LAYERS_CAP];   // units of each; the last is the number of classes
    activation hidden;           // between layers; the last is linear
} mlp_shape;

// B rows of a batch (at most MLP_BATCH_CAP), I inputs and O units of the layer.
typedef struct mlp_layer {
    int in, out;
    activation kind;
    float *w;  // (I, O) in params
    float *b;  // (O)    in params
    float *dw; // (I, O) in grads
    float *db; // (O)    in grads
    float *z;  // (B, O) before the nonlinearity
    float *a;  // (B, O) after it; the last layer's are its z
    float *d;  // (B, O) dL/da, then dL/dz
} mlp_layer;

typedef struct mlp {
    mlp_shape shape;
    mlp_layer layer[MLP_LAYERS_CAP];
    size_t weights;    // all w
    size_t parameters; // all w and all b: P
    float *params;     // (P) the w of all layers, then the b of all layers
    float *grads;      // (P) in the same order
    optimizer rule;    // its moments: (P) each
    float *x;          // (B, inputs) the batch
    uint8_t *truth;    // (B)
    float *p;          // (B, classes) probabilities
    void *memory;      // the one allocation behind all of these
} mlp;

// Plans all sizes and takes memory once; pages that no batch needs are never touched. NNS_E_INVALID
// for a shape outside the caps, NNS_E_NO_MEMORY. Weights are zero until mlp_init.
int mlp_new(mlp *net, const mlp_shape *shape);
void mlp_free(mlp *net);
int mlp_classes(const mlp *net);

// Weights from the normal distribution with variance gain / inputs (see activation.h), biases zero.
void mlp_init(mlp *net, random_state *random);

// x and truth hold `rows` rows; fills z, a, p. backward follows the forward of the same rows, fills grads.
int mlp_forward(mlp *net, size_t rows, loss_sum *sum);
int mlp_backward(mlp *net, size_t rows);
void mlp_update(mlp *net, const optimizer_settings *settings);

// The products of one training step in order, for measuring what they cost alone: returns how many.
#define MLP_PRODUCTS_CAP (3 * MLP_LAYERS_CAP)
int mlp_products(const mlp *net, size_t rows, gemm_product out[MLP_PRODUCTS_CAP]);

#endif
