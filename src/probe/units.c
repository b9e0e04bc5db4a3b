// Unit units.c observes the units of a layer, batch by batch.
//
// Place on the path: the digest worker, at the end of a set (digest.c); every array is plain and in the order (rows, units,
// places). NaN and infinities count as active and add nothing to means.
#include "units.h"

#include "base/error.h"
#include "base/mem.h"
#include "journal/capture.h"

#include <math.h>
#include <string.h>

#define SATURATED_WINDOW 1024.0
#define CLASS_WINDOW 8192.0
#define SATURATED_SHARE 0.95
#define NEAR_BOUND 0.99f
#define LANES 8
#define SMALLEST 0x1p-126f // whose inverse is finite

int units_init(units *u, uint32_t count, int bound) {
    *u = (units){.count = count, .bound = bound};
    float **arrays[] = {&u->mean_abs, &u->mean,      &u->active,
                        &u->gradient, &u->saturated, &u->scratch};
    u->last_active = mem_array(count, sizeof *u->last_active);
    bool whole = u->last_active != NULL;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        *arrays[i] = mem_array(count, sizeof **arrays[i]);
        if (!*arrays[i]) whole = false;
    }
    if (!whole) units_fini(u);
    for (uint32_t i = 0; i < u->count; i++)
        u->gradient[i] = NAN;
    return whole ? 0 : NNS_E_NO_MEMORY;
}

void units_fini(units *u) {
    mem_free(u->mean_abs);
    mem_free(u->mean);
    mem_free(u->active);
    mem_free(u->gradient);
    mem_free(u->last_active);
    mem_free(u->saturated);
    mem_free(u->class_sum);
    mem_free(u->scratch);
    *u = (units){0};
}

// One sample ---------------------------------------------------------------------------------------

typedef struct place_sums {
    float sum, sum_abs;
    uint32_t active, beyond;
} place_sums;

typedef struct lanes {
    float sum[LANES], sum_abs[LANES];
    uint32_t active[LANES];
} lanes;

static bool beyond(float v, int bound) {
    if (bound == BOUND_TANH) return fabsf(v) > NEAR_BOUND;
    if (bound == BOUND_SIGMOID) return v > NEAR_BOUND || v < 1 - NEAR_BOUND;
    return false;
}

// LANES sums beside each other, so that the compiler makes vectors of them; those beyond the last whole LANES go into the first.
static void add_place(lanes *l, uint32_t k, float v) {
    float w = fabsf(v) < INFINITY ? v : 0;
    l->sum[k] += w;
    l->sum_abs[k] += fabsf(w);
    l->active[k] += v != 0;
}

static place_sums over_places(const float *at, uint32_t places, int bound) {
    lanes l = {0};
    uint32_t whole = places - places % LANES;
    for (uint32_t i = 0; i < whole; i += LANES)
        for (uint32_t k = 0; k < LANES; k++)
            add_place(&l, k, at[i + k]);
    for (uint32_t i = whole; i < places; i++)
        add_place(&l, 0, at[i]);
    place_sums s = {0};
    for (uint32_t k = 0; k < LANES; k++) {
        s.sum += l.sum[k];
        s.sum_abs += l.sum_abs[k];
        s.active += l.active[k];
    }
    for (uint32_t i = 0; bound && i < places; i++)
        s.beyond += beyond(at[i], bound);
    return s;
}

// Adds one sample (count, places) to the sums of the batch; its unit means go to u->scratch.
static void add_sample(units *u, const units_batch *batch, const float *at, uint64_t number) {
    float share = 1 / (float)batch->places;
    for (uint32_t i = 0; i < u->count; i++) {
        place_sums s = over_places(at + (size_t)i * batch->places, batch->places, u->bound);
        u->scratch[i] = s.sum * share;
        u->mean[i] += s.sum * share;
        u->mean_abs[i] += s.sum_abs * share;
        u->active[i] += s.active != 0;
        if (!batch->fresh) continue;
        u->saturated[i] += (float)s.beyond * share;
        if (s.active) u->last_active[i] = number;
    }
}

