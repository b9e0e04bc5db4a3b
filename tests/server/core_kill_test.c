// Kills: of the server at random moments of a live recording, of the trainer; and two servers on one directory.
// Every point once, in order.
#include "core_support.h"

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"

#include <dirent.h>
#include <fcntl.h>

enum { KILLS = 20 };

static volatile sig_atomic_t over;

static void end_it(int sig) {
    (void)sig;
    over = 1;
}

static void record(const char *dir, const char *id) {
    nns_run *run = nns_open(
        &(nns_options){.dir = dir, .id = id, .name = "k", .quiet = true, .no_system = true});
    signal(SIGUSR1, end_it);
    int64_t step = 0;
    for (; !over && nns_step(run, step); step++) {
        char name[32];
        nns_scalar_named(run, "a", (double)step);
        if (step % 7 == 0) nns_scalar_named(run, "rare", (double)step);
        if (step % 50 == 0 && step < 2000) { // new series all the time
            snprintf(name, sizeof name, "new/%d", (int)(step / 50));
            nns_scalar_named(run, name, (double)step);
        }
        if (step % 100 == 0) nns_text(run, "words", "text");
        clock_sleep_ns(NS_PER_MS / 2);
    }
    nns_scalar_named(run, "steps", (double)step);
    nns_close(run, 0);
}

static void record_and_hang(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){.dir = dir,
                                           .id = id,
                                           .name = "k",
                                           .quiet = true,
                                           .no_system = true,
                                           .capture_output = true});
    signal(SIGUSR1, end_it);
    int64_t step = 0;
    for (; !over && nns_step(run, step); step++) {
        nns_scalar_named(run, "a", (double)step);
        // Quick, but a busy machine must not make it lose points.
        if (step % 100 == 99) clock_sleep_ns(50000);
    }
    printf("the last words\n");
    fflush(stdout);
    kill(getppid(), SIGUSR2);
    nns_scalar_named(run, "steps", (double)step);
    raise(SIGKILL);
}

static size_t column(core *c, const char *id, const char *series, json_t **points, json_t **step,
                     json_t **value) {
    *points = get_points(c, id, series, 0);
    json_t *s = json_object_get(json_object_get(*points, "series"), series);
    *step = json_object_get(s, "step");
    *value = json_object_get(s, "value");
    return json_array_size(*value);
}

static void check(core *c, const char *id, const char *series, size_t count, int64_t every) {
    json_t *points, *step, *value;
    assert_int_equal(column(c, id, series, &points, &step, &value), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(json_integer_value(json_array_get(step, i)), (int64_t)i * every);
        assert_true(json_number_value(json_array_get(value, i)) == (double)((int64_t)i * every));
    }
    json_decref(points);
}

static int64_t steps_done(core *c, const char *id) {
    json_t *points, *step, *value;
    assert_int_equal(column(c, id, "steps", &points, &step, &value), 1);
    int64_t steps = (int64_t)json_number_value(json_array_get(value, 0));
    json_decref(points);
    return steps;
}

static int files_of(const char *dir, const char *id, const char *end) {
    char path[512];
    int n = 0;
    snprintf(path, sizeof path, "%s/runs/%s", dir, id);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strlen(e->d_name) > strlen(end) &&
             strcmp(e->d_name + strlen(e->d_name) - strlen(end), end) == 0;
    if (d) closedir(d);
    return n;
}

static void test_server_killed(void **state) {
    const char *dir = *state;
    uint64_t random = random_seed();
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(record, dir, id.text);
    for (int i = 0; i < KILLS; i++) {
        kill_a_server(dir, id.text, 20, 330, &random);
    }
    kill(child, SIGUSR1);
    core *c = open_core(dir);
    reap(child);
    assert_true(wait_run(c, id.text, "finished", 0, 5000));
    int64_t steps = steps_done(c, id.text);
    assert_true(steps > 1000);
    check(c, id.text, "a", (size_t)steps, 1);
    check(c, id.text, "rare", (size_t)((steps + 6) / 7), 7);
    json_t *points, *step, *value;
    assert_int_equal(column(c, id.text, "new/1", &points, &step, &value), 1);
    assert_int_equal(json_integer_value(json_array_get(step, 0)), 50);
    json_decref(points);
    answer media = {0};
    core_get_media(c, id.text, "words", INT64_MIN, INT64_MAX, 10000, got, &media);
    await(c, &media);
    json_t *list = json_of(&media);
    assert_int_equal(json_array_size(json_object_get(list, "media")), (steps + 99) / 100);
    json_decref(list);
    mem_free(media.text);
    for (int i = 0; i < 6000 && files_of(dir, id.text, ".seg"); i++)
        clock_sleep_ns(10 * NS_PER_MS);
    assert_int_equal(files_of(dir, id.text, ".seg"), 0); // what was taken is deleted
    core_close(c);
}

