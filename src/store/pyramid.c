// Unit pyramid.c sums up points into buckets of 64, 1024, 16384 ... consecutive points, and packs 256
// buckets a blob. The writer feeds it each chunk on its way to the database; queries decode the blobs.
//
//     points   .......................................................   chunks
//     level 1  [64][64][64][64]...                                       256 of them a blob
//     level 2  [ 16 of level 1 ][ ... ]
//
// A blob has 11 columns (codec.c): count, nonfinite, attempt, step_min, step_max - step_min, time_min,
// time_max - time_min as integers; min, max, mean, last as float32, min and max rounded outward.
//
// 1. Buckets keep arrival order and hold points of one attempt: an attempt border ends a bucket early.
// 2. A level's blobs cover the ordinals 0 .. E(level) without a hole, and E(level) <= E(level - 1) <= points in
//    chunks. So a reader that runs out of blobs goes on one level below, and in the end with chunks.
// 3. What is open lives in memory only. After a crash it is rebuilt from E(level) upward (writer.c).
// 4. min and max keep infinities and leave NaN out (NaN when all are NaN); mean is over the finite, each limited
//    to the range of float, NaN when there is none.
#include "pyramid.h"

#include "base/error.h"
#include "base/mem.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum { COLUMNS = 11 };

typedef struct level {
    tally open;
    bucket *done;
    uint32_t count, capacity;
    uint64_t ordinal; // of done[0], or of `open` when there is none
    uint64_t points;  // in done
} level;

struct pyramid {
    level levels[PYRAMID_LEVELS + 1]; // [0] is not used
};

float pyramid_down(double v) {
    float f = (float)v;
    return (double)f > v ? nextafterf(f, -INFINITY) : f;
}

float pyramid_up(double v) {
    float f = (float)v;
    return (double)f < v ? nextafterf(f, INFINITY) : f;
}

// --- tally -----------------------------------------------------------------------------------

void tally_clear(tally *t, int64_t attempt) {
    *t = (tally){.attempt = attempt,
                 .step_min = INT64_MAX,
                 .step_max = INT64_MIN,
                 .time_min = INT64_MAX,
                 .time_max = INT64_MIN,
                 .min = NAN,
                 .max = NAN};
}

static void tally_span(tally *t, int64_t step_min, int64_t step_max, int64_t time_min,
                       int64_t time_max) {
    if (step_min < t->step_min) t->step_min = step_min;
    if (step_max > t->step_max) t->step_max = step_max;
    if (time_min < t->time_min) t->time_min = time_min;
    if (time_max > t->time_max) t->time_max = time_max;
}

void tally_point(tally *t, int64_t step, int64_t time_ms, double value) {
    t->count++;
    tally_span(t, step, step, time_ms, time_ms);
    t->last = value;
    if (!(value >= t->min)) t->min = value != value ? t->min : value;
    if (!(value <= t->max)) t->max = value != value ? t->max : value;
    if (isfinite(value)) {
        t->sum += value > FLT_MAX ? FLT_MAX : value < -FLT_MAX ? -FLT_MAX : value;
    } else {
        t->nonfinite++;
    }
}

void tally_bucket(tally *t, const bucket *b) {
    t->count += b->count;
    t->nonfinite += b->nonfinite;
    tally_span(t, b->step_min, b->step_max, b->time_min, b->time_max);
    t->last = (double)b->last;
    if (!((double)b->min >= t->min) && b->min == b->min) t->min = (double)b->min;
    if (!((double)b->max <= t->max) && b->max == b->max) t->max = (double)b->max;
    if (b->count > b->nonfinite) t->sum += (double)b->mean * (double)(b->count - b->nonfinite);
}

void tally_finish(const tally *t, bucket *b) {
    uint64_t finite = t->count - t->nonfinite;
    *b = (bucket){.count = t->count,
                  .nonfinite = t->nonfinite,
                  .attempt = t->attempt,
                  .step_min = t->step_min,
                  .step_max = t->step_max,
                  .time_min = t->time_min,
                  .time_max = t->time_max,
                  .min = pyramid_down(t->min),
                  .max = pyramid_up(t->max),
                  .mean = finite ? (float)(t->sum / (double)finite) : NAN,
                  .last = (float)t->last};
}

