// Tests of trouble with places: full and read-only disks, deleted folders, no shared memory. Training goes on, and
// what could not be kept is counted. Small file systems are mounted in a mount namespace of the test's own;
// without the right to do so those tests are skipped and say it.
#include "heard.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

static heard h;
static bool may_mount;

static int setup(void **state) {
    (void)state;
    heard_init(&h);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    heard_fini(&h);
    return 0;
}

static bool own_mounts(void) {
    if (unshare(CLONE_NEWNS)) return false;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool small_disk(const char *path, const char *options) {
    return mount("none", path, "tmpfs", 0, options) == 0;
}

static bool holds_more_than(uint64_t bytes) {
    struct statvfs fs;
    for (int i = 0; i < 6000; i++, sleep_ms(10))
        if (statvfs(h.dir, &fs) == 0 && (fs.f_blocks - fs.f_bfree) * fs.f_frsize > bytes) return true;
    return false;
}

static void need_mounts(void) {
    if (may_mount) return;
    print_message("skipped: no right to mount a file system here\n");
    skip();
}

// `steps` steps of one scalar, quickly.
static void log_some(nns_run *run, nns_series s, int from, int to) {
    for (int i = from; i < to; i++) {
        nns_step(run, i);
        nns_scalar(run, s, i);
    }
}

static void check_values(nns_series s, int from, int to) {
    size_t n = 0;
    for (size_t i = 0; i < h.count; i++) {
        if (h.items[i].kind != RECORD_SCALAR || h.items[i].a != s) continue;
        assert_true(le_f64(h.items[i].at + 8) == from + (double)n);
        n++;
    }
    assert_int_equal(n, (size_t)(to - from));
}

static void a_deleted_folder_is_made_again(void **state) {
    (void)state;
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    log_some(run, s, 0, 1000);
    assert_true(heard_appears(&h, nns_run_id(run)));
    temp_remove(h.dir);
    log_some(run, s, 1000, 2000);
    assert_true(heard_appears(&h, nns_run_id(run)));
    log_some(run, s, 2000, 3000);
    assert_int_equal(strlen(h.process), ID_LENGTH);
    memset(h.next, 0, sizeof h.next);
    nns_close(run, 0);
    h.holes = true; // what was in the deleted folder is gone
    heard_read(&h);
    assert_int_equal(heard_series(&h, "s", SERIES_SCALAR), s); // declared again
    assert_non_null(heard_nth(&h, RECORD_PARAM, 1, 0));
    assert_non_null(heard_nth(&h, RECORD_EVENT, EVENT_LOST, 0));
    assert_non_null(heard_nth(&h, RECORD_EVENT, EVENT_STARTED, 0));
    const heard_record *last = NULL;
    for (size_t i = 0; i < h.count; i++)
        if (h.items[i].kind == RECORD_SCALAR && h.items[i].a == s) last = &h.items[i];
    assert_non_null(last);
    assert_true(le_f64(last->at + 8) == 2999);
    assert_non_null(heard_nth(&h, RECORD_CLOSE, UINT32_MAX, 0));
}

// How long each write into a segment, and each sync, takes from now on: in the library's place of the system's.
static _Atomic int64_t slow_ns;
static _Atomic int slow_writes;

ssize_t pwritev(int fd, const struct iovec *piece, int count, off_t offset) {
    if (slow_ns) clock_sleep_ns(slow_ns);
    slow_writes += slow_ns > 0;
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = pwrite(fd, piece[i].iov_base, piece[i].iov_len, offset + all);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < piece[i].iov_len) break;
    }
    return all;
}

int fdatasync(int fd) {
    if (slow_ns) clock_sleep_ns(slow_ns);
    return fsync(fd);
}

// 100 000 scalars a second from one thread, as far as the machine gives it the time; no call may take long.
static int log_evenly(nns_run *run, nns_series s, int step, int64_t ns) {
    int64_t began = clock_mono_ns();
    for (int i = 0; clock_mono_ns() - began < ns; i++) {
        nns_step(run, step + i);
        for (int k = 0; k < 100; k++)
            nns_scalar(run, s, (step + i) * 100 + k);
        while (clock_mono_ns() - began < i * NS_PER_MS) // 100 in a millisecond
            sleep_ms(1);
        if (clock_mono_ns() - began >= ns) return step + i + 1;
    }
    return step;
}

// A disk that stops for 2 s, then one where every write and sync takes 100 ms, as on a network: nothing is lost.
static void a_slow_disk_loses_nothing(void **state) {
    (void)state;
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    int steps = log_evenly(run, s, 0, NS_PER_S / 5);
    slow_ns = 2 * NS_PER_S;
    steps = log_evenly(run, s, steps, 2 * NS_PER_S);
    slow_ns = NS_PER_S / 10;
    steps = log_evenly(run, s, steps, NS_PER_S);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_int_equal(stats.dropped_records, 0);
    heard_find(&h, nns_run_id(run));
    slow_ns = 0;
    nns_close(run, 0);
    heard_read(&h);
    check_values(s, 0, steps * 100);
    assert_true(steps > 1000);
    assert_true(slow_writes > 1);
}

