// Unit conv.c is the convolution: each pixel's neighbourhood becomes a row of a matrix, which is multiplied by the
// filters. As many pixels come out as go in (edges see zeros); no bias, since a normalisation follows.
//
//   columns (pixels, K)  row p: the K = kernel x kernel x channels values around pixel p, in the order of w
//   z (pixels, U)        = columns x w (K, U)
//   dw (K, U)            = columns transposed x dz
//   columns              = dz x w transposed, each value added to the pixel that it came from: dx
//
// Images are handled by tiles of as many as keep the columns in the cache, and tiles by pieces, one a thread.
// Invariant: a piece sums its dw tile by tile, and the pieces are added in their order, so that the bits
// depend on the number of threads alone.
#include "layer.h"

#include "parallel.h"

#include <math.h>
#include <string.h>

#define COLUMNS_CAP 65536 // floats of a tile: half of a cache of the second level

static size_t row_values(const layer *l) { // K
    return (size_t)l->shape.kernel * (size_t)l->shape.kernel * (size_t)l->in.channels;
}

static size_t tile_rows(const layer *l) {
    size_t of_one = extent_pixels(l->in) * row_values(l);
    return of_one >= COLUMNS_CAP ? 1 : COLUMNS_CAP / of_one;
}

static bool size(layer *l) {
    const layer_shape *s = &l->shape;
    if (s->units < 1 || s->units > LAYER_UNITS_CAP) return false;
    if (s->kernel < 1 || s->kernel > LAYER_KERNEL_CAP || s->kernel % 2 == 0) return false;
    l->out = (extent){l->in.height, l->in.width, s->units};
    l->decaying = row_values(l) * (size_t)s->units;
    return true;
}

static void init(layer *l, float scale, random_state *random) {
    float deviation = scale * sqrtf(activation_gain(ACTIVATION_RELU) / (float)row_values(l));
    for (size_t i = 0; i < l->decaying; i++)
        l->w[i] = deviation * random_normal(random);
}

// Of each piece: dw, then the columns of a tile; both begin on cache lines.
static size_t dw_floats(const layer *l) {
    return (l->decaying + 15) & ~(size_t)15;
}

static size_t piece_floats(const layer *l) {
    size_t columns = tile_rows(l) * extent_pixels(l->in) * row_values(l);
    return dw_floats(l) + ((columns + 15) & ~(size_t)15);
}

static size_t scratch(const layer *l, size_t rows) {
    (void)rows;
    return (size_t)parallel_threads() * piece_floats(l);
}

// The pixels from `first` to `last` (not included) of a row of the image that filter position `at` meets; the
// others lie outside. Pixel x meets input x + at - kernel / 2.
typedef struct span {
    int first, last, shift;
} span;

static span span_of(int at, int kernel, int edge) {
    int shift = at - kernel / 2;
    int first = shift < 0 ? -shift : 0, last = shift > 0 ? edge - shift : edge;
    if (first > edge) first = edge;
    return (span){first, last < first ? first : last, shift};
}

// Copies n values to each of `count` rows of the columns, from inputs that are n apart.
static inline void gather(float *to, size_t stride, const float *from, size_t n, int count) {
    if (n == 1) {
        for (int i = 0; i < count; i++)
            to[(size_t)i * stride] = from[i];
        return;
    }
    for (int i = 0; i < count; i++)
        memcpy(to + (size_t)i * stride, from + (size_t)i * n, n * sizeof *to);
}

static inline void blank(float *to, size_t stride, size_t n, int count) {
    for (int i = 0; i < count; i++)
        memset(to + (size_t)i * stride, 0, n * sizeof *to);
}

static inline void scatter(float *to, const float *from, size_t stride, size_t n, int count) {
    for (int i = 0; i < count; i++)
        for (size_t c = 0; c < n; c++)
            to[(size_t)i * n + c] += from[(size_t)i * stride + c];
}

// One row of pixels, one position (ky, kx) of the filter.
static void columns_of_row(const layer *l, const float *image, int y, int ky, int kx,
                           float *columns) {
    int width = l->in.width, kernel = l->shape.kernel;
    size_t n = (size_t)l->in.channels, stride = row_values(l);
    float *to = columns + (size_t)(y * width) * stride + (size_t)(ky * kernel + kx) * n;
    int from_y = y + ky - kernel / 2;
    if (from_y < 0 || from_y >= l->in.height) {
        blank(to, stride, n, width);
        return;
    }
    span s = span_of(kx, kernel, width);
    const float *from = image + (size_t)(from_y * width + s.first + s.shift) * n;
    blank(to, stride, n, s.first);
    gather(to + (size_t)s.first * stride, stride, from, n, s.last - s.first);
    blank(to + (size_t)s.last * stride, stride, n, width - s.last);
}

static void columns_of(const layer *l, const float *image, float *columns) {
    for (int y = 0; y < l->in.height; y++)
        for (int ky = 0; ky < l->shape.kernel; ky++)
            for (int kx = 0; kx < l->shape.kernel; kx++)
                columns_of_row(l, image, y, ky, kx, columns);
}

