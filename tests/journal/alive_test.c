// Unit alive_test.c tests who is taken for alive: lock held, free, another boot, another host; and
// what salvage refuses to touch.
#include "journal/salvage.h"

#include "base/error.h"
#include "journal/lane.h"
#include "journal/place.h"
#include "journal/segment.h"
#include "support/check.h"
#include "support/temp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define RUN "01kaq8z3v5m4n6p7q8r9s0t1v0"
#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"

static char folder[256];

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", temp_make());
    setenv("NNSCOPE_SHM", folder, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(folder);
    return 0;
}

// A child that holds an alive file until it is killed (when = 0), lets the lock go but lives on
// (1), or ends in order (2).
static pid_t child_holding(const alive_info *info, int when) {
    int ready[2];
    char c;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // a failed test leaves nothing behind
        int fd = alive_hold(folder, PROC, info);
        if (fd < 0) _exit(1);
        if (when == 1) close(fd);
        if (when == 2) alive_release(fd, folder, PROC);
        if (write(ready[1], "", 1) == 1) pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return child;
}

static void end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void the_text(void **state) {
    (void)state;
    alive_info in = {.opened_ms = 1763683200123,
                     .rank = 2,
                     .world = 4,
                     .name = "two\nlines and \"quotes\"",
                     .project = "mnist",
                     .lanes = "/dev/shm/nnscope-1"},
               out, self = {0};
    pid_t child = child_holding(&in, 0);
    alive_self(&self);
    assert_int_equal(alive_read(folder, PROC, &out), 0);
    assert_int_equal(out.pid, child);
    assert_true(out.start_ticks >= self.start_ticks && self.start_ticks > 0);
    assert_int_equal(out.opened_ms, in.opened_ms);
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.world, 4);
    assert_string_equal(out.name, "two lines and \"quotes\"");
    assert_string_equal(out.project, "mnist");
    assert_string_equal(out.lanes, in.lanes);
    assert_string_equal(out.boot, self.boot);
    assert_string_equal(out.host, self.host);
    assert_int_equal(alive_hold(folder, PROC, &in), NNS_E_EXISTS);
    end(child);
}

static void alive_and_dead(void **state) {
    (void)state;
    alive_info info = {.name = "x"};
    uint64_t bytes;
    assert_int_equal(alive_check(folder, PROC), NNS_E_NOT_FOUND);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), NNS_E_NOT_FOUND);
    pid_t child = child_holding(&info, 0);
    assert_int_equal(alive_check(folder, PROC), 1);
    assert_int_equal(alive_check(folder, PROC), 1); // looking does not take the lock away
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), NNS_E_BUSY);
    kill(child, SIGKILL);
    siginfo_t ended; // a zombie, as under a launcher that has not waited for it yet
    assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
    assert_int_equal(alive_check(folder, PROC), 0);
    waitpid(child, NULL, 0);
    assert_int_equal(alive_check(folder, PROC), 0);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(alive_check(folder, PROC), NNS_E_NOT_FOUND);
}

static void ended_in_order(void **state) {
    (void)state;
    alive_info info = {.name = "x"};
    pid_t child = child_holding(&info, 2);
    assert_int_equal(alive_check(folder, PROC), NNS_E_NOT_FOUND);
    end(child);
}

static void without_its_lock_but_running(void **state) {
    (void)state;
    alive_info info = {.name = "x"};
    uint64_t bytes;
    pid_t child = child_holding(&info, 1);
    assert_int_equal(alive_check(folder, PROC), 1);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), NNS_E_BUSY);
    end(child);
    assert_int_equal(alive_check(folder, PROC), 0);
}

// An alive file as another machine or another time wrote it.
static void write_alive(const char *boot, const char *host, const char *lanes) {
    char path[PATH_CAP];
    buf text = {0};
    buf_print(&text, "version 1\npid 1\nstart 1\nboot %s\nhost %s\nlanes %s\nfuture thing\n", boot,
              host, lanes);
    file_path(path, "%s/" PROC ".alive", folder);
    assert_int_equal(file_write(path, text.data, text.length), 0);
    buf_fini(&text);
}