// --- levels ----------------------------------------------------------------------------------

pyramid *pyramid_new(void) {
    pyramid *p = mem_new(sizeof *p);
    for (int k = 1; p && k <= PYRAMID_LEVELS; k++)
        tally_clear(&p->levels[k].open, 0);
    return p;
}

void pyramid_free(pyramid *p) {
    if (!p) return;
    for (int k = 1; k <= PYRAMID_LEVELS; k++)
        mem_free(p->levels[k].done);
    mem_free(p);
}

static int encode_level(codec *c, const bucket *b, uint32_t n, buf *out) {
    static_assert(PYRAMID_BLOB <= CODEC_MAX_ROWS, "a blob is one codec blob");
    int64_t whole[7][PYRAMID_BLOB];
    float real[4][PYRAMID_BLOB];
    for (uint32_t i = 0; i < n; i++, b++) {
        whole[0][i] = (int64_t)b->count;
        whole[1][i] = (int64_t)b->nonfinite;
        whole[2][i] = b->attempt;
        whole[3][i] = b->step_min;
        whole[4][i] = (int64_t)((uint64_t)b->step_max - (uint64_t)b->step_min);
        whole[5][i] = b->time_min;
        whole[6][i] = (int64_t)((uint64_t)b->time_max - (uint64_t)b->time_min);
        real[0][i] = b->min;
        real[1][i] = b->max;
        real[2][i] = b->mean;
        real[3][i] = b->last;
    }
    codec_column columns[COLUMNS];
    for (int k = 0; k < 7; k++)
        columns[k] = (codec_column){CODEC_I64, whole[k]};
    for (int k = 0; k < 4; k++)
        columns[7 + k] = (codec_column){CODEC_F32, real[k]};
    return codec_encode(c, columns, COLUMNS, n, out);
}

int pyramid_decode(codec *c, const void *blob, size_t bytes, bucket *out, uint32_t *n) {
    int64_t whole[7][PYRAMID_BLOB];
    float real[4][PYRAMID_BLOB];
    codec_column columns[COLUMNS];
    for (int k = 0; k < 7; k++)
        columns[k] = (codec_column){CODEC_I64, whole[k]};
    for (int k = 0; k < 4; k++)
        columns[7 + k] = (codec_column){CODEC_F32, real[k]};
    int result = codec_rows(blob, bytes, n);
    if (!result && *n > PYRAMID_BLOB) result = NNS_E_CORRUPT;
    if (!result) result = codec_decode(c, blob, bytes, columns, COLUMNS, *n);
    for (uint32_t i = 0; !result && i < *n; i++) {
        out[i] = (bucket){.count = (uint64_t)whole[0][i],
                          .nonfinite = (uint64_t)whole[1][i],
                          .attempt = whole[2][i],
                          .step_min = whole[3][i],
                          .step_max = (int64_t)((uint64_t)whole[3][i] + (uint64_t)whole[4][i]),
                          .time_min = whole[5][i],
                          .time_max = (int64_t)((uint64_t)whole[5][i] + (uint64_t)whole[6][i]),
                          .min = real[0][i],
                          .max = real[1][i],
                          .mean = real[2][i],
                          .last = real[3][i]};
        if (whole[0][i] <= 0 || out[i].nonfinite > out[i].count) result = NNS_E_CORRUPT;
    }
    return result;
}

static int emit_level(pyramid *p, codec *c, int k, pyramid_emit emit, void *context) {
    level *l = &p->levels[k];
    buf data = {0};
    int result = encode_level(c, l->done, l->count, &data);
    if (!result) result = emit(context, k, l->ordinal, l->points, &data);
    buf_fini(&data);
    if (result) return result;
    l->ordinal += l->points;
    l->points = 0;
    l->count = 0;
    return 0;
}

