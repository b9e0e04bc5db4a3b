// A training that is saved and loaded goes on bit for bit; a damaged file is refused; it does learn.
#include "base/error.h"
#include "base/hash.h"
#include "base/le.h"
#include "train/parallel.h"
#include "train/trainer.h"

#include <math.h>
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
        .model = {.hidden = 2, .width = {24, 16}, .activation = ACTIVATION_TANH},
        .start = {.scale = 1, .biased = 1},
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

static char path[] = "/tmp/nns-state-XXXXXX";

static int make_state(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_state(void **state) { // also when a check fails
    (void)state;
    return unlink(path);
}

// Saved in mid-epoch (batch 50 of 5500: 110 steps an epoch), at an epoch's end, and just after one.
static void test_goes_on(void **state) {
    (void)state;
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
}

static trainer_options cnn_settings(void) {
    trainer_options options = settings(OPTIMIZER_MOMENTUM);
    options.live.schedule = SCHEDULE_COSINE;
    options.model = (model){.cnn = true,
                            .stages = 2,
                            .filters = {3, 4},
                            .kernel = 3,
                            .hidden = 1,
                            .width = {12},
                            .activation = ACTIVATION_RELU};
    return options;
}

// Filters and the statistics that normalisations keep are of the state too.
static void test_cnn_goes_on(void **state) {
    (void)state;
    trainer_options options = cnn_settings();
    trainer whole, begun, resumed;
    evaluation e[2];
    buf b = {0};
    why w;
    assert_int_equal(trainer_new(&whole, &digits, &options, &w), 0);
    assert_int_equal(trainer_new(&begun, &digits, &options, &w), 0);
    steps(&whole, 60);
    steps(&begun, 23);
    assert_int_equal(trainer_encode(&begun, &b), 0);
    assert_int_equal(trainer_decode(&resumed, &digits, "FILE", b.data, b.length, &w), 0);
    assert_same(&begun, &resumed);
    assert_int_equal(trainer_evaluate(&begun, &digits.validation, &e[0]), 0);
    assert_int_equal(trainer_evaluate(&resumed, &digits.validation, &e[1]), 0);
    assert_true(e[0].loss == e[1].loss);
    steps(&resumed, 37);
    assert_same(&whole, &resumed);
    trainer_free(&whole), trainer_free(&begun), trainer_free(&resumed);
    buf_fini(&b);
}

// A small cnn learns quickly, and what it kept of its batches serves single images.
static void test_cnn_learns(void **state) {
    (void)state;
    trainer_options options = cnn_settings();
    options.model.filters[0] = 8, options.model.filters[1] = 16, options.model.width[0] = 32;
    options.live.rule.lr = 0.02;
    trainer t;
    why w;
    evaluation e;
    assert_int_equal(trainer_new(&t, &digits, &options, &w), 0);
    steps(&t, 330);
    assert_int_equal(trainer_evaluate(&t, &digits.test, &e), 0);
    if (e.accuracy < 0.85) fail_msg("accuracy %.3f", e.accuracy);
    uint32_t sum = 0, right = 0;
    for (int i = 0; i < 100; i++) {
        sum += t.confusion[i];
        right += i % 11 ? 0 : t.confusion[i];
    }
    assert_int_equal(sum, digits.test.count);
    assert_true(fabs((double)right / sum - e.accuracy) < 1e-9);
    trainer_free(&t);
}

// A look at the first batch before the first update, and a larger batch later, change nothing else.
static void test_preview(void **state) {
    (void)state;
    trainer_options options = cnn_settings();
    trainer alone, watched;
    why w;
    size_t rows;
    loss_sum sum;
    assert_int_equal(trainer_new(&alone, &digits, &options, &w), 0);
    assert_int_equal(trainer_new(&watched, &digits, &options, &w), 0);
    assert_int_equal(trainer_preview(&watched, &rows, &sum), 0);
    assert_true(rows == 50 && sum.loss > 0 && watched.moves == 1);
    assert_same(&alone, &watched);
    steps(&alone, 5), steps(&watched, 5);
    assert_same(&alone, &watched);
    alone.live.batch = watched.live.batch = 120;
    steps(&alone, 2), steps(&watched, 2);
    assert_int_equal(watched.moves, 2);
    assert_same(&alone, &watched);
    trainer_free(&alone), trainer_free(&watched);
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
        options.model = (model){.hidden = 1, .width = {64}, .activation = ACTIVATION_RELU};
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

static void test_schedule(void **state) {
    (void)state;
    trainer_options options = settings(OPTIMIZER_SGD);
    trainer t;
    why w;
    options.live.rule.lr = 2;
    assert_int_equal(trainer_new(&t, &digits, &options, &w), 0);
    assert_true(trainer_lr(&t) == 2);
    t.live.schedule = SCHEDULE_COSINE;
    assert_true(trainer_lr(&t) == 2);
    t.epoch = 1, t.position = digits.train.count / 2; // half of 3 epochs
    assert_true(fabs(trainer_lr(&t) - 1) < 1e-9);
    t.epoch = 3, t.position = 0;
    assert_true(trainer_lr(&t) == 0);
    t.epoch = 4; // a person took epochs back
    assert_true(trainer_lr(&t) == 0);
    t.live.epochs = 0; // no end
    assert_true(trainer_lr(&t) == 2);
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

typedef struct nonsense {
    size_t offset;
    uint32_t value;
    int code;
    const char *expected;
} nonsense;

static void refuse_all(const nonsense *cases, size_t count, buf (*make)(void)) {
    for (size_t i = 0; i < count; i++) {
        buf b = make();
        le_put_u32(b.data + cases[i].offset, cases[i].value);
        seal(&b);
        decode_refused(&b, cases[i].code, cases[i].expected);
        buf_fini(&b);
    }
}

// Well sealed, but nonsense inside: offset, value, expected.
static void test_nonsense(void **state) {
    (void)state;
    const nonsense cases[] = {
        {8, 3, NNS_E_VERSION, "version 3"},     {8, 0, NNS_E_VERSION, "version 0"},
        {12, 0, NNS_E_CORRUPT, "layers"},       {12, 1000, NNS_E_CORRUPT, "layers"},
        {12, 60, NNS_E_CORRUPT, "offset"},      {16, 0, NNS_E_CORRUPT, "height"},
        {16, 27, NNS_E_CORRUPT, "size"},        {20, 0, NNS_E_CORRUPT, "width"},
        {20, 1u << 30, NNS_E_CORRUPT, "width"}, {24, 9, NNS_E_CORRUPT, "optimizer"},
        {28, 1, NNS_E_INVALID, "other data"},   {32, 5, NNS_E_INVALID, "other data"},
        {36, 5500, NNS_E_CORRUPT, "position"},  {52, 0x80000000, NNS_E_CORRUPT, "negative"},
        {72, 0, NNS_E_CORRUPT, "batch"},        {72, 5000, NNS_E_CORRUPT, "batch"},
        {176, 2, NNS_E_CORRUPT, "schedule"},    {184, 77, NNS_E_CORRUPT, "kind"},
        {188, 77, NNS_E_CORRUPT, "activation"}, {192, 0, NNS_E_CORRUPT, "fit"},
        {192, 25, NNS_E_CORRUPT, "size"},       {192, 1u << 30, NNS_E_CORRUPT, "units"},
        {196, 77, NNS_E_CORRUPT, "edge"},       {184, 1, NNS_E_CORRUPT, "activation"},
        {184, 3, NNS_E_CORRUPT, "activation"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases, saved);
}

// The same state as version 1 wrote it: inputs and activation in the header, four bytes a layer.
static buf saved_old(void) {
    buf now = saved(), old = {0};
    uint32_t layers = le_u32(now.data + 12);
    buf_add(&old, now.data, 176);
    le_put_u32(old.data + 8, 1);
    le_put_u32(old.data + 16, 784);
    le_put_u32(old.data + 20, ACTIVATION_TANH);
    for (uint32_t i = 0; i < layers; i++)
        buf_u32(&old, le_u32(now.data + 184 + 16 * i + 8));
    buf_add(&old, now.data + 184 + 16 * layers, now.length - 184 - 16 * layers);
    assert_false(old.failed);
    seal(&old);
    buf_fini(&now);
    return old;
}

static void test_version_1(void **state) {
    (void)state;
    buf now = saved(), old = saved_old();
    trainer a, b;
    why w = {""};
    assert_int_equal(trainer_decode(&a, &digits, "FILE", now.data, now.length, &w), 0);
    if (trainer_decode(&b, &digits, "FILE", old.data, old.length, &w)) fail_msg("%s", w.text);
    assert_same(&a, &b);
    steps(&a, 3), steps(&b, 3);
    assert_same(&a, &b);
    trainer_free(&a), trainer_free(&b);
    buf_fini(&now), buf_fini(&old);
    const nonsense cases[] = {
        {12, 60, NNS_E_CORRUPT, "offset"}, {16, 0, NNS_E_CORRUPT, "inputs"},
        {16, 783, NNS_E_CORRUPT, "size"},  {20, 77, NNS_E_CORRUPT, "activation"},
        {176, 0, NNS_E_CORRUPT, "units"},  {176, 25, NNS_E_CORRUPT, "size"},
    };
    refuse_all(cases, sizeof cases / sizeof *cases, saved_old);
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

// A wrong file is refused with a word, whatever it is.
static void test_wrong_files(void **state) {
    static const struct {
        const char *path, *said;
    } wrong[] = {{"/dev/zero", "not a saved training state"}, // it never ends
                 {"/dev/null", "not a saved training state"},
                 {"/nonexistent/state", "not found"},
                 {"/", "cannot load"}};
    (void)state;
    trainer t;
    why w;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(trainer_load(&t, &digits, wrong[i].path, &w) < 0);
        assert_non_null(strstr(w.text, wrong[i].path));
        assert_non_null(strstr(w.text, wrong[i].said));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on, make_state, remove_state),
        cmocka_unit_test(test_watching_changes_nothing),
        cmocka_unit_test(test_learns),     cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_schedule),   cmocka_unit_test(test_preview),
        cmocka_unit_test(test_version_1),  cmocka_unit_test(test_cnn_goes_on),
        cmocka_unit_test(test_cnn_learns), cmocka_unit_test(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
