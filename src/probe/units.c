// Unit units.c observes the units of a layer, batch by batch.
//
// Place on the path: the digest worker, at the end of a set (digest.c); every array is plain and in the order (rows, units,
// places).
//
// Invariants: what is not finite counts as active, adds nothing to any sum and is counted in `missed`; so no sum is ever
// infinite, whatever the network does. What has faded away becomes zero, and never a denormal that makes each batch slow.
#include "units.h"

#include "base/error.h"
#include "base/mem.h"
#include "journal/capture.h"
#include "samples.h"

#include <math.h>
#include <string.h>

#define SATURATED_WINDOW 1024.0
#define CLASS_WINDOW 8192.0
#define SATURATED_SHARE 0.95
#define NEAR_BOUND 0.99f // of float32, as the activations are
#define NEAR_ZERO 0.01f
#define ROUNDING 1e-9 // that faded sums may be off: a share that is exactly SATURATED_SHARE is one
#define FADED 1e-12   // samples
#define LANES 8

static bool make_arrays(units *u) {
    float **floats[] = {&u->mean_abs, &u->mean, &u->active, &u->gradient, &u->value};
    double **doubles[] = {&u->saturated, &u->sum, &u->sum_abs, &u->missed};
    u->last_active = mem_array(u->count, sizeof *u->last_active);
    u->latest = mem_array(u->count, sizeof *u->latest);
    bool whole = u->last_active && u->latest;
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++)
        whole &= (*floats[i] = mem_array(u->count, sizeof **floats[i])) != NULL;
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        whole &= (*doubles[i] = mem_array(u->count, sizeof **doubles[i])) != NULL;
    return whole;
}

int units_init(units *u, uint32_t count, int bound) {
    *u = (units){.count = count, .bound = bound};
    if (!make_arrays(u)) {
        units_fini(u);
        return NNS_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < u->count; i++)
        u->gradient[i] = NAN;
    return 0;
}

void units_fini(units *u) {
    void *arrays[] = {u->mean_abs,  u->mean,      u->active,       u->gradient, u->last_active,
                      u->saturated, u->class_sum, u->class_missed, u->sum,      u->sum_abs,
                      u->missed,    u->latest,    u->value};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    *u = (units){0};
}

static bool is_finite(float v) {
    return fabsf(v) < INFINITY;
}

static float finite_or_zero(float v) {
    return is_finite(v) ? v : 0;
}

// One sample ---------------------------------------------------------------------------------------

typedef struct place_sums {
    double sum, sum_abs;
    uint32_t active, missed, beyond;
} place_sums;

typedef struct lanes {
    double sum[LANES], sum_abs[LANES];
    uint32_t active[LANES], missed[LANES];
} lanes;

static bool beyond(float v, int bound) {
    if (bound == BOUND_TANH) return fabsf(v) > NEAR_BOUND;
    if (bound == BOUND_SIGMOID) return v > NEAR_BOUND || v < NEAR_ZERO;
    return false;
}

// LANES sums beside each other, so that the compiler makes vectors of them; those beyond the last whole LANES go into the first.
static void add_place(lanes *l, uint32_t k, float v) {
    double w = (double)finite_or_zero(v);
    l->sum[k] += w;
    l->sum_abs[k] += fabs(w);
    l->active[k] += v != 0;
    l->missed[k] += !is_finite(v);
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
        s.missed += l.missed[k];
    }
    for (uint32_t i = 0; bound && i < places; i++)
        s.beyond += beyond(at[i], bound);
    return s;
}

// Adds one sample (count, places) to the sums of the batch; its unit means go to u->value. Returns how many are not finite.
static uint32_t add_sample(units *u, const units_batch *batch, const float *at, uint32_t row) {
    uint32_t places = batch->places, missed = 0;
    for (uint32_t i = 0; i < u->count; i++) {
        place_sums s = over_places(at + (size_t)i * places, places, u->bound);
        u->value[i] = s.missed < places ? (float)(s.sum / (places - s.missed)) : NAN;
        missed += s.missed == places;
        u->sum[i] += s.sum;
        u->sum_abs[i] += s.sum_abs;
        u->missed[i] += s.missed;
        u->active[i] += s.active != 0;
        if (s.active) u->latest[i] = row + 1;
        if (batch->fresh) u->saturated[i] += (double)s.beyond / places;
    }
    return missed;
}

static void count_missed(double *restrict missed, const float *restrict values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        missed[i] += is_finite(values[i]) ? 0.0 : 1.0;
}

