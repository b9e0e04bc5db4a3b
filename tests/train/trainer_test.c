// A training that is saved and loaded goes on bit for bit; a damaged file is refused; it does learn.
#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"
#include "train/parallel.h"
#include "train/trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static data digits;

static trainer_options settings(optimizer_kind kind) {
    return (trainer_options){
        .shape = {.layers = 3, .width = {24, 16}, .hidden = ACTIVATION_TANH},
        .live = {.rule = {.lr = optimizer_default_lr(kind),
                          .momentum = 0.9,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .weight_decay = 1e-4},
                 .batch = 50,
                 .epochs = 3,
                 .optimizer = (int)kind},
        .seed = 11,
    };
}

static void steps(trainer *t, int count) {
    for (int i = 0; i < count; i++) {
        loss_sum sum;
        size_t rows = trainer_begin(t);
        assert_int_equal(trainer_learn(t, rows, &sum), 0);
        trainer_update(t);
        trainer_end(t, rows, &sum);
    }
}

static void assert_same(const trainer *a, const trainer *b) {
    buf x = {0}, y = {0};
    assert_int_equal(trainer_encode(a, &x), 0);
    assert_int_equal(trainer_encode(b, &y), 0);
    assert_int_equal(x.length, y.length);
    assert_memory_equal(x.data, y.data, x.length);
    buf_fini(&x);
    buf_fini(&y);
}

// Saved in mid-epoch (batch 50 of 5500: 110 steps an epoch), at an epoch's end, and just after one.
static void test_goes_on(void **state) {
    (void)state;
    char path[] = "/tmp/nns-state-XXXXXX";
    close(mkstemp(path));
    const int moments[] = {0, 37, 110, 111, 220};
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++)
        for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
            trainer_options options = settings((optimizer_kind)kind);
            trainer whole, begun, resumed;
            why w;
            assert_int_equal(trainer_new(&whole, &digits, &options, &w), 0);
            assert_int_equal(trainer_new(&begun, &digits, &options, &w), 0);
            steps(&whole, 240);
            steps(&begun, moments[i]);
            assert_int_equal(trainer_save(&begun, path, &w), 0);
            assert_int_equal(trainer_load(&resumed, &digits, path, &w), 0);
            assert_same(&begun, &resumed);
            steps(&resumed, 240 - moments[i]);
            assert_same(&whole, &resumed);
            trainer_free(&whole), trainer_free(&begun), trainer_free(&resumed);
        }
    unlink(path);
}

// Validation between steps, and a parameter set to the value it has, change nothing.
static void test_watching_changes_nothing(void **state) {
    (void)state;
    trainer_options options = settings(OPTIMIZER_ADAM);
    trainer alone, watched;
    why w;
    evaluation e;
    assert_int_equal(trainer_new(&alone, &digits, &options, &w), 0);
    assert_int_equal(trainer_new(&watched, &digits, &options, &w), 0);
    for (int i = 0; i < 30; i++) {
        steps(&alone, 1);
        steps(&watched, 1);
        assert_int_equal(trainer_evaluate(&watched, &digits.validation, &e), 0);
        watched.live = (trainer_live){
            .rule = watched.live.rule, .batch = 50, .epochs = 3, .optimizer = OPTIMIZER_ADAM};
    }
    assert_same(&alone, &watched);
    trainer_free(&alone), trainer_free(&watched);
}

static void test_learns(void **state) {
    (void)state;
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++) {
        trainer_options options = settings((optimizer_kind)kind);
        options.shape = (mlp_shape){.layers = 2, .width = {64}, .hidden = ACTIVATION_RELU};
        trainer t;
        why w;
        evaluation before, after;
        assert_int_equal(trainer_new(&t, &digits, &options, &w), 0);
        assert_int_equal(trainer_evaluate(&t, &digits.test, &before), 0);
        steps(&t, 330);
        assert_int_equal(trainer_evaluate(&t, &digits.test, &after), 0);
        assert_true(before.accuracy < 0.35 && after.accuracy > 0.75 &&
                    after.loss < before.loss / 2);
        assert_int_equal(t.epoch, 3);
        assert_int_equal(after.mistakes, EVALUATION_MISTAKES);
        for (int i = 1; i < after.mistakes; i++)
            assert_true(after.sureness[i - 1] >= after.sureness[i]);
        trainer_free(&t);
    }
}

