// Steering: values checked, refused, applied, undone; waits; expiry; several processes; what watchers are told.
#include "core_support.h"

#include "base/id.h"

static void wait_for_stop(const char *dir, const char *id, int rank) {
    nns_run *run = nns_open(&(nns_options){
        .dir = dir, .id = id, .rank = rank, .world = 2, .quiet = true, .no_system = true});
    double lr = 0.1;
    int64_t batch = 32;
    bool on = false;
    int kind = 0;
    const char *const words[] = {"adam", "sgd"};
    nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});
    nns_param_int(run, "batch", &batch, &(nns_range){.min = 1, .max = 512});
    nns_param_bool(run, "on", &on, NULL);
    nns_param_choice(run, "optimizer", &kind, words, 2, NULL);
    nns_param_text(run, "prompt", "hello", NULL);
    nns_param_double(run, "fixed", &lr, &(nns_range){.read_only = true});
    for (int64_t step = 0; nns_step(run, step); step++) {
        nns_scalar_named(run, rank ? "seen/lr1" : "seen/lr", lr);
        clock_sleep_ns(2 * NS_PER_MS);
    }
    nns_close(run, 0);
}

static void one(const char *dir, const char *id) {
    wait_for_stop(dir, id, 0);
}

static void second(const char *dir, const char *id) {
    wait_for_stop(dir, id, 1);
}

static void hung(const char *dir, const char *id) { // never comes to a safe point again
    nns_run *run = nns_open(&(nns_options){.dir = dir, .id = id, .quiet = true, .no_system = true});
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, NULL);
    nns_step(run, 0);
    pause();
}

// Posts, checks status and (where not NULL) that the answer holds `words`; returns the command's id or 0.
static long expect(core *c, const char *id, const char *json, int64_t wait_ms, int status,
                   const char *words) {
    answer a = post_command(c, id, json, wait_ms);
    if (a.status != status || (words && !strstr(a.text, words)))
        print_error("%s -> %d %s\n", json, a.status, a.text);
    assert_int_equal(a.status, status);
    if (words) assert_non_null(strstr(a.text, words));
    json_t *answered = json_of(&a);
    json_t *number = json_object_get(answered, "id");
    long result = json_is_string(number) ? atol(json_string_value(number)) : 0;
    json_decref(answered);
    mem_free(a.text);
    return result;
}

static void test_values(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t pid = trainer(one, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 5, 5000));
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":2}", 0, 422,
           "\"out_of_bounds\"");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":2}", 0, 422, "\"max\":1");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"nope\",\"value\":2}", 0, 422,
           "\"unknown_parameter\"");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"fixed\",\"value\":0.2}", 0, 422,
           "\"read_only\"");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":\"x\"}", 0, 422,
           "\"wrong_type\"");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"batch\",\"value\":1.5}", 0, 422,
           "\"wrong_type\"");
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"optimizer\",\"value\":\"lion\"}", 0, 422,
           "\"choices\":[\"adam\",\"sgd\"]");
    expect(c, id.text, "{\"type\":\"set\",\"values\":{\"lr\":0.5,\"batch\":1000}}", 0, 422,
           "\"batch\"");
    expect(c, id.text, "{\"type\":\"jump\"}", 0, 422, "no such command");
    expect(c, id.text, "{\"type\":", 0, 400, "line 1");
    expect(c, "00000000000000000000000000", "{\"type\":\"pause\"}", 0, 404, NULL);

    long first = expect(c, id.text,
                        "{\"type\":\"set\",\"values\":{\"lr\":0.05,\"batch\":64,\"on\":true,"
                        "\"optimizer\":\"sgd\",\"prompt\":\"ho\"}}",
                        5000, 200, "\"applied\"");
    long next = expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"batch\",\"value\":65}", 5000,
                       200, "\"from\":64");
    assert_true(next > first);
    char text[128];
    snprintf(text, sizeof text, "{\"type\":\"undo\",\"command\":\"%ld\"}", first);
    expect(c, id.text, text, 5000, 409, "changed_since");
    snprintf(text, sizeof text, "{\"type\":\"undo\",\"command\":%ld}", next);
    expect(c, id.text, text, 5000, 200, "\"undoes\"");
    // 64 again: now it can be undone.
    snprintf(text, sizeof text, "{\"type\":\"undo\",\"command\":\"%ld\"}", first);
    expect(c, id.text, text, 5000, 200, "\"applied\"");
    expect(c, id.text, "{\"type\":\"undo\",\"command\":\"999\"}", 0, 404, NULL);
    answer a = {0};
    core_get_params(c, id.text, got, &a);
    await(c, &a);
    assert_non_null(strstr(a.text, "{\"name\":\"lr\",\"type\":\"float\",\"value\":0.1,"));
    assert_non_null(strstr(a.text, "\"value\":\"adam\""));
    assert_non_null(strstr(a.text, "\"value\":\"hello\""));
    assert_non_null(strstr(a.text, "\"changed_by\":\"tester\""));
    mem_free(a.text);

    long pause_id = expect(c, id.text, "{\"type\":\"pause\"}", 5000, 200, "\"applied\"");
    assert_true(wait_run(c, id.text, "paused", 0, 2000));
    clock_sleep_ns(50 * NS_PER_MS); // older than that is the step
    int64_t asked = clock_mono_ns(), asked_ms = clock_wall_ms();
    // While paused, at once.
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":0.2}", 5000, 200,
           "\"applied\"");
    printf("set while paused: %.1f ms\n", (double)(clock_mono_ns() - asked) / 1e6);
    expect(c, id.text, "{\"type\":\"step\",\"steps\":3}", 5000, 200, NULL);
    assert_true(wait_run(c, id.text, "paused", 0, 2000));
    snprintf(text, sizeof text, "{\"type\":\"undo\",\"command\":\"%ld\"}", pause_id);
    expect(c, id.text, text, 5000, 200, "\"resume\"");
    assert_true(wait_run(c, id.text, "running", 0, 2000));

    answer delete = {0};
    core_delete_run(c, id.text, &tester, got, &delete);
    await(c, &delete);
    assert_int_equal(delete.status, 409);
    mem_free(delete.text);
    expect(c, id.text, "{\"type\":\"stop\"}", 5000, 200, NULL);
    reap(pid);
    assert_true(wait_run(c, id.text, "finished", 0, 3000));
    expect(c, id.text, "{\"type\":\"pause\"}", 100, 409, "not_running");

    answer events = {0};
    core_get_events(c, id.text, 0, 100, got, &events);
    await(c, &events);
    json_t *list = json_of(&events), *all = json_object_get(list, "events");
    size_t parameters = 0, ended = 0;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *e = json_array_get(all, i);
        bool mine = strcmp(text_in(e, "type"), "parameter") == 0;
        assert_int_equal(json_integer_value(json_object_get(e, "number")), i + 1);
        if (mine) assert_string_equal(text_in(e, "author"), "tester");
        if (mine && ++parameters == 5)
            assert_true(json_real_value(json_object_get(e, "time")) * 1e3 >=
                        (double)asked_ms - 0.5);
        ended += strcmp(text_in(e, "type"), "ended") == 0;
    }
    assert_int_equal(parameters, 5);
    assert_int_equal(ended, 1);
    json_decref(list);
    mem_free(events.text);
    memset(&delete, 0, sizeof delete);
    assert_true(wait_rest(c));
    core_delete_run(c, id.text, &tester, got, &delete);
    await(c, &delete);
    assert_int_equal(delete.status, 200);
    mem_free(delete.text);
    assert_null(get_run(c, id.text));
    core_close(c);
    c = open_core(dir);
    clock_sleep_ns(50 * NS_PER_MS); // it must not come back
    assert_null(get_run(c, id.text));
    core_close(c);
}