// The same for units of one place: loops without branches, the innermost of this file.
static uint32_t add_flat(units *restrict u, const float *restrict at, bool fresh, uint32_t row) {
    double *restrict sum = u->sum, *restrict size = u->sum_abs;
    float *restrict active = u->active;
    uint32_t *restrict latest = u->latest, missed = 0;
    for (uint32_t i = 0; i < u->count; i++) {
        double w = (double)finite_or_zero(at[i]);
        sum[i] += w;
        size[i] += fabs(w);
        active[i] += at[i] != 0 ? 1.0f : 0.0f;
        latest[i] = at[i] != 0 ? row + 1 : latest[i];
        missed += !is_finite(at[i]);
    }
    if (missed) count_missed(u->missed, at, u->count);
    for (uint32_t i = 0; fresh && u->bound && i < u->count; i++)
        u->saturated[i] += beyond(at[i], u->bound) ? 1.0 : 0.0;
    return missed;
}

// Classes --------------------------------------------------------------------------------------------

static void scale(double *at, size_t count, double by) {
    for (size_t i = 0; i < count; i++)
        at[i] *= by;
}

static void fade_class(units *u, uint32_t k, double keep) {
    size_t at = (size_t)k * u->count;
    u->class_seen[k] *= keep;
    if (u->class_seen[k] < FADED) u->class_seen[k] = keep = 0;
    scale(u->class_sum + at, u->count, keep);
    if (u->class_missed) scale(u->class_missed + at, u->count, keep);
}

static double *class_cells(const units *u) {
    if ((uint64_t)u->count * UNITS_CLASSES > UNITS_CLASS_CELLS) return NULL;
    return mem_array((size_t)u->count * UNITS_CLASSES, sizeof(double));
}

static bool has_classes(units *u) {
    if (!u->class_sum) u->class_sum = class_cells(u);
    return u->class_sum != NULL;
}

static void miss_class(units *u, uint32_t k, const float *values) {
    if (!u->class_missed) u->class_missed = class_cells(u);
    if (u->class_missed) count_missed(u->class_missed + (size_t)k * u->count, values, u->count);
}

// `missed` of the values are not finite.
static void add_class(units *u, float label, const float *values, uint32_t missed) {
    int32_t k = samples_class_of(label, UNITS_CLASSES);
    if (k < 0) return;
    if ((uint32_t)k >= u->classes) u->classes = (uint32_t)k + 1;
    u->class_seen[k]++;
    double *restrict sum = u->class_sum + (size_t)k * u->count;
    for (uint32_t i = 0; i < u->count; i++)
        sum[i] += (double)finite_or_zero(values[i]);
    if (missed) miss_class(u, (uint32_t)k, values);
}

// A batch --------------------------------------------------------------------------------------------

static double keep_of(uint32_t rows, double window) {
    return rows < window ? 1 - rows / window : 0;
}

static void fade(units *u, uint32_t rows) {
    double keep = keep_of(rows, SATURATED_WINDOW);
    u->seen = u->seen * keep + rows;
    for (uint32_t i = 0; u->bound && i < u->count; i++)
        u->saturated[i] = u->saturated[i] < FADED ? 0 : u->saturated[i] * keep;
    for (uint32_t k = 0; k < u->classes; k++)
        fade_class(u, k, keep_of(rows, CLASS_WINDOW));
}

static void clear(units *u) {
    memset(u->sum, 0, u->count * sizeof *u->sum);
    memset(u->sum_abs, 0, u->count * sizeof *u->sum_abs);
    memset(u->missed, 0, u->count * sizeof *u->missed);
}

// A number of no rows is zero, one of nothing finite NaN.
static float over_finite(const units *u, uint32_t unit, double sum, double all) {
    double finite = all - u->missed[unit];
    if (finite > 0) return (float)(sum / finite);
    return all > 0 ? NAN : 0;
}

static void divide(units *u, uint32_t rows, uint32_t places) {
    double all = (double)rows * places;
    for (uint32_t i = 0; i < u->count; i++) {
        u->mean[i] = over_finite(u, i, u->sum[i], all);
        u->mean_abs[i] = over_finite(u, i, u->sum_abs[i], all);
        u->active[i] = rows ? u->active[i] / (float)rows : 0;
    }
}

static void count_samples(units *u, uint32_t rows) {
    for (uint32_t i = 0; i < u->count; i++)
        if (u->latest[i]) u->last_active[i] = u->observed + u->latest[i];
    u->observed += rows;
}

