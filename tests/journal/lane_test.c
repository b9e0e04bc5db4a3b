// Unit lane_test.c tests lanes against a plain queue, with two threads, full, on a full file
// system, and the checks on a lane file that somebody damaged.
#include "journal/lane.h"

#include "base/error.h"
#include "base/file.h"
#include "base/le.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/temp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

static void lane_path(char out[512], uint32_t number) {
    snprintf(out, 512, "%s/" PROC ".%u.lane", folder, number);
}

// A record whose words say who it is: kind 1000, `a` the low half of its number, all words the
// number.
static void put(void *at, uint64_t number, size_t bytes) {
    le_put_u16(at, 1000);
    le_put_u16((uint8_t *)at + 2, (uint16_t)(bytes / 8));
    le_put_u32((uint8_t *)at + 4, (uint32_t)number);
    for (size_t i = 8; i < bytes; i += 8)
        le_put_u64((uint8_t *)at + i, number);
}

// What the reader of a stream knows, and checks.
typedef struct follower {
    uint64_t next; // number of the next record
    int64_t step;
    uint64_t written, dropped;
} follower;

static void follow_one(follower *f, const uint8_t *at, size_t bytes) {
    switch (le_u16(at)) {
    case RECORD_GAP:
        f->dropped += le_u64(at + 8);
        f->next += le_u64(at + 8);
        return;
    case RECORD_STEP:
        f->step = le_i64(at + 8);
        return;
    default:
        assert_int_equal(le_u32(at + 4), (uint32_t)f->next);
        for (size_t i = 8; i < bytes; i += 8)
            assert_true(le_u64(at + i) == f->next);
        f->next++;
        f->written++;
    }
}

// Follows whole records up to `most` bytes. -> bytes
static size_t follow(follower *f, const uint8_t *at, size_t ready, size_t most) {
    size_t taken = 0;
    while (taken < ready) {
        size_t n = record_check(at + taken, ready - taken);
        assert_true(n > 0);
        if (taken + n > most) break;
        follow_one(f, at + taken, n);
        taken += n;
    }
    return taken;
}

// The writer as the probe does it. True when written.
static bool write_one(lane *l, int64_t step, uint64_t number, size_t bytes) {
    if (l->step != step || l->dropped) {
        if (!lane_open_step(l, step, 0)) {
            lane_lose(l);
            return false;
        }
    }
    void *at = lane_room(l, bytes);
    if (!at) {
        lane_lose(l);
        return false;
    }
    put(at, number, bytes);
    lane_publish(l, bytes);
    return true;
}

static void random_program_against_a_queue(const char *where) {
    uint64_t random = random_seed();
    for (unsigned round = 0; round < rounds(20); round++) {
        lane l;
        assert_int_equal(lane_make(&l, where, PROC, round, 4096), 0);
        assert_int_equal(l.in_file, where != NULL);
        follower f = {.step = INT64_MIN};
        uint64_t attempted = 0, written = 0, head = 0;
        int64_t step = 0;
        for (int i = 0; i < 20000; i++) {
            const uint8_t *at;
            uint64_t what = random_below(&random, 100);
            if (what < 70) {
                written += write_one(&l, step, attempted++, 16 + 8 * random_below(&random, 12));
            } else if (what < 80) {
                step++;
            } else if (what < 83 || (what < 90 && round % 2)) {
                size_t ready = lane_ready(&l, &at);
                assert_true(ready <= 4096 && at == l.data + (head & l.mask));
                size_t taken = follow(&f, at, ready, random_below(&random, 4096));
                lane_release(&l, taken);
                head += taken;
            }
        }
        const uint8_t *at;
        size_t ready = lane_ready(&l, &at);
        lane_release(&l, follow(&f, at, ready, ready));
        assert_int_equal(f.written, written);
        assert_int_equal(f.dropped + l.dropped, attempted - written);
        assert_int_equal(l.dropped_total, attempted - written);
        if (round % 2 == 0) assert_true(f.dropped > 0);
        lane_drop(&l, true);
    }
}

static void in_a_file(void **state) {
    (void)state;
    random_program_against_a_queue(folder);
}

static void in_private_memory(void **state) {
    (void)state;
    random_program_against_a_queue(NULL);
}

enum { THREAD_RECORDS = 300000 };

