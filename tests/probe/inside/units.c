// Unit units.c tests what is said of units and samples, against every sample kept and counted plainly: random batches of a
// fully connected and of a convolutional layer, with units that die, revive and saturate.
#include "probe/samples.h"
#include "probe/units.h"

#include "journal/capture.h"
#include "support/check.h"
#include "support/temp.h"

#include <math.h>

enum { UNITS = 12, CLASSES = 5, ROWS_MAX = 70, BATCHES = 60 };

// All samples ever shown, as means over places and marks over places.
typedef struct history {
    uint32_t count;
    float mean[BATCHES * ROWS_MAX][UNITS];
    bool active[BATCHES * ROWS_MAX][UNITS];
    int label[BATCHES * ROWS_MAX];
} history;

static float draw(uint64_t *seed, uint32_t unit, uint32_t batch) {
    float v = (float)random_unit(seed) * 2 - 1;
    if (unit == 6 && random_unit(seed) < 0.8) return 0; // seldom, at few places
    if (unit == 0) return 0;
    if (unit == 1 && batch > 20) return 0;                                    // dies
    if (unit == 2 && batch > 10 && batch != 50) return 0;                     // revives once
    if (unit == 3) return random_unit(seed) < 0.99 ? (v > 0 ? 1 : -1) : 0.1f; // saturated
    if (unit == 4) return random_unit(seed) < 0.9 ? 1 : 0.1f;                 // not quite
    if (unit == 5) return random_unit(seed) < 0.01 ? NAN : v;
    return v * 0.9f;
}

static void check_batch(const units *u, const float *at, uint32_t rows, uint32_t places) {
    for (uint32_t i = 0; i < UNITS; i++) {
        double sum = 0, size = 0, finite = 0, active = 0;
        for (uint32_t row = 0; row < rows; row++) {
            bool some = false;
            for (uint32_t p = 0; p < places; p++) {
                float v = at[((size_t)row * UNITS + i) * places + p];
                sum += isfinite(v) ? (double)v : 0;
                size += isfinite(v) ? fabs((double)v) : 0;
                finite += isfinite(v) ? 1 : 0;
                some |= v != 0;
            }
            active += some;
        }
        assert_true(fabs((double)u->mean[i] - sum / finite) < 1e-6);
        assert_true(fabs((double)u->mean_abs[i] - size / finite) < 1e-6);
        assert_true(fabs((double)u->active[i] - active / rows) < 1e-6);
    }
}

static void add_history(history *h, const float *at, const float *labels, uint32_t rows,
                        uint32_t places) {
    for (uint32_t row = 0; row < rows; row++, h->count++) {
        h->label[h->count] = (int)labels[row];
        for (uint32_t i = 0; i < UNITS; i++)
            for (uint32_t p = 0; p < places; p++) {
                float v = at[((size_t)row * UNITS + i) * places + p];
                h->mean[h->count][i] += isfinite(v) ? v / (float)places : 0;
                h->active[h->count][i] |= v != 0;
            }
    }
}

static void check_dead(const units *u, const history *h) {
    for (uint32_t i = 0; i < UNITS; i++) {
        bool dead = h->count >= 1024;
        for (uint32_t s = h->count; dead && s > h->count - 1024; s--)
            dead = !h->active[s - 1][i];
        assert_int_equal(units_dead(u, i), dead);
    }
}

static void run(uint32_t places) {
    uint64_t seed = random_seed();
    history *h = calloc(1, sizeof *h);
    float *at = malloc(ROWS_MAX * UNITS * places * sizeof *at), labels[ROWS_MAX],
          values[ROWS_MAX][UNITS];
    units u;
    assert_int_equal(units_init(&u, UNITS, BOUND_TANH), 0);
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        uint32_t rows = 20 + (uint32_t)random_below(&seed, ROWS_MAX - 20);
        for (size_t i = 0; i < (size_t)rows * UNITS * places; i++)
            at[i] = draw(&seed, (uint32_t)(i / places % UNITS), batch);
        for (uint32_t i = 0; i < rows; i++)
            labels[i] = (float)(uint32_t)random_below(&seed, CLASSES);
        units_observe(&u, &(units_batch){at, rows, places, labels, values[0], true});
        check_batch(&u, at, rows, places);
        add_history(h, at, labels, rows, places);
        for (uint32_t row = 0; row < rows; row++)
            for (uint32_t i = 0; i < UNITS; i++)
                if (i != 5)
                    assert_true(fabsf(values[row][i] - h->mean[h->count - rows + row][i]) < 1e-5f);
        check_dead(&u, h);
        units_observe(&u, &(units_batch){at, rows, places, labels, NULL,
                                         false}); // looked at again: nothing is counted
        assert_int_equal(u.observed, h->count);
    }
    assert_true(units_saturated(&u, 3));
    assert_false(units_saturated(&u, 4) || units_saturated(&u, 6));
    assert_true(units_dead(&u, 0) && units_dead(&u, 1) && !units_dead(&u, 2));
    assert_true(fabs(units_share_dead(&u) - 2.0 / UNITS) < 1e-9);
    uint8_t marks[UNITS];
    units_marks(&u, marks);
    assert_int_equal(marks[0], MARK_DEAD);
    assert_int_equal(marks[3], MARK_SATURATED);
    units_fini(&u);
    free(h);
    free(at);
}