// The same for units of one place: a loop without branches, the innermost of this file.
static void add_flat(units *restrict u, const float *restrict at, bool fresh, uint64_t number) {
    float *restrict mean = u->mean, *restrict size = u->mean_abs, *restrict active = u->active;
    for (uint32_t i = 0; i < u->count; i++) {
        float v = at[i], w = fabsf(v) < INFINITY ? v : 0;
        mean[i] += w;
        size[i] += fabsf(w);
        active[i] += v != 0 ? 1.0f : 0.0f;
    }
    if (!fresh) return;
    for (uint32_t i = 0; i < u->count; i++)
        u->last_active[i] = at[i] != 0 ? number : u->last_active[i];
    for (uint32_t i = 0; u->bound && i < u->count; i++)
        u->saturated[i] += beyond(at[i], u->bound) ? 1.0f : 0.0f;
}

// Classes --------------------------------------------------------------------------------------------

static void fade_classes(units *u, double keep) {
    for (uint32_t k = 0; k < u->classes; k++)
        u->class_seen[k] *= keep;
    for (size_t i = 0; i < (size_t)u->classes * u->count; i++)
        u->class_sum[i] *= (float)keep;
}

static bool has_classes(units *u) {
    if (u->class_sum) return true;
    if ((uint64_t)u->count * UNITS_CLASSES > UNITS_CLASS_CELLS) return false;
    u->class_sum = mem_array((size_t)u->count * UNITS_CLASSES, sizeof *u->class_sum);
    return u->class_sum != NULL;
}

static void add_class(units *u, float label, const float *values) {
    if (!(label >= 0 && label < UNITS_CLASSES)) return;
    uint32_t k = (uint32_t)label;
    if (k >= u->classes) u->classes = k + 1;
    u->class_seen[k]++;
    float *sum = u->class_sum + (size_t)k * u->count;
    for (uint32_t i = 0; i < u->count; i++)
        sum[i] += fabsf(values[i]) < INFINITY ? values[i] : 0;
}

// A batch --------------------------------------------------------------------------------------------

static double keep_of(uint32_t rows, double window) {
    return rows < window ? 1 - rows / window : 0;
}

static void fade(units *u, uint32_t rows) {
    double keep = keep_of(rows, SATURATED_WINDOW);
    u->seen = u->seen * keep + rows;
    for (uint32_t i = 0; i < u->count; i++)
        u->saturated[i] *= (float)keep;
    if (u->class_sum) fade_classes(u, keep_of(rows, CLASS_WINDOW));
}

static void divide(units *u, uint32_t rows) {
    float share = rows ? 1 / (float)rows : 0;
    for (uint32_t i = 0; i < u->count; i++) {
        u->mean[i] *= share;
        u->mean_abs[i] *= share;
        u->active[i] *= share;
    }
}

void units_observe(units *u, const units_batch *batch) {
    size_t sample = (size_t)u->count * batch->places;
    size_t bytes = u->count * sizeof(float);
    memset(u->mean, 0, bytes);
    memset(u->mean_abs, 0, bytes);
    memset(u->active, 0, bytes);
    if (batch->fresh) fade(u, batch->rows);
    bool classes = batch->fresh && batch->labels && has_classes(u);
    for (uint32_t row = 0; row < batch->rows; row++) {
        const float *at = batch->at + row * sample, *values = batch->places == 1 ? at : u->scratch;
        uint64_t number = u->observed + row + 1;
        if (batch->places == 1)
            add_flat(u, at, batch->fresh, number);
        else
            add_sample(u, batch, at, number);
        if (classes) add_class(u, batch->labels[row], values);
        if (batch->values) memcpy(batch->values + (size_t)row * u->count, values, bytes);
    }
    divide(u, batch->rows);
    if (batch->fresh) u->observed += batch->rows;
}

static float finite_or_zero(float v) {
    return fabsf(v) < INFINITY ? v : 0;
}

static float largest_of(const float *at, size_t count) {
    float most[LANES] = {0}, largest = 0;
    size_t whole = count - count % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            float v = fabsf(finite_or_zero(at[i + k]));
            most[k] = v > most[k] ? v : most[k];
        }
    for (size_t i = whole; i < count; i++)
        most[0] = fmaxf(most[0], fabsf(finite_or_zero(at[i])));
    for (size_t k = 0; k < LANES; k++)
        largest = fmaxf(largest, most[k]);
    return largest;
}

