// Unit moments.c goes once over numbers and takes their moments, with vector code.
//
// Place on the path: the digest worker, over every copied tensor (digest.c). A layer of 1 M weights costs about as
// much as copying it.
//
// How: sums around a shift, a value of the data. Blocks of 512 go the quick way (AVX2): sums of float32, 16 numbers a lane,
// then double. Where the squares of such a block do not stay well inside float32's range (NaN, infinities, exploded, vanished),
// and everywhere else, the careful way is gone: double sums, and what is not finite is replaced by the shift, so that it adds
// nothing and cannot be an extreme. No ifunc chooses, so that static and sanitized builds are the same.
#include "moments.h"

#include "base/half.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define QUICK 512 // elements of a block that goes the quick way
#define QUICK_LEAST 1e-24
#define QUICK_MOST 1e30
#define PIECE 1024
#define CAREFUL_MAX (UINT32_C(1) << 28) // elements at a time: counts are 32 bits a lane
#define INLINE static inline __attribute__((always_inline))

typedef float float8 __attribute__((vector_size(32)));
typedef float float4 __attribute__((vector_size(16)));
typedef int32_t int8v __attribute__((vector_size(32)));
typedef double double4 __attribute__((vector_size(32)));

// What the body leaves behind, lane by lane.
typedef struct sums {
    double4 sum[2], squares[2];
    float8 min, max;
    int8v zeros, bad;
} sums;

INLINE void step(sums *s, const float *at, float by) {
    int8v x, shift_bits = (int8v)((float8){} + by);
    double4 shift = (double4){} + (double)by;
    memcpy(&x, at, sizeof x);
    int8v size = x & 0x7FFFFFFF;
    int8v bad = size >= 0x7F800000;
    s->bad -= bad;
    s->zeros -= size == 0;
    float8 y = (float8)((x & ~bad) | (shift_bits & bad));
    int8v less = y<s->min, more = y> s->max;
    s->min = (float8)((less & (int8v)y) | (~less & (int8v)s->min));
    s->max = (float8)((more & (int8v)y) | (~more & (int8v)s->max));
    float4 half[2];
    memcpy(half, &y, sizeof y);
    for (int i = 0; i < 2; i++) {
        double4 d = __builtin_convertvector(half[i], double4) - shift;
        s->sum[i] += d;
        s->squares[i] += d * d;
    }
}

INLINE void add_up(moments *m, const sums *s, float shift, size_t count) {
    double sum = 0, squares = 0;
    uint64_t bad = 0;
    for (int i = 0; i < 4; i++) {
        sum += s->sum[0][i] + s->sum[1][i];
        squares += s->squares[0][i] + s->squares[1][i];
    }
    for (int i = 0; i < 8; i++) {
        bad += (uint32_t)s->bad[i];
        m->zeros += (uint32_t)s->zeros[i];
        m->min = s->min[i] < m->min ? s->min[i] : m->min;
        m->max = s->max[i] > m->max ? s->max[i] : m->max;
    }
    m->nonfinite += bad;
    m->count = count - bad;
    if (m->count == 0) return;
    double n = (double)m->count;
    m->mean = shift + sum / n;
    m->m2 = squares - sum * sum / n;
    if (m->m2 < 0) m->m2 = 0;
}

INLINE uint64_t below(const float *values, size_t count, float threshold) {
    uint64_t total = 0;
    for (size_t i = 0; i < count;) {
        size_t end = count - i > 4096 ? i + 4096 : count;
        int32_t some = 0;
        for (; i < end; i++)
            some += fabsf(values[i]) < threshold;
        total += (uint32_t)some;
    }
    return total;
}

static float first_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) return values[i];
    return 0;
}

