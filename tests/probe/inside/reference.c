// Unit reference.c tests what is said of each unit (mean |a|, mean, rms gradient before the nonlinearity, dead and saturated
// marks, means per class, selectivity) against a slow reference: every sample ever shown is kept, and each figure is made
// again from all of them, as units.h defines it, in long double.
#include "probe/units.h"

#include "journal/capture.h"
#include "support/check.h"
#include "support/temp.h"

#include <float.h>
#include <math.h>

enum { UNITS = 14, CLASSES = 6, BATCHES = 45, ROWS_MAX = 260, SAMPLES_MAX = 16000 };

// Units that do something of their own; the others are as the layer's activation makes them.
enum { SILENT, DIES, REVIVES, AT_BOUND, NEARLY, LEAVES, SOME_NAN, ALL_NAN, HUGE_ONES, SPECIFIC };

typedef float (*activation)(float z);

static float relu(float z) {
    return z > 0 ? z : 0;
}

static float sigmoid(float z) {
    return (float)(1 / (1 + exp((double)-z)));
}

static float
softmax_like(float z) { // a share of all: between 0 and 1, and without bounds that saturate
    return sigmoid(z) / UNITS;
}

typedef struct layer_case {
    activation of;
    int bound;
    uint32_t places;
} layer_case;

// Every sample ever shown: (samples, UNITS, places), its label, its batch.
typedef struct history {
    uint32_t count, batches, places;
    float *at;
    float label[SAMPLES_MAX];
    uint32_t batch[SAMPLES_MAX];
    uint32_t rows[BATCHES + 4];
} history;

static float normal(uint64_t *seed) {
    return (float)(sqrt(-2 * log(random_unit(seed) + 1e-300)) *
                   cos(6.283185307179586 * random_unit(seed)));
}

static float draw(uint64_t *seed, const layer_case *c, uint32_t unit, uint32_t batch, float label) {
    float most = c->of == sigmoid || c->of == tanhf ? 1 : 3, z = 2 * normal(seed);
    double luck = random_unit(seed);
    switch (unit) {
    case SILENT:
        return luck < 0.5 ? 0.0f : -0.0f;
    case DIES:
        return batch > 12 ? 0 : c->of(z);
    case REVIVES:
        return batch > 8 && batch != 30 ? 0 : c->of(z);
    case AT_BOUND:
        return luck < 0.97 ? most : c->of(0.1f);
    case NEARLY:
        return luck < 0.9 ? most : c->of(0.1f);
    case LEAVES:
        return batch < 20 ? most : c->of(0.1f);
    case SOME_NAN:
        return luck < 0.1 ? NAN : luck < 0.2 ? INFINITY : luck < 0.3 ? -INFINITY : c->of(z);
    case ALL_NAN:
        return luck < 0.5 ? NAN : INFINITY;
    case HUGE_ONES:
        return luck < 0.5 ? FLT_MAX : c->of(z);
    case SPECIFIC:
        return label == 2 ? most : 0;
    default:
        return c->of(z);
    }
}

// Whole classes of which one is rare, and what is none.
static float draw_label(uint64_t *seed, uint32_t batch) {
    static const float none[] = {NAN, -1, 0.5f, 64, 1e20f, INFINITY, -0.25f};
    double luck = random_unit(seed);
    if (luck < 0.1) return none[random_below(seed, sizeof none / sizeof none[0])];
    if (batch == 0) return CLASSES - 1; // seen long ago, once
    return (float)(uint32_t)random_below(seed, CLASSES - 2);
}

static const float *values_of(const history *h, uint32_t sample, uint32_t unit) {
    return h->at + ((size_t)sample * UNITS + unit) * h->places;
}

// What `window` leaves of a sample.
static long double weight_of(const history *h, uint32_t sample, long double window) {
    long double w = 1;
    for (uint32_t b = h->batch[sample] + 1; b < h->batches; b++)
        w *= h->rows[b] < window ? 1 - h->rows[b] / window : 0;
    return w;
}

static long double mean_over_places(const history *h, uint32_t sample, uint32_t unit) {
    const float *v = values_of(h, sample, unit);
    long double sum = 0;
    uint32_t finite = 0;
    for (uint32_t p = 0; p < h->places; p++)
        if (isfinite(v[p])) sum += v[p], finite++;
    return finite ? sum / finite : (long double)NAN;
}

static void near_to(float got, long double want, long double scale, const char *what,
                    uint32_t unit) {
    if (isnan(got) && isnan(want)) return;
    if (fabsl(got - want) <= 2e-7L * scale) return;
    print_error("%s of unit %u: %.9g instead of %.12Lg\n", what, unit, (double)got, want);
    fail();
}

