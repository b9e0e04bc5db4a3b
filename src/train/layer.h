// One layer of the network: what it is, what it learns, and its forward and backward pass. The kinds are one
// table; a network is a list of them, whichever they are.
//
// Arrays hold one sample a row. A sample is (height, width, channels), channels fastest, so that the units of a
// convolution are the columns of a matrix of (B height width) rows, as the units of a dense layer are of (B) rows.
#ifndef NNS_TRAIN_LAYER_H
#define NNS_TRAIN_LAYER_H

#include "activation.h"
#include "gemm.h"
#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYER_UNITS_CAP 65536 // of a dense layer; channels of a convolution
#define LAYER_KERNEL_CAP 15   // edge of a filter

// X(NAME, word, sentence). The numbers stand in saved states: new kinds go to the end.
#define LAYER_TABLE(X)                                                                             \
    X(DENSE, "dense", "z = x w + b, a = f(z)")                                                     \
    X(CONV, "conv", "filters of kernel x kernel pixels, as many pixels out as in, without a bias") \
    X(NORM, "norm", "batch normalisation of each channel, scale, shift, then a nonlinearity")      \
    X(POOL, "pool", "the largest of each 2 x 2 pixels")                                            \
    X(FLATTEN, "flatten", "a sample as one row of units")

typedef enum layer_kind {
#define X(name, word, sentence) LAYER_##name,
    LAYER_TABLE(X)
#undef X
    LAYER_KINDS
} layer_kind;

typedef struct extent {
    int height, width, channels; // of one sample; dense: 1, 1, units
} extent;

static inline size_t extent_pixels(extent e) {
    return (size_t)e.height * (size_t)e.width;
}

static inline size_t extent_cells(extent e) {
    return extent_pixels(e) * (size_t)e.channels;
}

typedef struct layer_shape {
    layer_kind kind;
    activation activation; // of dense and norm; else LINEAR
    int units;             // of dense; filters of conv; else 0
    int kernel;            // edge of conv's filters, odd; else 0
} layer_shape;

// I inputs of a unit, U units or channels.
typedef struct layer {
    layer_shape shape;
    extent in, out;
    size_t decaying;    // parameters that weight decay pulls: w
    size_t free;        // that it does not: b
    size_t statistics;  // numbers that are kept, not learnt
    float *w;           // dense (I, U), conv (kernel, kernel, channels of in, U)
    float *b;           // dense (U), norm (2, U): shift, then scale
    float *dw, *db;     // their gradients
    float *running;     // norm (2, U): mean and variance as seen while learning
} layer;

typedef enum pass_mode {
    PASS_LEARN, // statistics of the batch, which are also kept for later
    PASS_USE,   // statistics that were kept
    PASS_BATCH  // statistics of the batch, nothing is kept
} pass_mode;

// What a pass over B rows needs of a layer. scratch: see the layer's own file.
typedef struct slot {
    const float *x; // (B, in) from the layer before
    float *z;       // (B, out) before the nonlinearity
    float *a;       // (B, out) after it; the same array where there is none
    float *d;       // (B, out) dL/da, from backward on dL/dz
    float *dx;      // (B, in) the d of the layer before; NULL: nobody asks
    float *scratch;
    uint8_t *from;  // (B, out) of pool: which of the four was the largest
    pass_mode mode;
    gemm_call product;
} slot;

// Sizes as planned before memory is there. scratch and from: how many items for a pass of `rows` rows.
typedef struct layer_operations {
    const char *word;
    bool (*size)(layer *l); // out and counts from shape and in; false: does not fit
    size_t (*scratch)(const layer *l, size_t rows);
    void (*init)(layer *l, float scale, random_state *random); // parameters are zero before
    int (*forward)(const layer *l, const slot *s, size_t rows);
    int (*backward)(const layer *l, const slot *s, size_t rows); // fills dw, db, and dx where there is one
} layer_operations;

const layer_operations *layer_operations_of(layer_kind kind);

extern const layer_operations dense_operations, conv_operations, norm_operations, pool_operations;

#endif
