/* Looking inside: a small network in plain C that learns to tell four drawn shapes apart. It describes
 * its layers, says where its numbers lie, and answers when somebody pushes a drawing through it: the
 * Network and Try tabs of the page then work.
 *
 *     cc network.c $(pkg-config --cflags --libs nnscope) -lm -o network && ./network
 *     nnscope server        # in another terminal: prints the address of the page
 *
 * docs/guide/instrumenting.md walks through it.
 */
#include <nnscope.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE = 12, PIXELS = EDGE * EDGE, UNITS = 24, CLASSES = 4, ROWS = 32 };

static const char *const words[CLASSES] = {"bar", "pillar", "cross", "box"};

static float w1[UNITS][PIXELS], b1[UNITS], dw1[UNITS][PIXELS], db1[UNITS];
static float w2[CLASSES][UNITS], b2[CLASSES], dw2[CLASSES][UNITS], db2[CLASSES];
static float x[ROWS][PIXELS], z1[ROWS][UNITS], a1[ROWS][UNITS], d1[ROWS][UNITS];
static float z2[ROWS][CLASSES], p[ROWS][CLASSES], d2[ROWS][CLASSES], losses[ROWS];
static int32_t truth[ROWS];

static float uniform(unsigned *seed) { /* [0, 1) */
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / (1 << 24);
}

/* A shape of random size and place, with a little noise: values from 0 to 1. */
static int draw(unsigned *seed, float *image) {
    int shape = (int)(uniform(seed) * CLASSES), arm = 2 + (int)(uniform(seed) * 3);
    int cy = arm + (int)(uniform(seed) * (float)(EDGE - 2 * arm)),
        cx = arm + (int)(uniform(seed) * (float)(EDGE - 2 * arm));
    for (int i = 0; i < PIXELS; i++) {
        int y = abs(i / EDGE - cy), x0 = abs(i % EDGE - cx);
        int across = y == 0 && x0 <= arm, down = x0 == 0 && y <= arm,
            rim = (y > x0 ? y : x0) == arm;
        int ink = shape == 0 ? across : shape == 1 ? down : shape == 2 ? across || down : rim;
        image[i] = (ink ? 0.8f : 0.0f) + 0.2f * uniform(seed);
    }
    return shape;
}

/* One image through the network: z1, a1 = tanh(z1), z2, p = softmax(z2). */
static void forward(const float *in, float *z_1, float *a_1, float *z_2, float *out) {
    float largest = -INFINITY, sum = 0;
    for (int u = 0; u < UNITS; u++) {
        z_1[u] = b1[u];
        for (int i = 0; i < PIXELS; i++)
            z_1[u] += w1[u][i] * in[i];
        a_1[u] = tanhf(z_1[u]);
    }
    for (int c = 0; c < CLASSES; c++) {
        z_2[c] = b2[c];
        for (int u = 0; u < UNITS; u++)
            z_2[c] += w2[c][u] * a_1[u];
        largest = fmaxf(largest, z_2[c]);
    }
    for (int c = 0; c < CLASSES; c++)
        sum += out[c] = expf(z_2[c] - largest);
    for (int c = 0; c < CLASSES; c++)
        out[c] /= sum;
}

/* Gradients of the mean loss, from what forward left of the row. */
static void backward(int row) {
    for (int c = 0; c < CLASSES; c++) {
        d2[row][c] = (p[row][c] - (c == truth[row])) / ROWS;
        db2[c] += d2[row][c];
        for (int u = 0; u < UNITS; u++)
            dw2[c][u] += d2[row][c] * a1[row][u];
    }
    for (int u = 0; u < UNITS; u++) {
        float slope = 0;
        for (int c = 0; c < CLASSES; c++)
            slope += d2[row][c] * w2[c][u];
        d1[row][u] = slope * (1 - a1[row][u] * a1[row][u]);
        db1[u] += d1[row][u];
        for (int i = 0; i < PIXELS; i++)
            dw1[u][i] += d1[row][u] * x[row][i];
    }
}

static double learn(unsigned *seed) {
    double loss = 0;
    memset(dw1, 0, sizeof dw1), memset(db1, 0, sizeof db1);
    memset(dw2, 0, sizeof dw2), memset(db2, 0, sizeof db2);
    for (int row = 0; row < ROWS; row++) {
        truth[row] = draw(seed, x[row]);
        forward(x[row], z1[row], a1[row], z2[row], p[row]);
        loss += losses[row] = -logf(p[row][truth[row]] + 1e-30f);
        backward(row);
    }
    return loss / ROWS;
}

static void update(float *w, const float *dw, int count, double lr) {
    for (int i = 0; i < count; i++)
        w[i] -= (float)lr * dw[i];
}

/* 1. Layers, in order: what feeds a layer is the one before it, unless info.inputs says other. */
static nns_layer input, hidden, output;

static void describe(nns_run *run) {
    input = nns_layer_describe(
        run, &(nns_layer_info){.name = "input", .kind = "input", .dims = 2, .shape = {EDGE, EDGE}});
    hidden = nns_layer_describe(run, &(nns_layer_info){.name = "hidden",
                                                       .kind = "dense",
                                                       .activation = "tanh",
                                                       .dims = 1,
                                                       .shape = {UNITS},
                                                       .parameters = UNITS * PIXELS + UNITS});
    output = nns_layer_describe(run, &(nns_layer_info){.name = "output",
                                                       .kind = "dense",
                                                       .activation = "softmax",
                                                       .dims = 1,
                                                       .shape = {CLASSES},
                                                       .parameters = CLASSES * UNITS + CLASSES});
}