// The last batch ------------------------------------------------------------------------------------

static void check_batch(const units *u, const history *h, uint32_t unit) {
    long double sum = 0, size = 0, finite = 0, active = 0;
    uint32_t rows = h->rows[h->batches - 1];
    for (uint32_t s = h->count - rows; s < h->count; s++) {
        const float *v = values_of(h, s, unit);
        bool some = false;
        for (uint32_t p = 0; p < h->places; p++) {
            some |= v[p] != 0; // NaN too
            if (!isfinite(v[p])) continue;
            sum += v[p];
            size += fabsl(v[p]);
            finite++;
        }
        active += some;
    }
    long double mean_size = size / finite;
    near_to(u->mean[unit], sum / finite, mean_size, "mean", unit);
    near_to(u->mean_abs[unit], mean_size, mean_size, "mean |a|", unit);
    near_to(u->active[unit], active / rows, 1, "share of samples", unit);
}

// Marks -------------------------------------------------------------------------------------------

static bool slow_dead(const history *h, uint32_t unit) {
    bool dead = h->count >= 1024;
    for (uint32_t s = h->count; dead && s > h->count - 1024; s--)
        for (uint32_t p = 0; p < h->places; p++)
            dead &= values_of(h, s - 1, unit)[p] == 0;
    return dead;
}

static bool at_bound(float v, int bound) {
    if (bound == BOUND_TANH) return v > 0.99f || v < -0.99f;
    return bound == BOUND_SIGMOID && (v > 0.99f || v < 0.01f);
}

// The share of observed samples that were beyond the bound.
static long double slow_saturated(const history *h, int bound, uint32_t unit) {
    long double some = 0, all = 0;
    for (uint32_t s = 0; s < h->count; s++) {
        long double w = weight_of(h, s, 1024);
        uint32_t beyond = 0;
        for (uint32_t p = 0; p < h->places; p++)
            beyond += at_bound(values_of(h, s, unit)[p], bound);
        some += w * beyond / h->places;
        all += w;
    }
    return some / all;
}

static void check_marks(const units *u, const history *h) {
    uint8_t marks[UNITS];
    uint32_t dead = 0, saturated = 0;
    units_marks(u, marks);
    for (uint32_t i = 0; i < UNITS; i++) {
        bool is_dead = slow_dead(h, i), old = h->count >= 1024;
        bool is_saturated = old && u->bound && slow_saturated(h, u->bound, i) >= 0.95L - 1e-12L;
        assert_int_equal(marks[i], (is_dead ? MARK_DEAD : 0) | (is_saturated ? MARK_SATURATED : 0) |
                                       (old ? 0 : MARK_YOUNG));
        dead += is_dead;
        saturated += is_saturated;
    }
    assert_true(units_share_dead(u) == (double)dead / UNITS);
    assert_true(units_share_saturated(u) == (double)saturated / UNITS);
}

// Classes -----------------------------------------------------------------------------------------

static bool is_class(float label, uint32_t k) {
    return label == (float)k;
}

typedef struct slow_class {
    long double mean, size;
} slow_class;

static slow_class slow_class_of(const history *h, uint32_t unit, uint32_t k) {
    long double sum = 0, size = 0, all = 0;
    for (uint32_t s = 0; s < h->count; s++) {
        long double mean = mean_over_places(h, s, unit), w = weight_of(h, s, 8192);
        if (!is_class(h->label[s], k) || isnan(mean)) continue;
        sum += w * mean;
        size += w * fabsl(mean);
        all += w;
    }
    if (all <= 0.5L) return (slow_class){(long double)NAN, 0};
    return (slow_class){sum / all, size / all};
}

static long double slow_selectivity(const slow_class *classes, uint32_t count) {
    long double best = 0, others = 0;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < count; k++)
        if (!isnan(classes[k].mean)) best = fmaxl(best, fabsl(classes[k].mean)), seen++;
    for (uint32_t k = 0; k < count; k++)
        if (!isnan(classes[k].mean)) others += fabsl(classes[k].mean);
    others = (others - best) / (seen - 1);
    return seen < 2 || best == 0 ? (long double)NAN : (best - others) / (best + others);
}

static void check_classes(const units *u, const history *h) {
    float means[UNITS_CLASSES * UNITS], selectivity[UNITS];
    assert_int_equal(u->classes, CLASSES);
    units_class_means(u, means);
    units_selectivity(u, selectivity);
    for (uint32_t i = 0; i < UNITS; i++) {
        slow_class slow[CLASSES];
        for (uint32_t k = 0; k < CLASSES; k++) {
            slow[k] = slow_class_of(h, i, k);
            near_to(means[k * UNITS + i], slow[k].mean, slow[k].size, "mean of a class", i);
        }
        near_to(selectivity[i], slow_selectivity(slow, CLASSES), 4, "selectivity", i);
    }
}