static sigset_t last_words; // blocked in every thread, so before there is one

static void block_last_words(void) {
    sigemptyset(&last_words);
    sigaddset(&last_words, SIGUSR2);
    sigprocmask(SIG_BLOCK, &last_words, NULL);
}

static void test_trainer_killed(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(record_and_hang, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 100, 5000));
    kill(child, SIGUSR1);
    int sig;
    sigwait(&last_words, &sig);
    reap(child);
    int64_t died = clock_mono_ns();
    assert_true(wait_run(c, id.text, "crashed", 100, 5000));
    printf("crashed after %.0f ms\n", (double)(clock_mono_ns() - died) / 1e6);
    assert_true(clock_mono_ns() - died < PATIENCE * 2 * NS_PER_S); // 2 s are promised
    check(c, id.text, "a", (size_t)steps_done(c, id.text), 1);
    answer log = {0};
    core_get_log(c, id.text, NULL, -1000, 0, false, got, &log);
    await(c, &log);
    assert_non_null(strstr(log.text, "the last words"));
    mem_free(log.text);
    core_close(c);
}

static void test_two_servers(void **state) {
    const char *dir = *state;
    pid_t first = trainer(serve_on, dir, "");
    core *c = NULL;
    char *error = NULL, path[512];
    snprintf(path, sizeof path, "%s/server.lock", dir);
    for (int i = 0, held = 0; i < 6000 && !held; i++) {
        clock_sleep_ns(10 * NS_PER_MS);
        int fd = open(path, O_RDONLY);
        held = fd >= 0 && file_locked_by(fd);
        if (fd >= 0) close(fd);
    }
    assert_int_equal(core_open(&c, &(core_options){.dir = dir}, &error), NNS_E_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d", (int)first);
    assert_non_null(strstr(error, pid));
    mem_free(error);
    kill(first, SIGKILL);
    reap(first);
    core_close(open_core(dir));
}

static void resume(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){.dir = dir, .id = id, .quiet = true, .no_system = true});
    for (int64_t step = 60; step < 120 && nns_step(run, step); step++) {
        if (step == 100) { // and a rewind within
            for (step = 80; step < 100 && nns_step(run, step); step++)
                nns_scalar_named(run, "a", 2000.0 + (double)step);
            if (!nns_step(run, 100)) break;
        }
        nns_scalar_named(run, "a", 1000.0 + (double)step);
    }
    nns_close(run, 0);
}

static void hundred(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){.dir = dir, .id = id, .quiet = true, .no_system = true});
    for (int64_t step = 0; step < 100 && nns_step(run, step); step++)
        nns_scalar_named(run, "a", (double)step);
    nns_close(run, 0);
}

// A run that is resumed below its last step, and rewinds once: three attempts, of which the last course is shown.
static void test_attempts(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    reap(trainer(hundred, dir, id.text));
    assert_true(wait_run(c, id.text, "finished", 99, 5000));
    assert_true(wait_rest(c));
    reap(trainer(resume, dir, id.text));
    assert_true(wait_run(c, id.text, "finished", 119, 5000));
    json_t *points, *step, *value, *run = get_run(c, id.text);
    assert_int_equal(json_integer_value(json_object_get(run, "attempt")), 2);
    json_decref(run);
    assert_int_equal(column(c, id.text, "a", &points, &step, &value), 120);
    for (size_t i = 0; i < 120; i++) {
        double wanted = i < 60    ? (double)i
                        : i < 80  ? 1000.0 + (double)i
                        : i < 100 ? 2000.0 + (double)i
                                  : 1000.0 + (double)i;
        assert_int_equal(json_integer_value(json_array_get(step, i)), i);
        assert_true(json_number_value(json_array_get(value, i)) == wanted);
    }
    json_decref(points);
    core_close(c);
}

const body bodies[] = {{"record", record},     {"record_and_hang", record_and_hang},
                       {"serve_on", serve_on}, {"resume", resume},
                       {"hundred", hundred},   {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    block_last_words();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_killed, make, unmake),
        cmocka_unit_test_setup_teardown(test_trainer_killed, make, unmake),
        cmocka_unit_test_setup_teardown(test_two_servers, make, unmake),
        cmocka_unit_test_setup_teardown(test_attempts, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
