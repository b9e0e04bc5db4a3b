// Unit moments.c tests the moments against a slow reference in long double: random sizes, tails of every length, NaN,
// infinities, denormals, values far from zero and beyond float32's squares.
#include "probe/moments.h"

#include "support/check.h"
#include "support/temp.h"

#include <fenv.h>
#include <float.h>
#include <math.h>

typedef struct truth {
    uint64_t count, zeros, nonfinite;
    long double mean, m2, sum_abs;
    float min, max;
} truth;

static truth slow(const float *v, size_t n) {
    truth t = {.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        t.nonfinite += isfinite(v[i]) ? 0 : 1;
        t.zeros += v[i] == 0;
        if (!isfinite(v[i])) continue;
        t.count++;
        t.mean += v[i];
        t.sum_abs += fabsl(v[i]);
        t.min = v[i] < t.min ? v[i] : t.min;
        t.max = v[i] > t.max ? v[i] : t.max;
    }
    if (t.count) t.mean /= t.count;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i])) t.m2 += (v[i] - t.mean) * (v[i] - t.mean);
    return t;
}

static void near_to(double got, long double want, long double scale) {
    if (fabsl(got - want) <= 1e-6L * scale) return;
    print_error("%.17g instead of %.17Lg (scale %.3Lg)\n", got, want, scale);
    fail();
}

static void compare(const float *v, size_t n) {
    moments m;
    moments_init(&m);
    moments_add(&m, v, n);
    truth t = slow(v, n);
    assert_int_equal(m.count, t.count);
    assert_int_equal(m.zeros, t.zeros);
    assert_int_equal(m.nonfinite, t.nonfinite);
    assert_true(m.min == t.min && m.max == t.max);
    if (!t.count) {
        assert_true(isnan(moments_mean(&m)) && isnan(moments_norm(&m)) &&
                    isnan(moments_deviation(&m)));
        return;
    }
    long double deviation = sqrtl(t.m2 / t.count), norm = sqrtl(t.m2 + t.count * t.mean * t.mean);
    near_to(moments_mean(&m), t.mean, t.sum_abs / t.count);
    near_to(moments_norm(&m), norm, norm);
    near_to(moments_deviation(&m), deviation, deviation);
}

// One of several kinds of data, each with its own danger.
static float draw(uint64_t *seed, int kind) {
    double u = random_unit(seed), v = random_unit(seed);
    float normal = (float)(sqrt(-2 * log(u + 1e-300)) * cos(6.283185307 * v));
    switch (kind) {
    case 0:
        return normal;
    case 1:
        return normal > 0 ? normal : 0; // as after a relu
    case 2:
        return 1000 + 1e-3f * normal; // a deviation far below the mean
    case 3:
        return normal * 1e-30f; // squares vanish in float32
    case 4:
        return normal * 1e25f; // squares overflow in float32
    case 5:
        return normal * 1e-42f; // denormals
    case 6:
        return u < 0.01 ? NAN : u < 0.02 ? INFINITY : u < 0.03 ? -INFINITY : normal;
    case 7:
        return u < 0.5 ? -0.0f : 0.0f;
    case 8:
        return NAN;
    case 9:
        return v < 0.001 ? normal * 1e20f : normal; // blocks of either way beside each other
    case 11:
        return normal * 1e-21f; // squares are denormal
    default:
        return 3.25f;
    }
}

static void as_the_slow_one(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    enum { MOST = 5000 };
    float *values = malloc((MOST + 1) * sizeof *values);
    for (int kind = 0; kind <= 11; kind++)
        for (size_t round = 0; round < 60; round++) {
            size_t n = round < 40 ? round : (size_t)(random_unit(&seed) * MOST);
            float *at = values + round % 2; // not aligned every second time
            for (size_t i = 0; i < n; i++)
                at[i] = draw(&seed, kind);
            compare(at, n);
        }
    free(values);
}

static void merged_is_whole(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    float values[3000];
    for (size_t i = 0; i < 3000; i++)
        values[i] = draw(&seed, 6) + 5;
    moments whole, parts;
    moments_init(&whole);
    moments_init(&parts);
    moments_add(&whole, values, 3000);
    for (size_t at = 0; at < 3000;) {
        size_t n = (size_t)(random_unit(&seed) * 700);
        if (n > 3000 - at) n = 3000 - at;
        moments part;
        moments_init(&part);
        moments_add(&part, values + at, n);
        moments_merge(&parts, &part);
        at += n;
    }
    assert_int_equal(parts.count, whole.count);
    assert_int_equal(parts.nonfinite, whole.nonfinite);
    near_to(parts.mean, whole.mean, 5);
    near_to(moments_deviation(&parts), moments_deviation(&whole), moments_deviation(&whole));
}

static void below_a_threshold(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    float values[5003];
    uint64_t expected = 0;
    for (size_t i = 0; i < 5003; i++) {
        values[i] = draw(&seed, 6);
        expected += fabsf(values[i]) < 0.25f;
    }
    assert_int_equal(moments_below(values, 5003, 0.25f), expected);
    assert_int_equal(moments_below(values, 0, 1), 0);
}

