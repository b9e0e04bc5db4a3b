// The network against a slow one in double precision: loss, probabilities, and each gradient, of every kind of layer,
// against a finite difference of that loss.
#include "base/error.h"
#include "train/model.h"
#include "train/parallel.h"
#include "train/alone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROWS 5
#define CELLS 256 // values of the widest layer for one sample, at most

static const net_start usual = {.scale = 1, .biased = 1};

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

// The slow network: a batch of samples through layers in double. Parameters lie as in the net.
typedef struct slow {
    const net *n;
    const double *params;
    size_t rows;
    double *in, *out; // (rows, CELLS)
} slow;

static const double *own(const slow *s, const float *array) {
    return s->params + (array - s->n->params);
}

static void slow_dense(const slow *s, const layer *l) {
    const double *w = own(s, l->w), *b = own(s, l->b);
    size_t in = extent_cells(l->in), units = (size_t)l->out.channels;
    for (size_t r = 0; r < s->rows; r++)
        for (size_t o = 0; o < units; o++) {
            double z = b[o];
            for (size_t i = 0; i < in; i++)
                z += s->in[r * CELLS + i] * w[i * units + o];
            s->out[r * CELLS + o] = slow_activation(l->shape.activation, z);
        }
}

static size_t at(extent e, int y, int x, int c) {
    return (size_t)((y * e.width + x) * e.channels + c);
}

static double slow_filter(const slow *s, const layer *l, const double *image, int y, int x, int o) {
    const double *w = own(s, l->w); // (kernel, kernel, channels, filters)
    int edge = l->shape.kernel, i = 0;
    double z = 0;
    for (int ky = 0; ky < edge; ky++)
        for (int kx = 0; kx < edge; kx++)
            for (int c = 0; c < l->in.channels; c++, i++) {
                int from_y = y + ky - edge / 2, from_x = x + kx - edge / 2;
                if (from_y < 0 || from_y >= l->in.height || from_x < 0 || from_x >= l->in.width)
                    continue;
                z += image[at(l->in, from_y, from_x, c)] * w[i * l->out.channels + o];
            }
    return z;
}

static void slow_conv(const slow *s, const layer *l) {
    for (size_t r = 0; r < s->rows; r++)
        for (int y = 0; y < l->out.height; y++)
            for (int x = 0; x < l->out.width; x++)
                for (int o = 0; o < l->out.channels; o++)
                    s->out[r * CELLS + at(l->out, y, x, o)] =
                        slow_filter(s, l, s->in + r * CELLS, y, x, o);
}

static void slow_norm(const slow *s, const layer *l) {
    size_t units = (size_t)l->out.channels, pixels = extent_pixels(l->in);
    const double *shift = own(s, l->b), *scale = shift + units;
    double count = (double)(s->rows * pixels);
    for (size_t c = 0; c < units; c++) {
        double mean = 0, variance = 0;
        for (size_t r = 0; r < s->rows; r++)
            for (size_t p = 0; p < pixels; p++)
                mean += s->in[r * CELLS + p * units + c] / count;
        for (size_t r = 0; r < s->rows; r++)
            for (size_t p = 0; p < pixels; p++)
                variance += pow(s->in[r * CELLS + p * units + c] - mean, 2) / count;
        for (size_t r = 0; r < s->rows; r++)
            for (size_t p = 0; p < pixels; p++) {
                size_t i = r * CELLS + p * units + c;
                double z = (s->in[i] - mean) / sqrt(variance + 1e-5) * scale[c] + shift[c];
                s->out[i] = slow_activation(l->shape.activation, z);
            }
    }
}

static void slow_pool(const slow *s, const layer *l) {
    for (size_t r = 0; r < s->rows; r++)
        for (int y = 0; y < l->out.height; y++)
            for (int x = 0; x < l->out.width; x++)
                for (int c = 0; c < l->out.channels; c++) {
                    double best = -INFINITY;
                    for (int k = 0; k < 4; k++)
                        best = fmax(best,
                                    s->in[r * CELLS + at(l->in, 2 * y + k / 2, 2 * x + k % 2, c)]);
                    s->out[r * CELLS + at(l->out, y, x, c)] = best;
                }
}

