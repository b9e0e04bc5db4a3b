// What the core's tests share: a core on a temporary directory, calls that wait for their answer, and trainers in
// forked children.
#ifndef NNS_TESTS_SERVER_CORE_SUPPORT_H
#define NNS_TESTS_SERVER_CORE_SUPPORT_H

#include "base/clock.h"
#include "base/le.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/core.h"
#include "server/frame.h"
#include "support/check.h"
#include "support/temp.h"

#include <jansson.h>
#include <math.h>
#include <nnscope.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

static const core_author tester = {.name = "tester", .from = "api"};

// A directory for each test: cmocka_unit_test_setup_teardown(test, make, unmake); *state is its path.
static inline int make(void **state) {
    *state = need_text(temp_make());
    temp_lanes(*state);
    return 0;
}

static inline int unmake(void **state) {
    temp_remove(getenv("NNSCOPE_SHM"));
    temp_remove(*state);
    mem_free(*state);
    return 0;
}

static inline core *open_core(const char *dir) {
    core *c = NULL;
    char *error = NULL;
    int result = core_open(&c, &(core_options){.dir = dir}, &error);
    if (result) print_error("core_open: %s\n", error ? error : "?");
    mem_free(error);
    assert_int_equal(result, 0);
    return c;
}

typedef struct answer {
    int count, status;
    char *text;
    size_t length;
    core_rest *rest;
} answer;

static inline void got(void *context, core_reply *reply) {
    answer *a = context;
    a->count++;
    a->status = reply->status;
    a->text = mem_grow(a->text, a->length + reply->body.length + 1, 1);
    if (reply->body.length) memcpy(a->text + a->length, reply->body.data, reply->body.length);
    a->length += reply->body.length;
    a->text[a->length] = 0;
    a->rest = reply->rest;
}

// Polls until the answer is there, with all of its pieces.
static inline void await(core *c, answer *a) {
    int64_t until = clock_mono_ns() + 60 * NS_PER_S;
    for (int wanted = 1;; wanted++) {
        while (a->count < wanted && clock_mono_ns() < until) {
            core_poll(c);
            if (a->count < wanted) clock_sleep_ns(200000);
        }
        assert_int_equal(a->count, wanted);
        if (!a->rest) return;
        core_rest *rest = a->rest;
        a->rest = NULL;
        core_rest_next(rest, got, a);
    }
}

static inline json_t *json_of(const answer *a) {
    json_error_t error;
    json_t *json = json_loadb(a->text, a->length, 0, &error);
    if (!json) print_error("not JSON (%s): %.300s\n", error.text, a->text);
    assert_non_null(json);
    return json;
}

static inline json_t *get_run(core *c, const char *id) {
    core_reply reply = {0};
    core_get_run(c, id, &reply);
    json_t *json = json_loadb((char *)reply.body.data, reply.body.length, 0, NULL);
    if (reply.status != 200) {
        json_decref(json);
        json = NULL;
    }
    buf_fini(&reply.body);
    return json;
}

static inline const char *text_in(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

// Where a machine works for others too, what is waited for may take so many times as long.
enum { PATIENCE = 8 };

static pid_t trainers[64]; // those of `trainer`, the last ones
static unsigned trainer_count;

// A trainer has ended neither well nor by SIGKILL, as tests do to it. It stays to be reaped.
static inline bool trainer_fell(void) {
    for (unsigned i = 0; i < trainer_count && i < 64; i++) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)trainers[i], &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid) continue;
        if (info.si_code == CLD_EXITED ? info.si_status == 0 : info.si_status == SIGKILL) continue;
        print_error("trainer %d has ended with %s %d\n", (int)info.si_pid, info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
        return true;
    }
    return false;
}

