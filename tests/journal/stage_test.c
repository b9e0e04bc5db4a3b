// Unit stage_test.c tests the staging area: what was put arrives as a file under its number, what
// did not fit is a 0 and nothing else, several threads put at once, and a copy opened after the
// death holds the same.
#include "journal/stage.h"

#include "base/error.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/temp.h"

#include <pthread.h>

#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

// Content that follows from its length and first byte.
static void pattern(uint8_t *at, size_t bytes, uint8_t first) {
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(first + i * 7);
}

static void expect_blob(uint64_t number, size_t bytes, uint8_t first) {
    static uint8_t want[70000];
    char path[PATH_CAP];
    buf got = {0};
    struct stat st;
    assert_int_equal(stage_blob_path(path, folder, PROC, number), 0);
    assert_int_equal(file_read(path, sizeof want, &got), 0);
    pattern(want, bytes, first);
    assert_int_equal(got.length, bytes);
    if (bytes) assert_memory_equal(got.data, want, bytes);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    buf_fini(&got);
    unlink(path);
}

static void random_program(void **state) {
    (void)state;
    uint64_t random = random_seed();
    static uint8_t data[70000];
    static struct {
        size_t bytes;
        uint8_t first;
    } waiting[1000];
    stage s;
    uint64_t put = 0, drained = 0, failed = 0;
    unsigned refused = 0;
    assert_int_equal(stage_make(&s, folder, PROC, 65536), 0);
    for (unsigned i = 0; i < rounds(20) * 10; i++) {
        size_t bytes = random_below(&random, i % 8 ? 3000 : sizeof data);
        uint8_t first = (uint8_t)random_next(&random);
        pattern(data, bytes, first);
        uint64_t number = stage_put(&s, data, bytes);
        if (number) {
            assert_int_equal(number, ++put);
            waiting[number - drained].bytes = bytes;
            waiting[number - drained].first = first;
        }
        refused += number == 0;
        if (random_below(&random, 20)) continue;
        assert_int_equal(stage_drain(&s, folder, PROC, &failed), 0);
        for (uint64_t n = drained + 1; n <= put; n++)
            expect_blob(n, waiting[n - drained].bytes, waiting[n - drained].first);
        drained = put;
    }
    assert_true(refused > 0 && put > 20);
    assert_int_equal(failed, 0);
    stage_drop(&s, true);
}

static void the_dead_are_drained_from_a_copy(void **state) {
    (void)state;
    uint8_t data[5000];
    char path[PATH_CAP];
    stage s, copy;
    uint64_t failed = 0;
    pattern(data, sizeof data, 3);
    assert_int_equal(stage_make(&s, folder, PROC, 16384), 0);
    for (uint64_t n = 1; n <= 9; n++) { // around the end
        assert_int_equal(stage_put(&s, data, sizeof data), n);
        if (n == 8) break;
        assert_int_equal(stage_drain(&s, folder, PROC, &failed), 0);
        expect_blob(n, sizeof data, 3);
    }
    assert_int_equal(stage_put(&s, data, 100), 9);
    atomic_store(s.taken, 1); // it died while it put the next
    file_path(path, "%s/" PROC ".stage", folder);
    assert_int_equal(stage_open(&copy, path), 0);
    assert_int_equal(stage_drain(&copy, folder, PROC, &failed), 0);
    expect_blob(8, sizeof data, 3);
    expect_blob(9, 100, 3);
    assert_int_equal(failed, 0);
    stage_drop(&copy, false);
    stage_drop(&s, true);
    assert_int_equal(stage_open(&copy, path), NNS_E_NOT_FOUND);
}

static void trouble_is_counted(void **state) {
    (void)state;
    stage s;
    uint64_t failed = 0;
    assert_int_equal(stage_make(&s, NULL, PROC, 4096), 0);
    assert_int_equal(stage_put(&s, "x", 4096 - 16),
                     0); // its own header has no room, and "x" is not read
    atomic_store(s.taken, 1);
    assert_int_equal(stage_put(&s, "abc", 3), 0);
    atomic_store(s.taken, 0);
    assert_int_equal(stage_put(&s, "abc", 3), 1);
    assert_int_equal(stage_put(&s, "", 0), 2);
    assert_int_equal(stage_drain(&s, "/nowhere/at/all", PROC, &failed), NNS_E_NOT_FOUND);
    assert_int_equal(failed, 24 + 16);
    assert_int_equal(stage_put(&s, "abc", 3), 3);
    stage_drop(&s, true);
}

// An entry that says more than there is: given up with all behind it.
static void damaged_entries(void **state) {
    (void)state;
    stage s;
    uint64_t failed = 0, huge = UINT64_MAX - 8;
    assert_int_equal(stage_make(&s, NULL, PROC, 4096), 0);
    assert_int_equal(stage_put(&s, "abc", 3), 1);
    assert_int_equal(stage_put(&s, "def", 3), 2);
    memcpy(s.ring.data + 8, &huge, sizeof huge);
    assert_int_equal(stage_drain(&s, folder, PROC, &failed), NNS_E_CORRUPT);
    assert_int_equal(failed, 48);
    assert_int_equal(stage_put(&s, "abc", 3), 3);
    assert_int_equal(stage_drain(&s, folder, PROC, &failed), 0);
    stage_drop(&s, true);
}

enum { THREADS = 3, PUTS = 400 };

typedef struct job {
    stage *s;
    uint8_t first;
    _Atomic unsigned put;
    _Atomic bool done;
} job;

static void *putter(void *argument) {
    job *j = argument;
    uint8_t data[64];
    pattern(data, sizeof data, j->first);
    for (int i = 0; i < PUTS; i++)
        j->put += stage_put(j->s, data, sizeof data) != 0;
    j->done = true;
    return NULL;
}

static void several_threads(void **state) {
    (void)state;
    stage s;
    job jobs[THREADS];
    pthread_t threads[THREADS];
    uint64_t failed = 0;
    assert_int_equal(stage_make(&s, folder, PROC, 65536), 0);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){.s = &s, .first = (uint8_t)i};
        assert_int_equal(pthread_create(&threads[i], NULL, putter, &jobs[i]), 0);
    }
    for (bool done = false; !done;) {
        done = true;
        for (int i = 0; i < THREADS; i++)
            done = done && jobs[i].done;
        assert_int_equal(stage_drain(&s, folder, PROC, &failed), 0);
    }
    uint64_t put = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        put += jobs[i].put;
    }
    for (uint64_t n = 1; n <= put; n++) {
        char path[PATH_CAP];
        buf got = {0};
        assert_int_equal(stage_blob_path(path, folder, PROC, n), 0);
        assert_int_equal(file_read(path, 64, &got), 0);
        assert_int_equal(got.length, 64);
        uint8_t want[64];
        pattern(want, 64, got.data[0]);
        assert_memory_equal(got.data, want, 64);
        buf_fini(&got);
    }
    assert_true(put > 0);
    stage_drop(&s, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_program, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dead_are_drained_from_a_copy, setup, teardown),
        cmocka_unit_test(trouble_is_counted),
        cmocka_unit_test_setup_teardown(damaged_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(several_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
