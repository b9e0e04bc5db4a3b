// Unit capture_test.c tests the writer and the gate of captures: what is written is read back, every cut and every
// changed byte is refused or gives sections that lie inside the bytes (memory of exactly their size: the sanitizer
// build sees a read beyond).
#include "journal/capture.h"

#include "base/error.h"
#include "base/le.h"
#include "support/check.h"
#include "support/temp.h"

#include <math.h>

static const float weights[6] = {1, -2, 3, -4, 5, NAN};
static const uint8_t pixels[5] = {0, 50, 100, 150, 255};

static void write_capture(buf *out) {
    capture_head head = {.kind = CAPTURE_LOOK,
                         .number = 7,
                         .step = -1,
                         .last_step = 12,
                         .flags = CAPTURE_SLICED,
                         .base_step = 5,
                         .time_ms = 1.5,
                         .observed = 99};
    size_t begin = capture_begin(out, &head);
    capture_section section = {.quantity = QUANTITY_WEIGHT,
                               .coding = CODING_F32,
                               .dims = 2,
                               .layer = 1,
                               .tensor = 2,
                               .shape = {2, 3},
                               .full = {20, 30},
                               .scale = 1,
                               .nonfinite = 1};
    capture_add(out, &section, weights);
    section = (capture_section){
        .quantity = QUANTITY_UNIT_SAMPLES, .coding = CODING_U8, .dims = 1, .shape = {5}, .item = 3};
    size_t at = capture_add(out, &section, NULL);
    memcpy(out->data + at, pixels, sizeof pixels);
    section = (capture_section){.quantity = QUANTITY_ACTIVATION,
                                .coding = CODING_F32 | CODING_PACKED,
                                .dims = 1,
                                .shape = {1000},
                                .stored = 3};
    capture_add(out, &section, "abc");
    section = (capture_section){
        .quantity = QUANTITY_CORRELATION, .coding = CODING_TRIPLE, .dims = 1, .shape = {0}};
    capture_add(out, &section, NULL);
    capture_end(out, begin);
    assert_false(out->failed);
}

static void written_is_read(void **state) {
    (void)state;
    buf out = {0};
    write_capture(&out);
    capture_head head;
    assert_int_equal(capture_open(out.data, out.length, &head), 0);
    assert_int_equal(head.kind, CAPTURE_LOOK);
    assert_int_equal(head.number, 7);
    assert_int_equal(head.step, -1);
    assert_int_equal(head.last_step, 12);
    assert_int_equal(head.base_step, 5);
    assert_int_equal(head.sections, 4);
    assert_int_equal(head.flags, CAPTURE_SLICED);
    assert_true(head.time_ms == 1.5);
    assert_int_equal(head.observed, 99);

    size_t at = 0;
    capture_section s;
    assert_int_equal(capture_next(out.data, out.length, &at, &s), 0);
    assert_int_equal(s.quantity, QUANTITY_WEIGHT);
    assert_int_equal(s.layer, 1);
    assert_int_equal(s.tensor, 2);
    assert_int_equal(s.full[1], 30);
    assert_int_equal(s.elements, 6);
    assert_int_equal(s.nonfinite, 1);
    assert_memory_equal(s.data, weights, sizeof weights);
    assert_int_equal(capture_next(out.data, out.length, &at, &s), 0);
    assert_int_equal(s.item, 3);
    assert_int_equal(s.stored, 5);
    assert_memory_equal(s.data, pixels, 5);
    assert_int_equal(capture_next(out.data, out.length, &at, &s), 0);
    assert_int_equal(s.elements, 1000);
    assert_int_equal(s.stored, 3);
    assert_int_equal(capture_next(out.data, out.length, &at, &s), 0);
    assert_int_equal(s.elements, 0);
    assert_int_equal(at % 8, 0);
    assert_int_equal(capture_next(out.data, out.length, &at, &s), NNS_E_NOT_FOUND);
    buf_fini(&out);
}

static void every_cut_is_refused(void **state) {
    (void)state;
    buf out = {0};
    write_capture(&out);
    for (size_t length = 0; length < out.length; length++) {
        uint8_t *cut = malloc(length ? length : 1);
        memcpy(cut, out.data, length);
        capture_head head;
        assert_int_equal(capture_open(cut, length, &head), NNS_E_CORRUPT);
        free(cut);
    }
    buf_fini(&out);
}

// What passes has data inside the bytes.
static void read_all(const uint8_t *bytes, size_t length) {
    capture_head head;
    if (capture_open(bytes, length, &head) != 0) return;
    size_t at = 0;
    capture_section s;
    while (capture_next(bytes, length, &at, &s) == 0) {
        assert_true(s.data >= bytes + CAPTURE_HEAD && s.data + s.stored <= bytes + length);
        assert_true(s.dims <= 4 && s.elements <= CAPTURE_BYTES_MAX);
        if (!(s.coding & CODING_PACKED))
            assert_int_equal(s.stored, s.elements * capture_element_bytes(s.coding));
    }
}

static void changed_bytes_stay_inside(void **state) {
    (void)state;
    buf out = {0};
    write_capture(&out);
    uint8_t *bytes = malloc(out.length);
    for (size_t i = 0; i < out.length; i++) {
        memcpy(bytes, out.data, out.length);
        for (int change = 0; change < 4; change++) {
            bytes[i] = (uint8_t[]){0, 255, 127, (uint8_t)(out.data[i] + 1)}[change];
            read_all(bytes, out.length);
        }
    }
    free(bytes);
    buf_fini(&out);
}

static void wrong_heads(void **state) {
    (void)state;
    buf out = {0};
    write_capture(&out);
    capture_head head;
    le_put_u16(out.data + 4, 2);
    assert_int_equal(capture_open(out.data, out.length, &head), NNS_E_VERSION);
    le_put_u16(out.data + 4, 1);
    le_put_u32(out.data + 32, 3); // one section fewer than there are
    assert_int_equal(capture_open(out.data, out.length, &head), NNS_E_CORRUPT);
    le_put_u32(out.data + 32, 4);
    le_put_u32(out.data + CAPTURE_HEAD + 16, 0xFFFFFFFFu); // a shape whose product wraps
    le_put_u32(out.data + CAPTURE_HEAD + 20, 0xFFFFFFFFu);
    assert_int_equal(capture_open(out.data, out.length, &head), NNS_E_CORRUPT);
    buf_fini(&out);
}

static void too_large_fails(void **state) {
    (void)state;
    buf out = {0};
    size_t begin = capture_begin(&out, &(capture_head){.kind = CAPTURE_LOOK});
    capture_section section = {
        .quantity = QUANTITY_WEIGHT, .coding = CODING_F32, .dims = 2, .shape = {65536, 65536}};
    assert_int_equal(capture_add(&out, &section, NULL), 0);
    capture_end(&out, begin);
    assert_true(out.failed);
    buf_fini(&out);
}

static void words(void **state) {
    (void)state;
    assert_string_equal(capture_quantity_word(QUANTITY_STRONG_UPDATE), "strong_update");
    assert_string_equal(capture_quantity_word(9), "");
    assert_string_equal(capture_statistic_word(STATISTIC_UPDATE_RATIO), "update_ratio");
    assert_string_equal(capture_statistic_word(STATISTIC_COUNT), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read),           cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(changed_bytes_stay_inside), cmocka_unit_test(wrong_heads),
        cmocka_unit_test(too_large_fails),           cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