static void other_boots_and_hosts(void **state) {
    (void)state;
    alive_info self = {0};
    uint64_t bytes;
    alive_self(&self);
    write_alive("00000000-0000-0000-0000-000000000000", "elsewhere.example", "");
    assert_int_equal(alive_check(folder, PROC), 2);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), NNS_E_BUSY);
    write_alive("00000000-0000-0000-0000-000000000000", self.host, "");
    assert_int_equal(alive_check(folder, PROC), 0);
    write_alive(self.boot, "container.example", ""); // the same kernel: its locks are seen here
    assert_int_equal(alive_check(folder, PROC), 0);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
}

static void no_text(void **state) {
    (void)state;
    char path[PATH_CAP];
    uint64_t bytes;
    file_path(path, "%s/" PROC ".alive", folder);
    assert_int_equal(file_write(path, "", 0), 0);
    assert_int_equal(alive_check(folder, PROC), 0);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(file_write(path, "version 99\n", 11), 0);
    assert_int_equal(alive_check(folder, PROC), NNS_E_VERSION);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), NNS_E_VERSION);
    assert_int_equal(access(path, F_OK), 0);
}

// A lane with one record, in `where`.
static void make_lane(const char *where, char path[LANE_PATH_CAP]) {
    lane l;
    assert_int_equal(lane_make(&l, where, PROC, 0, 4096), 0);
    assert_true(lane_open_step(&l, 1, 1));
    snprintf(path, LANE_PATH_CAP, "%s", l.path);
    lane_drop(&l, false);
}

static void folders_that_are_not_ours_stay_untouched(void **state) {
    (void)state;
    alive_info self = {0};
    uint64_t bytes;
    char inside[LANE_PATH_CAP], lanes[PATH_CAP];
    alive_self(&self);
    make_lane(folder, inside); // a folder that is not named nnscope-UID
    write_alive(self.boot, self.host, folder);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(access(inside, F_OK), 0);
    assert_int_equal(place_lanes(lanes), 0);
    make_lane(lanes, inside);
    assert_int_equal(chmod(lanes, 0777), 0); // open to others
    write_alive(self.boot, self.host, lanes);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(access(inside, F_OK), 0);
}

// After a restart of the machine a lane that lay on a disk may hold anything: it goes, and is not
// believed.
static void lanes_of_another_boot_are_not_believed(void **state) {
    (void)state;
    alive_info self = {0};
    uint64_t bytes;
    char inside[LANE_PATH_CAP], lanes[PATH_CAP];
    alive_self(&self);
    assert_int_equal(place_lanes(lanes), 0);
    make_lane(lanes, inside);
    write_alive("00000000-0000-0000-0000-000000000000", self.host, lanes);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(access(inside, F_OK), -1);
}

static void lanes_of_others_stay(void **state) {
    (void)state;
    alive_info self = {0};
    uint64_t bytes;
    lane other;
    char mine[LANE_PATH_CAP], lanes[PATH_CAP];
    alive_self(&self);
    assert_int_equal(place_lanes(lanes), 0);
    assert_int_equal(lane_make(&other, lanes, RUN, 0, 4096), 0); // an id as good as another
    make_lane(lanes, mine);
    write_alive(self.boot, self.host, lanes);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 24);
    assert_int_equal(access(mine, F_OK), -1);
    assert_int_equal(access(other.path, F_OK), 0);
    lane_drop(&other, true);
}

// A limit on the size of files stands for a full disk.
static void full_disk_keeps_everything(void **state) {
    (void)state;
    alive_info self = {0};
    uint64_t bytes;
    char inside[LANE_PATH_CAP], lanes[PATH_CAP], segment[PATH_CAP];
    alive_self(&self);
    assert_int_equal(place_lanes(lanes), 0);
    make_lane(lanes, inside);
    write_alive(self.boot, self.host, lanes);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){150, RLIM_INFINITY}), 0);
    assert_true(salvage(folder, RUN, PROC, &bytes) < 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(access(inside, F_OK), 0);
    assert_int_equal(alive_check(folder, PROC), 0);
    assert_int_equal(salvage(folder, RUN, PROC, &bytes), 0);
    assert_int_equal(bytes, 24);
    segment_path(segment, folder, PROC, 2);
    assert_int_equal(access(segment, F_OK), 0);
    assert_int_equal(access(inside, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_text),
        TEST(alive_and_dead),
        TEST(ended_in_order),
        TEST(without_its_lock_but_running),
        TEST(other_boots_and_hosts),
        TEST(no_text),
        TEST(folders_that_are_not_ours_stay_untouched),
        TEST(lanes_of_another_boot_are_not_believed),
        TEST(lanes_of_others_stay),
        TEST(full_disk_keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