static void dense_as_counted(void **state) {
    (void)state;
    run(1);
}

static void maps_as_counted(void **state) {
    (void)state;
    run(6);
}

static void classes_and_selectivity(void **state) {
    (void)state;
    units u;
    float at[40][2], labels[40], means[2 * 2], selectivity[2];
    assert_int_equal(units_init(&u, 2, BOUND_NONE), 0);
    for (int i = 0; i < 40; i++) {
        labels[i] = (float)(i % 2);
        at[i][0] = i % 2 ? 3 : 0; // of class 1 alone
        at[i][1] = i % 2 ? 3 : 1; // of both
    }
    units_observe(&u, &(units_batch){at[0], 40, 1, labels, NULL, true});
    units_class_means(&u, means);
    units_selectivity(&u, selectivity);
    assert_int_equal(u.classes, 2);
    assert_true(means[0] == 0 && means[1] == 1 && means[2] == 3 && means[3] == 3);
    assert_true(selectivity[0] == 1 && fabsf(selectivity[1] - 0.5f) < 1e-6f);
    uint8_t marks[2];
    units_marks(&u, marks);
    assert_int_equal(marks[0], MARK_YOUNG);
    units_fini(&u);
}

static void gradients(void **state) {
    (void)state;
    units u;
    float at[3][2][2] = {{{3, 4}, {1e-30f, 0}}, {{0, 0}, {0, 2e-30f}}, {{NAN, 0}, {0, 0}}};
    assert_int_equal(units_init(&u, 2, BOUND_NONE), 0);
    units_gradient(&u, at[0][0], 3, 2);
    assert_true(fabs((double)u.gradient[0] - sqrt(25.0 / 5)) < 1e-6);
    float tiny[2] = {1e-30f, 2e-30f};
    units_gradient(&u, tiny, 1, 1);
    assert_true(fabsf(u.gradient[0] / 1e-30f - 1) < 1e-5f &&
                fabsf(u.gradient[1] / 2e-30f - 1) < 1e-5f);
    units_fini(&u);
}

// Samples ------------------------------------------------------------------------------------------

static void extremes_of_the_ring(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    samples s;
    assert_int_equal(samples_init(&s), 0);
    float inputs[100][4], labels[100], predictions[100][3], losses[100], values[100][2];
    float all_losses[1000], all_values[1000];
    uint32_t counts[9] = {0}, expected[9] = {0}, taken = 0;
    for (int batch = 0; batch < 10; batch++) {
        for (uint32_t i = 0; i < 100; i++, taken++) {
            for (uint32_t k = 0; k < 4; k++)
                inputs[i][k] = (float)(taken % 256) / 255;
            labels[i] = (float)(uint32_t)random_below(&seed, 3);
            for (uint32_t k = 0; k < 3; k++)
                predictions[i][k] = (float)random_unit(&seed);
            losses[i] = all_losses[taken] = (float)random_unit(&seed);
            values[i][1] = all_values[taken] = (float)random_unit(&seed);
            uint32_t best = predictions[i][1] > predictions[i][0] ? 1 : 0;
            if (predictions[i][2] > predictions[i][best]) best = 2;
            expected[(uint32_t)labels[i] * 3 + best]++;
        }
        uint64_t first = samples_take(
            &s, &(samples_batch){100, inputs[0], 4, labels, predictions[0], losses, 3, false});
        assert_int_equal(first, taken - 99);
        samples_units(&s, 2, values[0], 100, 2, first);
    }
    assert_true(samples_confusion(&s, counts));
    assert_memory_equal(counts, expected, sizeof counts);

    uint32_t slots[12], best_at = 0, strong_at = 0;
    float strengths[9];
    assert_int_equal(samples_by_loss(&s, true, 12, slots), 12);
    for (uint32_t i = taken - SAMPLES_RING; i < taken; i++)
        if (all_losses[i] > all_losses[best_at] || best_at == 0) best_at = i;
    assert_true(s.outcomes[slots[0]].loss == all_losses[best_at]);
    assert_int_equal(samples_input(&s, slots[0])[3], best_at % 256);
    for (int i = 1; i < 12; i++)
        assert_true(s.outcomes[slots[i - 1]].loss >= s.outcomes[slots[i]].loss);
    assert_int_equal(samples_of_unit(&s, 2, 1, 9, slots, strengths), 9);
    for (uint32_t i = taken - SAMPLES_RING; i < taken; i++)
        if (all_values[i] > all_values[strong_at] || strong_at == 0) strong_at = i;
    assert_true(strengths[0] == all_values[strong_at]);
    assert_int_equal(samples_input(&s, slots[0])[0], strong_at % 256);
    assert_int_equal(samples_of_unit(&s, 1, 0, 9, slots, strengths), 0);
    samples_fini(&s);
}