// A run of batches ------------------------------------------------------------------------------

static void add_batch(history *h, uint64_t *seed, const layer_case *c, uint32_t rows) {
    assert_true(h->count + rows <= SAMPLES_MAX);
    for (uint32_t s = h->count; s < h->count + rows; s++) {
        h->label[s] = draw_label(seed, h->batches);
        h->batch[s] = h->batches;
        for (uint32_t i = 0; i < UNITS; i++)
            for (uint32_t p = 0; p < c->places; p++)
                h->at[((size_t)s * UNITS + i) * c->places + p] =
                    draw(seed, c, i, h->batches, h->label[s]);
    }
    h->count += rows;
    h->rows[h->batches++] = rows;
}

static void observe_last(units *u, const history *h, bool fresh) {
    uint32_t rows = h->rows[h->batches - 1], first = h->count - rows;
    units_observe(u, &(units_batch){.at = values_of(h, first, 0),
                                    .rows = rows,
                                    .places = h->places,
                                    .labels = h->label + first,
                                    .fresh = fresh});
}

static void as_the_slow_one(const layer_case *c) {
    uint64_t seed = random_seed();
    history *h = calloc(1, sizeof *h);
    h->places = c->places;
    h->at = malloc((size_t)SAMPLES_MAX * UNITS * c->places * sizeof *h->at);
    units u;
    assert_int_equal(units_init(&u, UNITS, c->bound), 0);
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        bool large = batch == 38; // more than the window of saturation
        add_batch(h, &seed, c, large ? 1300 : 1 + (uint32_t)random_below(&seed, ROWS_MAX));
        observe_last(&u, h, true);
        for (uint32_t i = 0; i < UNITS; i++)
            check_batch(&u, h, i);
        check_marks(&u, h);
        if (batch % 11 == 0) observe_last(&u, h, false); // looked at again: nothing is counted
        if (batch % 9 == 0 || batch == BATCHES - 1) check_classes(&u, h);
    }
    assert_true(isnan(u.mean[ALL_NAN]) && isfinite(u.mean[SOME_NAN]));
    units_fini(&u);
    free(h->at);
    free(h);
}

static void relu_units(void **state) {
    (void)state;
    as_the_slow_one(&(layer_case){relu, BOUND_NONE, 1});
    as_the_slow_one(&(layer_case){relu, BOUND_NONE, 11});
}

static void tanh_units(void **state) {
    (void)state;
    as_the_slow_one(&(layer_case){tanhf, BOUND_TANH, 1});
    as_the_slow_one(&(layer_case){tanhf, BOUND_TANH, 3});
}

static void sigmoid_units(void **state) {
    (void)state;
    as_the_slow_one(&(layer_case){sigmoid, BOUND_SIGMOID, 1});
    as_the_slow_one(&(layer_case){sigmoid, BOUND_SIGMOID, 9});
}

static void softmax_units(void **state) {
    (void)state;
    as_the_slow_one(&(layer_case){softmax_like, BOUND_NONE, 1});
}

// Edges -------------------------------------------------------------------------------------------

// One unit of `places`: of each 20 samples (or places) `beyond` are at `v`. Batches are of 20 .. 200 samples.
static bool saturated_at(int bound, uint32_t places, uint32_t beyond, float v) {
    static const uint32_t rows[] = {20, 60, 140, 200, 40};
    float at[200 * 20];
    units u;
    assert_int_equal(units_init(&u, 1, bound), 0);
    for (uint32_t batch = 0; batch < 60; batch++) {
        uint32_t n = rows[batch % 5];
        for (uint32_t i = 0; i < n * places; i++)
            at[i] = i % 20 < beyond ? v : 0.5f;
        units_observe(&u, &(units_batch){.at = at, .rows = n, .places = places, .fresh = true});
    }
    bool is = units_saturated(&u, 0);
    units_fini(&u);
    return is;
}