typedef struct writer_job {
    lane *l;
    bool wait; // for room, instead of dropping
    _Atomic bool done;
} writer_job;

static void *writer(void *argument) {
    writer_job *job = argument;
    uint64_t random = 7;
    for (uint64_t i = 0; i < THREAD_RECORDS; i++) {
        size_t bytes = 16 + 8 * random_below(&random, 6);
        if (!job->wait) {
            write_one(job->l, (int64_t)(i / 10), i, bytes);
            continue;
        }
        while (job->l->step != (int64_t)(i / 10) && !lane_open_step(job->l, (int64_t)(i / 10), 0))
            sched_yield();
        void *at;
        while (!(at = lane_room(job->l, bytes)))
            sched_yield();
        put(at, i, bytes);
        lane_publish(job->l, bytes);
    }
    atomic_store(&job->done, true);
    return NULL;
}

static void two_threads(bool wait) {
    lane l;
    follower f = {0};
    assert_int_equal(lane_make(&l, folder, PROC, 0, 65536), 0);
    writer_job job = {.l = &l, .wait = wait};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, writer, &job), 0);
    for (bool done = false; !done;) {
        const uint8_t *at;
        done = atomic_load(&job.done); // before looking: what was written before it is seen
        size_t ready = lane_ready(&l, &at);
        lane_release(&l, follow(&f, at, ready, ready));
        if (!ready) sched_yield();
    }
    pthread_join(thread, NULL);
    assert_int_equal(f.written + f.dropped + l.dropped, THREAD_RECORDS);
    assert_int_equal(f.dropped + l.dropped, l.dropped_total);
    if (wait) assert_int_equal(f.written, THREAD_RECORDS);
    lane_drop(&l, true);
}

static void writer_that_waits_loses_nothing(void **state) {
    (void)state;
    two_threads(true);
}

static void writer_that_drops_counts_all(void **state) {
    (void)state;
    two_threads(false);
}

// Invariant 2 of lane.c: a full lane still takes the GAP and the STEP that tell of it.
static void full_lane_tells_once(void **state) {
    (void)state;
    lane l;
    assert_int_equal(lane_make(&l, NULL, PROC, 0, 4096), 0);
    uint64_t n = 0;
    while (write_one(&l, 0, n, 16))
        n++;
    assert_int_equal(l.dropped, 1);
    assert_true(lane_open_step(&l, 0, 0)); // in the spare bytes
    for (int i = 0; i < 9; i++)
        assert_false(write_one(&l, 0, 0, 16));
    const uint8_t *at;
    size_t ready = lane_ready(&l, &at);
    assert_true(ready <= 4096 && ready > 4096 - 40);
    assert_int_equal(l.dropped_total, 10);
    follower f = {0};
    lane_release(&l, follow(&f, at, ready, ready));
    assert_int_equal(f.written, n);
    assert_true(write_one(&l, 1, n + 10, 16));
    ready = lane_ready(&l, &at);
    lane_release(&l, follow(&f, at, ready, ready));
    assert_int_equal(f.written, n + 1);
    assert_int_equal(f.dropped, 10);
    assert_int_equal(f.step, 1);
    lane_drop(&l, true);
}

static void files_are_private_and_new(void **state) {
    (void)state;
    char path[512], link[512];
    struct stat st;
    lane l, other;
    lane_path(path, 3);
    assert_int_equal(lane_make(&l, folder, PROC, 3, 8192), 0);
    assert_string_equal(l.path, path);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(st.st_blocks * 512 >= 8192 + 4096);
    assert_int_equal(lane_make(&other, folder, PROC, 3, 8192), NNS_E_EXISTS);
    lane_path(link, 4);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(lane_make(&other, folder, PROC, 4, 8192), NNS_E_EXISTS);
    assert_int_equal(lane_open(&other, link), NNS_E_PERMISSION);
    lane_drop(&l, false);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(lane_make(&l, folder, PROC, 5, 5000), NNS_E_INVALID);
    assert_int_equal(lane_make(&l, folder, PROC, 5, 2048), NNS_E_INVALID);
    assert_int_equal(lane_make(&l, "/nowhere/at/all", PROC, 5, 4096), NNS_E_NOT_FOUND);
}

