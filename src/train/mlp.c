// Unit mlp.c is the network: sizes planned, one allocation, forward, backward, update.
//
//   x -> [ z = x w + b, a = f(z) ] -> ... -> [ z = a w + b ] -> softmax cross-entropy
//
// Weights are stored (inputs, units), the faster of the two orders in our products. The batch's rows
// are the rows of every array, so that a smaller batch is the beginning of a larger one.
#include "mlp.h"

#include "base/error.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ALIGN 64 // bytes; every array starts on a cache line, so that bits never depend on luck

// Hands out pieces of one block; with no block it only counts.
typedef struct plan {
    uint8_t *base;
    size_t bytes;
} plan;

static void *piece(plan *p, size_t count, size_t item_bytes) {
    void *at = p->base ? p->base + p->bytes : NULL;
    p->bytes += (count * item_bytes + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static bool shape_valid(const mlp_shape *s) {
    if (s->layers < 1 || s->layers > MLP_LAYERS_CAP) return false;
    if (s->inputs < 1 || s->inputs > MLP_WIDTH_CAP) return false;
    for (int l = 0; l < s->layers; l++)
        if (s->width[l] < 1 || s->width[l] > MLP_WIDTH_CAP) return false;
    return s->width[s->layers - 1] <= 256;
}

static void plan_layer(mlp_layer *layer, plan *p) {
    size_t cells = (size_t)MLP_BATCH_CAP * (size_t)layer->out;
    layer->z = piece(p, cells, sizeof(float));
    layer->a = layer->kind == ACTIVATION_LINEAR ? layer->z : piece(p, cells, sizeof(float));
    layer->d = piece(p, cells, sizeof(float));
}

static void plan_all(mlp *net, plan *p) {
    net->params = piece(p, net->parameters, sizeof(float));
    net->grads = piece(p, net->parameters, sizeof(float));
    net->rule.m = piece(p, net->parameters, sizeof(float));
    net->rule.v = piece(p, net->parameters, sizeof(float));
    net->x = piece(p, (size_t)MLP_BATCH_CAP * (size_t)net->shape.inputs, sizeof(float));
    net->truth = piece(p, MLP_BATCH_CAP, 1);
    net->p = piece(p, (size_t)MLP_BATCH_CAP * (size_t)mlp_classes(net), sizeof(float));
    for (int l = 0; l < net->shape.layers; l++)
        plan_layer(&net->layer[l], p);
}

// Layers point into params and grads: all weights first, then all biases.
static void place_layers(mlp *net) {
    size_t w = 0, b = net->weights;
    for (int l = 0; l < net->shape.layers; l++) {
        mlp_layer *layer = &net->layer[l];
        layer->w = net->params + w, layer->dw = net->grads + w;
        layer->b = net->params + b, layer->db = net->grads + b;
        w += (size_t)layer->in * (size_t)layer->out;
        b += (size_t)layer->out;
    }
    assert(w == net->weights && b == net->parameters);
}

static void size_layers(mlp *net) {
    int in = net->shape.inputs;
    for (int l = 0; l < net->shape.layers; l++) {
        bool last = l == net->shape.layers - 1;
        int out = net->shape.width[l];
        activation kind = last ? ACTIVATION_LINEAR : net->shape.hidden;
        net->layer[l] = (mlp_layer){.in = in, .out = out, .kind = kind};
        net->weights += (size_t)in * (size_t)out;
        net->parameters += (size_t)in * (size_t)out + (size_t)out;
        in = out;
    }
}

int mlp_new(mlp *net, const mlp_shape *shape) {
    if (!shape_valid(shape)) return NNS_E_INVALID;
    *net = (mlp){.shape = *shape};
    size_layers(net);
    plan sizes = {0};
    plan_all(net, &sizes);
    net->memory = mem_new(sizes.bytes + ALIGN);
    if (!net->memory) return NNS_E_NO_MEMORY;
    uintptr_t start = ((uintptr_t)net->memory + ALIGN - 1) / ALIGN * ALIGN;
    plan real = {.base = (uint8_t *)start};
    plan_all(net, &real);
    assert(real.bytes == sizes.bytes);
    place_layers(net);
    return 0;
}

void mlp_free(mlp *net) {
    mem_free(net->memory);
    *net = (mlp){0};
}

int mlp_classes(const mlp *net) {
    return net->shape.width[net->shape.layers - 1];
}

void mlp_init(mlp *net, random_state *random) {
    memset(net->params, 0, net->parameters * sizeof(float));
    for (int l = 0; l < net->shape.layers; l++) {
        mlp_layer *layer = &net->layer[l];
        float deviation = sqrtf(activation_gain(layer->kind) / (float)layer->in);
        size_t cells = (size_t)layer->in * (size_t)layer->out;
        for (size_t i = 0; i < cells; i++)
            layer->w[i] = deviation * random_normal(random);
    }
    optimizer_switch(&net->rule, net->rule.kind, net->parameters);
}

// z (B, O) = x (B, I) w (I, O)
static gemm_product product_forward(const mlp_layer *l, size_t rows, const float *x) {
    return (gemm_product){
        .m = (int64_t)rows, .n = l->out, .k = l->in, .a = x, .b = l->w, .c = l->z};
}

// dw (I, O) = x (B, I) transposed, dz (B, O)
static gemm_product product_weights(const mlp_layer *l, size_t rows, const float *x) {
    return (gemm_product){.m = l->in,
                          .n = l->out,
                          .k = (int64_t)rows,
                          .a = x,
                          .b = l->d,
                          .c = l->dw,
                          .transpose_a = true};
}

// dx (B, I) = dz (B, O) w (I, O) transposed
static gemm_product product_inputs(const mlp_layer *l, size_t rows, float *dx) {
    return (gemm_product){.m = (int64_t)rows,
                          .n = l->in,
                          .k = l->out,
                          .a = l->d,
                          .b = l->w,
                          .c = dx,
                          .transpose_b = true};
}

static const float *input_of(const mlp *net, int l) {
    return l ? net->layer[l - 1].a : net->x; // (B, I)
}

int mlp_forward(mlp *net, size_t rows, loss_sum *sum) {
    assert(rows <= MLP_BATCH_CAP);
    for (int l = 0; l < net->shape.layers; l++) {
        mlp_layer *layer = &net->layer[l];
        gemm_product product = product_forward(layer, rows, input_of(net, l));
        int result = gemm(&product);
        if (result) return result;
        activation_forward(layer->kind, rows, (size_t)layer->out, layer->b, layer->z, layer->a);
    }
    const float *logits = net->layer[net->shape.layers - 1].z; // (B, classes)
    *sum = loss_forward(rows, (size_t)mlp_classes(net), logits, net->truth, net->p);
    return 0;
}

// From dL/dz of this layer: its gradients, and dL/dz of the layer before.
static int layer_backward(mlp *net, size_t rows, int l) {
    mlp_layer *layer = &net->layer[l];
    gemm_product weights = product_weights(layer, rows, input_of(net, l));
    int result = gemm(&weights);
    if (result) return result;
    activation_bias_backward(rows, (size_t)layer->out, layer->d, layer->db);
    if (!l) return 0;
    mlp_layer *before = &net->layer[l - 1];
    gemm_product inputs = product_inputs(layer, rows, before->d);
    result = gemm(&inputs);
    if (result) return result;
    activation_backward(before->kind, rows, (size_t)before->out, before->z, before->a, before->d);
    return 0;
}

int mlp_backward(mlp *net, size_t rows) {
    int last = net->shape.layers - 1;
    loss_backward(rows, (size_t)mlp_classes(net), net->p, net->truth, net->layer[last].d);
    for (int l = last; l >= 0; l--) {
        int result = layer_backward(net, rows, l);
        if (result) return result;
    }
    return 0;
}

void mlp_update(mlp *net, const optimizer_settings *settings) {
    optimizer_update(&net->rule, settings, net->parameters, net->weights, net->params, net->grads);
}

int mlp_products(const mlp *net, size_t rows, gemm_product out[MLP_PRODUCTS_CAP]) {
    int count = 0;
    for (int l = 0; l < net->shape.layers; l++)
        out[count++] = product_forward(&net->layer[l], rows, input_of(net, l));
    for (int l = net->shape.layers - 1; l >= 0; l--) {
        out[count++] = product_weights(&net->layer[l], rows, input_of(net, l));
        if (l) out[count++] = product_inputs(&net->layer[l], rows, net->layer[l - 1].d);
    }
    return count;
}