static float squares_of(const float *at, uint32_t places, float scale) {
    float squares[LANES] = {0}, sum = 0;
    uint32_t whole = places - places % LANES;
    for (uint32_t i = 0; i < whole; i += LANES)
        for (uint32_t k = 0; k < LANES; k++) {
            float v = finite_or_zero(at[i + k]) * scale;
            squares[k] += v * v;
        }
    for (uint32_t i = whole; i < places; i++) {
        float v = finite_or_zero(at[i]) * scale;
        squares[0] += v * v;
    }
    for (uint32_t k = 0; k < LANES; k++)
        sum += squares[k];
    return sum;
}

// The same for units of one place.
static void add_flat_squares(float *restrict sums, const float *restrict at, uint32_t count,
                             float scale) {
    for (uint32_t i = 0; i < count; i++) {
        float v = finite_or_zero(at[i]) * scale;
        sums[i] += v * v;
    }
}

// Squares of float32 leave its range: everything is taken relative to the largest.
void units_gradient(units *u, const float *at, uint32_t rows, uint32_t places) {
    size_t sample = (size_t)u->count * places;
    memset(u->gradient, 0, u->count * sizeof *u->gradient);
    float largest = largest_of(at, rows * sample);
    if (largest == 0) return;
    float scale = largest > SMALLEST ? 1 / largest : 1 / SMALLEST;
    for (uint32_t row = 0; row < rows; row++, at += sample)
        if (places == 1)
            add_flat_squares(u->gradient, at, u->count, scale);
        else
            for (uint32_t i = 0; i < u->count; i++)
                u->gradient[i] += squares_of(at + (size_t)i * places, places, scale);
    double samples = (double)rows * places;
    for (uint32_t i = 0; i < u->count; i++)
        u->gradient[i] = (float)(sqrt((double)u->gradient[i] / samples) / (double)scale);
}

// Marks ----------------------------------------------------------------------------------------------

bool units_dead(const units *u, uint32_t unit) {
    if (u->shown || u->observed < UNITS_YOUNG) return false;
    return u->observed - u->last_active[unit] >= UNITS_YOUNG;
}

bool units_saturated(const units *u, uint32_t unit) {
    return u->bound && u->observed >= UNITS_YOUNG &&
           (double)u->saturated[unit] >= SATURATED_SHARE * u->seen;
}

void units_marks(const units *u, uint8_t *marks) {
    for (uint32_t i = 0; i < u->count; i++)
        marks[i] = (uint8_t)((units_dead(u, i) ? MARK_DEAD : 0) |
                             (units_saturated(u, i) ? MARK_SATURATED : 0) |
                             (u->observed < UNITS_YOUNG ? MARK_YOUNG : 0));
}

static double share(const units *u, bool (*is)(const units *, uint32_t)) {
    uint32_t some = 0;
    for (uint32_t i = 0; i < u->count; i++)
        some += is(u, i);
    return u->count ? (double)some / u->count : NAN;
}

double units_share_dead(const units *u) {
    return share(u, units_dead);
}

double units_share_saturated(const units *u) {
    return share(u, units_saturated);
}

void units_class_means(const units *u, float *out) {
    for (uint32_t k = 0; k < u->classes; k++)
        for (uint32_t i = 0; i < u->count; i++) {
            size_t at = (size_t)k * u->count + i;
            out[at] = u->class_seen[k] > 0.5 ? (float)(u->class_sum[at] / u->class_seen[k]) : NAN;
        }
}

// Means may be of either sign: the largest |mean| is the best class.
static float selectivity(const units *u, uint32_t unit) {
    double best = 0, sum = 0;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < u->classes; k++) {
        if (!(u->class_seen[k] > 0.5)) continue;
        double mean = fabs((double)u->class_sum[(size_t)k * u->count + unit] / u->class_seen[k]);
        if (mean > best) best = mean;
        sum += mean;
        seen++;
    }
    if (seen < 2) return NAN;
    double others = (sum - best) / (seen - 1);
    return best + others > 0 ? (float)((best - others) / (best + others)) : 0;
}

void units_selectivity(const units *u, float *out) {
    for (uint32_t i = 0; i < u->count; i++)
        out[i] = selectivity(u, i);
}
