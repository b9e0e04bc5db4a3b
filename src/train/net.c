// Unit net.c is the network: layers sized one after the other, one allocation, update.
//
//   x -> layer -> layer -> ... -> logits -> softmax cross-entropy
//
// The batch's rows are the rows of every array, so that a smaller batch is the beginning of a larger one. Passes
// are in pass.c.
#include "net.h"

#include "base/error.h"
#include "block.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define PARAMETERS_CAP ((size_t)1 << 36)
#define CELLS_CAP ((size_t)1 << 26) // values of one layer for one sample

static const layer_operations *operations(const layer *l) {
    return layer_operations_of(l->shape.kind);
}

static bool size_layer(net *n, int at) {
    layer *l = &n->layer[at];
    *l = (layer){.shape = n->shape.layer[at], .in = at ? n->layer[at - 1].out : n->shape.in};
    if (!operations(l)->size(l) || extent_cells(l->out) > CELLS_CAP) return false;
    n->decaying += l->decaying;
    n->parameters += l->decaying + l->free;
    n->statistics += l->statistics;
    return n->parameters <= PARAMETERS_CAP;
}

static bool ends_in_classes(const net *n) {
    const layer *last = &n->layer[n->shape.layers - 1];
    return last->shape.kind == LAYER_DENSE && last->shape.activation == ACTIVATION_LINEAR &&
           last->out.channels <= 256;
}

static bool size_layers(net *n) {
    const net_shape *s = &n->shape;
    if (s->layers < 1 || s->layers > NET_LAYERS_CAP) return false;
    if (s->in.height < 1 || s->in.width < 1 || s->in.channels < 1) return false;
    if (extent_cells(s->in) > LAYER_UNITS_CAP) return false;
    for (int i = 0; i < s->layers; i++)
        if (!size_layer(n, i)) return false;
    return ends_in_classes(n);
}

static void plan(net *n, block *b) {
    n->params = block_piece(b, n->parameters, sizeof(float));
    n->grads = block_piece(b, n->parameters, sizeof(float));
    n->rule.m = block_piece(b, n->parameters, sizeof(float));
    n->rule.v = block_piece(b, n->parameters, sizeof(float));
    n->running = block_piece(b, n->statistics, sizeof(float));
}

// Layers point into params and grads.
static void place_layers(net *n) {
    size_t w = 0, b = n->decaying, kept = 0;
    for (int i = 0; i < n->shape.layers; i++) {
        layer *l = &n->layer[i];
        l->w = n->params + w, l->dw = n->grads + w;
        l->b = n->params + b, l->db = n->grads + b;
        l->running = n->running + kept;
        w += l->decaying, b += l->free, kept += l->statistics;
    }
    assert(w == n->decaying && b == n->parameters && kept == n->statistics);
}

bool net_size(net *n, const net_shape *shape) {
    *n = (net){.shape = *shape};
    return size_layers(n);
}

int net_new(net *n, const net_shape *shape) {
    if (!net_size(n, shape)) return NNS_E_INVALID;
    block b = {0};
    plan(n, &b);
    n->memory = block_new(&b);
    if (!n->memory) return NNS_E_NO_MEMORY;
    plan(n, &b);
    place_layers(n);
    return 0;
}

void net_free(net *n) {
    mem_free(n->memory);
    *n = (net){0};
}

int net_classes(const net *n) {
    return n->shape.layer[n->shape.layers - 1].units;
}

size_t net_cells(const net *n) {
    size_t cells = 0;
    for (int i = 0; i < n->shape.layers; i++)
        cells += extent_cells(n->layer[i].out);
    return cells;
}

static void set_biases(layer *l, const net_start *start) {
    for (int i = 0; i < l->out.channels; i++)
        if (floor((i + 1) * start->biased) > floor(i * start->biased)) l->b[i] = start->bias;
}

void net_init(net *n, const net_start *start, random_state *random) {
    memset(n->params, 0, n->parameters * sizeof(float));
    memset(n->running, 0, n->statistics * sizeof(float));
    for (int i = 0; i < n->shape.layers; i++) {
        layer *l = &n->layer[i];
        if (operations(l)->init) operations(l)->init(l, start->scale, random);
        if (l->free && i < n->shape.layers - 1) set_biases(l, start);
    }
    optimizer_switch(&n->rule, n->rule.kind, n->parameters);
}

void net_update(net *n, const optimizer_settings *settings) {
    optimizer_update(&n->rule, settings, n->parameters, n->decaying, n->params, n->grads);
}