static void slow_flatten(const slow *s, const layer *l) {
    (void)l;
    memcpy(s->out, s->in, s->rows * CELLS * sizeof *s->out);
}

static double slow_row(const double *z, int classes, int truth) {
    double sum = 0;
    for (int c = 0; c < classes; c++)
        sum += exp(z[c]);
    return log(sum) - z[truth];
}

// Sum of the losses of the rows of a pass.
static double slow_loss(const net *n, const pass *p, const double *params, size_t rows) {
    static void (*const kinds[])(const slow *, const layer *) = {slow_dense, slow_conv, slow_norm,
                                                                 slow_pool, slow_flatten};
    static double a[2][ROWS * CELLS];
    size_t inputs = extent_cells(n->shape.in);
    slow s = {.n = n, .params = params, .rows = rows, .in = a[0], .out = a[1]};
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < inputs; i++)
            s.in[r * CELLS + i] = (double)p->x[r * inputs + i];
    for (int l = 0; l < n->shape.layers; l++) {
        kinds[n->shape.layer[l].kind](&s, &n->layer[l]);
        double *held = s.in;
        s.in = s.out, s.out = held;
    }
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += slow_row(s.in + r * CELLS, net_classes(n), p->truth[r]);
    return sum;
}

static void fill(net *n, pass *p, random_state *random, size_t rows) {
    for (size_t i = 0; i < rows * extent_cells(n->shape.in); i++)
        p->x[i] = random_normal(random);
    for (size_t r = 0; r < rows; r++)
        p->truth[r] = (uint8_t)random_below(random, (uint32_t)net_classes(n));
    for (size_t i = n->decaying; i < n->parameters; i++)
        n->params[i] += 0.3f * random_normal(random);
}

static void check_losses(const net *n, const pass *p, const loss_sum *sum, const double *params,
                         size_t rows) {
    double losses = 0;
    assert_true(fabs(sum->loss - slow_loss(n, p, params, rows)) < 1e-4 * (1 + sum->loss));
    for (size_t r = 0; r < rows; r++)
        losses += (double)p->loss[r];
    assert_true(fabs(sum->loss - losses) < 1e-5 * (1 + sum->loss));
}

static void check_gradients(net *n, pass *p, size_t rows, double tolerance) {
    double *params = calloc(n->parameters, sizeof *params);
    loss_sum sum;
    for (size_t i = 0; i < n->parameters; i++)
        params[i] = (double)n->params[i];
    assert_int_equal(net_forward(n, p, rows, &sum), 0);
    check_losses(n, p, &sum, params, rows);
    assert_int_equal(net_backward(n, p, rows), 0);
    for (size_t i = 0; i < n->parameters; i++) {
        double held = params[i], h = 1e-6;
        params[i] = held + h;
        double above = slow_loss(n, p, params, rows);
        params[i] = held - h;
        double slope = (above - slow_loss(n, p, params, rows)) / (2 * h) / (double)rows;
        params[i] = held;
        if (fabs(slope - (double)n->grads[i]) > tolerance * (1 + fabs(slope)))
            fail_msg("parameter %zu: gradient %.8g, difference %.8g", i, (double)n->grads[i],
                     slope);
    }
    free(params);
}

static void gradients(const net_shape *shape, uint64_t seed, double tolerance) {
    net n;
    pass p;
    random_state random;
    random_seed(&random, seed, 0);
    assert_int_equal(net_new(&n, shape), 0);
    assert_int_equal(pass_new(&p, &n, ROWS, PASS_LEARN), 0);
    net_init(&n, &usual, &random);
    fill(&n, &p, &random, ROWS);
    check_gradients(&n, &p, ROWS, tolerance);
    fill(&n, &p, &random, 2);
    check_gradients(&n, &p, 2, tolerance); // a smaller batch in the same arrays
    pass_free(&p);
    net_free(&n);
}

static net_shape dense_shape(int inputs, int hidden, const int *width, activation kind) {
    model m = {.hidden = hidden, .activation = (int)kind};
    net_shape shape;
    if (hidden) memcpy(m.width, width, (size_t)hidden * sizeof *width);
    model_shape(&m, (extent){1, inputs, 1}, 4, &shape);
    return shape;
}

