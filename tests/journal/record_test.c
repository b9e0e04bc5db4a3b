// Unit record_test.c tests the gate for records: every kind at its exact size, every count one too
// large, random bytes in memory of exactly their size (the sanitizer build sees a read beyond), and
// the words.
#include "journal/record.h"

#include "base/le.h"
#include "support/check.h"
#include "support/temp.h"

static const struct {
    uint16_t kind;
    size_t fixed;
} kinds[] = {
    {RECORD_STEP, 24},    {RECORD_SCALAR, 16},     {RECORD_GAP, 16},       {RECORD_SERIES, 16},
    {RECORD_PARAM, 48},   {RECORD_PARAM_TEXT, 16}, {RECORD_HISTOGRAM, 32}, {RECORD_TEXT, 16},
    {RECORD_IMAGE, 40},   {RECORD_SAMPLE, 24},     {RECORD_FACT, 16},      {RECORD_PROGRESS, 24},
    {RECORD_EVENT, 24},   {RECORD_REPLY, 32},      {RECORD_BEAT, 64},      {RECORD_CLOSE, 16},
    {RECORD_COMMAND, 40}, {RECORD_WATCH, 16},      {RECORD_TIME, 16},      {RECORD_MODEL, 16},
    {RECORD_CAPTURE, 48}, {RECORD_LOOK, 24},       {RECORD_PUSH, 32},      {RECORD_CONFUSION, 16},
};

// Every kind of the table stands in `kinds`: a new one needs its line here and in record.c.
static void every_kind_is_here(void **state) {
    (void)state;
    size_t count = 0;
#define X(name, number, sentence) count++;
#include "journal/record.def"
#undef X
    assert_int_equal(count, sizeof kinds / sizeof kinds[0]);
}

static void head(uint8_t *at, uint16_t kind, size_t bytes) {
    le_put_u16(at, kind);
    le_put_u16(at + 2, (uint16_t)(bytes / 8));
}

static void fixed_parts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint8_t at[80] = {0};
        size_t bytes = kinds[i].fixed;
        head(at, kinds[i].kind, bytes);
        assert_int_equal(record_check(at, sizeof at), bytes);
        assert_int_equal(record_check(at, bytes), bytes);
        assert_int_equal(record_check(at, bytes - 1), 0);
        if (bytes == 16) continue;
        head(at, kinds[i].kind, bytes - 8);
        assert_int_equal(record_check(at, sizeof at), 0);
    }
}

static void lengths(void **state) {
    (void)state;
    static uint8_t at[RECORD_MAX_BYTES];
    assert_int_equal(record_check(at, sizeof at), 0); // zeros
    head(at, RECORD_SCALAR, 8);
    assert_int_equal(record_check(at, sizeof at), 0);
    head(at, 999, 16); // an unknown kind is skipped
    assert_int_equal(record_check(at, sizeof at), 16);
    head(at, 999, RECORD_MAX_BYTES);
    assert_int_equal(record_check(at, sizeof at), RECORD_MAX_BYTES);
    assert_int_equal(record_check(at, sizeof at - 8), 0);
    assert_int_equal(record_check(at, 0), 0);
}

// A record of 80 bytes; `count` of `width` bytes at `field` may be `most` and not one more.
static void expect_limit(uint16_t kind, size_t field, int width, uint32_t most) {
    uint8_t at[80] = {0};
    head(at, kind, sizeof at);
    for (uint32_t more = 0; more < 2; more++) {
        if (width == 2)
            le_put_u16(at + field, (uint16_t)(most + more));
        else
            le_put_u32(at + field, most + more);
        assert_int_equal(record_check(at, sizeof at), more ? 0 : 80);
    }
    if (width == 4) {
        le_put_u32(at + field, UINT32_MAX);
        assert_int_equal(record_check(at, sizeof at), 0);
    }
}