static void a_full_disk_is_waited_for(void **state) {
    (void)state;
    need_mounts();
    assert_true(small_disk(h.dir, "size=1m"));
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    assert_non_null(run);
    log_some(run, s, 0, 60000); // 56 bytes a step: 3.4 MB, fits into the lane, not on the disk
    sleep_ms(500); // it tries in vain, which is not to be seen from here
    log_some(run, s, 60000, 100000);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_int_equal(stats.dropped_records, 0);
    assert_int_equal(mount("none", h.dir, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    assert_true(holds_more_than(2 << 20)); // tried again
    heard_find(&h, nns_run_id(run));
    nns_close(run, 0);
    heard_read(&h);
    check_values(s, 0, 100000);
    assert_non_null(heard_nth(&h, RECORD_CLOSE, UINT32_MAX, 0));
    heard_forget(&h);
    umount2(h.dir, MNT_DETACH);
}

static void a_disk_that_stays_full_costs_counted_drops(void **state) {
    (void)state;
    need_mounts();
    assert_true(small_disk(h.dir, "size=1m"));
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_series s = nns_series_open(run, "s");
    log_some(run, s, 0, 300000);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_true(stats.dropped_records > 0);
    heard_find(&h, nns_run_id(run));
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    nns_close(run, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true(b.tv_sec - a.tv_sec <= 3); // at most 2 s
    umount2(h.dir, MNT_DETACH);
}

static void a_read_only_disk_is_tried_again(void **state) {
    (void)state;
    need_mounts();
    assert_true(small_disk(h.dir, "size=16m"));
    assert_int_equal(mount("none", h.dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    assert_non_null(run);
    nns_series s = nns_series_open(run, "s");
    log_some(run, s, 0, 1000);
    assert_int_equal(mount("none", h.dir, "tmpfs", MS_REMOUNT, NULL), 0);
    assert_true(heard_appears(&h, nns_run_id(run)));
    log_some(run, s, 1000, 1500);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_false(stats.salvageable); // no folder, no salvage: private lanes
    heard_find(&h, nns_run_id(run));
    nns_close(run, 0);
    heard_read(&h);
    check_values(s, 0, 1500);
    assert_int_equal(heard_series(&h, "s", SERIES_SCALAR), s);
    heard_forget(&h);
    umount2(h.dir, MNT_DETACH);
}

static void little_shared_memory(const char *options, bool salvageable) {
    need_mounts();
    assert_true(small_disk(h.shm, options));
    assert_true(small_disk("/dev/shm", options));
    unsetenv("XDG_RUNTIME_DIR");
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    assert_non_null(run);
    nns_series s = nns_series_open(run, "s");
    log_some(run, s, 0, 5000);
    nns_stats stats;
    nns_stats_get(run, &stats);
    assert_int_equal(stats.salvageable, salvageable);
    heard_find(&h, nns_run_id(run));
    nns_close(run, 0);
    heard_read(&h);
    check_values(s, 0, 5000);
    umount2("/dev/shm", MNT_DETACH);
    umount2(h.shm, MNT_DETACH);
}

static void shared_memory_of_64_mb_is_enough(void **state) {
    (void)state;
    little_shared_memory("size=64m", true);
}

static void full_shared_memory_is_done_without(void **state) {
    (void)state;
    little_shared_memory("size=256k", false);
}

static void no_shared_memory_is_done_without(void **state) {
    (void)state;
    little_shared_memory("size=64m,mode=0500,ro", false);
}

static void a_folder_of_somebody_else_is_not_used(void **state) {
    (void)state;
    char path[400];
    snprintf(path, sizeof path, "%s/nnscope-%u", h.shm, (unsigned)geteuid());
    assert_int_equal(symlink("/tmp", path), 0);
    nns_run *run = nns_open(&(nns_options){.quiet = true, .no_system = true});
    nns_step(run, 0);
    heard_find(&h, nns_run_id(run));
    DIR *dir = opendir("/tmp");
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        assert_null(strstr(entry->d_name, h.process));
    closedir(dir);
    nns_close(run, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    may_mount = own_mounts();
    const struct CMUnitTest tests[] = {CASE(a_deleted_folder_is_made_again),
                                       CASE(a_slow_disk_loses_nothing),
                                       CASE(a_full_disk_is_waited_for),
                                       CASE(a_disk_that_stays_full_costs_counted_drops),
                                       CASE(a_read_only_disk_is_tried_again),
                                       CASE(shared_memory_of_64_mb_is_enough),
                                       CASE(full_shared_memory_is_done_without),
                                       CASE(no_shared_memory_is_done_without),
                                       CASE(a_folder_of_somebody_else_is_not_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
