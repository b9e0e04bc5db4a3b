// Unit buf_test.c tests byte buffers against a plain array, numbers by reading them back, JSON by
// undoing it.
#include "base/buf.h"

#include "base/mem.h"
#include "support/check.h"
#include "support/temp.h"

#include <locale.h>
#include <math.h>

static void appends_equal_a_plain_array(void **state) {
    (void)state;
    uint64_t random = random_seed();
    static uint8_t model[1 << 16];
    for (unsigned round = 0; round < rounds(40); round++) {
        buf b = {0};
        size_t length = 0;
        while (length < 40000) {
            uint8_t piece[300];
            size_t n = random_below(&random, sizeof piece);
            for (size_t i = 0; i < n; i++)
                piece[i] = (uint8_t)random_next(&random);
            if (random_below(&random, 50) == 0) {
                buf_clear(&b);
                length = 0;
            } else if (random_below(&random, 4) == 0) {
                buf_align8(&b);
                while (length % 8)
                    model[length++] = 0;
            } else {
                buf_add(&b, piece, n);
                memcpy(model + length, piece, n);
                length += n;
            }
            assert_int_equal(b.length, length);
        }
        assert_memory_equal(b.data, model, length);
        buf_fini(&b);
        assert_null(b.data);
    }
}

static void failed_allocation_is_remembered(void **state) {
    (void)state;
    for (long n = 1; n < 6; n++) {
        buf b = {0};
        mem_fail_at(n);
        for (int i = 0; i < 3000; i++)
            buf_text(&b, "abc");
        mem_fail_at(0);
        size_t length = b.length;
        assert_true(b.failed);
        buf_text(&b, "more");
        buf_print(&b, "%d", 1);
        assert_int_equal(b.length, length);
        buf_clear(&b);
        buf_text(&b, "again");
        assert_false(b.failed);
        assert_memory_equal(b.data, "again", 5);
        buf_fini(&b);
    }
}

static const char *text_of(buf *b) {
    buf_char(b, 0);
    assert_false(b->failed);
    return (const char *)b->data;
}

static void expect_number(double v, const char *text) {
    buf b = {0};
    buf_number(&b, v);
    assert_string_equal(text_of(&b), text);
    buf_fini(&b);
}

static void chosen_numbers(void **state) {
    (void)state;
    expect_number(0, "0");
    expect_number(-0.0, "-0");
    expect_number(0.1, "0.1");
    expect_number(-2.5, "-2.5");
    expect_number(1e300, "1e+300");
    expect_number(123456789012345.0, "123456789012345");
    expect_number(9007199254740993.0, "9007199254740992");
    expect_number(5e-324, "4.94066e-324");
    expect_number(NAN, "\"NaN\"");
    expect_number(INFINITY, "\"Infinity\"");
    expect_number(-INFINITY, "\"-Infinity\"");
}

static void numbers_read_back_equal(void **state) {
    (void)state;
    uint64_t random = random_seed();
    buf b = {0};
    for (unsigned i = 0; i < rounds(8) * 1000; i++) {
        uint64_t bits = random_next(&random);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (i % 3 == 1) v = (double)(int64_t)bits / 1024;
        if (i % 3 == 2) v = (double)(float)v;
        if (!isfinite(v)) continue;
        buf_clear(&b);
        buf_number(&b, v);
        double again = strtod(text_of(&b), NULL);
        assert_memory_equal(&again, &v, sizeof v);
    }
    buf_fini(&b);
}

static void integers(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (int i = 0; i < 5000; i++) {
        int64_t v = (int64_t)random_next(&random) >> random_below(&random, 64);
        if (i == 0) v = INT64_MIN;
        if (i == 1) v = 0;
        buf b = {0};
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)v);
        buf_int(&b, v);
        assert_string_equal(text_of(&b), text);
        buf_fini(&b);
    }
}

static void expect_json(const char *text, size_t length, const char *json) {
    buf b = {0};
    buf_json(&b, text, length);
    assert_string_equal(text_of(&b), json);
    buf_fini(&b);
}

static void chosen_json(void **state) {
    (void)state;
    expect_json("", 0, "\"\"");
    expect_json("a\"b\\c\n\t", 7, "\"a\\\"b\\\\c\\n\\t\"");
    expect_json("\x01\x7f\0", 3, "\"\\u0001\\u007f\\u0000\"");
    expect_json("gr\xC3\xBC\xC3\x9F", 6, "\"gr\xC3\xBC\xC3\x9F\"");
    expect_json("\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\"");
    expect_json("\xC3", 1, "\"\xEF\xBF\xBD\"");                                 // cut short
    expect_json("\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                 // overlong
    expect_json("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); // surrogate
    expect_json("\xF4\x90\x80\x80x", 5,
                "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\""); // beyond U+10FFFF
}

// Undoes the escapes that buf_json writes. -> length
static size_t undo(const uint8_t *json, size_t length, uint8_t *out) {
    size_t n = 0;
    assert_true(length >= 2 && json[0] == '"' && json[length - 1] == '"');
    for (size_t i = 1; i < length - 1; i++) {
        assert_true(json[i] >= 0x20 && json[i] != '"');
        if (json[i] != '\\') {
            out[n++] = json[i];
            continue;
        }
        uint8_t c = json[++i];
        if (c == 'u') {
            char hex[5] = {0};
            memcpy(hex, json + i + 1, 4);
            out[n++] = (uint8_t)strtoul(hex, NULL, 16);
            i += 4;
        } else {
            out[n++] = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
    }
    return n;
}

static void random_ascii_json_is_undone(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (int i = 0; i < 5000; i++) {
        uint8_t text[64], back[64];
        size_t n = random_below(&random, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (uint8_t)random_below(&random, 128);
        buf b = {0};
        buf_json(&b, (const char *)text, n);
        assert_int_equal(undo(b.data, b.length, back), n);
        assert_memory_equal(back, text, n);
        buf_fini(&b);
    }
}

// Whatever comes in, what goes out is UTF-8: the C library must be able to read it.
static void random_bytes_become_utf8(void **state) {
    (void)state;
    uint64_t random = random_seed();
    if (!setlocale(LC_CTYPE, "C.UTF-8")) skip();
    for (int i = 0; i < 5000; i++) {
        uint8_t text[16];
        size_t n = random_below(&random, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = (uint8_t)(random_below(&random, 4) ? 0x80 | random_next(&random)
                                                         : random_next(&random));
        buf b = {0};
        buf_json(&b, (const char *)text, n);
        assert_true(mbstowcs(NULL, text_of(&b), 0) != (size_t)-1);
        buf_fini(&b);
    }
    setlocale(LC_CTYPE, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_equal_a_plain_array),
        cmocka_unit_test(failed_allocation_is_remembered),
        cmocka_unit_test(chosen_numbers),
        cmocka_unit_test(numbers_read_back_equal),
        cmocka_unit_test(integers),
        cmocka_unit_test(chosen_json),
        cmocka_unit_test(random_ascii_json_is_undone),
        cmocka_unit_test(random_bytes_become_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