/* 2. Tensors: what each array is to its layer, and its shape. None is ever freed or changed outside the
 * step's body, so that all may be read in both safe points: NNS_ALWAYS, which is 0. */
static void add(nns_run *run, nns_layer layer, nns_role role, int64_t rows, int64_t columns,
                const void *data) {
    nns_tensor_add(run, &(nns_tensor_info){.layer = layer,
                                           .role = role,
                                           .dtype = role == NNS_LABEL ? NNS_INT32 : NNS_FLOAT32,
                                           .dims = columns ? 2 : 1,
                                           .shape = {rows, columns},
                                           .data = data});
}

static void register_all(nns_run *run) {
    add(run, hidden, NNS_WEIGHT, UNITS, PIXELS, w1),
        add(run, hidden, NNS_WEIGHT_GRAD, UNITS, PIXELS, dw1);
    add(run, hidden, NNS_BIAS, UNITS, 0, b1), add(run, hidden, NNS_BIAS_GRAD, UNITS, 0, db1);
    add(run, hidden, NNS_PRE, ROWS, UNITS, z1), add(run, hidden, NNS_ACT, ROWS, UNITS, a1);
    add(run, hidden, NNS_PRE_GRAD, ROWS, UNITS, d1);
    add(run, output, NNS_WEIGHT, CLASSES, UNITS, w2),
        add(run, output, NNS_WEIGHT_GRAD, CLASSES, UNITS, dw2);
    add(run, output, NNS_BIAS, CLASSES, 0, b2), add(run, output, NNS_BIAS_GRAD, CLASSES, 0, db2);
    add(run, output, NNS_PRE, ROWS, CLASSES, z2), add(run, output, NNS_ACT, ROWS, CLASSES, p);
    add(run, output, NNS_PRE_GRAD, ROWS, CLASSES, d2),
        add(run, output, NNS_PREDICTION, ROWS, CLASSES, p);
    add(run, output, NNS_LABEL, ROWS, 0, truth), add(run, output, NNS_SAMPLE_LOSS, ROWS, 0, losses);
    nns_tensor_add(run, &(nns_tensor_info){.layer = input,
                                           .role = NNS_INPUT,
                                           .dtype = NNS_FLOAT32,
                                           .dims = 3,
                                           .shape = {ROWS, EDGE, EDGE},
                                           .data = x});
}

/* 3. A drawing of somebody's: through the network with arrays of its own, so that the step's stay as
 * they are. */
static bool push(void *context, nns_push *answer, const float *drawn, size_t count) {
    float z_1[UNITS], a_1[UNITS], z_2[CLASSES], out[CLASSES];
    (void)context;
    forward(drawn, z_1, a_1, z_2, out);
    nns_push_activation(answer, input, drawn, count);
    nns_push_activation(answer, hidden, a_1, UNITS);
    nns_push_activation(answer, output, out, CLASSES);
    nns_push_output(answer, out, CLASSES);
    return true;
}

static bool own_sample(void *context, int64_t index, float *image, size_t count, int *shape) {
    unsigned seed = 1000003u * (unsigned)(index + 1);
    (void)context, (void)count;
    *shape = draw(&seed, image);
    return true;
}

int main(int argc, char **argv) {
    int64_t steps = argc > 1 ? atoll(argv[1]) : 100000;
    unsigned seed = 7;
    double lr = 0.2, loss = 0;
    for (int i = 0; i < UNITS * PIXELS; i++)
        (&w1[0][0])[i] = (uniform(&seed) - 0.5f) * 0.3f;
    for (int i = 0; i < CLASSES * UNITS; i++)
        (&w2[0][0])[i] = (uniform(&seed) - 0.5f) * 0.7f;

    nns_run *run = nns_open(
        &(nns_options){.project = "examples", .name = "network", .argc = argc, .argv = argv});
    nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-4, .max = 10, .log_scale = true});
    nns_series curve = nns_series_open_as(run, "train/loss", NULL, NNS_LOWER);
    describe(run);
    register_all(run);
    nns_on_push(run, push, NULL,
                &(nns_push_info){.dims = 2,
                                 .shape = {EDGE, EDGE},
                                 .classes = CLASSES,
                                 .words = words,
                                 .samples = 1000,
                                 .sample = own_sample});
    for (int64_t step = 0; step < steps && nns_step(run, step); step++) {
        loss = learn(&seed);
        nns_scalar(run, curve, loss);
        nns_batch(run, ROWS);
        if (!nns_before_update(run)) continue; /* gradients are there, weights still the old ones */
        update(&w1[0][0], &dw1[0][0], UNITS * PIXELS, lr), update(b1, db1, UNITS, lr);
        update(&w2[0][0], &dw2[0][0], CLASSES * UNITS, lr), update(b2, db2, CLASSES, lr);
    }
    nns_close(run, 0);
    printf("loss %.3f\n", loss);
    return 0;
}
