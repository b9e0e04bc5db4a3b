// The registry: layers and tensors that the program has described. Handles count from 1 and are places in these tables.
//
// Threads: described by the training thread. A layer, and of a tensor what is said to be constant, may be read by helper
// and worker once the table's count (acquire) includes it; it stays until nns_close. The rest is the trainer's, or atomic.
#ifndef NNS_PROBE_TENSOR_H
#define NNS_PROBE_TENSOR_H

#include "form.h"
#include "names.h"

#include <nnscope.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LAYERS_MAX 4096
#define TENSORS_MAX 16384
#define TENSOR_DIM_MAX 0x7FFFFFFF
#define TENSOR_BYTES_MAX (INT64_C(16) << 30)

typedef struct layer {
    // Constant.
    char *name, *kind, *activation; // activation "": none
    int dims;
    int64_t shape[4]; // unused ones are 1
    int64_t elements; // product of the shape
    int64_t units;    // neurons, or channels: dims 3: shape[0]; else the product
    int64_t parameters;
    nns_layer *inputs;
    int input_count;
    bool has_update;      // trainer: some tensor of it has the role NNS_UPDATE
    _Atomic bool has_act;  // trainer writes: or NNS_ACT
    bool declared;         // helper: its MODEL record is in some lane
} layer;

enum { TENSOR_THERE = 1, TENSOR_GONE = 2, TENSOR_BROKEN = 3 }; // BROKEN: its memory was freed early

typedef struct tensor {
    // Constant.
    char *name;
    nns_layer layer; // 0: of none
    nns_role role;
    nns_dtype dtype;
    uint32_t item_bytes;
    int dims;
    bool batch; // its first dimension is rows of the batch
    // Trainer only: as last told.
    form form;
    uint64_t set; // the set that wants it, its place there (capture.c)
    uint32_t item;
    // The trainer writes, any thread reads.
    _Atomic int64_t shape[4];    // as in form, for the MODEL record
    _Atomic uint32_t valid;      // nns_valid
    _Atomic uint32_t state;      // TENSOR_...; the helper says BROKEN
    _Atomic uintptr_t data;      // 0: nowhere now
    _Atomic uint64_t span_bytes; // from data to behind its last element
    _Atomic uint64_t bytes;      // of all elements
    _Atomic uint32_t told;       // counts tellings of address and shape
    _Atomic bool changed;        // its MODEL record is to be written again
    // The helper writes.
    _Atomic bool checked;  // its pages could be read
    bool declared;         // its MODEL record is in some lane
} tensor;

static inline bool role_is_batch(nns_role role) {
    return role == NNS_PRE || role == NNS_ACT || role == NNS_PRE_GRAD || role == NNS_INPUT ||
           role == NNS_LABEL || role == NNS_PREDICTION || role == NNS_SAMPLE_LOSS;
}

typedef struct registry {
    _Atomic uint32_t layer_count, tensor_count;
    layer *layers[LAYERS_MAX];    // [handle - 1]
    tensor *tensors[TENSORS_MAX]; // [handle - 1]
    names layer_names, tensor_names; // trainer
    _Atomic int64_t rows;         // nns_batch, plus 1; 0: not told
} registry;

// NULL: no such one (yet). Any thread.
static inline layer *registry_layer(registry *r, nns_layer handle) {
    uint32_t count = atomic_load_explicit(&r->layer_count, memory_order_acquire);
    return handle >= 1 && handle <= count ? r->layers[handle - 1] : (layer *)0;
}
static inline tensor *registry_tensor(registry *r, nns_tensor handle) {
    uint32_t count = atomic_load_explicit(&r->tensor_count, memory_order_acquire);
    return handle >= 1 && handle <= count ? r->tensors[handle - 1] : (tensor *)0;
}

// Values before the activation beside those behind it: nobody asks for them, so they are not copied.
static inline bool registry_spares(registry *r, const tensor *t) {
    layer *l = t->role == NNS_PRE ? registry_layer(r, t->layer) : (layer *)0;
    return l && (l->activation[0] || atomic_load_explicit(&l->has_act, memory_order_relaxed));
}

void layers_fini(registry *r);  // layer.c
void tensors_fini(registry *r); // tensor.c

const char *role_word(nns_role role);    // "weight"; "" unknown
const char *dtype_word(nns_dtype dtype); // "float32"
uint32_t dtype_bytes(nns_dtype dtype);   // 0 unknown
const char *valid_word(uint32_t valid);  // "always" "step" "update" "shown"

#endif