static void test_gradients(void **state) {
    (void)state;
    for (int kind = ACTIVATION_RELU; kind < ACTIVATION_COUNT; kind++) {
        net_shape deep = dense_shape(7, 3, (int[]){9, 17, 5}, (activation)kind);
        net_shape flat = dense_shape(6, 0, NULL, (activation)kind);
        for (uint64_t seed = 1; seed <= 3; seed++)
            gradients(&deep, seed, 2e-5);
        gradients(&flat, 4, 2e-5);
    }
}

// Filters, normalisation, pool (also of odd edges), flatten; a kernel wider than what is left of the image.
static void test_gradients_of_images(void **state) {
    (void)state;
    model small = {.cnn = true, .stages = 1, .filters = {3}, .kernel = 3, .hidden = 0};
    model deep = {
        .cnn = true, .stages = 2, .filters = {3, 4}, .kernel = 5, .hidden = 1, .width = {6}};
    const extent edges[] = {{4, 4, 1}, {6, 5, 2}, {7, 4, 1}};
    const int kinds[] = {ACTIVATION_TANH, ACTIVATION_GELU, ACTIVATION_SIGMOID};
    for (int i = 0; i < 3; i++) {
        net_shape shape;
        small.activation = deep.activation = kinds[i];
        model_shape(&small, edges[i], 4, &shape);
        gradients(&shape, 20 + (uint64_t)i, 1e-3);
        model_shape(&deep, edges[i], 4, &shape);
        gradients(&shape, 30 + (uint64_t)i, 1e-3);
    }
}

