// The pyramid: what 64, 1024, 16384 ... consecutive points of a series come to.
#ifndef NNS_STORE_PYRAMID_H
#define NNS_STORE_PYRAMID_H

#include "codec.h"

#include <stdbool.h>

#define PYRAMID_BASE 64u  // points of a bucket of level 1
#define PYRAMID_FAN 16u   // buckets of a level in one of the next
#define PYRAMID_LEVELS 5  // 64, 1024, 16384, 262144, 4194304
#define PYRAMID_BLOB 256u // buckets of a blob
#define PYRAMID_LEAST 32u // fewer left over at a run's end are not worth a blob

// Consecutive points of one attempt, in arrival order.
typedef struct bucket {
    uint64_t count, nonfinite; // count includes the nonfinite
    int64_t attempt;
    int64_t step_min, step_max, time_min, time_max;
    float min, max, mean, last;
} bucket;

// Points of level k: 64 * 16^(k-1).
static inline uint64_t pyramid_points(int level) {
    return (uint64_t)PYRAMID_BASE << (4 * (level - 1));
}

// A bucket that still grows, exact inside: points and finished buckets go in.
typedef struct tally {
    uint64_t count, nonfinite;
    int64_t attempt, step_min, step_max, time_min, time_max;
    double min, max, sum, last; // sum of the finite, each limited to the range of float
    uint32_t parts;
} tally;

void tally_clear(tally *t, int64_t attempt);
void tally_point(tally *t, int64_t step, int64_t time_ms, double value);
void tally_bucket(tally *t, const bucket *b);
void tally_finish(const tally *t, bucket *b); // rounds min and max outward

float pyramid_down(double v); // to float, never above v
float pyramid_up(double v);

// What a series has open on all levels: at most 255 whole buckets and one in the making a level. Writer thread only.
typedef struct pyramid pyramid;

// A blob of up to 256 buckets of one level that begins at `ordinal`. Takes nothing; data borrowed for the call.
typedef int (*pyramid_emit)(void *context, int level, uint64_t ordinal, uint64_t points,
                            const buf *data);

pyramid *pyramid_new(void); // NULL: out of memory
void pyramid_free(pyramid *p);

// Points in arrival order; `first` is the ordinal of the first, which must follow what went in.
// *taken says how many went in, also on an error (then call again with the rest).
int pyramid_add(pyramid *p, codec *c, uint64_t first, uint32_t n, int64_t attempt,
                const int64_t *step, const int64_t *time_ms, const double *value, uint32_t *taken,
                pyramid_emit emit, void *context);

// Rebuilding. First where each level's blobs end (ends[k], k = 1 .. PYRAMID_LEVELS), then, from the top level down,
// the whole buckets of `level` that are stored behind ends[level + 1] go up, then pyramid_add the points behind ends[1].
void pyramid_start(pyramid *p, const uint64_t *ends);
int pyramid_lift(pyramid *p, codec *c, int level, const bucket *buckets, uint32_t n,
                 pyramid_emit emit, void *context);

// Emits what levels have whole and is worth a blob; the buckets in the making stay open.
int pyramid_flush(pyramid *p, codec *c, pyramid_emit emit, void *context);

// A blob's buckets, as pyramid_emit gave it. out: room for PYRAMID_BLOB.
int pyramid_decode(codec *c, const void *blob, size_t bytes, bucket *out, uint32_t *n);

#endif