// Every image once an epoch, in an order that differs from epoch to epoch; the last batch is what is left.
static void test_epochs(void **state) {
    (void)state;
    trainer_options options = settings(OPTIMIZER_SGD);
    options.live.batch = 4096;
    trainer t;
    why w;
    assert_int_equal(trainer_new(&t, &digits, &options, &w), 0);
    uint32_t n = digits.train.count, first = t.order[0], sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += t.order[i];
    assert_int_equal(sum, n * (n - 1) / 2);
    assert_int_equal(trainer_total_steps(&t),
                     5); // 3 x 5500 images by 4096, as if epochs had no edge
    loss_sum loss = {0};
    assert_int_equal(trainer_begin(&t), 4096);
    assert_false(trainer_end(&t, 4096, &loss));
    assert_int_equal(trainer_begin(&t), n - 4096);
    assert_true(trainer_end(&t, n - 4096, &loss));
    assert_true(t.epoch == 1 && t.position == 0 && t.order[0] != first);
    trainer_free(&t);
}

static buf saved(void) {
    trainer_options options = settings(OPTIMIZER_MOMENTUM);
    trainer t;
    why w;
    buf b = {0};
    assert_int_equal(trainer_new(&t, &digits, &options, &w), 0);
    steps(&t, 3);
    assert_int_equal(trainer_encode(&t, &b), 0);
    trainer_free(&t);
    return b;
}

static void seal(buf *b) {
    le_put_u32(b->data + b->length - 4, hash_crc32c(0, b->data, b->length - 4));
}

static void decode_refused(const buf *b, int code, const char *expected) {
    trainer t;
    why w = {""};
    int result = trainer_decode(&t, &digits, "FILE", b->data, b->length, &w);
    if (result != code || !strstr(w.text, expected))
        fail_msg("result %d, \"%s\" does not say \"%s\"", result, w.text, expected);
}

static void test_damage(void **state) {
    (void)state;
    buf b = saved();
    random_state random;
    random_seed(&random, 12, 0);
    for (int i = 0; i < 100; i++) {
        uint8_t *byte = b.data + random_below(&random, (uint32_t)b.length);
        uint8_t held = *byte;
        *byte ^= (uint8_t)(1 + random_below(&random, 255));
        trainer t;
        why w;
        assert_true(trainer_decode(&t, &digits, "FILE", b.data, b.length, &w) < 0);
        *byte = held;
    }
    buf cut = b;
    for (cut.length = 0; cut.length < b.length; cut.length += 1 + cut.length / 3)
        decode_refused(&cut, NNS_E_CORRUPT, "FILE: offset");
    buf_fini(&b);
}

// Well sealed, but nonsense inside: offset, value, expected.
static void test_nonsense(void **state) {
    (void)state;
    const struct {
        size_t offset;
        uint32_t value;
        int code;
        const char *expected;
    } cases[] = {
        {8, 2, NNS_E_VERSION, "version 2"},    {12, 0, NNS_E_CORRUPT, "layers"},
        {12, 1000, NNS_E_CORRUPT, "layers"},   {12, 60, NNS_E_CORRUPT, "offset"},
        {16, 0, NNS_E_CORRUPT, "inputs"},      {16, 783, NNS_E_CORRUPT, "size"},
        {20, 77, NNS_E_CORRUPT, "activation"}, {24, 9, NNS_E_CORRUPT, "optimizer"},
        {28, 1, NNS_E_INVALID, "other data"},  {32, 5, NNS_E_INVALID, "other data"},
        {36, 5500, NNS_E_CORRUPT, "position"}, {52, 0x80000000, NNS_E_CORRUPT, "negative"},
        {72, 0, NNS_E_CORRUPT, "batch"},       {72, 5000, NNS_E_CORRUPT, "batch"},
        {176, 0, NNS_E_CORRUPT, "units"},      {176, 25, NNS_E_CORRUPT, "size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf b = saved();
        le_put_u32(b.data + cases[i].offset, cases[i].value);
        seal(&b);
        decode_refused(&b, cases[i].code, cases[i].expected);
        buf_fini(&b);
    }
}

static int set_up(void **state) {
    (void)state;
    why w;
    parallel_start(1);
    return data_open(&digits, &(data_options){.draw = true, .seed = 1, .quick = true}, &w);
}

static int tear_down(void **state) {
    (void)state;
    data_close(&digits);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_on), cmocka_unit_test(test_watching_changes_nothing),
        cmocka_unit_test(test_learns),  cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_damage),  cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