static void saturated_exactly(void **state) {
    (void)state;
    for (uint32_t places = 1; places <= 20; places += 19) {
        assert_true(saturated_at(BOUND_TANH, places, 19, -1)); // 95 %
        assert_false(saturated_at(BOUND_TANH, places, 18, -1));
        assert_true(saturated_at(BOUND_SIGMOID, places, 19, 0));
    }
    assert_false(saturated_at(BOUND_TANH, 1, 20, 0.99f) || saturated_at(BOUND_TANH, 1, 20, -0.99f));
    assert_true(saturated_at(BOUND_TANH, 1, 20, nextafterf(0.99f, 1)));
    assert_true(saturated_at(BOUND_TANH, 1, 20, nextafterf(-0.99f, -1)));
    assert_false(saturated_at(BOUND_SIGMOID, 1, 20, 0.99f) ||
                 saturated_at(BOUND_SIGMOID, 1, 20, 0.01f));
    assert_true(saturated_at(BOUND_SIGMOID, 1, 20, nextafterf(0.99f, 1)));
    assert_true(saturated_at(BOUND_SIGMOID, 1, 20, nextafterf(0.01f, 0)));
    assert_false(saturated_at(BOUND_NONE, 1, 20, 1));
    assert_false(saturated_at(BOUND_TANH, 1, 20, NAN));
}

static void observe_rows(units *u, float v, float label, uint32_t rows) {
    float *at = malloc(rows * sizeof *at), *labels = malloc(rows * sizeof *labels);
    for (uint32_t i = 0; i < rows; i++)
        at[i] = v, labels[i] = label;
    units_observe(
        u, &(units_batch){.at = at, .rows = rows, .places = 1, .labels = labels, .fresh = true});
    free(at);
    free(labels);
}

// Exploded for a while, and then well again: what stays is the truth, and nothing is for ever.
static void classes_recover(void **state) {
    (void)state;
    float means[2], selectivity;
    units u;
    assert_int_equal(units_init(&u, 1, BOUND_NONE), 0);
    for (int i = 0; i < 40; i++)
        observe_rows(&u, i % 2 ? FLT_MAX : -FLT_MAX, (float)(i % 2), 100);
    units_class_means(&u, means);
    assert_true(means[0] == -FLT_MAX && means[1] == FLT_MAX);
    units_selectivity(&u, &selectivity);
    assert_true(fabsf(selectivity) < 1e-6f);
    observe_rows(&u, INFINITY, 0, 9000);
    units_class_means(&u, means);
    assert_true(isnan(means[0]) && isnan(means[1]));
    observe_rows(&u, 2, 0, 8192);
    observe_rows(&u, 3, 1, 10);
    units_class_means(&u, means);
    assert_true(means[0] == 2 && means[1] == 3);
    units_fini(&u);
}

// What was seen long ago is zero, not a denormal number.
static void faded_is_zero(void **state) {
    (void)state;
    units u;
    assert_int_equal(units_init(&u, 1, BOUND_TANH), 0);
    observe_rows(&u, 1, 1, 10);
    for (int i = 0; i < 600; i++)
        observe_rows(&u, 0.5f, 0, 512);
    assert_true(u.saturated[0] == 0 && u.class_sum[1] == 0 && u.class_seen[1] == 0);
    units_fini(&u);
}

static void check_gradients(uint64_t *seed, uint32_t rows, uint32_t places) {
    static const float size[] = {1, 1e-30f, 1e25f, 1e-44f, 1e-12f, FLT_MAX};
    enum { SIZES = sizeof size / sizeof size[0], ALL = SIZES + 2 };
    float *at = malloc((size_t)rows * ALL * places * sizeof *at);
    long double squares[ALL] = {0}, finite[ALL] = {0};
    for (size_t i = 0; i < (size_t)rows * ALL * places; i++) {
        size_t unit = i / places % ALL;
        float v = (float)(random_unit(seed) * 2 - 1);
        at[i] = unit < SIZES          ? v * size[unit]
                : unit == SIZES       ? NAN
                : v > 0.5f            ? INFINITY
                : v > 0 || places > 1 ? v
                                      : 0;
        if (!isfinite(at[i])) continue;
        squares[unit] += (long double)at[i] * at[i];
        finite[unit]++;
    }
    units u;
    assert_int_equal(units_init(&u, ALL, BOUND_NONE), 0);
    assert_true(isnan(u.gradient[0])); // nothing was seen yet
    units_gradient(&u, at, rows, places);
    for (uint32_t i = 0; i < ALL; i++) {
        long double want = finite[i] ? sqrtl(squares[i] / finite[i]) : (long double)NAN;
        near_to(u.gradient[i], want, want + 0x1p-125L, "rms gradient", i);
    }
    units_fini(&u);
    free(at);
}

static void gradients(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    for (uint32_t rows = 1; rows < 400; rows += 1 + (uint32_t)random_below(&seed, 60))
        for (uint32_t places = 1; places < 30; places += 7)
            check_gradients(&seed, rows, places);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_units),        cmocka_unit_test(tanh_units),
        cmocka_unit_test(sigmoid_units),     cmocka_unit_test(softmax_units),
        cmocka_unit_test(saturated_exactly), cmocka_unit_test(classes_recover),
        cmocka_unit_test(faded_is_zero),     cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
