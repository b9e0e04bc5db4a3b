// Each rule of optimizer.h against its formula in double precision, over many updates.
#include "train/optimizer.h"
#include "train/parallel.h"
#include "train/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { P = 70001, WEIGHTS = 69001, UPDATES = 20 };

static float w[P], g[P], m[P], v[P];
static double slow_w[P], slow_m[P], slow_v[P];

static void slow_update(optimizer_kind kind, const optimizer_settings *s, int t) {
    for (int i = 0; i < P; i++) {
        double decay = i < WEIGHTS ? s->weight_decay : 0, x = (double)g[i];
        if (kind == OPTIMIZER_SGD) slow_w[i] -= s->lr * (x + decay * slow_w[i]);
        if (kind == OPTIMIZER_MOMENTUM) {
            slow_m[i] = s->momentum * slow_m[i] + x + decay * slow_w[i];
            slow_w[i] -= s->lr * slow_m[i];
        }
        if (kind == OPTIMIZER_ADAM) {
            slow_m[i] = s->beta1 * slow_m[i] + (1 - s->beta1) * x;
            slow_v[i] = s->beta2 * slow_v[i] + (1 - s->beta2) * x * x;
            double mean = slow_m[i] / (1 - pow(s->beta1, t)),
                   square = slow_v[i] / (1 - pow(s->beta2, t));
            slow_w[i] -= s->lr * (mean / (sqrt(square) + 1e-8) + decay * slow_w[i]);
        }
    }
}

static void compare(optimizer_kind kind, int threads) {
    random_state random;
    random_seed(&random, 1 + (uint64_t)kind, 0);
    parallel_start(threads);
    optimizer o = {.m = m, .v = v};
    optimizer_settings s = {
        .lr = 0.05, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.99, .weight_decay = 0.01};
    optimizer_switch(&o, kind, P);
    memset(slow_m, 0, sizeof slow_m);
    memset(slow_v, 0, sizeof slow_v);
    for (int i = 0; i < P; i++)
        slow_w[i] = (double)(w[i] = random_normal(&random));
    for (int t = 1; t <= UPDATES; t++) {
        for (int i = 0; i < P; i++)
            g[i] = random_normal(&random);
        slow_update(kind, &s, t);
        optimizer_update(&o, &s, P, WEIGHTS, w, g);
    }
    assert_int_equal(o.updates, UPDATES);
    for (int i = 0; i < P; i++)
        if (fabs(slow_w[i] - (double)w[i]) > 2e-5 * (1 + fabs(slow_w[i])))
            fail_msg("%s: w[%d] is %.8g, not %.8g", optimizer_names[kind], i, (double)w[i],
                     slow_w[i]);
}

static void test_formulas(void **state) {
    (void)state;
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++)
        compare((optimizer_kind)kind, 1);
}

static void test_threads_change_no_bit(void **state) {
    (void)state;
    static float kept[P];
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++) {
        compare((optimizer_kind)kind, 1);
        memcpy(kept, w, sizeof kept);
        compare((optimizer_kind)kind, 2);
        assert_memory_equal(kept, w, sizeof kept);
    }
}

static void test_switch_clears_moments(void **state) {
    (void)state;
    optimizer o = {.m = m, .v = v, .updates = 7};
    m[3] = v[5] = 1;
    optimizer_switch(&o, OPTIMIZER_ADAM, P);
    assert_int_equal(o.updates, 0);
    assert_true(m[3] == 0 && v[5] == 0);
}

static void test_words(void **state) {
    (void)state;
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++)
        assert_int_equal(optimizer_find(optimizer_names[kind]), kind);
    assert_int_equal(optimizer_find("adagrad"), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_switch_clears_moments),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
