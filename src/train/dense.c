// Unit dense.c is the fully connected layer: z (B, U) = x (B, I) w (I, U) + b, a = f(z).
//
// Weights are stored (inputs, units), the faster of the two orders in our products. The bias and the
// nonlinearity share one pass over memory (activation.c).
#include "layer.h"

#include <math.h>

static size_t inputs(const layer *l) {
    return extent_cells(l->in);
}

static bool size(layer *l) {
    int units = l->shape.units;
    if (units < 1 || units > LAYER_UNITS_CAP) return false;
    l->out = (extent){1, 1, units};
    l->decaying = inputs(l) * (size_t)units;
    l->free = (size_t)units;
    return true;
}

static void init(layer *l, float scale, random_state *random) {
    float deviation = scale * sqrtf(activation_gain(l->shape.activation) / (float)inputs(l));
    for (size_t i = 0; i < l->decaying; i++)
        l->w[i] = deviation * random_normal(random);
}

static int forward(const layer *l, const slot *s, size_t rows) {
    gemm_product product = {.m = (int64_t)rows,
                            .n = l->out.channels,
                            .k = (int64_t)inputs(l),
                            .a = s->x,
                            .b = l->w,
                            .c = s->z};
    int result = s->product(&product);
    if (result) return result;
    activation_forward(l->shape.activation, rows, (size_t)l->out.channels, l->b, s->z, s->a);
    return 0;
}

// dw (I, U) = x (B, I) transposed, dz (B, U)
static int backward_weights(const layer *l, const slot *s, size_t rows) {
    gemm_product product = {.m = (int64_t)inputs(l),
                            .n = l->out.channels,
                            .k = (int64_t)rows,
                            .a = s->x,
                            .b = s->d,
                            .c = l->dw,
                            .transpose_a = true};
    return s->product(&product);
}

// dx (B, I) = dz (B, U) w (I, U) transposed
static int backward_inputs(const layer *l, const slot *s, size_t rows) {
    gemm_product product = {.m = (int64_t)rows,
                            .n = (int64_t)inputs(l),
                            .k = l->out.channels,
                            .a = s->d,
                            .b = l->w,
                            .c = s->dx,
                            .transpose_b = true};
    return s->product(&product);
}

static int backward(const layer *l, const slot *s, size_t rows) {
    size_t units = (size_t)l->out.channels;
    activation_backward(l->shape.activation, rows, units, s->z, s->a, s->d);
    int result = backward_weights(l, s, rows);
    if (result) return result;
    activation_bias_backward(rows, units, s->d, l->db);
    return s->dx ? backward_inputs(l, s, rows) : 0;
}

const layer_operations dense_operations = {
    .word = "dense",
    .size = size,
    .init = init,
    .forward = forward,
    .backward = backward,
};
