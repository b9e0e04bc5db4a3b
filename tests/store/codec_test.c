// The codec: every class of numbers there and back; damage is found.
#include "model.h"

#include "store/codec.h"
#include "store/pyramid.h"

enum { MOST = 2000 };

static double values[MOST], back[MOST];
static int64_t whole[MOST], whole_back[MOST];

static size_t round_trip(codec *c, uint32_t n) {
    codec_column in[] = {{CODEC_F64, values}, {CODEC_I64, whole}};
    codec_column out[] = {{CODEC_F64, back}, {CODEC_I64, whole_back}};
    buf blob = {0};
    assert_int_equal(codec_encode(c, in, 2, n, &blob), 0);
    uint32_t rows = 0;
    assert_int_equal(codec_rows(blob.data, blob.length, &rows), 0);
    assert_int_equal(rows, n);
    assert_int_equal(codec_decode(c, blob.data, blob.length, out, 2, n), 0);
    for (uint32_t i = 0; i < n; i++)
        assert_true(same_double(values[i], back[i]));
    assert_memory_equal(whole, whole_back, n * sizeof *whole);
    size_t bytes = blob.length;
    buf_fini(&blob);
    return bytes;
}

static double any_bits(void) {
    uint64_t bits = random_u64();
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double value_of(int class, uint32_t i) {
    switch (class) {
    case 0:
        return 0.25;
    case 1:
        return (double)i * 3;
    case 2:
        return (double)(float)((double)below(1u << 24) / 3e6);
    case 3:
        return (double)below(1u << 30) / 7e8;
    case 4:
        return below(9) ? (double)below(10) : -0.0;
    case 5:
        return (const double[]){NAN, -NAN, INFINITY, -INFINITY, 0.0, -0.0}[below(6)];
    case 6:
        return (const double[]){4.9e-324, 2.2e-308, 1e-40, 1e-45, FLT_MIN, DBL_MAX}[below(6)];
    case 7:
        return any_bits();
    case 8:
        return NAN;
    case 9:
        return -9007199254740991.0 + (double)below(2) * 18014398509481982.0;
    case 10:
        return i == 5 ? -0.0 : 0.0;
    default:
        return (double)(float)any_bits();
    }
}

static int64_t int_of(int class, uint32_t i) {
    switch (class) {
    case 0:
        return 7;
    case 1:
        return (int64_t)i;
    case 2:
        return (int64_t)i * i;
    case 3:
        return 1700000000000 + (int64_t)i * 5 + (int64_t)below(3);
    case 4:
        return (int64_t)random_u64();
    case 5:
        return below(2) ? INT64_MAX : INT64_MIN;
    default:
        return (int64_t)below(300) - 150;
    }
}

static void all_classes(void **state) {
    (void)state;
    codec *c = codec_new();
    assert_non_null(c);
    const uint32_t sizes[] = {1, 2, 3, 4, 63, 64, 1024, MOST};
    for (int class = 0; class < 12; class ++)
        for (int ints = 0; ints < 7; ints++)
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
                for (uint32_t i = 0; i < sizes[k]; i++) {
                    values[i] = value_of(class, i);
                    whole[i] = int_of(ints, i);
                }
                round_trip(c, sizes[k]);
            }
    codec_free(c);
}

static void sizes_are_small(void **state) {
    (void)state;
    codec *c = codec_new();
    for (uint32_t i = 0; i < 1024; i++) {
        values[i] = 1;
        whole[i] = (int64_t)i * 100;
    }
    assert_true(round_trip(c, 1024) < 80); // constant values, even steps
    for (uint32_t i = 0; i < 1024; i++)
        values[i] = (double)(i * 10);
    assert_true(round_trip(c, 1024) < 120); // a counter
    for (uint32_t i = 0; i < 1024; i++)
        values[i] = value_of(2, i);
    assert_true(round_trip(c, 1024) < 1024 * 4);
    codec_free(c);
}

static void damage_is_found(void **state) {
    (void)state;
    codec *c = codec_new();
    for (uint32_t i = 0; i < 200; i++) {
        values[i] = value_of(2, i);
        whole[i] = int_of(3, i);
    }
    codec_column in[] = {{CODEC_F64, values}, {CODEC_I64, whole}};
    codec_column out[] = {{CODEC_F64, back}, {CODEC_I64, whole_back}};
    buf blob = {0};
    assert_int_equal(codec_encode(c, in, 2, 200, &blob), 0);
    for (size_t bit = 0; bit < blob.length * 8; bit++) {
        blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(codec_decode(c, blob.data, blob.length, out, 2, 200), NNS_E_CORRUPT);
        blob.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t length = 0; length < blob.length; length++)
        assert_int_equal(codec_decode(c, blob.data, length, out, 2, 200), NNS_E_CORRUPT);
    assert_int_equal(codec_decode(c, blob.data, blob.length, out, 1, 200), NNS_E_CORRUPT);
    assert_int_equal(codec_decode(c, blob.data, blob.length, out, 2, 199), NNS_E_CORRUPT);
    buf_fini(&blob);
    codec_free(c);
}

static void rounds_outward(void **state) {
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double v = any_bits();
        if (v != v) continue;
        assert_true((double)pyramid_down(v) <= v && (double)pyramid_up(v) >= v);
        assert_true(outward(pyramid_down(v), v, false) && outward(pyramid_up(v), v, true));
    }
    assert_true(pyramid_up(INFINITY) == INFINITY && pyramid_down(1e300) == FLT_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_classes),
        cmocka_unit_test(sizes_are_small),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(rounds_outward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