static void test_expiry(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t pid = trainer(hung, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 0, 5000));
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":0.3}", 50, 202,
           "\"asked\"");
    answer a = {0};
    core_post_command(c, id.text, "{\"type\":\"pause\"}", 16, 30000, &tester, got, &a);
    clock_sleep_ns(20 * NS_PER_MS);
    kill(pid, SIGKILL);
    reap(pid);
    await(c, &a);
    assert_int_equal(a.status, 409);
    assert_non_null(strstr(a.text, "expired"));
    mem_free(a.text);
    assert_true(wait_run(c, id.text, "crashed", 0, 3000));
    core_close(c);
}

static int64_t first_step_at(core *c, const char *id, const char *series, double value) {
    json_t *points = get_points(c, id, series, 0);
    json_t *s = json_object_get(json_object_get(points, "series"), series);
    json_t *v = json_object_get(s, "value");
    int64_t step = -1;
    for (size_t i = 0; step < 0 && i < json_array_size(v); i++)
        if (json_number_value(json_array_get(v, i)) == value)
            step = json_integer_value(json_array_get(json_object_get(s, "step"), i));
    json_decref(points);
    return step;
}

static int64_t wait_first_step(core *c, const char *id, const char *series, double value) {
    int64_t step = first_step_at(c, id, series, value);
    for (int i = 0; i < 3000 && step < 0; i++) {
        clock_sleep_ns(10 * NS_PER_MS);
        step = first_step_at(c, id, series, value);
    }
    return step;
}

static void test_two_processes(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t a = trainer(one, dir, id.text), b = trainer(second, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 50, 5000));
    expect(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":0.25}", 5000, 200,
           "\"applied\"");
    int64_t x = wait_first_step(c, id.text, "seen/lr", 0.25),
            y = wait_first_step(c, id.text, "seen/lr1", 0.25);
    assert_true(x > 0);
    assert_int_equal(x, y); // all ranks at one step
    expect(c, id.text, "{\"type\":\"stop\"}", 5000, 200, NULL);
    reap(a);
    reap(b);
    assert_true(wait_run(c, id.text, "finished", 0, 3000));
    json_t *run = get_run(c, id.text);
    assert_int_equal(json_array_size(json_object_get(run, "processes")), 2);
    assert_int_equal(json_integer_value(json_object_get(run, "attempt")), 0);
    json_decref(run);
    core_close(c);
}

const body bodies[] = {{"one", one}, {"second", second}, {"hung", hung}, {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, make, unmake),
        cmocka_unit_test_setup_teardown(test_expiry, make, unmake),
        cmocka_unit_test_setup_teardown(test_two_processes, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