// `count` is a multiple of 8. Of nothing finite the extremes stay what they were: the shift stood in for all of it.
static void careful_eights(moments *m, const float *values, size_t count) {
    float shift = first_finite(values, count);
    sums s = {.min = (float8){} + INFINITY, .max = (float8){} - INFINITY};
    for (size_t i = 0; i < count; i += 8)
        step(&s, values + i, shift);
    moments part;
    moments_init(&part);
    add_up(&part, &s, shift, count);
    if (part.count == 0) {
        part.min = INFINITY;
        part.max = -INFINITY;
    }
    moments_merge(m, &part);
}

// Fewer than 8: NaN stand for the others, and are taken off again.
static void careful_tail(moments *m, const float *values, size_t count) {
    float block[8] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    memcpy(block, values, count * sizeof *values);
    careful_eights(m, block, 8);
    m->nonfinite -= 8 - count;
}

static void careful(moments *m, const float *values, size_t count) {
    while (count >= 8) {
        size_t block = count < CAREFUL_MAX ? count & ~(size_t)7 : CAREFUL_MAX;
        careful_eights(m, values, block);
        values += block;
        count -= block;
    }
    if (count) careful_tail(m, values, count);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma")))

// Sums of the blocks that went the quick way.
typedef struct quick {
    __m256d sum, squares;
    __m256 min, max;
    __m256i zeros;
    uint64_t count;
} quick;

typedef struct quick_block {
    __m256 sum[4], squares[4], min[2], max[2];
    __m256i zeros;
} quick_block;

AVX2 INLINE void quick_step(quick_block *b, int i, const float *at, __m256 shift) {
    __m256 x = _mm256_loadu_ps(at), d = _mm256_sub_ps(x, shift);
    __m256i zero = _mm256_castps_si256(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_EQ_OQ));
    b->zeros = _mm256_sub_epi32(b->zeros, zero);
    b->sum[i] = _mm256_add_ps(b->sum[i], d);
    b->squares[i] = _mm256_fmadd_ps(d, d, b->squares[i]);
    b->min[i & 1] = _mm256_min_ps(b->min[i & 1], x);
    b->max[i & 1] = _mm256_max_ps(b->max[i & 1], x);
}

AVX2 INLINE __m256d wide(__m256 v) {
    return _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
                         _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
}

AVX2 INLINE double across(__m256d v) {
    double at[4];
    _mm256_storeu_pd(at, v);
    return at[0] + at[1] + at[2] + at[3];
}

// False: this block is to be gone through carefully.
AVX2 INLINE bool quick_add(quick *q, const float *values, __m256 shift) {
    __m256 zero = _mm256_setzero_ps(), least = _mm256_set1_ps(INFINITY),
           most = _mm256_set1_ps(-INFINITY);
    quick_block b = {
        {zero, zero, zero, zero}, {zero, zero, zero, zero}, {least, least}, {most, most}, q->zeros};
    for (size_t i = 0; i < QUICK; i += 32) {
        quick_step(&b, 0, values + i, shift);
        quick_step(&b, 1, values + i + 8, shift);
        quick_step(&b, 2, values + i + 16, shift);
        quick_step(&b, 3, values + i + 24, shift);
    }
    __m256d squares = _mm256_add_pd(_mm256_add_pd(wide(b.squares[0]), wide(b.squares[1])),
                                    _mm256_add_pd(wide(b.squares[2]), wide(b.squares[3])));
    int small = _mm256_movemask_pd(_mm256_cmp_pd(squares, _mm256_set1_pd(QUICK_LEAST), _CMP_LT_OQ));
    int within = _mm256_movemask_pd(_mm256_cmp_pd(squares, _mm256_set1_pd(QUICK_MOST), _CMP_LE_OQ));
    if (small == 15 || within != 15) return false;
    __m256d low = _mm256_add_pd(wide(b.sum[0]), wide(b.sum[1]));
    q->sum =
        _mm256_add_pd(q->sum, _mm256_add_pd(low, _mm256_add_pd(wide(b.sum[2]), wide(b.sum[3]))));
    q->squares = _mm256_add_pd(q->squares, squares);
    q->min = _mm256_min_ps(q->min, _mm256_min_ps(b.min[0], b.min[1]));
    q->max = _mm256_max_ps(q->max, _mm256_max_ps(b.max[0], b.max[1]));
    q->zeros = b.zeros;
    q->count += QUICK;
    return true;
}