static void counts(void **state) {
    (void)state;
    expect_limit(RECORD_SERIES, 10, 2, 64);
    expect_limit(RECORD_SERIES, 12, 2, 64);
    expect_limit(RECORD_PARAM, 10, 2, 32);
    expect_limit(RECORD_PARAM, 12, 2, 32);
    expect_limit(RECORD_PARAM, 14, 2, 32);
    expect_limit(RECORD_PARAM, 20, 4, 32);
    expect_limit(RECORD_PARAM_TEXT, 8, 4, 64);
    expect_limit(RECORD_HISTOGRAM, 8, 4, 12);
    expect_limit(RECORD_TEXT, 8, 4, 64);
    expect_limit(RECORD_IMAGE, 18, 2, 40);
    expect_limit(RECORD_SAMPLE, 16, 4, 14);
    expect_limit(RECORD_FACT, 8, 2, 64);
    expect_limit(RECORD_FACT, 12, 4, 64);
    expect_limit(RECORD_EVENT, 16, 4, 56);
    expect_limit(RECORD_REPLY, 24, 4, 48);
    expect_limit(RECORD_MODEL, 12, 4, 64);
    expect_limit(RECORD_CAPTURE, 44, 4, 32);
    expect_limit(RECORD_LOOK, 20, 4, 7);
    expect_limit(RECORD_PUSH, 24, 4, 12);
    expect_limit(RECORD_CONFUSION, 8, 4, 4);
    expect_limit(RECORD_CONFUSION, 12, 4, 64);
    expect_limit(RECORD_COMMAND, 32, 2, 2); // two empty values of 16 bytes; a third would end at 88
}

static void choices_end_in_zero(void **state) {
    (void)state;
    uint8_t at[64] = {0};
    head(at, RECORD_PARAM, sizeof at);
    le_put_u32(at + 20, 4);
    memcpy(at + 48, "a\0b", 4);
    assert_int_equal(record_check(at, sizeof at), 64);
    at[51] = 'c';
    assert_int_equal(record_check(at, sizeof at), 0);
}

static void words_of_classes_end_in_zero(void **state) {
    (void)state;
    uint8_t at[32] = {0};
    head(at, RECORD_CONFUSION, sizeof at);
    le_put_u32(at + 8, 1);
    le_put_u32(at + 12, 4);
    memcpy(at + 20, "one", 4);
    assert_int_equal(record_check(at, sizeof at), 32);
    at[23] = 'x';
    assert_int_equal(record_check(at, sizeof at), 0);
}

static void random_bytes(void **state) {
    (void)state;
    uint64_t random = random_seed();
    unsigned whole = 0;
    for (unsigned i = 0; i < rounds(50) * 1000; i++) {
        size_t n = random_below(&random, 30) * 8;
        uint8_t *at = malloc(n ? n : 1);
        for (size_t k = 0; k < n; k++)
            at[k] = random_below(&random, 3) ? 0 : (uint8_t)random_below(&random, 16);
        if (n >= 8) head(at, (uint16_t)random_below(&random, 26), random_below(&random, 30) * 8);
        size_t bytes = record_check(at, n);
        assert_true(bytes <= n && bytes % 8 == 0 && bytes != 8);
        whole += bytes > 0;
        free(at);
    }
    assert_true(whole > 1000);
}

static void words(void **state) {
    (void)state;
    assert_string_equal(record_event_word(EVENT_ATTEMPT), "attempt");
    assert_string_equal(record_event_word(0), "");
    assert_string_equal(record_command_word(COMMAND_STEP), "step");
    assert_string_equal(record_command_word(77), "");
    for (uint32_t verb = COMMAND_SET; verb <= COMMAND_PRUNE; verb++)
        assert_int_equal(record_command_verb(record_command_word(verb)), verb);
    assert_int_equal(record_command_verb("explode"), 0);
    assert_string_equal(record_series_word(SERIES_SAMPLE), "sample");
    assert_string_equal(record_series_word(99), "");
    assert_string_equal(record_param_word(PARAM_DOUBLE), "float");
    assert_string_equal(record_param_word(0), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_here),
        cmocka_unit_test(fixed_parts),
        cmocka_unit_test(lengths),
        cmocka_unit_test(counts),
        cmocka_unit_test(choices_end_in_zero),
        cmocka_unit_test(words_of_classes_end_in_zero),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
