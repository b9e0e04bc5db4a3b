// Unit links.c tests links gathered from every order of memory, in slices of random length, against the matrix written out
// plainly: cells, folds, the strongest, norms, rows and columns; and codes in fewer bits.
#include "probe/links.h"
#include "probe/quantise.h"

#include "support/check.h"
#include "support/temp.h"

#include <math.h>

typedef struct plain {
    links_shape shape;
    uint32_t units, inputs;
    float *canonical,
        *memory; // the same numbers in the order of (U, I), and as the program has them
} plain;

static float draw(uint64_t *seed) {
    double u = random_unit(seed);
    if (u < 0.02) return 0;
    if (u < 0.03) return NAN;
    if (u < 0.035) return INFINITY;
    return (float)((int)random_below(seed, 200) - 100) / 16; // equal ones too
}

// A shape of up to 4 dimensions whose memory has them in a random order.
static plain make(uint64_t *seed) {
    plain p = {.shape.dims = 1 + (int)random_below(seed, 4), .units = 1, .inputs = 1};
    int order[4] = {0, 1, 2, 3};
    for (int i = 0; i < 4; i++)
        p.shape.shape[i] =
            i < p.shape.dims ? 1 + (uint32_t)random_below(seed, i == 0 ? 40 : 12) : 1;
    for (int i = p.shape.dims - 1; i > 0; i--) {
        int j = (int)random_below(seed, (uint32_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    int64_t stride = 1;
    for (int i = p.shape.dims - 1; i >= 0; i--) {
        p.shape.strides[order[i]] = stride;
        stride *= p.shape.shape[order[i]];
    }
    p.units = p.shape.shape[0];
    p.inputs = p.shape.shape[1] * p.shape.shape[2] * p.shape.shape[3];
    p.canonical = malloc((size_t)stride * sizeof(float));
    p.memory = malloc((size_t)stride * sizeof(float));
    size_t flat = 0;
    for (uint32_t a = 0; a < p.shape.shape[0]; a++)
        for (uint32_t b = 0; b < p.shape.shape[1]; b++)
            for (uint32_t c = 0; c < p.shape.shape[2]; c++)
                for (uint32_t e = 0; e < p.shape.shape[3]; e++) {
                    int64_t at = a * p.shape.strides[0] + b * p.shape.strides[1] +
                                 c * p.shape.strides[2] + e * p.shape.strides[3];
                    p.canonical[flat] = p.memory[at] = draw(seed);
                    flat++;
                }
    return p;
}

static void feed(uint64_t *seed, links *l, const plain *p) {
    size_t all = (size_t)p->units * p->inputs;
    for (size_t at = 0; at < all;) {
        size_t n = 1 + random_below(seed, random_below(seed, 3) ? 300 : 20000);
        if (n > all - at) n = all - at;
        links_add(l, p->memory + at, at, n);
        at += n;
    }
}

static bool same(float a, float b) {
    return a == b || (isnan(a) && isnan(b));
}

static float larger(float a, float b) {
    return isnan(a) || fabsf(b) <= fabsf(a) ? a : b;
}

static void check_cells(const links *l, const plain *p) {
    size_t cells = (size_t)l->cell_rows * l->cell_columns;
    float *expected = calloc(cells, sizeof *expected);
    for (uint32_t u = 0; u < p->units; u++)
        for (uint32_t i = 0; i < p->inputs; i++) {
            uint64_t row = (uint64_t)u * l->cell_rows / p->units,
                     column = (uint64_t)i * l->cell_columns / p->inputs;
            float *cell = &expected[row * l->cell_columns + column];
            *cell = larger(*cell, p->canonical[(size_t)u * p->inputs + i]);
        }
    for (size_t i = 0; i < cells; i++)
        assert_true(same(fabsf(l->cells[i]), fabsf(expected[i])));
    for (size_t i = 0; !links_folded(l) && i < cells; i++)
        assert_true(same(l->cells[i], p->canonical[i]));
    free(expected);
}

static int by_strength(const void *a, const void *b) {
    const link_pair *x = a, *y = b;
    float p = fabsf(x->value), q = fabsf(y->value);
    return p != q ? (p > q ? -1 : 1) : x->at < y->at ? -1 : 1;
}

static void check_strong(links *l, const plain *p) {
    size_t all = (size_t)p->units * p->inputs, count = 0;
    link_pair *pairs = malloc(all * sizeof *pairs);
    for (uint32_t i = 0; i < all; i++)
        if (isfinite(p->canonical[i]) && p->canonical[i] != 0)
            pairs[count++] = (link_pair){i, p->canonical[i]};
    qsort(pairs, count, sizeof *pairs, by_strength);
    strongest_finish(&l->strong);
    assert_int_equal(l->strong.count, count < l->strong.wanted ? count : l->strong.wanted);
    for (uint32_t i = 0; i < l->strong.count; i++) {
        assert_int_equal(l->strong.pairs[i].at, pairs[i].at);
        assert_true(l->strong.pairs[i].value == pairs[i].value);
    }
    free(pairs);
}

static void check_rows(const links *l, const plain *p) {
    for (uint32_t u = 0; u < p->units; u++) {
        double sum = 0;
        for (uint32_t i = 0; i < p->inputs; i++) {
            double v = (double)p->canonical[(size_t)u * p->inputs + i];
            sum += isfinite(v) ? v * v : 0;
        }
        assert_true(fabs(l->squares[u] - sum) <= 1e-9 * sum);
    }
}

static void check_picks(const links *l, const plain *p) {
    for (uint32_t n = 0; n < l->pick_count; n++) {
        const links_pick *k = &l->picks[n];
        for (uint32_t i = 0; !k->column && i < p->inputs; i++)
            assert_true(same(k->values[i], p->canonical[(size_t)k->item * p->inputs + i]));
        for (uint32_t u = 0; k->column && u < p->units; u++) {
            float expected = 0;
            for (uint32_t i = k->first; i < k->first + k->width; i++)
                expected = larger(expected, p->canonical[(size_t)u * p->inputs + i]);
            assert_true(same(fabsf(k->values[u]), fabsf(expected)));
        }
    }
}

static void any_order_of_memory(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 400; round++) {
        plain p = make(&seed);
        size_t cells = round % 3 ? 1 + random_below(&seed, 500) : SIZE_MAX;
        links l;
        assert_int_equal(links_init(&l, &p.shape, cells, (uint32_t)random_below(&seed, 60), true),
                         0);
        assert_true(links_pick_row(&l, (uint32_t)random_below(&seed, p.units)));
        uint32_t first = (uint32_t)random_below(&seed, p.inputs),
                 width = 1 + (uint32_t)random_below(&seed, p.inputs - first);
        assert_true(links_pick_columns(&l, 3, first, width));
        assert_false(links_pick_row(&l, p.units));
        assert_false(links_pick_columns(&l, 0, first, p.inputs - first + 1));
        feed(&seed, &l, &p);
        assert_true((size_t)l.cell_rows * l.cell_columns <= cells);
        check_cells(&l, &p);
        check_strong(&l, &p);
        check_rows(&l, &p);
        check_picks(&l, &p);
        links_fini(&l);
        free(p.canonical);
        free(p.memory);
    }
}

static void wrong_shapes(void **state) {
    (void)state;
    links l;
    links_shape gaps = {2, {3, 4, 1, 1}, {5, 1, 0, 0}}, none = {2, {0, 4, 1, 1}, {4, 1, 0, 0}};
    assert_int_not_equal(links_init(&l, &gaps, 100, 0, false), 0);
    assert_int_not_equal(links_init(&l, &none, 100, 0, false), 0);
}

static void codes(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    float scale = 0, values[100];
    int8_t out[100];
    for (int round = 0; round < 2000; round++) {
        float largest = (float)pow(10, random_unit(&seed) * 8 - 4) * (float)random_unit(&seed),
              before = scale;
        scale = quantise_scale(scale, largest);
        assert_true(scale > 0 && isfinite(scale) && scale * 127.001f >= largest);
        if (before > 0 && before * 127 >= largest && largest >= before * 127 / 2)
            assert_true(scale == before);
        if (before > 0 && largest < before * 127 / 2.01f) assert_true(scale < before);
        assert_true(scale < largest / 127 * 2.4f || largest == 0);
        for (size_t i = 0; i < 100; i++)
            values[i] = i == 7   ? NAN
                        : i == 8 ? -INFINITY
                                 : (float)(random_unit(&seed) * 2 - 1) * largest;
        quantise_codes(out, values, 100, scale);
        for (size_t i = 0; i < 100; i++) {
            if (!isfinite(values[i]))
                assert_int_equal(out[i], CODE_NONFINITE);
            else
                assert_true(out[i] != CODE_NONFINITE &&
                            fabsf((float)out[i] * scale - values[i]) <= scale * 0.5001f);
        }
    }
    assert_true(quantise_scale(0, 0) > 0);
    assert_true(quantise_scale(0, 1e-44f) > 0);
}

// Every half there is, through float and back; and halves between two of them go to the even one.
static void halves(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint16_t in = (uint16_t)h, back;
        float v;
        moments_convert(&v, &in, NNS_FLOAT16, 1);
        quantise_halves(&back, &v, 1, 1);
        if (isnan(v))
            assert_true((back & 0x7C00) == 0x7C00 && back & 0x3FF);
        else
            assert_int_equal(back, in);
    }
    uint16_t out[4];
    quantise_halves(out, (float[]){1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 65520, 1e30f}, 4, 1);
    assert_int_equal(out[0], 0x3C00);
    assert_int_equal(out[1], 0x3C02);
    assert_int_equal(out[2], 0x7C00);
    assert_int_equal(out[3], 0x7C00);
}

static void rounded(void **state) {
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 10000; i++) {
        uint32_t bits = (uint32_t)random_next(&seed), after;
        float v, w;
        memcpy(&v, &bits, sizeof v);
        w = v;
        quantise_round(&w, 1);
        memcpy(&after, &w, sizeof after);
        if (!isfinite(v)) assert_int_equal(after, bits);
        if (isfinite(v) && fabsf(v) > 1e-30f && fabsf(v) < 1e38f) {
            assert_true(fabsf(w - v) <= fabsf(v) / 4096);
            assert_int_equal(after & 0xFFF, 0);
        }
        assert_int_equal(isfinite(w) != 0, isfinite(v) != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_memory),
        cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(codes),
        cmocka_unit_test(halves),
        cmocka_unit_test(rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
