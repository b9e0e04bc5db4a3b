// Unit half_test.c tests all halves there are against their definition, and what lies between two of them.
#include "base/half.h"

#include "support/check.h"

#include <math.h>
#include <stdbool.h>

#define HALF_INFINITY 0x7C00u

static double defined(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -v : v;
}

static bool is_nan(uint16_t h) {
    return (h & 0x7FFF) > HALF_INFINITY;
}

static void every_half_is_exact_and_comes_back(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint16_t h = (uint16_t)i;
        float v = half_to_float(h);
        assert_int_equal(!!signbit(v), h >> 15);
        if (is_nan(h)) {
            assert_true(isnan(v));
            assert_int_equal(half_of_float(v), (h & 0x8000) | 0x7E00);
            continue;
        }
        if ((h & 0x7FFF) == HALF_INFINITY)
            assert_true(isinf(v));
        else
            assert_true((double)v == defined(h));
        assert_int_equal(half_of_float(v), h);
    }
}

// Between a half and the next: the middle goes to the even one, its neighbours to the nearer one. Beyond the largest, 65504,
// infinity stands where 65536 would.
static void what_lies_between_goes_to_the_nearest(void **state) {
    (void)state;
    for (uint32_t i = 0; i < HALF_INFINITY; i++)
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            uint16_t low = (uint16_t)(sign | i), high = (uint16_t)(low + 1);
            float middle = (float)((defined(low) + defined(high)) / 2);
            uint32_t bits = float_bits(middle);
            assert_int_equal(half_of_float(middle), low & 1 ? high : low);
            assert_int_equal(half_of_float(float_of_bits(bits - 1)), low);
            assert_int_equal(half_of_float(float_of_bits(bits + 1)), high);
        }
}

static void what_is_far_outside(void **state) {
    (void)state;
    assert_int_equal(half_of_float(3e38f), HALF_INFINITY);
    assert_int_equal(half_of_float(-INFINITY), 0x8000 | HALF_INFINITY);
    assert_int_equal(half_of_float(0x1p-149f), 0);
    assert_int_equal(half_of_float(-0x1p-126f), 0x8000);
    assert_int_equal(half_of_float(float_of_bits(0x7F800001)), 0x7E00);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_exact_and_comes_back),
        cmocka_unit_test(what_lies_between_goes_to_the_nearest),
        cmocka_unit_test(what_is_far_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