AVX2 static void quick_up(moments *m, const quick *q, float shift) {
    float low[8], high[8];
    uint32_t zeros[8];
    _mm256_storeu_ps(low, q->min);
    _mm256_storeu_ps(high, q->max);
    _mm256_storeu_si256((__m256i *)zeros, q->zeros);
    double sum = across(q->sum), squares = across(q->squares), n = (double)q->count;
    moments part = {.count = q->count,
                    .mean = shift + sum / n,
                    .m2 = squares - sum * sum / n,
                    .min = low[0],
                    .max = high[0]};
    if (part.m2 < 0) part.m2 = 0;
    for (int i = 0; i < 8; i++) {
        part.zeros += zeros[i];
        part.min = low[i] < part.min ? low[i] : part.min;
        part.max = high[i] > part.max ? high[i] : part.max;
    }
    moments_merge(m, &part);
}

// Whole blocks of up to CAREFUL_MAX elements; what does not go the quick way is added at once. The shift is a mean of the
// first block, so that m2 keeps its digits.
AVX2 static void quickly(moments *m, const float *values, size_t count) {
    moments first;
    moments_init(&first);
    careful(&first, values, count < 64 ? count : 64);
    float shift = (float)first.mean;
    quick q = {_mm256_setzero_pd(),       _mm256_setzero_pd(),    _mm256_set1_ps(INFINITY),
               _mm256_set1_ps(-INFINITY), _mm256_setzero_si256(), 0};
    for (size_t i = 0; i < count; i += QUICK)
        if (!quick_add(&q, values + i, _mm256_set1_ps(shift))) careful(m, values + i, QUICK);
    if (q.count) quick_up(m, &q, shift);
}

static size_t quick_part(moments *m, const float *values, size_t count) {
    if (count < QUICK || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
    size_t block = count < CAREFUL_MAX ? count & ~(size_t)(QUICK - 1) : CAREFUL_MAX;
    quickly(m, values, block);
    return block;
}

AVX2 static uint64_t below_avx2(const float *values, size_t count, float threshold) {
    return below(values, count, threshold);
}

static uint64_t count_below(const float *values, size_t count, float threshold) {
    return __builtin_cpu_supports("avx2") ? below_avx2(values, count, threshold)
                                          : below(values, count, threshold);
}
#else
static size_t quick_part(moments *m, const float *values, size_t count) {
    (void)m, (void)values, (void)count;
    return 0;
}
#define count_below below
#endif

void moments_init(moments *m) {
    *m = (moments){.min = INFINITY, .max = -INFINITY};
}

void moments_add(moments *m, const float *values, size_t count) {
    size_t done;
    while ((done = quick_part(m, values, count))) {
        values += done;
        count -= done;
    }
    careful(m, values, count);
}

// Around the first finite one, so that m2 keeps its digits.
void moments_add_doubles(moments *m, const double *values, size_t count) {
    moments part;
    double sum = 0, squares = 0, shift = 0;
    moments_init(&part);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        if (part.count++ == 0) shift = values[i];
        double d = values[i] - shift;
        float v = (float)values[i];
        sum += d;
        squares += d * d;
        part.zeros += values[i] == 0;
        part.min = v < part.min ? v : part.min;
        part.max = v > part.max ? v : part.max;
    }
    part.nonfinite = count - part.count;
    double n = part.count ? (double)part.count : 1;
    part.mean = shift + sum / n;
    part.m2 = fmax(0, squares - sum * sum / n);
    moments_merge(m, &part);
}