// Waits until the run shows `state` and at least `step`; false after `ms`, taken patiently, or when a trainer fell.
static inline bool wait_run(core *c, const char *id, const char *state, int64_t step, int ms) {
    for (int64_t until = clock_mono_ns() + PATIENCE * ms * NS_PER_MS; clock_mono_ns() < until; clock_sleep_ns(2 * NS_PER_MS)) {
        json_t *run = get_run(c, id);
        bool there = run && (!state || strcmp(text_in(run, "state"), state) == 0) &&
                     json_integer_value(json_object_get(run, "last_step")) >= step;
        json_decref(run);
        if (there) return true;
        if (trainer_fell()) break;
    }
    json_t *run = get_run(c, id);
    char *text = json_dumps(run, 0);
    print_error("run is %s\n", text ? text : "not there");
    free(text);
    json_decref(run);
    return false;
}

// Waits until no run is at work: each stands as its row, as one that nobody opens does.
static inline bool wait_rest(core *c) {
    core_figures f = {.active = 1};
    for (int64_t until = clock_mono_ns() + 60 * NS_PER_S; f.active && clock_mono_ns() < until; clock_sleep_ns(10 * NS_PER_MS))
        core_get_figures(c, &f);
    return f.active == 0;
}

static inline json_t *get_points(core *c, const char *id, const char *series, uint32_t buckets) {
    answer a = {0};
    core_points q = {.run = id, .series = &series, .series_count = series ? 1 : 0, .from = INT64_MIN, .to = INT64_MAX,
                     .buckets = buckets};
    core_get_points(c, &q, got, &a);
    await(c, &a);
    json_t *json = a.status == 200 ? json_of(&a) : NULL;
    if (!json) print_error("points: %d %s\n", a.status, a.text);
    mem_free(a.text);
    return json;
}

static inline answer post_command(core *c, const char *id, const char *json, int64_t wait_ms) {
    answer a = {0};
    core_post_command(c, id, json, strlen(json), wait_ms, &tester, got, &a);
    await(c, &a);
    return a;
}

static inline answer post_points(core *c, const char *id, const char *json) {
    answer a = {0};
    core_post_points(c, id, json, strlen(json), got, &a);
    await(c, &a);
    return a;
}

// Trainers are programs of their own (this one, started anew): a fork of a process with threads inherits their locks.
// Each test lists what its children may run in `bodies`, and its main begins with child_main.
typedef void (*body_function)(const char *dir, const char *id);
typedef struct body {
    const char *name;
    body_function run;
} body;
extern const body bodies[]; // ends with NULL

static inline void child_main(int argc, char **argv) {
    if (argc != 5 || strcmp(argv[1], "--child") != 0) return;
    alarm(240); // none is left behind
    for (const body *b = bodies; b->name; b++)
        if (strcmp(b->name, argv[2]) == 0) b->run(argv[3], argv[4]);
    exit(0);
}

// Starts `run(dir, id)`; the id is made here so that the parent knows it.
static inline pid_t trainer(body_function run, const char *dir, const char *id) {
    const body *b = bodies;
    while (b->run != run)
        b++;
    const char *const argv[] = {"trainer", "--child", b->name, dir, id, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *const *)argv, environ), 0);
    trainers[trainer_count++ % 64] = pid;
    return pid;
}

static inline void reap(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
}

// A body: a server until it is killed.
static inline void serve_on(const char *dir, const char *id) {
    (void)id;
    core *c = NULL;
    if (core_open(&c, &(core_options){.dir = dir}, NULL)) _exit(1);
    for (;;)
        pause();
}

// A server on the directory for so long (and up to as much more by chance), then killed.
static inline void kill_a_server(const char *dir, const char *id, int least_ms, int more_ms, uint64_t *random) {
    pid_t server = trainer(serve_on, dir, id);
    clock_sleep_ns((int64_t)((uint64_t)least_ms + random_below(random, (uint64_t)more_ms)) * NS_PER_MS);
    kill(server, SIGKILL);
    reap(server);
}

// Opens a run to record into by HTTP.
static inline void new_run(core *c, char id[27]) {
    core_reply reply = {0};
    core_post_run(c, "{}", 2, &tester, &reply);
    json_t *run = json_loadb((char *)reply.body.data, reply.body.length, 0, NULL);
    snprintf(id, 27, "%s", text_in(run, "id"));
    json_decref(run);
    buf_fini(&reply.body);
}

#endif