// A normalisation of dense units, as in no model of ours: layers go together in any order.
static void test_gradients_of_a_mixture(void **state) {
    (void)state;
    net_shape shape = {.in = {3, 3, 1},
                       .layers = 6,
                       .layer = {{.kind = LAYER_DENSE, .activation = ACTIVATION_TANH, .units = 6},
                                 {.kind = LAYER_NORM, .activation = ACTIVATION_GELU},
                                 {.kind = LAYER_FLATTEN},
                                 {.kind = LAYER_DENSE, .units = 5},
                                 {.kind = LAYER_NORM},
                                 {.kind = LAYER_DENSE, .units = 3}}};
    gradients(&shape, 40, 1e-3);
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
    float p[6], d[6], losses[2];
    loss_sum sum = loss_forward(2, 3, logits, truth, p, losses);
    assert_true(fabs(sum.loss - (1 + log1p(exp(-1)) + log(3))) < 1e-6);
    assert_true(fabs((double)losses[1] - log(3)) < 1e-6);
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

// The product that other threads use: blocks, and what is left over beside and below them.
static void test_alone_product(void **state) {
    (void)state;
    random_state random;
    random_seed(&random, 10, 0);
    for (int round = 0; round < 100; round++) {
        static float a[60 * 90], b[90 * 130], c[60 * 130], wanted[60 * 130];
        gemm_product p = {.m = 1 + random_below(&random, 60),
                          .n = 1 + random_below(&random, 130),
                          .k = 1 + random_below(&random, 90),
                          .a = a,
                          .b = b,
                          .c = c};
        for (int64_t i = 0; i < p.m * p.k; i++)
            a[i] = random_normal(&random);
        for (int64_t i = 0; i < p.k * p.n; i++)
            b[i] = random_normal(&random);
        assert_int_equal(alone_product(&p), 0);
        p.c = wanted;
        assert_int_equal(gemm(&p), 0);
        for (int64_t i = 0; i < p.m * p.n; i++)
            assert_true(fabsf(wanted[i] - c[i]) < 1e-4f);
    }
    assert_int_equal(alone_product(&(gemm_product){.m = 1, .n = 1, .k = 1, .beta = 1}),
                     NNS_E_INVALID);
}

static int refused(net_shape shape) {
    net n;
    shape.in = shape.in.height ? shape.in : (extent){4, 4, 1};
    return net_new(&n, &shape) == NNS_E_INVALID;
}

static void test_shapes_refused(void **state) {
    (void)state;
    layer_shape end = {.kind = LAYER_DENSE, .units = 2};
    assert_true(refused((net_shape){.layers = 0}));
    assert_true(refused((net_shape){.layers = 1, .layer = {{.kind = LAYER_DENSE}}}));
    assert_true(refused((net_shape){.layers = 1, .layer = {{.kind = LAYER_DENSE, .units = 257}}}));
    assert_true(refused((net_shape){.layers = 1, .in = {1, -1, 1}, .layer = {end}}));
    assert_true(refused((net_shape){.layers = NET_LAYERS_CAP + 1}));
    assert_true(refused(
        (net_shape){.layers = 2, .layer = {{.kind = LAYER_CONV, .units = 2, .kernel = 2}, end}}));
    assert_true(refused(
        (net_shape){.layers = 2, .layer = {{.kind = LAYER_CONV, .units = 0, .kernel = 3}, end}}));
    assert_true(refused((net_shape){
        .layers = 4,
        .layer = {{.kind = LAYER_POOL}, {.kind = LAYER_POOL}, {.kind = LAYER_POOL}, end}}));
    assert_true(
        refused((net_shape){.layers = 1, .layer = {{.kind = LAYER_FLATTEN}}})); // no classes
}

// What is kept follows the batches; passes that use it, or look at a batch of their own, leave it alone.
static void test_kept_statistics(void **state) {
    (void)state;
    net_shape shape;
    model m = {
        .cnn = true, .stages = 1, .filters = {4}, .kernel = 3, .activation = ACTIVATION_RELU};
    net n;
    pass learn, use;
    random_state random;
    loss_sum sum, again;
    random_seed(&random, 7, 0);
    model_shape(&m, (extent){8, 8, 1}, 4, &shape);
    assert_int_equal(net_new(&n, &shape), 0);
    assert_int_equal(pass_new(&learn, &n, 64, PASS_LEARN), 0);
    assert_int_equal(pass_new(&use, &n, 64, PASS_USE), 0);
    net_init(&n, &usual, &random);
    fill(&n, &learn, &random, 64);
    memcpy(use.x, learn.x, 64 * 64 * sizeof *use.x);
    memcpy(use.truth, learn.truth, 64);
    for (int i = 0; i < 200; i++)
        assert_int_equal(net_forward(&n, &learn, 64, &sum), 0);
    float kept[8];
    memcpy(kept, n.running, sizeof kept);
    assert_int_equal(net_forward(&n, &use, 64, &again), 0);
    assert_true(fabs(sum.loss - again.loss) <
                1e-2 * sum.loss); // converged: the same but for n / (n - 1)
    pass_set_mode(&learn, &n, PASS_BATCH);
    assert_int_equal(net_forward(&n, &learn, 64, &again), 0);
    assert_true(sum.loss == again.loss);
    assert_memory_equal(kept, n.running, sizeof kept);
    use.x[0] += 100;
    assert_int_equal(net_forward(&n, &use, 1, &again),
                     0); // one row alone: no statistics of its own
    assert_memory_equal(kept, n.running, sizeof kept);
    pass_free(&learn), pass_free(&use);
    net_free(&n);
}

static void test_pool_keeps_nan(void **state) {
    (void)state;
    net_shape shape = {.in = {2, 2, 1},
                       .layers = 2,
                       .layer = {{.kind = LAYER_POOL}, {.kind = LAYER_DENSE, .units = 2}}};
    net n;
    pass p;
    loss_sum sum;
    assert_int_equal(net_new(&n, &shape), 0);
    assert_int_equal(pass_new(&p, &n, 1, PASS_USE), 0);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 4; i++)
            p.x[i] = i == k ? NAN : (float)i;
        assert_int_equal(net_forward(&n, &p, 1, &sum), 0);
        assert_true(isnan(p.slot[0].a[0]));
    }
    pass_free(&p);
    net_free(&n);
}