void units_observe(units *u, const units_batch *batch) {
    size_t sample = (size_t)u->count * batch->places;
    clear(u);
    memset(u->active, 0, u->count * sizeof *u->active);
    memset(u->latest, 0, u->count * sizeof *u->latest);
    if (batch->fresh) fade(u, batch->rows);
    bool classes = batch->fresh && batch->labels && has_classes(u);
    for (uint32_t row = 0; row < batch->rows; row++) {
        const float *at = batch->at + row * sample, *values = batch->places == 1 ? at : u->value;
        uint32_t missed =
            batch->places == 1 ? add_flat(u, at, batch->fresh, row) : add_sample(u, batch, at, row);
        if (classes) add_class(u, batch->labels[row], values, missed);
        if (batch->values)
            memcpy(batch->values + (size_t)row * u->count, values, u->count * sizeof *values);
    }
    divide(u, batch->rows, batch->places);
    if (batch->fresh) count_samples(u, batch->rows);
}

// Gradients ------------------------------------------------------------------------------------------

static void add_squares(units *u, uint32_t unit, const float *at, uint32_t places) {
    double squares[LANES] = {0};
    uint32_t missed[LANES] = {0}, whole = places - places % LANES;
    for (uint32_t i = 0; i < whole; i += LANES)
        for (uint32_t k = 0; k < LANES; k++) {
            double v = (double)finite_or_zero(at[i + k]);
            squares[k] += v * v;
            missed[k] += !is_finite(at[i + k]);
        }
    for (uint32_t i = whole; i < places; i++) {
        double v = (double)finite_or_zero(at[i]);
        squares[0] += v * v;
        missed[0] += !is_finite(at[i]);
    }
    for (uint32_t k = 0; k < LANES; k++) {
        u->sum[unit] += squares[k];
        u->missed[unit] += missed[k];
    }
}

// The same for units of one place.
static void add_flat_squares(units *restrict u, const float *restrict at) {
    double *restrict sum = u->sum, *restrict missed = u->missed;
    for (uint32_t i = 0; i < u->count; i++) {
        double v = (double)finite_or_zero(at[i]);
        sum[i] += v * v;
        missed[i] += is_finite(at[i]) ? 0.0 : 1.0;
    }
}

// Squares of any float32 are well inside the range of a double.
void units_gradient(units *u, const float *at, uint32_t rows, uint32_t places) {
    clear(u);
    for (uint32_t row = 0; row < rows; row++, at += (size_t)u->count * places)
        if (places == 1)
            add_flat_squares(u, at);
        else
            for (uint32_t i = 0; i < u->count; i++)
                add_squares(u, i, at + (size_t)i * places, places);
    double all = (double)rows * places;
    for (uint32_t i = 0; i < u->count; i++) {
        double finite = all - u->missed[i];
        u->gradient[i] = finite > 0 ? (float)sqrt(u->sum[i] / finite) : all > 0 ? NAN : 0;
    }
}

// Marks ----------------------------------------------------------------------------------------------

bool units_dead(const units *u, uint32_t unit) {
    if (u->shown || u->observed < UNITS_YOUNG) return false;
    return u->observed - u->last_active[unit] >= UNITS_YOUNG;
}

bool units_saturated(const units *u, uint32_t unit) {
    return u->bound && u->observed >= UNITS_YOUNG &&
           u->saturated[unit] >= (SATURATED_SHARE - ROUNDING) * u->seen;
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

static double class_mean(const units *u, uint32_t k, uint32_t unit) {
    size_t at = (size_t)k * u->count + unit;
    double finite = u->class_seen[k] - (u->class_missed ? u->class_missed[at] : 0);
    return finite > 0.5 ? u->class_sum[at] / finite : (double)NAN;
}

void units_class_means(const units *u, float *out) {
    for (uint32_t k = 0; k < u->classes; k++)
        for (uint32_t i = 0; i < u->count; i++)
            out[(size_t)k * u->count + i] = (float)class_mean(u, k, i);
}

// Means may be of either sign: the largest |mean| is the best class.
static float selectivity(const units *u, uint32_t unit) {
    double best = 0, sum = 0;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < u->classes; k++) {
        double mean = fabs(class_mean(u, k, unit));
        if (isnan(mean)) continue;
        if (mean > best) best = mean;
        sum += mean;
        seen++;
    }
    if (seen < 2 || sum == 0) return NAN;
    double others = (sum - best) / (seen - 1);
    return (float)((best - others) / (best + others));
}

void units_selectivity(const units *u, float *out) {
    for (uint32_t i = 0; i < u->count; i++)
        out[i] = selectivity(u, i);
}
