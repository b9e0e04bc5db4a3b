// The network against a slow one in double precision: loss, probabilities, and each gradient against a
// finite difference of that loss.
#include "train/mlp.h"
#include "train/parallel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROWS 5
#define WIDEST 32

static double slow_activation(activation kind, double x) {
    switch (kind) {
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case ACTIVATION_GELU:
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    default:
        return x;
    }
}

// z (out) = a (in) w (in, out) + b (out) for one image; parameters in double, in the order of the net.
static void slow_layer(const mlp *net, int l, const double *params, const double *in, double *out) {
    const mlp_layer *layer = &net->layer[l];
    const double *w = params + (layer->w - net->params), *b = params + (layer->b - net->params);
    for (int o = 0; o < layer->out; o++) {
        double z = b[o];
        for (int i = 0; i < layer->in; i++)
            z += in[i] * w[i * layer->out + o];
        out[o] = slow_activation(layer->kind, z);
    }
}

static double slow_row(const mlp *net, const double *params, const float *x, int truth) {
    double a[2][WIDEST];
    for (int i = 0; i < net->shape.inputs; i++)
        a[0][i] = (double)x[i];
    for (int l = 0; l < net->shape.layers; l++)
        slow_layer(net, l, params, a[l & 1], a[~l & 1]);
    const double *z = a[net->shape.layers & 1];
    double sum = 0;
    for (int c = 0; c < mlp_classes(net); c++)
        sum += exp(z[c]);
    return log(sum) - z[truth];
}

static double slow_loss(const mlp *net, const double *params, size_t rows) {
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += slow_row(net, params, net->x + r * (size_t)net->shape.inputs, net->truth[r]);
    return sum;
}

static void fill(mlp *net, random_state *random, size_t rows) {
    for (size_t i = 0; i < rows * (size_t)net->shape.inputs; i++)
        net->x[i] = random_normal(random);
    for (size_t r = 0; r < rows; r++)
        net->truth[r] = (uint8_t)random_below(random, (uint32_t)mlp_classes(net));
    for (size_t i = net->weights; i < net->parameters; i++)
        net->params[i] = 0.3f * random_normal(random);
}

static void check_gradients(mlp *net, size_t rows) {
    double *params = calloc(net->parameters, sizeof *params);
    loss_sum sum;
    for (size_t i = 0; i < net->parameters; i++)
        params[i] = (double)net->params[i];
    assert_int_equal(mlp_forward(net, rows, &sum), 0);
    assert_true(fabs(sum.loss - slow_loss(net, params, rows)) < 1e-4 * (1 + sum.loss));
    assert_int_equal(mlp_backward(net, rows), 0);
    for (size_t i = 0; i < net->parameters; i++) {
        double held = params[i], h = 1e-5;
        params[i] = held + h;
        double above = slow_loss(net, params, rows);
        params[i] = held - h;
        double slope = (above - slow_loss(net, params, rows)) / (2 * h) / (double)rows;
        params[i] = held;
        if (fabs(slope - (double)net->grads[i]) > 2e-5 * (1 + fabs(slope)))
            fail_msg("parameter %zu: gradient %.8g, difference %.8g", i, (double)net->grads[i],
                     slope);
    }
    free(params);
}

static void gradients(activation kind, mlp_shape shape, uint64_t seed) {
    mlp net;
    random_state random;
    random_seed(&random, seed, 0);
    shape.hidden = kind;
    assert_int_equal(mlp_new(&net, &shape), 0);
    mlp_init(&net, &random);
    fill(&net, &random, ROWS);
    check_gradients(&net, ROWS);
    fill(&net, &random, 1);
    check_gradients(&net, 1); // a smaller batch in the same arrays
    mlp_free(&net);
}

static void test_gradients(void **state) {
    (void)state;
    mlp_shape deep = {.inputs = 7, .layers = 4, .width = {9, 17, 5, 4}};
    mlp_shape flat = {.inputs = 6, .layers = 1, .width = {3}};
    for (int kind = ACTIVATION_RELU; kind < ACTIVATION_COUNT; kind++) {
        for (uint64_t seed = 1; seed <= 3; seed++)
            gradients((activation)kind, deep, seed);
        gradients((activation)kind, flat, 4);
    }
}

static void test_activations(void **state) {
    (void)state;
    enum { N = 4001 };
    static float z[N], a[N], bias[N];
    for (int kind = ACTIVATION_RELU; kind < ACTIVATION_COUNT; kind++) {
        for (int i = 0; i < N; i++)
            z[i] = (float)(i - N / 2) / 100.0f;
        activation_forward((activation)kind, 1, N, bias, z, a);
        for (int i = 0; i < N; i++) {
            double wanted = slow_activation((activation)kind, (double)z[i]);
            if (fabs(wanted - (double)a[i]) > 1e-6 * (1 + fabs(wanted)))
                fail_msg("%s(%g) is %.9g, not %.9g", activation_name((activation)kind),
                         (double)z[i], (double)a[i], wanted);
        }
    }
}

