// Unit norm.c is batch normalisation (Ioffe and Szegedy 2015, algorithm 1 and section 3): over the P = B x height x
// width pixels of the batch each channel gets mean 0 and variance 1, then a scale and a shift that are learnt, then
// a nonlinearity.
//
//   h = (x - mean) / sqrt(variance + 1e-5),  z = scale h + shift,  a = f(z)
//   dshift = sum dz,  dscale = sum dz h,  dx = scale / sqrt(...) (dz - dshift / P - h dscale / P)
//
// The kept mean and variance move a tenth of the way to those of each batch (the unbiased variance, as in PyTorch).
// Sums are taken sample by sample, and samples are merged in their order in double (Chan, Golub and LeVeque 1979), so
// that their bits depend on nothing but the batch.
//
// A row of pixels is handled at a time: W = width x channels values, for which per-channel factors are repeated
// `width` times. scratch: mean (U), 1 / deviation (U), three factors (W), then sums of each sample (B, 2, U).
#include "layer.h"

#include "parallel.h"

#include <math.h>
#include <string.h>

#define EPSILON 1e-5
#define KEEP 0.9f   // of the kept statistics at each batch
#define LINES 8     // rows of pixels handled together: they stay in the first cache
#define GRAIN 32768 // values a thread must have to be worth waking

static size_t units(const layer *l) {
    return (size_t)l->out.channels;
}

static size_t line_values(const layer *l) { // W
    return (size_t)l->out.width * units(l);
}

static bool size(layer *l) {
    l->out = l->in;
    l->free = 2 * units(l);
    l->statistics = 2 * units(l);
    return true;
}

static size_t scratch(const layer *l, size_t rows) {
    return 2 * units(l) + 3 * line_values(l) + rows * 2 * units(l);
}

static void init(layer *l, float scale, random_state *random) {
    (void)scale, (void)random;
    for (size_t c = 0; c < units(l); c++) {
        l->b[units(l) + c] = 1.0f;
        l->running[units(l) + c] = 1.0f;
    }
}

typedef struct parts {
    float *mean, *inverse; // (U)
    float *factor[3];      // (W)
    float *sums;           // (B, 2, U)
} parts;

static parts parts_of(const layer *l, const slot *s) {
    float *line = s->scratch + 2 * units(l);
    size_t w = line_values(l);
    return (parts){.mean = s->scratch,
                   .inverse = s->scratch + units(l),
                   .factor = {line, line + w, line + 2 * w},
                   .sums = line + 3 * w};
}

static void repeat(float *line, size_t values, size_t channels) {
    for (size_t i = channels; i < values; i += channels)
        memcpy(line + i, line, channels * sizeof *line);
}

// --- the sums of one sample ------------------------------------------------------------------------

// sum (n) of x (pixels, n)
KERNEL void sum_pixels(size_t pixels, size_t n, const float *restrict x, float *restrict sum) {
    for (size_t c = 0; c < n; c++)
        sum[c] = 0;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++)
            sum[c] += x[p * n + c];
}

// sum (n) of (x - mean)^2
KERNEL void sum_squares(size_t pixels, size_t n, const float *restrict x,
                        const float *restrict mean, float *restrict sum) {
    for (size_t c = 0; c < n; c++)
        sum[c] = 0;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++) {
            float e = x[p * n + c] - mean[c];
            sum[c] += e * e;
        }
}

// sums (2, n) of d and of d (x - mean)
KERNEL void sum_slopes(size_t pixels, size_t n, const float *restrict d, const float *restrict x,
                       const float *restrict mean, float *restrict shift, float *restrict scale) {
    for (size_t c = 0; c < n; c++)
        shift[c] = scale[c] = 0;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < n; c++) {
            float e = d[p * n + c];
            shift[c] += e;
            scale[c] += e * (x[p * n + c] - mean[c]);
        }
}

typedef struct work {
    const layer *l;
    const slot *s;
    parts p;
    size_t rows;
} work;

// Mean and sum of squares about it, of each sample.
static void measure_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    size_t n = units(w->l), pixels = extent_pixels(w->l->in);
    for (size_t row = begin; row < end; row++) {
        const float *x = w->s->x + row * pixels * n;
        float *mean = w->p.sums + row * 2 * n;
        sum_pixels(pixels, n, x, mean);
        for (size_t c = 0; c < n; c++)
            mean[c] /= (float)pixels;
        sum_squares(pixels, n, x, mean, mean + n);
    }
}

static size_t grain(const layer *l) {
    return GRAIN / extent_cells(l->in) + 1;
}

// --- mean and variance -----------------------------------------------------------------------------

static void keep(const layer *l, size_t c, double mean, double squares, double count) {
    float *kept_mean = l->running + c, *kept_variance = l->running + units(l) + c;
    float unbiased = (float)(squares / (count > 1 ? count - 1 : 1));
    *kept_mean = KEEP * *kept_mean + (1 - KEEP) * (float)mean;
    *kept_variance = KEEP * *kept_variance + (1 - KEEP) * unbiased;
}

