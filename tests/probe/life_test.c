// Tests of a run's life: steps and attempts, exits of every kind, fork, several runs, captured output.
#include "heard.h"

#include "base/error.h"
#include "journal/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

// ThreadSanitizer: children of a fork open runs, which start threads. It takes a child's thread for the parent's of
// the same address, though, so that with a run open in the parent the child opens none.
#ifdef __SANITIZE_THREAD__
#define CHILD_MAY_OPEN false
#else
#define CHILD_MAY_OPEN true
#endif
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

static heard h;

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

static nns_run *open_run(void) {
    return nns_open(&(nns_options){.quiet = true, .no_system = true});
}

// --- steps ---------------------------------------------------------------------------------------

static void steps_carry_their_values(void **state) {
    (void)state;
    nns_run *run = open_run();
    nns_series s = nns_series_open(run, "s");
    nns_scalar(run, s, -1); // before the first step: at step 0
    for (int64_t step = 100; step < 200; step++) {
        assert_true(nns_step(run, step));
        nns_scalar(run, s, (double)step);
        assert_true(nns_before_update(run));
    }
    heard_find(&h, nns_run_id(run));
    nns_close(run, 0);
    heard_read(&h);
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, s, 0)->step, 0);
    uint64_t last = 0;
    for (int64_t step = 100; step < 200; step++) {
        const heard_record *r = heard_nth(&h, RECORD_SCALAR, s, (size_t)(step - 99));
        assert_int_equal(r->step, step);
        assert_true(le_f64(r->at + 8) == (double)step);
        assert_true(r->time_ns > last);
        last = r->time_ns;
    }
    uint32_t duration = heard_series(&h, "nnscope/step_time", SERIES_SCALAR);
    for (size_t i = 0; i < 99; i++) {
        const heard_record *r = heard_nth(&h, RECORD_SCALAR, duration, i);
        assert_int_equal(r->step, 100 + (int64_t)i); // of the step that it lasted
        assert_true(le_f64(r->at + 8) > 0 && le_f64(r->at + 8) < 1);
    }
    assert_null(heard_nth(&h, RECORD_SCALAR, duration, 99));
}

static void *log_late(void *context) {
    nns_scalar_named(context, "late", 1);
    return NULL;
}

static void a_lower_step_is_an_attempt(void **state) {
    (void)state;
    nns_run *run = open_run();
    nns_series s = nns_series_open(run, "s");
    static const int64_t steps[] = {0, 1, 2, 3, 1, 2, 2, 3, 0};
    for (size_t i = 0; i < 9; i++) {
        nns_step(run, steps[i]);
        nns_scalar(run, s, (double)i);
    }
    pthread_t thread;
    pthread_create(&thread, NULL, log_late, run);
    pthread_join(thread, NULL);
    heard_find(&h, nns_run_id(run));
    nns_close(run, 0);
    heard_read(&h);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(heard_nth(&h, RECORD_SCALAR, s, i)->step, steps[i]);
    const heard_record *r = heard_nth(&h, RECORD_EVENT, EVENT_ATTEMPT, 0);
    assert_string_equal(heard_event_text(r), "{\"from\":3,\"to\":1}");
    assert_int_equal(r->step, 1);
    r = heard_nth(&h, RECORD_EVENT, EVENT_ATTEMPT, 1);
    assert_string_equal(heard_event_text(r), "{\"from\":3,\"to\":0}");
    assert_null(heard_nth(&h, RECORD_EVENT, EVENT_ATTEMPT, 2));
    assert_int_equal(heard_nth(&h, RECORD_SCALAR, heard_series(&h, "late", 1), 0)->step, 0);
}

// --- exits ---------------------------------------------------------------------------------------

enum { LOGGED = 5000 };

static void child_logs(int pipe_fd) {
    nns_run *run = open_run();
    nns_series s = nns_series_open(run, "s");
    for (int i = 0; i < LOGGED; i++) {
        nns_step(run, i);
        nns_scalar(run, s, i);
    }
    if (write(pipe_fd, nns_run_id(run), ID_LENGTH) != ID_LENGTH) _exit(9);
}