static void test_start(void **state) {
    (void)state;
    net_shape shape = dense_shape(5, 1, (int[]){8}, ACTIVATION_RELU);
    net plain, started;
    random_state random;
    assert_int_equal(net_new(&plain, &shape), 0);
    assert_int_equal(net_new(&started, &shape), 0);
    random_seed(&random, 8, 0);
    net_init(&plain, &usual, &random);
    random_seed(&random, 8, 0);
    net_init(&started, &(net_start){.scale = 4, .bias = -30, .biased = 0.5}, &random);
    for (size_t i = 0; i < plain.decaying; i++)
        assert_true(started.params[i] == 4 * plain.params[i]);
    for (int i = 0; i < 8; i++)
        assert_true(started.layer[0].b[i] == (i % 2 ? -30.0f : 0.0f));
    for (int i = 0; i < 4; i++)
        assert_true(started.layer[1].b[i] == 0);
    net_free(&plain), net_free(&started);
}

// The same bits for the same batch, whatever was computed between.
static void same_bits(const model *m, extent in) {
    net n;
    pass p;
    net_shape shape;
    random_state random;
    random_seed(&random, 6, 0);
    model_shape(m, in, 10, &shape);
    assert_int_equal(net_new(&n, &shape), 0);
    assert_int_equal(pass_new(&p, &n, 256, PASS_LEARN), 0);
    net_init(&n, &usual, &random);
    fill(&n, &p, &random, 256);
    loss_sum sum;
    float *kept = malloc(n.parameters * sizeof *kept);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(net_forward(&n, &p, 256, &sum), 0);
        assert_int_equal(net_backward(&n, &p, 256), 0);
        if (!round) memcpy(kept, n.grads, n.parameters * sizeof *kept);
        assert_memory_equal(kept, n.grads, n.parameters * sizeof *kept);
        pass other; // somebody else looks, with other rows
        assert_int_equal(pass_new(&other, &n, 3, PASS_USE), 0);
        assert_int_equal(net_forward(&n, &other, 3, &sum), 0);
        pass_free(&other);
    }
    free(kept);
    pass_free(&p);
    net_free(&n);
}

static void test_same_bits(void **state) {
    (void)state;
    model mlp = {.hidden = 2, .width = {64, 48}, .activation = ACTIVATION_GELU};
    model cnn = {
        .cnn = true, .stages = 2, .filters = {8, 8}, .kernel = 3, .activation = ACTIVATION_RELU};
    same_bits(&mlp, (extent){10, 10, 1});
    same_bits(&cnn, (extent){12, 10, 1});
}

// Loops over elements: the same bits for any number of threads.
static void test_threads(void **state) {
    (void)state;
    random_state random;
    random_seed(&random, 9, 0);
    float d[4096], b[2][16];
    for (int i = 0; i < 4096; i++)
        d[i] = random_normal(&random);
    for (int threads = 1; threads <= 4; threads++) {
        parallel_start(threads);
        activation_bias_backward(256, 16, d, b[threads > 1]);
        if (threads > 1) assert_memory_equal(b[0], b[1], sizeof b[0]);
    }
    parallel_start(1);
}

// Pieces of a convolution on several threads: right, and the same bits each time.
static void test_pieces(void **state) {
    (void)state;
    parallel_start(3);
    test_gradients_of_images(state);
    test_same_bits(state);
    parallel_start(1);
}

static void test_words(void **state) {
    (void)state;
    model m = {.cnn = true, .hidden = -1, .activation = -1};
    net_shape shape;
    net n;
    char text[MODEL_TEXT_CAP], name[MODEL_NAME_CAP];
    const char *const names[] = {"conv1", "norm1", "pool1", "conv2",   "norm2", "pool2",
                                 "conv3", "norm3", "pool3", "flatten", "fc1",   "output"};
    model_fill(&m);
    model_shape(&m, (extent){28, 28, 1}, 10, &shape);
    assert_int_equal(net_new(&n, &shape), 0);
    model_text(&n, text);
    assert_string_equal(text, "28x28-16c3-32c3-64c3-128-10");
    assert_string_equal(model_word(&n), "cnn");
    assert_int_equal(n.shape.layers, 12);
    for (int i = 0; i < 12; i++) {
        model_layer_name(&n, i, name);
        assert_string_equal(name, names[i]);
    }
    net_free(&n);
}

int main(void) {
    parallel_start(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_alone_product),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_of_images),
        cmocka_unit_test(test_gradients_of_a_mixture),
        cmocka_unit_test(test_kept_statistics),
        cmocka_unit_test(test_pool_keeps_nan),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_shapes_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