KERNEL void scatter_image(int height, int width, int kernel, size_t n,
                          const float *restrict columns, float *restrict image) {
    size_t stride = (size_t)(kernel * kernel) * n;
    for (int y = 0; y < height; y++)
        for (int ky = 0; ky < kernel; ky++) {
            int to_y = y + ky - kernel / 2;
            if (to_y < 0 || to_y >= height) continue;
            for (int kx = 0; kx < kernel; kx++) {
                span s = span_of(kx, kernel, width);
                const float *from = columns + (size_t)(y * width + s.first) * stride +
                                    (size_t)(ky * kernel + kx) * n;
                scatter(image + (size_t)(to_y * width + s.first + s.shift) * n, from, stride, n,
                        s.last - s.first);
            }
        }
}

// A pass over the batch, split into pieces.
typedef struct work {
    const layer *l;
    const slot *s;
    size_t rows, pieces;
    int result[256]; // of each piece
} work;

typedef struct tile {
    size_t pixels;  // of all its images
    const float *x; // (images, in)
    float *z;       // (pixels, U): z or dz
    float *dx;      // (images, in), or NULL
    float *columns; // (pixels, K)
    float *dw;      // (K, U)
    bool first;     // of its piece
} tile;

static void fill_columns(const layer *l, const tile *t) {
    size_t pixels = extent_pixels(l->in), cells = extent_cells(l->in);
    for (size_t i = 0; i * pixels < t->pixels; i++)
        columns_of(l, t->x + i * cells, t->columns + i * pixels * row_values(l));
}

static int forward_tile(const work *w, const tile *t) {
    fill_columns(w->l, t);
    gemm_product product = {.m = (int64_t)t->pixels,
                            .n = w->l->out.channels,
                            .k = (int64_t)row_values(w->l),
                            .a = t->columns,
                            .b = w->l->w,
                            .c = t->z};
    return w->s->product(&product);
}

static int backward_inputs(const work *w, const tile *t) {
    const layer *l = w->l;
    gemm_product product = {.m = (int64_t)t->pixels,
                            .n = (int64_t)row_values(l),
                            .k = l->out.channels,
                            .a = t->z,
                            .b = l->w,
                            .c = t->columns,
                            .transpose_b = true};
    int result = w->s->product(&product);
    if (result) return result;
    size_t pixels = extent_pixels(l->in), cells = extent_cells(l->in), images = t->pixels / pixels;
    memset(t->dx, 0, images * cells * sizeof *t->dx);
    for (size_t i = 0; i < images; i++)
        scatter_image(l->in.height, l->in.width, l->shape.kernel, (size_t)l->in.channels,
                      t->columns + i * pixels * row_values(l), t->dx + i * cells);
    return 0;
}

static int backward_tile(const work *w, const tile *t) {
    fill_columns(w->l, t);
    gemm_product product = {.m = (int64_t)row_values(w->l),
                            .n = w->l->out.channels,
                            .k = (int64_t)t->pixels,
                            .a = t->columns,
                            .b = t->z,
                            .c = t->dw,
                            .transpose_a = true,
                            .beta = t->first ? 0.0f : 1.0f};
    int result = w->s->product(&product);
    return result || !t->dx ? result : backward_inputs(w, t);
}

typedef int (*tile_call)(const work *w, const tile *t);

static void run_piece(work *w, size_t piece, tile_call call, bool backward) {
    const layer *l = w->l;
    size_t in = extent_cells(l->in), out = extent_cells(l->out), pixels = extent_pixels(l->in);
    size_t begin = w->rows * piece / w->pieces, end = w->rows * (piece + 1) / w->pieces;
    float *dw = w->s->scratch + piece * piece_floats(l);
    tile t = {.dw = dw, .columns = dw + dw_floats(l)};
    w->result[piece] = 0;
    for (size_t row = begin; row < end && !w->result[piece]; row += tile_rows(l)) {
        size_t images = end - row < tile_rows(l) ? end - row : tile_rows(l);
        t.first = row == begin;
        t.pixels = images * pixels;
        t.x = w->s->x + row * in;
        t.z = (backward ? w->s->d : w->s->z) + row * out;
        t.dx = w->s->dx ? w->s->dx + row * in : NULL;
        w->result[piece] = call(w, &t);
    }
}

static void forward_piece(void *context, size_t piece) {
    run_piece(context, piece, forward_tile, false);
}

static void backward_piece(void *context, size_t piece) {
    run_piece(context, piece, backward_tile, true);
}

static int run_pieces(work *w, parallel_piece piece) {
    size_t threads = (size_t)parallel_threads();
    w->pieces = threads < w->rows ? threads : w->rows;
    parallel_pieces(w->pieces, piece, w);
    for (size_t i = 0; i < w->pieces; i++)
        if (w->result[i]) return w->result[i];
    return 0;
}

static int forward(const layer *l, const slot *s, size_t rows) {
    work w = {.l = l, .s = s, .rows = rows};
    return run_pieces(&w, forward_piece);
}

static int backward(const layer *l, const slot *s, size_t rows) {
    work w = {.l = l, .s = s, .rows = rows};
    int result = run_pieces(&w, backward_piece);
    if (result) return result;
    memset(l->dw, 0, l->decaying * sizeof *l->dw);
    for (size_t piece = 0; piece < w.pieces; piece++) {
        const float *dw = s->scratch + piece * piece_floats(l);
        for (size_t i = 0; i < l->decaying; i++)
            l->dw[i] += dw[i];
    }
    return 0;
}

const layer_operations conv_operations = {
    .word = "conv",
    .size = size,
    .scratch = scratch,
    .init = init,
    .forward = forward,
    .backward = backward,
};
