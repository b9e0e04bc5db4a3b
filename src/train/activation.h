// The nonlinearities between layers: forward with the bias, backward from what forward kept.
#ifndef NNS_TRAIN_ACTIVATION_H
#define NNS_TRAIN_ACTIVATION_H

#include <stddef.h>

// X(NAME, word, gain): gain is the variance that weights start with, times the number of inputs
// (He et al. 2015 for relu and gelu; LeCun 1998 for tanh, 16 times that for the flatter sigmoid).
#define ACTIVATIONS(X)                                                                             \
    X(LINEAR, "linear", 1.0f)                                                                      \
    X(RELU, "relu", 2.0f)                                                                          \
    X(TANH, "tanh", 1.0f)                                                                          \
    X(SIGMOID, "sigmoid", 16.0f)                                                                   \
    X(GELU, "gelu", 2.0f)

typedef enum activation {
#define X(name, word, gain) ACTIVATION_##name,
    ACTIVATIONS(X)
#undef X
    ACTIVATION_COUNT
} activation;

const char *activation_name(activation kind);
float activation_gain(activation kind);
int activation_find(const char *word); // -1: none

// z (rows, columns) += bias (columns); a (rows, columns) = f(z). z and a may be one array for LINEAR.
void activation_forward(activation kind, size_t rows, size_t columns, const float *bias, float *z,
                        float *a);

// d (rows, columns): in dL/da, out dL/dz; z and a as forward left them.
void activation_backward(activation kind, size_t rows, size_t columns, const float *z,
                         const float *a, float *d);

// bias gradient (columns) = sum of d (rows, columns) over the rows, always in the order of the rows.
void activation_bias_backward(size_t rows, size_t columns, const float *d, float *bias_gradient);

#endif