void moments_merge(moments *m, const moments *other) {
    m->zeros += other->zeros;
    m->nonfinite += other->nonfinite;
    if (other->count == 0) return;
    double a = (double)m->count, b = (double)other->count, distance = other->mean - m->mean;
    m->m2 += other->m2 + distance * distance * a * b / (a + b);
    m->mean += distance * b / (a + b);
    m->count += other->count;
    if (other->min < m->min) m->min = other->min;
    if (other->max > m->max) m->max = other->max;
}

double moments_norm(const moments *m) {
    return m->count ? sqrt(m->m2 + (double)m->count * m->mean * m->mean) : NAN;
}

double moments_deviation(const moments *m) {
    return m->count ? sqrt(m->m2 / (double)m->count) : NAN;
}

double moments_mean(const moments *m) {
    return m->count ? m->mean : NAN;
}

uint64_t moments_below(const float *values, size_t count, float threshold) {
    return count_below(values, count, threshold);
}

// Other types -----------------------------------------------------------------------------------

#define CONVERT(name, type, expression)                                                            \
    static void name(float *restrict out, const type *restrict in, size_t count) {                 \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (expression);                                                                 \
    }
CONVERT(from_f64, double, (float)in[i])
CONVERT(from_f16, uint16_t, half_to_float(in[i]))
CONVERT(from_bf16, uint16_t, float_of_bits((uint32_t)in[i] << 16))
CONVERT(from_u8, uint8_t, (float)in[i])
CONVERT(from_i8, int8_t, (float)in[i])
CONVERT(from_i32, int32_t, (float)in[i])
CONVERT(from_i64, int64_t, (float)in[i])
#undef CONVERT

#define DIFFERENCE(name, type)                                                                     \
    static void name(float *restrict out, const type *restrict now, const type *restrict before,   \
                     size_t count) {                                                               \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = (float)((double)now[i] - (double)before[i]);                                  \
    }
DIFFERENCE(difference_f64, double)
DIFFERENCE(difference_i32, int32_t)
DIFFERENCE(difference_i64, int64_t)
#undef DIFFERENCE

static void difference_f32(float *restrict out, const float *restrict now,
                           const float *restrict before, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = now[i] - before[i];
}

// Of what a float holds exactly, PIECE at a time.
static void difference_small(float *out, const void *now, const void *before, nns_dtype dtype,
                             uint32_t bytes, size_t count) {
    float a[PIECE], b[PIECE];
    for (size_t at = 0; at < count; at += PIECE) {
        size_t some = count - at < PIECE ? count - at : PIECE;
        moments_convert(a, (const uint8_t *)now + at * bytes, dtype, some);
        moments_convert(b, (const uint8_t *)before + at * bytes, dtype, some);
        difference_f32(out + at, a, b, some);
    }
}

void moments_convert(float *out, const void *in, nns_dtype dtype, size_t count) {
    switch (dtype) {
    case NNS_FLOAT32:
        if (count) memcpy(out, in, count * sizeof *out);
        break;
    case NNS_FLOAT64:
        from_f64(out, in, count);
        break;
    case NNS_FLOAT16:
        from_f16(out, in, count);
        break;
    case NNS_BFLOAT16:
        from_bf16(out, in, count);
        break;
    case NNS_UINT8:
        from_u8(out, in, count);
        break;
    case NNS_INT8:
        from_i8(out, in, count);
        break;
    case NNS_INT32:
        from_i32(out, in, count);
        break;
    case NNS_INT64:
        from_i64(out, in, count);
        break;
    }
}

void moments_difference(float *out, const void *now, const void *before, nns_dtype dtype,
                        size_t count) {
    switch (dtype) {
    case NNS_FLOAT32:
        difference_f32(out, now, before, count);
        break;
    case NNS_FLOAT64:
        difference_f64(out, now, before, count);
        break;
    case NNS_INT32:
        difference_i32(out, now, before, count);
        break;
    case NNS_INT64:
        difference_i64(out, now, before, count);
        break;
    default:
        difference_small(out, now, before, dtype,
                         dtype == NNS_FLOAT16 || dtype == NNS_BFLOAT16 ? 2 : 1, count);
    }
}
