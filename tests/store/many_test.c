// Many series at once: a store with points of all of them in its log opens in time proportional to their number.
#include "model.h"

#include <time.h>

enum { RUNS = 40, SERIES = 1000 };

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void series_name(char out[32], int i) {
    snprintf(out, 32, "group/series%d", i);
}

static void fill(store *s, int rounds) {
    char name[32];
    for (int run = 1; run <= RUNS; run++) {
        store_group *g = store_group_open(s, run, 0);
        for (int round = 0; round < rounds; round++) {
            store_step(g, 0, round, round);
            for (int i = 0; i < SERIES; i++) {
                series_name(name, i);
                assert_int_equal(
                    store_append(g, store_series_open(s, run, name, 1, "", 1), run + i / 1000.0),
                    0);
            }
        }
    }
}

static void opens_again(void **state) {
    (void)state;
    char folder[64];
    make_folder(folder);
    store *s = open_store(folder, 1024);
    double begin = cpu_s();
    fill(s, 2);
    assert_int_equal(store_wait(s, store_commit(s), 60000), 0);
    double made = cpu_s() - begin;
    store_close(s);
    begin = cpu_s();
    s = open_store(folder, 1024);
    double opened = cpu_s() - begin;
    print_message("%d series: made in %.2f s, opened in %.2f s of CPU\n", RUNS * SERIES, made,
                  opened);
    assert_true(opened < 2 * made);
    store_reader *r = NULL;
    assert_int_equal(store_reader_open(s, &r), 0);
    for (int run = 1; run <= RUNS; run += 13) {
        store_columns c = {0};
        store_query q = {
            .run = run, .series = "group/series77", .from = INT64_MIN, .to = INT64_MAX};
        assert_int_equal(store_points(r, &q, &c), 0);
        assert_int_equal(c.rows, 2);
        assert_true(c.value[1] == run + 0.077);
        store_columns_fini(&c);
    }
    store_reader_close(r);
    store_close(s);
    remove_folder(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(opens_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
