// Unit home_test.c tests the sweep of shared memory: lanes whose process is dead and whose run was deleted go;
// all others stay.
#include "base/error.h"
#include "journal/lane.h"
#include "journal/place.h"
#include "journal/salvage.h"
#include "support/check.h"
#include "support/temp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OTHER "01kaq8z3v5m4n6p7q8r9s0t1v3"

static char folder[256], lanes[PATH_CAP], run[PATH_CAP];
static nns_id process;

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", temp_make());
    setenv("NNSCOPE_SHM", folder, 1);
    assert_int_equal(place_lanes(lanes), 0);
    file_path(run, "%s/data/runs/one", folder);
    assert_int_equal(file_folder(run), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    temp_remove(folder);
    return 0;
}

static void fill(alive_info *info) {
    *info = (alive_info){.name = "x"};
    memcpy(info->lanes, lanes, strlen(lanes) + 1);
}

// A child that holds an alive file and a lane until it is killed.
static pid_t living_child(void) {
    int ready[2];
    char c;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(id_new(&process), 0);
    pid_t child = fork();
    if (child == 0) {
        lane l;
        alive_info info;
        prctl(PR_SET_PDEATHSIG, SIGKILL); // a failed test leaves nothing behind
        fill(&info);
        if (alive_hold(run, process.text, &info) < 0) _exit(1);
        if (lane_make(&l, lanes, process.text, 0, 4096)) _exit(1);
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

// Another process opens, and so sweeps.
static void somebody_opens(void) {
    char elsewhere[PATH_CAP];
    alive_info info;
    fill(&info);
    file_path(elsewhere, "%s/other", folder);
    assert_int_equal(file_folder(elsewhere), 0);
    int fd = alive_hold(elsewhere, OTHER, &info);
    assert_true(fd >= 0);
    alive_release(fd, elsewhere, OTHER);
}

static bool in_lanes(const char *what) {
    char path[PATH_CAP];
    file_path(path, "%s/%s.%s", lanes, process.text, what);
    return access(path, F_OK) == 0;
}

static void deleted_runs_of_the_dead_go(void **state) {
    (void)state;
    pid_t child = living_child();
    assert_true(in_lanes("0.lane") && in_lanes("home"));
    somebody_opens();
    assert_true(in_lanes("0.lane")); // lives
    temp_remove(run);
    somebody_opens();
    assert_true(in_lanes("0.lane")); // lives, though its folder was deleted
    end(child);
    somebody_opens();
    assert_false(in_lanes("0.lane") || in_lanes("home"));
}

static void the_dead_wait_for_salvage(void **state) {
    (void)state;
    uint64_t bytes;
    end(living_child());
    somebody_opens();
    assert_true(in_lanes("0.lane") && in_lanes("home"));
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    assert_int_equal(salvage(run, id.text, process.text, &bytes), 0);
    assert_false(in_lanes("0.lane") || in_lanes("home"));
}

// The whole data directory is away: perhaps only not mounted, so an hour is waited.
static void lost_directories_have_an_hour(void **state) {
    (void)state;
    char path[PATH_CAP];
    end(living_child());
    file_path(path, "%s/data", folder);
    temp_remove(path);
    somebody_opens();
    assert_true(in_lanes("0.lane"));
    file_path(path, "%s/%s.home", lanes, process.text);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 3700}, {.tv_sec = time(NULL) - 3700}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    somebody_opens();
    assert_false(in_lanes("0.lane") || in_lanes("home"));
}

// Written in other name spaces, where this path and this process id mean something else.
static void other_name_spaces_are_left(void **state) {
    (void)state;
    char path[PATH_CAP];
    buf text = {0};
    end(living_child());
    temp_remove(run);
    file_path(path, "%s/%s.home", lanes, process.text);
    assert_int_equal(file_read(path, 65536, &text), 0);
    buf_char(&text, 0);
    char *at = strstr((char *)text.data, "\nspaces ");
    assert_non_null(at);
    at[8]++;
    assert_int_equal(file_write(path, text.data, text.length - 1), 0);
    somebody_opens();
    assert_true(in_lanes("0.lane"));
    assert_int_equal(file_write(path, "version 1\nnonsense", 18), 0);
    somebody_opens();
    assert_true(in_lanes("0.lane"));
    buf_fini(&text);
}

static void an_end_in_order_leaves_nothing(void **state) {
    (void)state;
    alive_info info;
    fill(&info);
    assert_int_equal(id_new(&process), 0);
    int fd = alive_hold(run, process.text, &info);
    assert_true(fd >= 0 && in_lanes("home"));
    alive_release(fd, run, process.text);
    assert_false(in_lanes("home"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(deleted_runs_of_the_dead_go),    TEST(the_dead_wait_for_salvage),
        TEST(lost_directories_have_an_hour),  TEST(other_name_spaces_are_left),
        TEST(an_end_in_order_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
