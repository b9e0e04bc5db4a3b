// Unit show.c tells nnscope what the network is: each layer with its kind and shape, and each array with its role, its
// shape and where its numbers lie. Nothing is copied here; nnscope reads the arrays at its safe points, when somebody looks.
//
//   input            input (B, height, width)
//   dense   "fc1"    weight (U, I) bias (U), their gradients, pre act pre_grad (B, U)
//   conv    "conv1"  weight (U, C, edge, edge), its gradient, act pre_grad (B, U, height, width)
//   norm    "norm1"  weight (U): scale, bias (U): shift, their gradients, pre act pre_grad; the mean and variance it keeps
//   pool    "pool1"  act pre_grad
//   flatten          act (B, U)
//   dense   "output" as above; act are the probabilities; label prediction sample_loss
//
// Rules: all of it may be read in both safe points (NNS_ALWAYS). Weights and gradients stay where they are from net_new to
// net_free. Arrays of the batch stand from one forward to the next, since whoever else looks at images has a pass of their
// own; they move when the batch grows.
#include "show.h"

#include <stdio.h>

// --- layers ----------------------------------------------------------------------------------------

static bool is_flat(extent e) {
    return e.height == 1 && e.width == 1;
}

static const char *activation_word(const net *n, int at) {
    if (at == n->shape.layers - 1) return "softmax";
    activation kind = n->shape.layer[at].activation;
    return kind == ACTIVATION_LINEAR ? NULL : activation_name(kind);
}

static nns_layer show_layer(nns_run *run, const net *n, int at) {
    const layer *l = &n->layer[at];
    char name[MODEL_NAME_CAP];
    model_layer_name(n, at, name);
    nns_layer_info info = {.name = name,
                           .kind = layer_operations_of(l->shape.kind)->word,
                           .activation = activation_word(n, at),
                           .dims = is_flat(l->out) ? 1 : 3,
                           .shape = {l->out.channels, l->out.height, l->out.width},
                           .parameters = (int64_t)(l->decaying + l->free)};
    return nns_layer_describe(run, &info);
}

static nns_layer show_input(nns_run *run, extent in) {
    return nns_layer_describe(
        run, &(nns_layer_info){
                 .name = "input", .kind = "input", .dims = 2, .shape = {in.height, in.width}});
}

// --- what it learns --------------------------------------------------------------------------------

static nns_tensor show_learnt(nns_run *run, nns_tensor_info info, nns_role role,
                              const float *numbers) {
    info.role = role;
    info.dtype = NNS_FLOAT32;
    info.data = numbers;
    return nns_tensor_add(run, &info);
}

// Kept as (I, U), shown as (U, I).
static nns_tensor_info dense_weight(const layer *l) {
    int64_t inputs = (int64_t)extent_cells(l->in), units = l->out.channels;
    return (nns_tensor_info){.dims = 2, .shape = {units, inputs}, .strides = {1, units}};
}

// Kept as (edge, edge, C, U), shown as (U, C, edge, edge).
static nns_tensor_info conv_weight(const layer *l) {
    int64_t units = l->out.channels, channels = l->in.channels, edge = l->shape.kernel;
    return (nns_tensor_info){.dims = 4,
                             .shape = {units, channels, edge, edge},
                             .strides = {1, units, edge * channels * units, channels * units}};
}

static void show_weight(shown *s, nns_run *run, const layer *l, int at) {
    nns_tensor_info info = l->shape.kind == LAYER_CONV ? conv_weight(l) : dense_weight(l);
    info.layer = s->layer[at];
    s->weight[at] = show_learnt(run, info, NNS_WEIGHT, l->w);
    show_learnt(run, info, NNS_WEIGHT_GRAD, l->dw);
}

static void show_bias(shown *s, nns_run *run, const layer *l, int at) {
    nns_tensor_info info = {.layer = s->layer[at], .dims = 1, .shape = {l->out.channels}};
    s->bias[at] = show_learnt(run, info, NNS_BIAS, l->b);
    show_learnt(run, info, NNS_BIAS_GRAD, l->db);
}