// Runs `end` in a child that has logged; the run's id is in h afterwards. -> wait status
static int in_child(void (*end)(void)) {
    int ends[2], status;
    char id[ID_LENGTH + 1] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        child_logs(ends[1]);
        end();
        _exit(99);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], id, ID_LENGTH), ID_LENGTH);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    heard_find(&h, id);
    return status;
}

static void check_all_there(int close_status) {
    heard_read(&h);
    uint32_t s = heard_series(&h, "s", SERIES_SCALAR);
    for (size_t i = 0; i < LOGGED; i += 97)
        assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, s, i)->at + 8) == (double)i);
    assert_non_null(heard_nth(&h, RECORD_SCALAR, s, LOGGED - 1));
    const heard_record *r = heard_nth(&h, RECORD_CLOSE, UINT32_MAX, 0);
    if (close_status < 0) {
        assert_null(r);
    } else {
        assert_non_null(r);
        assert_int_equal(r->a, close_status);
        assert_ptr_equal(r, &h.items[h.count - 1]); // the last record of all
    }
}

static size_t lane_files(void) {
    char path[400];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/nnscope-%u", h.shm, (unsigned)geteuid());
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        n += entry->d_name[0] != '.';
    if (dir) closedir(dir);
    return n;
}

static void exit_0(void) {
    exit(0);
}

static void exit_3(void) {
    exit(3);
}

static void kill_9(void) {
    raise(SIGKILL);
}

static void crash(void) {
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void quick(void) {
    _exit(0);
}

static void exit_status_decides(void **state) {
    (void)state;
    in_child(exit_0);
    check_all_there(0);
    assert_int_equal(alive_check(h.folder, h.process), NNS_E_NOT_FOUND);
    assert_int_equal(lane_files(), 0);
    in_child(exit_3);
    check_all_there(3);
    assert_int_equal(lane_files(), 0);
}

static void killed(void (*how)(void)) {
    uint64_t bytes;
    in_child(how);
    assert_true(lane_files() > 0);
    assert_int_equal(alive_check(h.folder, h.process), 0);
    assert_int_equal(salvage(h.folder, h.run, h.process, &bytes), 0);
    check_all_there(-1);
    assert_int_equal(lane_files(), 0);
}

static void a_crash_loses_nothing(void **state) {
    (void)state;
    killed(kill_9);
    killed(crash);
    killed(quick);
}

static void exit_other_thread(void) {
    static nns_run *second;
    second = open_run(); // two runs open at exit: both are closed
    nns_step(second, 1);
    exit(4);
}

static void all_runs_are_closed_at_exit(void **state) {
    (void)state;
    in_child(exit_other_thread);
    check_all_there(4);
    assert_int_equal(lane_files(), 0);
}

// --- fork ----------------------------------------------------------------------------------------

static void child_of_fork(nns_run *run, nns_series s, double *lr) {
    int failed = 0;
    for (int i = 0; i < 1000; i++) {
        nns_scalar(run, s, -1);
        failed |= !nns_step(run, 5000 + i);
        nns_scalar_named(run, "child", 1);
        nns_text(run, "child/text", "x");
    }
    failed |= nns_param_double(run, "child", lr, NULL) != 0;
    nns_run *mine = CHILD_MAY_OPEN ? open_run() : NULL;
    failed |= CHILD_MAY_OPEN && !mine;
    nns_step(mine, 1);
    nns_scalar_named(mine, "own", 42);
    char path[400];
    snprintf(path, sizeof path, "%s/child", h.dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    failed |= mine && write(fd, nns_run_id(mine), ID_LENGTH) != ID_LENGTH;
    nns_close(mine, 0);
    nns_close(run, 1);
    exit(failed);
}

static void a_child_s_calls_do_nothing(void **state) {
    (void)state;
    double lr = 1;
    nns_run *run = open_run();
    nns_series s = nns_series_open(run, "s");
    nns_step(run, 1);
    nns_scalar(run, s, 1);
    pid_t pid = fork();
    if (pid == 0) child_of_fork(run, s, &lr);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    nns_step(run, 2);
    nns_scalar(run, s, 2);
    heard_find(&h, nns_run_id(run));
    assert_int_equal(alive_check(h.folder, h.process), 1); // the child has not let go of the lock
    nns_close(run, 0);
    heard_read(&h);
    assert_int_equal(heard_series(&h, "child", SERIES_SCALAR), 0);
    assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, s, 0)->at + 8) == 1);
    assert_true(le_f64(heard_nth(&h, RECORD_SCALAR, s, 1)->at + 8) == 2);
    assert_null(heard_nth(&h, RECORD_SCALAR, s, 2));
    if (!CHILD_MAY_OPEN) return;
    char id[ID_LENGTH + 1] = "", path[400];
    snprintf(path, sizeof path, "%s/child", h.dir);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, id, ID_LENGTH), ID_LENGTH);
    close(fd);
    heard_find(&h, id);
    heard_read(&h);
    assert_non_null(heard_nth(&h, RECORD_SCALAR, heard_series(&h, "own", SERIES_SCALAR), 0));
}

