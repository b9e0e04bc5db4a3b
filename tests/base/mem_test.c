// Unit mem_test.c tests the doors to memory: what overflows, what fails, how arrays grow.
#include "base/mem.h"

#include "support/check.h"

#include <stdint.h>
#include <string.h>

static void too_many_are_refused(void **state) {
    (void)state;
    assert_null(mem_array(SIZE_MAX / 4, 8));
    assert_null(mem_grow(NULL, SIZE_MAX / 4, 8));
}

static void room_for_one_more(void **state) {
    (void)state;
    int *items = NULL;
    size_t capacity = 0, grown = 0;
    for (int i = 0; i < 100; i++) {
        size_t before = capacity;
        items = mem_room(items, (size_t)i, &capacity, 4, sizeof *items);
        assert_non_null(items);
        assert_true(capacity > (size_t)i);
        grown += capacity != before;
        items[i] = i;
    }
    assert_int_equal(capacity, 128);
    assert_int_equal(grown, 6); // 4 8 16 32 64 128
    for (int i = 0; i < 100; i++)
        assert_int_equal(items[i], i);
    mem_free(items);
}

static void a_failure_keeps_what_was(void **state) {
    (void)state;
    size_t capacity = 0;
    char *items = mem_room(NULL, 0, &capacity, 2, 1);
    memcpy(items, "ab", 2);
    mem_fail_at(1);
    assert_null(mem_room(items, 2, &capacity, 2, 1));
    mem_fail_at(0);
    assert_int_equal(capacity, 2);
    assert_memory_equal(items, "ab", 2);
    mem_free(items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(room_for_one_more),
        cmocka_unit_test(a_failure_keeps_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