static void test_not_a_number(void **state) {
    (void)state;
    for (int kind = ACTIVATION_RELU; kind < ACTIVATION_COUNT; kind++) {
        float z[3] = {NAN, 1, -1}, a[3], bias[3] = {0}, d[3] = {1, 1, 1};
        activation_forward((activation)kind, 1, 3, bias, z, a);
        assert_true(isnan(a[0]) && !isnan(a[1]) && !isnan(a[2]));
        d[1] = NAN;
        activation_backward((activation)kind, 1, 3, z, a, d);
        assert_true(isnan(d[1]));
    }
}

static void test_softmax(void **state) {
    (void)state;
    const float logits[6] = {1000, 999, -1000, 5, 5, 5};
    const uint8_t truth[2] = {1, 0};
    float p[6], d[6];
    loss_sum sum = loss_forward(2, 3, logits, truth, p);
    assert_true(fabs(sum.loss - (1 + log1p(exp(-1)) + log(3))) < 1e-6);
    assert_int_equal(sum.correct, 1); // of equals the first counts
    loss_backward(2, 3, p, truth, d);
    for (int r = 0; r < 2; r++)
        assert_true(fabsf(d[3 * r] + d[3 * r + 1] + d[3 * r + 2]) < 1e-6f);
    assert_true(fabsf(d[3] - (1.0f / 3 - 1) / 2) < 1e-6f);
}

static void slow_gemm(const gemm_product *p, double *c) {
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            double sum = (double)p->beta * (double)p->c[i * p->n + j];
            for (int64_t k = 0; k < p->k; k++) {
                float a = p->transpose_a ? p->a[k * p->m + i] : p->a[i * p->k + k];
                float b = p->transpose_b ? p->b[j * p->k + k] : p->b[k * p->n + j];
                sum += (double)a * (double)b;
            }
            c[i * p->n + j] = sum;
        }
}

static void test_gemm(void **state) {
    (void)state;
    random_state random;
    random_seed(&random, 5, 0);
    for (int round = 0; round < 200; round++) {
        float a[1600], b[1600], c[1600];
        double wanted[1600];
        for (int i = 0; i < 1600; i++) {
            a[i] = random_normal(&random);
            b[i] = random_normal(&random);
            c[i] = random_normal(&random);
        }
        gemm_product p = {.m = 1 + random_below(&random, 40),
                          .n = 1 + random_below(&random, 40),
                          .k = 1 + random_below(&random, 40),
                          .a = a,
                          .b = b,
                          .c = c,
                          .transpose_a = round & 1,
                          .transpose_b = round & 2,
                          .beta = round & 4 ? 1.0f : 0.0f};
        slow_gemm(&p, wanted);
        assert_int_equal(gemm(&p), 0);
        for (int64_t i = 0; i < p.m * p.n; i++)
            assert_true(fabs(wanted[i] - (double)c[i]) < 1e-4);
    }
}

static void test_shapes_refused(void **state) {
    (void)state;
    mlp net;
    assert_true(mlp_new(&net, &(mlp_shape){.inputs = 4, .layers = 0}) < 0);
    assert_true(mlp_new(&net, &(mlp_shape){.inputs = 4, .layers = 1, .width = {0}}) < 0);
    assert_true(mlp_new(&net, &(mlp_shape){.inputs = 4, .layers = 1, .width = {257}}) < 0);
    assert_true(mlp_new(&net, &(mlp_shape){.inputs = 0, .layers = 1, .width = {2}}) < 0);
    assert_true(mlp_new(&net, &(mlp_shape){.inputs = 4, .layers = MLP_LAYERS_CAP + 1}) < 0);
}

// The same bits for the same batch, whatever was computed between, and for any number of threads in
// the loops over elements.
static void test_same_bits(void **state) {
    (void)state;
    mlp net;
    random_state random;
    random_seed(&random, 6, 0);
    mlp_shape shape = {
        .inputs = 100, .layers = 3, .width = {64, 48, 10}, .hidden = ACTIVATION_GELU};
    assert_int_equal(mlp_new(&net, &shape), 0);
    mlp_init(&net, &random);
    fill(&net, &random, 256);
    loss_sum sum;
    float *kept = malloc(net.parameters * sizeof *kept);
    for (int round = 0; round < 4; round++) {
        parallel_start(1);
        assert_int_equal(mlp_forward(&net, 256, &sum), 0);
        assert_int_equal(mlp_backward(&net, 256), 0);
        if (!round) memcpy(kept, net.grads, net.parameters * sizeof *kept);
        assert_memory_equal(kept, net.grads, net.parameters * sizeof *kept);
        parallel_start(1 + round);
        float d[4096], b[2][16];
        for (int i = 0; i < 4096; i++)
            d[i] = net.x[i];
        activation_bias_backward(256, 16, d, b[0]);
        parallel_start(1);
        activation_bias_backward(256, 16, d, b[1]);
        assert_memory_equal(b[0], b[1], sizeof b[0]);
    }
    free(kept);
    mlp_free(&net);
}

int main(void) {
    parallel_start(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),           cmocka_unit_test(test_activations),
        cmocka_unit_test(test_not_a_number),   cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_gradients),      cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_shapes_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