// --- several ---------------------------------------------------------------------------------------

static void two_runs_do_not_mix(void **state) {
    (void)state;
    nns_run *a = open_run(), *b = open_run();
    nns_series sa = nns_series_open(a, "a"), sb = nns_series_open(b, "b");
    for (int i = 0; i < 200; i++) {
        nns_step(a, i);
        nns_scalar(a, sa, i);
        nns_step(b, i + 1000);
        nns_scalar(b, sb, i);
        nns_scalar(a, sa, i);
    }
    char id[ID_LENGTH + 1];
    snprintf(id, sizeof id, "%s", nns_run_id(b));
    heard_find(&h, nns_run_id(a));
    nns_close(a, 0);
    nns_step(b, 2000);
    nns_close(b, 0);
    heard_read(&h);
    for (size_t i = 0; i < 400; i++)
        assert_int_equal(heard_nth(&h, RECORD_SCALAR, sa, i)->step, (int64_t)i / 2);
    heard_find(&h, id);
    heard_read(&h);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(heard_nth(&h, RECORD_SCALAR, sb, i)->step, (int64_t)i + 1000);
}

static size_t mappings(void) {
    char line[512];
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, ".lane") || strstr(line, ".stage");
    if (f) fclose(f);
    return n;
}

static atomic_bool pool_ends;
static _Atomic(nns_run *) pool_run;

// A thread that outlives runs: its lane of a closed run goes with it.
static void *pool_thread(void *context) {
    while (!atomic_load(&pool_ends)) {
        nns_run *run = atomic_exchange(&pool_run, NULL);
        if (run) nns_scalar_named(run, "pool", 1);
        sleep_ms(1);
    }
    return context;
}

static void opening_again_leaks_nothing(void **state) {
    (void)state;
    pthread_t thread;
    atomic_store(&pool_ends, false);
    pthread_create(&thread, NULL, pool_thread, NULL);
    for (int i = 0; i < 12; i++) {
        nns_run *run = open_run();
        nns_step(run, 1);
        atomic_store(&pool_run, run);
        while (atomic_load(&pool_run))
            sleep_ms(1);
        sleep_ms(5);
        nns_close(run, 0);
        for (int tries = 0; mappings() > 4 && tries < 1000; tries++)
            sleep_ms(1);
        assert_true(mappings() <= 4); // at most the pool thread's lane of the last run
    }
    atomic_store(&pool_ends, true);
    pthread_join(thread, NULL);
    assert_int_equal(mappings(), 0);
    assert_int_equal(lane_files(), 0);
}