// Room for one more whole bucket, for which a full blob may have to go.
static int make_room(pyramid *p, codec *c, int k, pyramid_emit emit, void *context) {
    level *l = &p->levels[k];
    if (l->count == PYRAMID_BLOB) return emit_level(p, c, k, emit, context);
    if (l->count < l->capacity) return 0;
    uint32_t capacity = l->capacity ? l->capacity * 4 : 4;
    bucket *done = mem_grow(l->done, capacity, sizeof *done);
    if (!done) return NNS_E_NO_MEMORY;
    l->done = done;
    l->capacity = capacity;
    return 0;
}

// Room on each level that a finished bucket of level k may reach, so that what follows cannot fail.
static int make_rooms(pyramid *p, codec *c, int k, pyramid_emit emit, void *context) {
    int result = 0;
    for (; !result && k <= PYRAMID_LEVELS; k++)
        result = make_room(p, c, k, emit, context);
    return result;
}

// The bucket in the making of level k is whole: behind the others, and into the one above.
static void finish(pyramid *p, int k);

static void lift(pyramid *p, int k, const bucket *b) {
    if (k > PYRAMID_LEVELS) return;
    tally *open = &p->levels[k].open;
    if (open->parts && open->attempt != b->attempt) finish(p, k);
    if (!open->parts) tally_clear(open, b->attempt);
    tally_bucket(open, b);
    if (++open->parts == PYRAMID_FAN) finish(p, k);
}

static void finish(pyramid *p, int k) {
    level *l = &p->levels[k];
    assert(l->count < l->capacity && l->open.parts > 0);
    bucket *b = &l->done[l->count++];
    tally_finish(&l->open, b);
    l->points += b->count;
    tally_clear(&l->open, 0);
    lift(p, k + 1, b);
}

int pyramid_add(pyramid *p, codec *c, uint64_t first, uint32_t n, int64_t attempt,
                const int64_t *step, const int64_t *time_ms, const double *value, uint32_t *taken,
                pyramid_emit emit, void *context) {
    level *l = &p->levels[1];
    tally *open = &l->open;
    assert(first == l->ordinal + l->points + open->count);
    (void)first;
    for (*taken = 0; *taken < n; ++*taken) {
        if (open->parts == 0 || open->parts + 1 == PYRAMID_BASE || open->attempt != attempt) {
            int result = make_rooms(p, c, 1, emit, context);
            if (result) return result;
            // A border may finish two buckets at once (the open one, and with it the one above).
            if (open->parts && open->attempt != attempt) {
                finish(p, 1);
                if ((result = make_rooms(p, c, 1, emit, context))) return result;
            }
            if (!open->parts) tally_clear(open, attempt);
        }
        tally_point(open, step[*taken], time_ms[*taken], value[*taken]);
        if (++open->parts == PYRAMID_BASE) finish(p, 1);
    }
    return 0;
}

void pyramid_start(pyramid *p, const uint64_t *ends) {
    for (int k = 1; k <= PYRAMID_LEVELS; k++) {
        assert(p->levels[k].count == 0 && p->levels[k].open.parts == 0);
        assert(k == 1 || ends[k] <= ends[k - 1]); // invariant 2
        p->levels[k].ordinal = ends[k];
    }
}

int pyramid_lift(pyramid *p, codec *c, int k, const bucket *buckets, uint32_t n, pyramid_emit emit,
                 void *context) {
    assert(p->levels[k].count == 0 && p->levels[k].open.parts == 0);
    for (uint32_t i = 0; i < n; i++) {
        int result = make_rooms(p, c, k + 1, emit, context);
        if (result) return result;
        lift(p, k + 1, &buckets[i]);
    }
    return 0;
}

int pyramid_flush(pyramid *p, codec *c, pyramid_emit emit, void *context) {
    int top = PYRAMID_LEVELS, result = 0;
    while (top && p->levels[top].count < PYRAMID_LEAST)
        top--;
    for (int k = 1; !result && k <= top; k++) // all below too: invariant 2
        if (p->levels[k].count) result = emit_level(p, c, k, emit, context);
    return result;
}