// The scale stands behind the shift; so do mean and variance.
static void show_norm(shown *s, nns_run *run, const net *n, int at) {
    const layer *l = &n->layer[at];
    size_t units = (size_t)l->out.channels;
    nns_tensor_info info = {.layer = s->layer[at], .dims = 1, .shape = {(int64_t)units}};
    char layer_name[MODEL_NAME_CAP], name[MODEL_NAME_CAP + 16];
    s->weight[at] = show_learnt(run, info, NNS_WEIGHT, l->b + units);
    show_learnt(run, info, NNS_WEIGHT_GRAD, l->db + units);
    model_layer_name(n, at, layer_name);
    info.name = name;
    snprintf(name, sizeof name, "%s/mean", layer_name);
    show_learnt(run, info, NNS_OTHER, l->running);
    snprintf(name, sizeof name, "%s/variance", layer_name);
    show_learnt(run, info, NNS_OTHER, l->running + units);
}

void show_network(shown *s, nns_run *run, const trainer *t) {
    const net *n = &t->net;
    *s = (shown){.input = show_input(run, n->shape.in)};
    for (int at = 0; at < n->shape.layers; at++)
        s->layer[at] = show_layer(run, n, at);
    for (int at = 0; at < n->shape.layers; at++) {
        const layer *l = &n->layer[at];
        if (l->decaying) show_weight(s, run, l, at);
        if (l->shape.kind == LAYER_NORM) show_norm(s, run, n, at);
        if (l->free) show_bias(s, run, l, at);
    }
}

// --- what a batch makes of it ----------------------------------------------------------------------

// (B, U) or (B, U, height, width); kept as (B, height, width, U).
static void show_values(nns_run *run, nns_layer at, nns_role role, extent e, size_t rows,
                        const float *numbers) {
    nns_tensor_info info = {.layer = at,
                            .role = role,
                            .dtype = NNS_FLOAT32,
                            .dims = is_flat(e) ? 2 : 4,
                            .shape = {(int64_t)rows, e.channels, e.height, e.width},
                            .data = numbers};
    if (!is_flat(e)) {
        info.strides[0] = (int64_t)extent_cells(e);
        info.strides[1] = 1;
        info.strides[2] = (int64_t)e.width * e.channels;
        info.strides[3] = e.channels;
    }
    nns_tensor_add(run, &info);
}

static void show_slot(const shown *s, nns_run *run, const trainer *t, int at) {
    const layer *l = &t->net.layer[at];
    const slot *p = &t->pass.slot[at];
    size_t rows = t->pass.rows;
    bool last = at == t->net.shape.layers - 1;
    show_values(run, s->layer[at], NNS_ACT, l->out, rows, last ? t->pass.p : p->a);
    if (p->z != p->a || last) show_values(run, s->layer[at], NNS_PRE, l->out, rows, p->z);
    if (l->shape.kind != LAYER_FLATTEN)
        show_values(run, s->layer[at], NNS_PRE_GRAD, l->out, rows, p->d);
}

static void show_input_values(const shown *s, nns_run *run, const trainer *t) {
    extent in = t->net.shape.in;
    nns_tensor_add(run, &(nns_tensor_info){.layer = s->input,
                                           .role = NNS_INPUT,
                                           .dtype = NNS_FLOAT32,
                                           .dims = 3,
                                           .shape = {(int64_t)t->pass.rows, in.height, in.width},
                                           .data = t->pass.x});
}

static void show_outcome(const shown *s, nns_run *run, const trainer *t) {
    nns_layer output = s->layer[t->net.shape.layers - 1];
    int64_t rows = (int64_t)t->pass.rows, classes = net_classes(&t->net);
    nns_tensor_info info = {.layer = output, .dims = 1, .shape = {rows, classes}};
    info.role = NNS_LABEL, info.dtype = NNS_UINT8, info.data = t->pass.truth;
    nns_tensor_add(run, &info);
    info.role = NNS_SAMPLE_LOSS, info.dtype = NNS_FLOAT32, info.data = t->pass.loss;
    nns_tensor_add(run, &info);
    info.role = NNS_PREDICTION, info.dims = 2, info.data = t->pass.p;
    nns_tensor_add(run, &info);
}

void show_batch(shown *s, nns_run *run, const trainer *t, size_t rows) {
    if (s->moves != t->moves) {
        s->moves = t->moves;
        show_input_values(s, run, t);
        for (int at = 0; at < t->net.shape.layers; at++)
            show_slot(s, run, t, at);
        show_outcome(s, run, t);
    }
    nns_batch(run, (int64_t)rows);
}