static void merge_channel(const work *w, size_t c) {
    size_t n = units(w->l);
    double pixels = (double)extent_pixels(w->l->in), mean = 0, squares = 0;
    for (size_t row = 0; row < w->rows; row++)
        mean += (double)w->p.sums[row * 2 * n + c];
    mean /= (double)w->rows;
    for (size_t row = 0; row < w->rows; row++) {
        double off = (double)w->p.sums[row * 2 * n + c] - mean;
        squares += (double)w->p.sums[row * 2 * n + n + c] + pixels * off * off;
    }
    double count = pixels * (double)w->rows;
    w->p.mean[c] = (float)mean;
    w->p.inverse[c] = (float)(1 / sqrt(squares / count + EPSILON));
    if (w->s->mode == PASS_LEARN) keep(w->l, c, mean, squares, count);
}

static void measure(work *w) {
    size_t n = units(w->l);
    if (w->s->mode == PASS_USE) {
        for (size_t c = 0; c < n; c++) {
            w->p.mean[c] = w->l->running[c];
            w->p.inverse[c] = (float)(1 / sqrt((double)w->l->running[n + c] + EPSILON));
        }
        return;
    }
    parallel_for(w->rows, grain(w->l), measure_range, w);
    for (size_t c = 0; c < n; c++)
        merge_channel(w, c);
}

// --- forward ---------------------------------------------------------------------------------------

KERNEL void center_line(size_t n, const float *restrict x, const float *restrict mean,
                        const float *restrict factor, float *restrict z) {
    for (size_t i = 0; i < n; i++)
        z[i] = (x[i] - mean[i]) * factor[i];
}

static void forward_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    size_t n = line_values(w->l);
    for (size_t line = begin; line < end; line += LINES) {
        size_t lines = end - line < LINES ? end - line : LINES;
        float *z = w->s->z + line * n;
        for (size_t i = 0; i < lines; i++)
            center_line(n, w->s->x + (line + i) * n, w->p.factor[0], w->p.factor[1], z + i * n);
        activation_forward(w->l->shape.activation, lines, n, w->p.factor[2], z, w->s->a + line * n);
    }
}

static int forward(const layer *l, const slot *s, size_t rows) {
    work w = {.l = l, .s = s, .p = parts_of(l, s), .rows = rows};
    size_t n = units(l), lines = rows * (size_t)l->out.height;
    measure(&w);
    for (size_t c = 0; c < n; c++) {
        w.p.factor[0][c] = w.p.mean[c];
        w.p.factor[1][c] = w.p.inverse[c] * l->b[n + c];
        w.p.factor[2][c] = l->b[c];
    }
    for (int i = 0; i < 3; i++)
        repeat(w.p.factor[i], line_values(l), n);
    parallel_for(lines, GRAIN / line_values(l) + 1, forward_range, &w);
    return 0;
}

// --- backward, of a forward that measured the batch ------------------------------------------------

static void slopes_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    const slot *s = w->s;
    size_t n = units(w->l), pixels = extent_pixels(w->l->in), cells = pixels * n;
    for (size_t row = begin; row < end; row++) {
        float *sums = w->p.sums + row * 2 * n;
        activation_backward(w->l->shape.activation, pixels, n, s->z + row * cells,
                            s->a + row * cells, s->d + row * cells);
        sum_slopes(pixels, n, s->d + row * cells, s->x + row * cells, w->p.mean, sums, sums + n);
    }
}

KERNEL void spread_line(size_t n, const float *restrict d, const float *restrict x,
                        const float *restrict offset, const float *restrict by_d,
                        const float *restrict by_x, float *restrict dx) {
    for (size_t i = 0; i < n; i++)
        dx[i] = by_d[i] * d[i] - by_x[i] * x[i] + offset[i];
}

static void spread_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    size_t n = line_values(w->l);
    for (size_t line = begin; line < end; line++)
        spread_line(n, w->s->d + line * n, w->s->x + line * n, w->p.factor[0], w->p.factor[1],
                    w->p.factor[2], w->s->dx + line * n);
}

// dx = g (dz - shift / P - (x - mean) inverse^2 scale / P) with g = learnt scale x inverse, as by_d dz - by_x x + offset.
static void merge_slopes(const work *w, size_t c) {
    const layer *l = w->l;
    size_t n = units(l);
    double shift = 0, scale = 0, count = (double)(w->rows * extent_pixels(l->in));
    for (size_t row = 0; row < w->rows; row++) {
        shift += (double)w->p.sums[row * 2 * n + c];
        scale += (double)w->p.sums[row * 2 * n + n + c];
    }
    double mean = (double)w->p.mean[c], inverse = (double)w->p.inverse[c];
    double g = (double)l->b[n + c] * inverse, by_x = g * inverse * inverse * scale / count;
    l->db[c] = (float)shift;
    l->db[n + c] = (float)(scale * inverse);
    w->p.factor[0][c] = (float)(by_x * mean - g * shift / count);
    w->p.factor[1][c] = (float)g;
    w->p.factor[2][c] = (float)by_x;
}

static int backward(const layer *l, const slot *s, size_t rows) {
    work w = {.l = l, .s = s, .p = parts_of(l, s), .rows = rows};
    size_t n = units(l), lines = rows * (size_t)l->out.height;
    parallel_for(rows, grain(l), slopes_range, &w);
    for (size_t c = 0; c < n; c++)
        merge_slopes(&w, c);
    if (!s->dx) return 0;
    for (int i = 0; i < 3; i++)
        repeat(w.p.factor[i], line_values(l), n);
    parallel_for(lines, GRAIN / line_values(l) + 1, spread_range, &w);
    return 0;
}

const layer_operations norm_operations = {
    .word = "norm",
    .size = size,
    .scratch = scratch,
    .init = init,
    .forward = forward,
    .backward = backward,
};
