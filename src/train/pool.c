// Unit pool.c takes the largest of each 2 x 2 pixels, channel by channel; a last row or column without a partner is
// left out. The first of equals counts; NaN counts as the largest, so that it is not hidden.
#include "layer.h"

#include "parallel.h"

#include <string.h>

#define GRAIN 32768 // values a thread must have to be worth waking

static bool size(layer *l) {
    l->out = (extent){l->in.height / 2, l->in.width / 2, l->in.channels};
    return l->out.height > 0 && l->out.width > 0;
}

// One row of pixels out of two: `above` and `below`, each (2 width, n).
KERNEL void forward_line(size_t width, size_t n, const float *restrict above,
                         const float *restrict below, float *restrict a, uint8_t *restrict from) {
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < n; c++) {
            size_t i = 2 * x * n + c;
            float best = above[i], second = above[i + n], third = below[i], fourth = below[i + n];
            uint8_t which = 0;
            bool more = (second > best) | (second != second);
            best = more ? second : best, which = more ? 1 : which;
            more = (third > best) | (third != third);
            best = more ? third : best, which = more ? 2 : which;
            more = (fourth > best) | (fourth != fourth);
            best = more ? fourth : best, which = more ? 3 : which;
            a[x * n + c] = best;
            from[x * n + c] = which;
        }
}

KERNEL void backward_line(size_t width, size_t n, const float *restrict d,
                          const uint8_t *restrict from, float *restrict above,
                          float *restrict below) {
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < n; c++) {
            size_t i = 2 * x * n + c;
            float slope = d[x * n + c];
            uint8_t which = from[x * n + c];
            above[i] = which == 0 ? slope : 0.0f;
            above[i + n] = which == 1 ? slope : 0.0f;
            below[i] = which == 2 ? slope : 0.0f;
            below[i + n] = which == 3 ? slope : 0.0f;
        }
}

typedef struct work {
    const layer *l;
    const slot *s;
} work;

// A line of the output, and the upper one of the two lines of the input below it.
typedef struct place {
    size_t channels, width, line_in;
    size_t out, in; // where they begin
} place;

static place place_of(const layer *l, size_t line) {
    size_t channels = (size_t)l->in.channels, line_in = (size_t)l->in.width * channels;
    size_t width = (size_t)l->out.width, height = (size_t)l->out.height;
    size_t row = line / height, y = line % height;
    return (place){.channels = channels,
                   .width = width,
                   .line_in = line_in,
                   .out = line * width * channels,
                   .in = row * extent_cells(l->in) + 2 * y * line_in};
}

static void forward_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    for (size_t line = begin; line < end; line++) {
        place p = place_of(w->l, line);
        const float *above = w->s->x + p.in;
        forward_line(p.width, p.channels, above, above + p.line_in, w->s->a + p.out,
                     w->s->from + p.out);
    }
}

static void backward_range(void *context, size_t begin, size_t end) {
    const work *w = context;
    for (size_t line = begin; line < end; line++) {
        place p = place_of(w->l, line);
        float *above = w->s->dx + p.in;
        backward_line(p.width, p.channels, w->s->d + p.out, w->s->from + p.out, above,
                      above + p.line_in);
    }
}

static void over_lines(const layer *l, const slot *s, size_t rows, parallel_range range) {
    work w = {l, s};
    size_t line = 4 * (size_t)l->out.width * (size_t)l->out.channels;
    parallel_for(rows * (size_t)l->out.height, GRAIN / line + 1, range, &w);
}

static int forward(const layer *l, const slot *s, size_t rows) {
    over_lines(l, s, rows, forward_range);
    return 0;
}

// Rows and columns without a partner got nothing out, so nothing goes back to them.
static int backward(const layer *l, const slot *s, size_t rows) {
    if (!s->dx) return 0;
    if (l->in.height % 2 || l->in.width % 2)
        memset(s->dx, 0, rows * extent_cells(l->in) * sizeof *s->dx);
    over_lines(l, s, rows, backward_range);
    return 0;
}

const layer_operations pool_operations = {
    .word = "pool",
    .size = size,
    .forward = forward,
    .backward = backward,
};
