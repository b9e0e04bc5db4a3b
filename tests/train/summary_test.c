// Sums of many numbers against plain ones, for all lengths up to a few blocks, with NaN and infinities between.
#include "train/random.h"
#include "train/summary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define MOST 2600

static float x[MOST];

static void check_norm(size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    assert_true(fabs(summary_norm(x, n) - sqrt(sum)) <= 1e-6 * sqrt(sum));
}

static void check_bins(size_t n) {
    summary_histogram h;
    float low = INFINITY, high = -INFINITY;
    double finite = 0, sum = 0, away = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        low = fminf(low, x[i]), high = fmaxf(high, x[i]);
        finite++;
    }
    bool wanted = low < high;
    assert_int_equal(summary_bins(x, n, &h), wanted);
    if (!wanted) return;
    assert_true(h.low == low && h.high == high);
    float counts[SUMMARY_BINS] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        int bin = (int)((x[i] - low) * (SUMMARY_BINS / (high - low)));
        counts[bin < SUMMARY_BINS ? bin : SUMMARY_BINS - 1]++;
    }
    for (int b = 0; b < SUMMARY_BINS; b++) {
        sum += (double)h.counts[b];
        away += fabs((double)h.counts[b] - (double)counts[b]);
    }
    assert_true(sum == finite && away <= 2); // an edge may fall to either side
}

static void test_sums(void **state) {
    (void)state;
    random_state random;
    random_seed(&random, 3, 0);
    for (size_t n = 0; n <= MOST; n += n < 70 ? 1 : 97) {
        for (size_t i = 0; i < MOST; i++)
            x[i] = random_normal(&random);
        check_norm(n);
        check_bins(n);
        for (size_t i = 0; i < n; i += 1 + random_below(&random, 20))
            x[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
        check_bins(n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
