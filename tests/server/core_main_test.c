// The main series of a run object (last, best, direction, spark) through kills of the server: as if one server had seen
// every point. Checked against a naive model over all points of the series.
#include "core_support.h"

#include "base/id.h"

enum { KILLS = 8, SPARK_KEPT = 64 };

static volatile sig_atomic_t over;

static void end_it(int sig) {
    (void)sig;
    over = 1;
}

static double accuracy(int64_t step) {
    return 0.5 + 0.4 * sin((double)step / 37.0) - 0.1 / (double)(step + 1);
}

// The main series is declared last, behind two that would do; `end`: steps, then it stays silent until told.
static void learn(const char *dir, const char *id, int64_t end) {
    nns_run *run = nns_open(
        &(nns_options){.dir = dir, .id = id, .name = "m", .quiet = true, .no_system = true});
    signal(SIGUSR1, end_it);
    int64_t step = 0;
    for (; !over && step < end && nns_step(run, step); step++) {
        nns_scalar_named(run, "aux", (double)step);
        nns_scalar_named(run, "train/loss", 1.0 / (double)(step + 1));
        if (step >= 10) nns_scalar_named(run, "val/accuracy", accuracy(step));
        clock_sleep_ns(NS_PER_MS / 2);
    }
    while (!over)
        // ThreadSanitizer lets the signal in at calls it knows.
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    nns_close(run, 0);
}

static void learn_on(const char *dir, const char *id) {
    learn(dir, id, INT64_MAX);
}

static void learn_hundred(const char *dir, const char *id) {
    learn(dir, id, 100);
}

typedef struct model {
    double spark[SPARK_KEPT], sum, last, best;
    uint32_t count, have;
    uint64_t stride;
} model;

static void model_add(model *m, double v) {
    m->last = v;
    if (isnan(m->best) || v > m->best) m->best = v;
    m->sum += v;
    if (++m->have < m->stride) return;
    m->spark[m->count++] = m->sum / m->have;
    m->have = 0;
    m->sum = 0;
    if (m->count < SPARK_KEPT) return;
    for (int i = 0; i < SPARK_KEPT / 2; i++)
        m->spark[i] = (m->spark[2 * i] + m->spark[2 * i + 1]) / 2;
    m->count /= 2;
    m->stride *= 2;
}

static void near(double have, double wanted) {
    if (!(fabs(have - wanted) < 1e-6)) print_error("%.9g, not %.9g\n", have, wanted);
    assert_true(fabs(have - wanted) < 1e-6);
}

// The run object's main against all points that the store has.
static void check_main(core *c, const char *id) {
    model m = {.last = NAN, .best = NAN, .stride = 1};
    json_t *points = get_points(c, id, "val/accuracy", 0), *run = get_run(c, id),
           *main = json_object_get(run, "main");
    json_t *series = json_object_get(json_object_get(points, "series"), "val/accuracy");
    json_t *step = json_object_get(series, "step"), *value = json_object_get(series, "value"),
           *spark = json_object_get(main, "spark");
    assert_true(json_array_size(value) >= 60);
    for (size_t i = 0; i < json_array_size(value); i++) {
        assert_int_equal(json_integer_value(json_array_get(step, i)), (int64_t)i + 10);
        model_add(&m, json_number_value(json_array_get(value, i)));
    }
    assert_string_equal(text_in(main, "series"), "val/accuracy");
    near(json_number_value(json_object_get(main, "last")), m.last);
    near(json_number_value(json_object_get(main, "best")), m.best);
    uint32_t by = m.count <= 32 ? 1 : 2, shown = (m.count + by - 1) / by;
    assert_int_equal(json_array_size(spark), shown);
    for (uint32_t i = 0; i < m.count; i += by)
        near(json_number_value(json_array_get(spark, i / by)),
             by == 2 && i + 1 < m.count ? (m.spark[i] + m.spark[i + 1]) / 2 : m.spark[i]);
    json_decref(points);
    json_decref(run);
}

static void test_live_run(void **state) {
    const char *dir = *state;
    uint64_t random = random_seed();
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(learn_on, dir, id.text);
    for (int i = 0; i < KILLS; i++) {
        kill_a_server(dir, id.text, 100, 500, &random);
    }
    kill(child, SIGUSR1);
    reap(child);
    core *c = open_core(dir);
    assert_true(wait_run(c, id.text, "finished", 100, 5000));
    check_main(c, id.text);
    core_close(c);
    c = open_core(dir); // at rest, from its row alone
    check_main(c, id.text);
    core_close(c);
}

// A run that says nothing more keeps what it had; a run of which the first server saw all.
static void test_silent_run(void **state) {
    const char *dir = *state;
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(learn_hundred, dir, id.text);
    core *c = open_core(dir);
    assert_true(wait_run(c, id.text, "running", 99, 5000));
    core_close(c);
    for (int i = 0; i < 2; i++) {
        uint64_t random = 1;
        kill_a_server(dir, id.text, 700, 1, &random); // wherever it is by then
        c = open_core(dir);
        check_main(c, id.text);
        clock_sleep_ns(600 * NS_PER_MS); // its processes are known by now
        check_main(c, id.text);
        assert_true(wait_run(c, id.text, "running", 99, 100));
        core_close(c);
    }
    kill(child, SIGUSR1);
    reap(child);
}

// A process of a later day declares its series anew, the main one not first.
static void test_resumed_run(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t child = trainer(learn_hundred, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 99, 5000));
    kill(child, SIGUSR1);
    reap(child);
    assert_true(wait_run(c, id.text, "finished", 99, 5000));
    assert_true(wait_rest(c));
    child = trainer(learn_hundred, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 0, 5000));
    for (int i = 0; i < 200; i++) { // while its first steps come, the run keeps what it had
        json_t *run = get_run(c, id.text), *main = json_object_get(run, "main");
        assert_string_equal(text_in(main, "series"), "val/accuracy");
        assert_true(json_array_size(json_object_get(main, "spark")) >= 16);
        json_decref(run);
        clock_sleep_ns(NS_PER_MS);
    }
    kill(child, SIGUSR1);
    reap(child);
    core_close(c);
}

const body bodies[] = {
    {"learn_on", learn_on}, {"learn_hundred", learn_hundred}, {"serve_on", serve_on}, {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_live_run, make, unmake),
        cmocka_unit_test_setup_teardown(test_silent_run, make, unmake),
        cmocka_unit_test_setup_teardown(test_resumed_run, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