// What lane_open sees is what stood between head and tail, wherever head is.
static void opened_copy_equals(void **state) {
    (void)state;
    uint64_t random = random_seed();
    char path[512];
    lane l, copy;
    lane_path(path, 0);
    assert_int_equal(lane_make(&l, folder, PROC, 0, 4096), 0);
    follower f = {.step = INT64_MIN};
    for (uint64_t i = 0; i < 3000; i++) {
        const uint8_t *a, *b;
        write_one(&l, 0, i, 16 + 8 * random_below(&random, 40));
        size_t ready = lane_ready(&l, &a);
        assert_int_equal(lane_open(&copy, path), 0);
        assert_int_equal(copy.number, 0);
        assert_int_equal(lane_ready(&copy, &b), ready);
        assert_true(*copy.head == *l.head);
        assert_memory_equal(a, b, ready);
        lane_drop(&copy, false);
        if (ready > 3000 || random_below(&random, 8) == 0)
            lane_release(&l, follow(&f, a, ready, random_below(&random, 4096)));
    }
    lane_drop(&l, true);
    assert_int_equal(lane_open(&copy, path), NNS_E_NOT_FOUND);
}

static void poke(const char *path, off_t at, const void *data, size_t bytes) {
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, data, bytes, at), bytes);
    close(fd);
}

static void expect_open(const char *path, int result) {
    lane l;
    assert_int_equal(lane_open(&l, path), result);
    if (!result) lane_drop(&l, false);
}

static void damaged_headers_are_refused(void **state) {
    (void)state;
    char path[512];
    lane l;
    lane_path(path, 0);
    assert_int_equal(lane_make(&l, folder, PROC, 0, 4096), 0);
    for (uint64_t i = 0; i < 20; i++)
        write_one(&l, 0, i, 16);
    lane_drop(&l, false);
    static const struct {
        off_t at;
        uint64_t value;
        size_t bytes;
        int result;
    } cases[] = {
        {0, 0, 1, NNS_E_CORRUPT},
        {8, 9, 4, NNS_E_VERSION},
        {8, 0, 4, NNS_E_CORRUPT},
        {12, 4097, 4, NNS_E_CORRUPT},
        {12, 8192, 4, NNS_E_CORRUPT},
        {12, 0, 4, NNS_E_CORRUPT},
        {12, 1u << 31, 4, NNS_E_CORRUPT},
        {20, 0, 4, NNS_E_CORRUPT},
        {20, UINT32_MAX, 4, NNS_E_CORRUPT},
        {128, 1 << 20, 8, NNS_E_CORRUPT},
        {128, 12, 8, NNS_E_CORRUPT},
        {256, 1 << 20, 8, NNS_E_CORRUPT},
        {128, UINT64_MAX - 7, 8, NNS_E_CORRUPT},
    };
    expect_open(path, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t old[8];
        int fd = open(path, O_RDONLY);
        assert_int_equal(pread(fd, old, 8, cases[i].at), 8);
        close(fd);
        poke(path, cases[i].at, &cases[i].value, cases[i].bytes);
        expect_open(path, cases[i].result);
        poke(path, cases[i].at, old, 8);
    }
    expect_open(path, 0);
    for (off_t size = 8191; size > 0; size -= 700) {
        assert_int_equal(truncate(path, size), 0);
        expect_open(path, NNS_E_CORRUPT);
    }
}

// A tmpfs of 1 MiB, in a mount namespace of a child's own: 42 where this machine does not allow
// one.
static int lane_on_full_tmpfs(void) {
    lane l;
    char path[512];
    if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS)) return 42;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) return 42;
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m")) return 42;
    lane_path(path, 0);
    if (lane_make(&l, folder, PROC, 0, 8 << 20) != NNS_E_FULL) return 1;
    if (access(path, F_OK) == 0) return 2;
    return lane_make(&l, folder, PROC, 0, 512 << 10) ? 3 : 0;
}

static void full_file_system_is_an_error(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) _exit(lane_on_full_tmpfs());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 42) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_a_file, setup, teardown),
        cmocka_unit_test(in_private_memory),
        cmocka_unit_test_setup_teardown(writer_that_waits_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(writer_that_drops_counts_all, setup, teardown),
        cmocka_unit_test(full_lane_tells_once),
        cmocka_unit_test_setup_teardown(files_are_private_and_new, setup, teardown),
        cmocka_unit_test_setup_teardown(opened_copy_equals, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_headers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(full_file_system_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
