// Unit id_test.c tests that ids are valid, unique and sorted by time, and that others are refused.
#include "base/id.h"

#include "base/clock.h"
#include "support/check.h"
#include "support/temp.h"

static int compare(const void *a, const void *b) {
    return strcmp(((const nns_id *)a)->text, ((const nns_id *)b)->text);
}

static void valid_and_unique(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    static nns_id ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(id_new(&ids[i]), 0);
        assert_true(id_valid(ids[i].text));
    }
    qsort(ids, COUNT, sizeof ids[0], compare);
    for (int i = 1; i < COUNT; i++)
        assert_string_not_equal(ids[i].text, ids[i - 1].text);
}

static void sorted_by_time(void **state) {
    (void)state;
    nns_id last, next;
    assert_int_equal(id_new(&last), 0);
    for (int i = 0; i < 20; i++, last = next) {
        clock_sleep_ns(2 * NS_PER_MS);
        assert_int_equal(id_new(&next), 0);
        assert_true(strcmp(last.text, next.text) < 0);
    }
}

static void others_are_refused(void **state) {
    (void)state;
    assert_true(id_valid("01kaq8z3v5m4n6p7q8r9s0t1v2"));
    assert_false(id_valid(""));
    assert_false(id_valid("01kaq8z3v5m4n6p7q8r9s0t1v"));
    assert_false(id_valid("01kaq8z3v5m4n6p7q8r9s0t1v23"));
    assert_false(id_valid("01KAQ8Z3V5M4N6P7Q8R9S0T1V2"));
    assert_false(id_valid("01kaq8z3v5m4n6p7q8r9s0t1v/"));
    assert_false(id_valid("../../../../../etc/passwd0"));
    const char *without = "ilou";
    for (; *without; without++) {
        char text[] = "01kaq8z3v5m4n6p7q8r9s0t1v2";
        text[13] = *without;
        assert_false(id_valid(text));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_and_unique),
        cmocka_unit_test(sorted_by_time),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