static void a_run_is_joined(void **state) {
    (void)state;
    nns_run *run = open_run();
    char id[ID_LENGTH + 1];
    snprintf(id, sizeof id, "%s", nns_run_id(run));
    nns_close(run, 0);
    run = nns_open(&(nns_options){.id = id, .quiet = true, .rank = 1, .world = 2});
    assert_string_equal(nns_run_id(run), id);
    nns_close(run, 0);
    setenv("NNSCOPE_RUN", id, 1);
    run = open_run();
    assert_string_equal(nns_run_id(run), id);
    nns_close(run, 0);
    setenv("NNSCOPE_RUN", "../../etc", 1); // not an id: a new run
    run = open_run();
    assert_int_equal(strlen(nns_run_id(run)), ID_LENGTH);
    assert_string_not_equal(nns_run_id(run), id);
    nns_close(run, 0);
    unsetenv("NNSCOPE_RUN");
}

// --- captured output -----------------------------------------------------------------------------

static const char *slurp(const char *path) {
    static char text[3][8192];
    static int turn;
    char *out = text[turn++ % 3];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, out, 8191);
    out[n > 0 ? n : 0] = 0;
    if (fd >= 0) close(fd);
    return out;
}

// Until the captured output of the run is just this.
static void wait_captured(const nns_run *run, const char *text) {
    char path[700];
    if (!heard_appears(&h, nns_run_id(run))) _exit(10);
    snprintf(path, sizeof path, "%s/%s.out", h.folder, h.process);
    for (int i = 0; i < 6000; i++, sleep_ms(10))
        if (access(path, F_OK) == 0 && strcmp(slurp(path), text) == 0) return;
    _exit(11);
}

static void printing_child(const char *out, const char *err, bool apart) {
    int a = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int b = apart ? open(err, O_WRONLY | O_CREAT | O_APPEND, 0600) : dup(a);
    dup2(a, 1);
    dup2(b, 2);
    nns_run *run = nns_open(&(nns_options){.quiet = true, .capture_output = true});
    printf("one\n");
    fprintf(stderr, "problem\n");
    wait_captured(run, "one\nproblem\n");
    printf("two");
    fflush(stdout);
    wait_captured(run, "one\nproblem\ntwo");
    printf(" three"); // buffered until the end
    char path[400];
    snprintf(path, sizeof path, "%s/id", h.dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (write(fd, nns_run_id(run), ID_LENGTH) != ID_LENGTH) _exit(9);
    nns_close(run, 0);
    printf(" four\n");
    exit(0);
}

static void capture(bool apart) {
    char out[300], err[300], path[700], id[ID_LENGTH + 1];
    snprintf(out, sizeof out, "%s/stdout", h.dir);
    snprintf(err, sizeof err, "%s/stderr", h.dir);
    snprintf(path, sizeof path, "%s/id", h.dir);
    unlink(out);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) printing_child(out, err, apart);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    snprintf(id, sizeof id, "%s", slurp(path));
    heard_find(&h, id);
    snprintf(path, sizeof path, "%s/%s.out", h.folder, h.process);
    assert_string_equal(slurp(path), "one\nproblem\ntwo three");
    if (apart) {
        assert_string_equal(slurp(out), "one\ntwo three four\n");
        assert_string_equal(slurp(err), "problem\n");
    } else {
        assert_string_equal(slurp(out), "one\nproblem\ntwo three four\n");
    }
}

static void output_is_captured_and_shown(void **state) {
    (void)state;
    capture(true);
    capture(false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {CASE(steps_carry_their_values),
                                       CASE(a_lower_step_is_an_attempt),
                                       CASE(exit_status_decides),
                                       CASE(a_crash_loses_nothing),
                                       CASE(all_runs_are_closed_at_exit),
                                       CASE(a_child_s_calls_do_nothing),
                                       CASE(two_runs_do_not_mix),
                                       CASE(opening_again_leaks_nothing),
                                       CASE(a_run_is_joined),
                                       CASE(output_is_captured_and_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