static void other_types(void **state) {
    (void)state;
    float out[4];
    moments_convert(out, (double[]){1.5, 1e300, -2, 0}, NNS_FLOAT64, 4);
    assert_true(out[0] == 1.5f && out[1] == INFINITY && out[2] == -2 && out[3] == 0);
    moments_convert(out, (uint16_t[]){0x3C00, 0xC000, 0x0001, 0x7C00}, NNS_FLOAT16, 4);
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f && out[3] == INFINITY);
    moments_convert(out, (uint16_t[]){0x7E00, 0x03FF, 0x7BFF, 0x8000}, NNS_FLOAT16, 4);
    assert_true(isnan(out[0]) && out[1] == 1023 * 0x1p-24f && out[2] == 65504 && out[3] == 0 &&
                signbit(out[3]));
    moments_convert(out, (uint16_t[]){0x3F80, 0xC040, 0x7F80, 0}, NNS_BFLOAT16, 4);
    assert_true(out[0] == 1 && out[1] == -3 && out[2] == INFINITY && out[3] == 0);
    moments_convert(out, (uint8_t[]){0, 1, 200, 255}, NNS_UINT8, 4);
    assert_true(out[2] == 200 && out[3] == 255);
    moments_convert(out, (int8_t[]){0, -1, -128, 127}, NNS_INT8, 4);
    assert_true(out[1] == -1 && out[2] == -128 && out[3] == 127);
    moments_convert(out, (int32_t[]){0, -1, 1 << 24, 5}, NNS_INT32, 4);
    assert_true(out[2] == 0x1p24f && out[1] == -1);
    moments_convert(out, (int64_t[]){0, -1, INT64_C(1) << 40, 5}, NNS_INT64, 4);
    assert_true(out[2] == 0x1p40f && out[3] == 5);
}

// What float32 could not tell apart: a deviation of 1e-10 beside a mean of 1, a size of 1e100.
static void doubles_as_they_are(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    double values[1001];
    long double mean = 0, m2 = 0, squares = 0;
    for (size_t i = 0; i < 1001; i++)
        values[i] = 1 + 1e-10 * random_unit(&seed);
    values[3] = (double)NAN, values[4] = (double)INFINITY;
    for (size_t i = 0; i < 1001; i++)
        if (isfinite(values[i])) mean += values[i] / 999.0L, squares += values[i] * values[i];
    for (size_t i = 0; i < 1001; i++)
        if (isfinite(values[i])) m2 += (values[i] - mean) * (values[i] - mean);
    moments m;
    moments_init(&m);
    moments_add_doubles(&m, values, 500);
    moments_add_doubles(&m, values + 500, 501);
    assert_true(m.count == 999 && m.nonfinite == 2 && m.zeros == 0);
    near_to(moments_mean(&m), mean, 1e-9L);
    near_to(moments_deviation(&m), sqrtl(m2 / 999), sqrtl(m2 / 999));
    near_to(moments_norm(&m), sqrtl(squares), sqrtl(squares));
    moments_init(&m);
    moments_add_doubles(&m, (double[]){3e100, -0.0, 4e100}, 3);
    assert_true(m.count == 3 && m.zeros == 1 && m.nonfinite == 0);
    near_to(moments_norm(&m), 5e100L, 5e100L);
}

static void differences(void **state) {
    (void)state;
    float out[2000];
    double now[2] = {1 + 1e-12, 1e200}, before[2] = {1, -1e200};
    moments_difference(out, now, before, NNS_FLOAT64, 2);
    assert_true(fabs((double)out[0] / (now[0] - 1) - 1) < 1e-7 && out[1] == INFINITY);
    moments_difference(out, (int64_t[]){INT64_MAX, 5}, (int64_t[]){INT64_MIN, 7}, NNS_INT64, 2);
    assert_true(out[0] == 0x1p64f && out[1] == -2);
    moments_difference(out, (int32_t[]){(1 << 24) + 1}, (int32_t[]){1 << 24}, NNS_INT32, 1);
    assert_true(out[0] == 1);
    moments_difference(out, (float[]){1.5f, NAN}, (float[]){1, 1}, NNS_FLOAT32, 2);
    assert_true(out[0] == 0.5f && isnan(out[1]));
    uint16_t halves[2000];
    int8_t small[2000];
    for (int i = 0; i < 2000; i++)
        halves[i] = (uint16_t)(0x3C00 + i % 512), small[i] = (int8_t)(i % 100);
    moments_difference(out, halves, (uint16_t[2000]){0}, NNS_FLOAT16, 2000);
    for (int i = 0; i < 2000; i++)
        assert_true(out[i] == 1 + (float)(i % 512) / 1024);
    moments_difference(out, small, (int8_t[2000]){0}, NNS_INT8, 2000);
    for (int i = 0; i < 2000; i++)
        assert_true(out[i] == (float)(i % 100));
}

static void the_environment_stays(void **state) {
    (void)state;
    float values[1000];
    uint64_t seed = random_seed();
    for (size_t i = 0; i < 1000; i++)
        values[i] = draw(&seed, 0);
    moments m;
    moments_init(&m);
    fesetround(FE_UPWARD);
    moments_add(&m, values, 1000);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_slow_one),       cmocka_unit_test(merged_is_whole),
        cmocka_unit_test(below_a_threshold),     cmocka_unit_test(other_types),
        cmocka_unit_test(doubles_as_they_are),   cmocka_unit_test(differences),
        cmocka_unit_test(the_environment_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