// What is no whole number of a class is the truth of none.
static void labels_without_a_class(void **state) {
    (void)state;
    samples s;
    float labels[] = {0.5f, NAN, -1, 256, INFINITY, 1, 0.99999f}, predictions[7][2] = {0};
    uint32_t counts[4];
    assert_int_equal(samples_init(&s), 0);
    samples_take(&s, &(samples_batch){
                         .rows = 7, .labels = labels, .predictions = predictions[0], .classes = 2});
    assert_true(samples_confusion(&s, counts));
    assert_memory_equal(counts, ((uint32_t[]){0, 0, 1, 0}), sizeof counts);
    samples_fini(&s);
}

static double slow_r(const float *values, uint32_t a, uint32_t b, uint32_t n, uint32_t width) {
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (uint32_t i = 0; i < n; i++) {
        x += (double)values[i * width + a] / n;
        y += (double)values[i * width + b] / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        double p = (double)values[i * width + a] - x, q = (double)values[i * width + b] - y;
        xx += p * p;
        yy += q * q;
        xy += p * q;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void correlated_units(void **state) {
    (void)state;
    enum { N = 300, WIDTH = 20 };
    uint64_t seed = random_seed();
    float *values = malloc(N * WIDTH * sizeof *values);
    for (uint32_t i = 0; i < N; i++) {
        float common = (float)random_unit(&seed);
        for (uint32_t k = 0; k < WIDTH; k++)
            values[i * WIDTH + k] =
                k == 0  ? 5
                : k < 8 ? common * (k % 2 ? 1 : -2) + (float)random_unit(&seed) * (float)k * 0.1f
                        : (float)random_unit(&seed);
    }
    samples s;
    assert_int_equal(samples_init(&s), 0);
    uint64_t first = samples_take(&s, &(samples_batch){.rows = 31});
    samples_units(&s, 0, values, 31, WIDTH, first);
    unit_pair pairs[100];
    assert_int_equal(samples_correlation(&s, 0, 0.8f, 100, pairs), -1); // too few samples
    samples_fini(&s);
    assert_int_equal(samples_init(&s), 0);
    first = samples_take(&s, &(samples_batch){.rows = N});
    samples_units(&s, 0, values, N, WIDTH, first);
    int64_t count = samples_correlation(&s, 0, 0.8f, 100, pairs), expected = 0;
    for (uint32_t a = 0; a < WIDTH; a++)
        for (uint32_t b = a + 1; b < WIDTH; b++)
            expected += fabs(slow_r(values, a, b, N, WIDTH)) >= 0.8;
    assert_int_equal(count, expected);
    assert_true(count > 3);
    for (int64_t i = 0; i < count; i++) {
        assert_true(fabs((double)pairs[i].r - slow_r(values, pairs[i].a, pairs[i].b, N, WIDTH)) <
                    1e-4);
        if (i) assert_true(fabsf(pairs[i - 1].r) >= fabsf(pairs[i].r));
    }
    assert_int_equal(samples_correlation(&s, 0, 0.8f, 2, pairs), 2);
    assert_int_equal(samples_correlation(&s, 1, 0.8f, 2, pairs), -1); // not kept: nothing is said
    samples_fini(&s);
    free(values);
}

// Inputs too large to be kept: what else is known of the samples stays from batch to batch.
static void inputs_too_large(void **state) {
    (void)state;
    samples s;
    float input = 0, value = 0;
    assert_int_equal(samples_init(&s), 0);
    for (uint64_t batch = 0; batch < 3; batch++) {
        uint64_t first = samples_take(
            &s, &(samples_batch){.rows = 1, .inputs = &input, .input_elements = SAMPLES_BYTES + 1});
        assert_int_equal(first, batch + 1);
        value = (float)batch;
        samples_units(&s, 0, &value, 1, 1, first);
    }
    assert_null(s.inputs);
    for (uint32_t slot = 0; slot < 3; slot++)
        assert_true(s.layers[0].values[slot] == (float)slot);
    samples_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_as_counted),
        cmocka_unit_test(maps_as_counted),
        cmocka_unit_test(gradients),
        cmocka_unit_test(classes_and_selectivity),
        cmocka_unit_test(extremes_of_the_ring),
        cmocka_unit_test(inputs_too_large),
        cmocka_unit_test(labels_without_a_class),
        cmocka_unit_test(correlated_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
