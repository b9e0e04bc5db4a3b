// Unit activation.c applies nonlinearities, z -> a and dL/da -> dL/dz, elementwise and in one pass over
// memory. Each kernel is a plain loop that the compiler turns into vectors; tanh is a rational
// approximation instead of a call, so that its loop becomes vectors too. NaN stays NaN everywhere.
#include "activation.h"

#include "parallel.h"

#include <string.h>

#define GRAIN 16384 // elements a thread must have to be worth waking

const char *activation_name(activation kind) {
    static const char *const names[] = {
#define X(name, word, gain) word,
        ACTIVATIONS(X)
#undef X
    };
    return names[kind];
}

float activation_gain(activation kind) {
    static const float gains[] = {
#define X(name, word, gain) gain,
        ACTIVATIONS(X)
#undef X
    };
    return gains[kind];
}

int activation_find(const char *word) {
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++)
        if (!strcmp(word, activation_name((activation)kind))) return kind;
    return -1;
}

// x P(x^2) / Q(x^2), the minimax approximation used by Eigen (Steiner and Jacob); within 4 ulp where
// |x| < 7.9, beyond which tanh is 1 in float.
static inline __attribute__((always_inline)) float tanh_of(float x) {
    x = x > 7.90531110763549805f ? 7.90531110763549805f : x;
    x = x < -7.90531110763549805f ? -7.90531110763549805f : x;
    float s = x * x;
    float p = -2.76076847742355e-16f;
    p = p * s + 2.00018790482477e-13f;
    p = p * s + -8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    float q = 1.19825839466702e-06f;
    q = q * s + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    return x * p / q;
}

// GELU by tanh (Hendrycks and Gimpel 2016, section 2): x/2 (1 + tanh(u)), u = c (x + k x^3).
#define GELU_C 0.7978845608028654f
#define GELU_K 0.044715f

static inline __attribute__((always_inline)) float gelu_of(float x) {
    return 0.5f * x * (1.0f + tanh_of(GELU_C * (x + GELU_K * x * x * x)));
}

static inline __attribute__((always_inline)) float gelu_slope(float x) {
    float t = tanh_of(GELU_C * (x + GELU_K * x * x * x));
    float du = GELU_C * (1.0f + 3.0f * GELU_K * x * x);
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * du;
}

// One row: z += bias, a = f(z).
#define FORWARD(name, f)                                                                           \
    KERNEL void forward_##name(size_t n, const float *restrict bias, float *restrict z,            \
                               float *restrict a) {                                                \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = z[i] + bias[i];                                                              \
            z[i] = x;                                                                              \
            a[i] = f;                                                                              \
        }                                                                                          \
    }
FORWARD(relu, x < 0.0f ? 0.0f : x)
FORWARD(tanh, tanh_of(x))
FORWARD(sigmoid, 0.5f + 0.5f * tanh_of(0.5f * x))
FORWARD(gelu, gelu_of(x))

KERNEL void forward_linear(size_t n, const float *restrict bias, float *restrict z) {
    for (size_t i = 0; i < n; i++)
        z[i] += bias[i];
}

// A piece of all elements: d *= f'(z), with y = a where the slope follows from it.
#define BACKWARD(name, slope)                                                                      \
    KERNEL void backward_##name(size_t n, const float *restrict z, const float *restrict a,        \
                                float *restrict d) {                                               \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = z[i], y = a[i];                                                              \
            (void)x, (void)y;                                                                      \
            d[i] *= slope;                                                                         \
        }                                                                                          \
    }
BACKWARD(tanh, (1.0f - y * y))
BACKWARD(sigmoid, (y * (1.0f - y)))
BACKWARD(gelu, gelu_slope(x))

KERNEL void backward_relu(size_t n, const float *restrict z, float *restrict d) {
    for (size_t i = 0; i < n; i++)
        d[i] = z[i] <= 0.0f ? 0.0f : d[i];
}

KERNEL void add_row(size_t n, const float *restrict row, float *restrict sum) {
    for (size_t i = 0; i < n; i++)
        sum[i] += row[i];
}

typedef struct pass {
    activation kind;
    size_t rows, columns;
    const float *bias; // (columns)
    float *z;          // (rows, columns)
    float *a;          // (rows, columns)
    float *d;          // (rows, columns)
    float *sum;        // (columns)
} pass;

static void forward_row(const pass *p, float *z, float *a) {
    switch (p->kind) {
    case ACTIVATION_RELU:
        forward_relu(p->columns, p->bias, z, a);
        break;
    case ACTIVATION_TANH:
        forward_tanh(p->columns, p->bias, z, a);
        break;
    case ACTIVATION_SIGMOID:
        forward_sigmoid(p->columns, p->bias, z, a);
        break;
    case ACTIVATION_GELU:
        forward_gelu(p->columns, p->bias, z, a);
        break;
    default:
        forward_linear(p->columns, p->bias, z);
        break;
    }
}

static void forward_range(void *context, size_t begin, size_t end) {
    const pass *p = context;
    for (size_t row = begin; row < end; row++)
        forward_row(p, p->z + row * p->columns, p->a + row * p->columns);
}

void activation_forward(activation kind, size_t rows, size_t columns, const float *bias, float *z,
                        float *a) {
    pass p = {.kind = kind, .rows = rows, .columns = columns, .bias = bias, .z = z, .a = a};
    parallel_for(rows, GRAIN / columns + 1, forward_range, &p);
}

static void backward_range(void *context, size_t begin, size_t end) {
    const pass *p = context;
    const float *z = p->z + begin, *a = p->a + begin;
    float *d = p->d + begin;
    switch (p->kind) {
    case ACTIVATION_RELU:
        backward_relu(end - begin, z, d);
        break;
    case ACTIVATION_TANH:
        backward_tanh(end - begin, z, a, d);
        break;
    case ACTIVATION_SIGMOID:
        backward_sigmoid(end - begin, z, a, d);
        break;
    case ACTIVATION_GELU:
        backward_gelu(end - begin, z, a, d);
        break;
    default:
        break;
    }
}

void activation_backward(activation kind, size_t rows, size_t columns, const float *z,
                         const float *a, float *d) {
    pass p = {.kind = kind, .z = (float *)z, .a = (float *)a, .d = d};
    parallel_for(rows * columns, GRAIN, backward_range, &p);
}

// Columns are split among threads, never rows: each sum is taken in one order.
static void bias_range(void *context, size_t begin, size_t end) {
    const pass *p = context;
    memset(p->sum + begin, 0, (end - begin) * sizeof *p->sum);
    for (size_t row = 0; row < p->rows; row++)
        add_row(end - begin, p->d + row * p->columns + begin, p->sum + begin);
}

void activation_bias_backward(size_t rows, size_t columns, const float *d, float *bias_gradient) {
    pass p = {.rows = rows, .columns = columns, .d = (float *)d, .sum = bias_gradient};
    parallel_for(columns, GRAIN / (rows + 1) + 16, bias_range, &p);
}
