// Recording over HTTP: runs, points in all their forms, what is refused and where it says the fault is; and reading
// back as JSON, CSV and long replies in pieces.
#include "core_support.h"

#include "base/id.h"

static void new_run_of(core *c, const char *json, char id[27]) {
    core_reply reply = {0};
    core_post_run(c, json, strlen(json), &tester, &reply);
    assert_int_equal(reply.status, 201);
    json_t *run = json_loadb((char *)reply.body.data, reply.body.length, 0, NULL);
    snprintf(id, 27, "%s", text_in(run, "id"));
    json_decref(run);
    buf_fini(&reply.body);
}

static void post(core *c, const char *id, const char *points, int status, const char *words) {
    answer a = post_points(c, id, points);
    if (a.status != status || (words && !strstr(a.text, words)))
        print_error("%s -> %d %s\n", points, a.status, a.text);
    assert_int_equal(a.status, status);
    if (words) assert_non_null(strstr(a.text, words));
    mem_free(a.text);
}

static char *text_of(core *c, const char *id, int form, uint32_t buckets, const char *const *series,
                     size_t count, size_t *length) {
    answer a = {0};
    core_points q = {.run = id,
                     .series = series,
                     .series_count = count,
                     .from = INT64_MIN,
                     .to = INT64_MAX,
                     .form = form,
                     .buckets = buckets};
    core_get_points(c, &q, got, &a);
    await(c, &a);
    assert_int_equal(a.status, 200);
    *length = a.length;
    return a.text;
}

static void test_forms(void **state) {
    char id[27];
    core *c = open_core(*state);
    new_run_of(c, "{\"name\":\"h\",\"project\":\"p\",\"tags\":[\"x\"],\"config\":{\"lr\":1}}", id);
    post(c, id, "{\"step\":3,\"time\":1763683200.125,\"epoch\":0.5,\"a\":1.5,\"b\":\"NaN\"}", 200,
         "\"points\":2");
    // Missing steps: the last + 1.
    post(c, id, "{\"a\":-2e-3}\n{\"a\":\"Infinity\",\"b\":7}\n", 200, "\"last_step\":5");
    post(c, id, "[{\"a\":\"-Infinity\"},{\"step\":10,\"a\":123456789012345678}]", 200,
         "\"last_step\":10");
    post(c, id, "{\"n\\u00e4me, x\":1}", 200, NULL);
    post(c, id, "{\"a\":1}\n{\"a\":x}", 400, "line 2 column");
    post(c, id, "{\"step\":50,\"a\":1}\n{\"a\":\"word\"}", 400, "object 2 (line 2 column 1)");
    post(c, id, "{\"step\":-1,\"a\":1}", 400, "step must be");
    post(c, id, "{\"step\":1.5,\"a\":1}", 400, "step must be");
    post(c, id, "{\"a\":[1]}", 400, "\\\"a\\\"");
    post(c, id, "[1]", 400, "object of names");
    post(c, id, "{\"a\":1},{\"a\":2}", 400, "one after the other");
    post(c, id, "00", 400, NULL);
    post(c, "00000000000000000000000000", "{\"a\":1}", 404, NULL);
    assert_true(wait_run(c, id, "running", 11, 3000));
    const char *const a[] = {"a"};
    size_t length;
    char *text = text_of(c, id, CORE_JSON, 0, a, 1, &length);
    assert_non_null(strstr(text, "\"step\":[3,4,5,6,10]"));
    assert_non_null(
        strstr(text, "\"value\":[1.5,-0.002,\"Infinity\",\"-Infinity\",1.2345678901234568e+17]"));
    assert_non_null(strstr(text, "\"time\":[1763683200.125,"));
    mem_free(text);
    text = text_of(c, id, CORE_CSV, 0, a, 1, &length);
    assert_non_null(strstr(text, "step,time,a\n3,1763683200.125,1.5\n"));
    assert_non_null(strstr(text, ",Infinity\n"));
    mem_free(text);
    text = text_of(c, id, CORE_CSV, 0, NULL, 0, &length);
    assert_non_null(strstr(text, "step,nnscope/epoch,a,b,\"n\xc3\xa4me, "
                                 "x\"\n3,0.5,1.5,NaN,\n4,,-0.002,,\n5,,Infinity,7,\n"));
    mem_free(text);
    json_t *run = get_run(c, id);
    assert_true(json_number_value(json_object_get(run, "epoch")) == 0.5);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_object_get(run, "facts"), "config"), "lr")),
                     1);
    json_decref(run);

    answer patched = {0};
    const char *patch =
        "{\"state\":\"finished\",\"name\":\"new\",\"tags\":[\"y\",\"z\"],\"notes\":\"n\"}";
    core_patch_run(c, id, patch, strlen(patch), &tester, got, &patched);
    await(c, &patched);
    assert_int_equal(patched.status, 200);
    mem_free(patched.text);
    assert_true(wait_run(c, id, "finished", 11, 2000));
    post(c, id, "{\"a\":1}", 200, "\"last_step\":12"); // it speaks again
    assert_true(wait_run(c, id, "running", 12, 2000));
    core_close(c);
    c = open_core(*state);
    post(c, id, "{\"a\":2}", 200, "\"last_step\":13"); // goes on where it was before the restart
    assert_true(wait_run(c, id, "running", 13, 2000));
    run = get_run(c, id);
    assert_string_equal(text_in(run, "name"), "new");
    json_decref(run);
    core_close(c);
}

static void test_long(void **state) {
    enum { STEPS = 200000 };
    char id[27];
    core *c = open_core(*state);
    new_run(c, id);
    buf text_body = {0};
    for (int i = 0; i < STEPS; i++) {
        buf_print(&text_body, "{\"step\":%d,\"x\":%d.5", i, i);
        if (i % 3 == 0) buf_print(&text_body, ",\"y\":%d", -i);
        buf_text(&text_body, "}\n");
    }
    buf_char(&text_body, 0);
    post(c, id, (char *)text_body.data, 200, NULL);
    buf_fini(&text_body);
    assert_true(wait_run(c, id, "running", STEPS - 1, 5000));
    const char *const both[] = {"x", "y"};
    size_t length, lines = 0;
    char *text = text_of(c, id, CORE_CSV, 0, both, 2, &length), *at = text;
    assert_memory_equal(at, "step,x,y\n", 9);
    for (at += 9; *at; lines++) {
        char line[64];
        int n = snprintf(line, sizeof line, lines % 3 == 0 ? "%zu,%zu.5,%s%zu\n" : "%zu,%zu.5,\n",
                         lines, lines, lines ? "-" : "", lines);
        assert_memory_equal(at, line, (size_t)n);
        at += n;
    }
    assert_int_equal(lines, STEPS);
    mem_free(text);
    text = text_of(c, id, CORE_JSON, 0, both, 2, &length);
    json_t *json = json_loadb(text, length, 0, NULL);
    json_t *x = json_object_get(json_object_get(json, "series"), "x"),
           *y = json_object_get(json_object_get(json, "series"), "y");
    assert_int_equal(json_array_size(json_object_get(x, "value")), STEPS);
    assert_int_equal(json_array_size(json_object_get(y, "step")), (STEPS + 2) / 3);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(y, "step"), 1000)), 3000);
    json_decref(json);
    mem_free(text);
    json = get_points(c, id, "x", 100);
    assert_true(json_is_false(json_object_get(json, "raw")));
    x = json_object_get(json_object_get(json, "series"), "x");
    size_t rows = json_array_size(json_object_get(x, "mean"));
    json_int_t points = 0;
    assert_true(rows > 0 && rows <= 100);
    for (size_t i = 0; i < rows; i++)
        points += json_integer_value(json_array_get(json_object_get(x, "count"), i));
    assert_int_equal(points, STEPS);
    json_decref(json);
    answer dropped = {0}; // a reader that goes away in the middle
    core_points q = {.run = id,
                     .series = both,
                     .series_count = 2,
                     .from = INT64_MIN,
                     .to = INT64_MAX,
                     .form = CORE_CSV};
    core_get_points(c, &q, got, &dropped);
    while (!dropped.count) {
        core_poll(c);
        clock_sleep_ns(NS_PER_MS);
    }
    assert_non_null(dropped.rest);
    core_rest_drop(dropped.rest);
    mem_free(dropped.text);
    core_close(c);
}

static double rate_after(core *c, const char *id, int64_t step, double time) {
    char text[128];
    snprintf(text, sizeof text, "{\"step\":%lld,\"time\":%.3f,\"a\":1}", (long long)step, time);
    post(c, id, text, 200, "\"points\":1");
    assert_true(wait_run(c, id, "running", step, 3000));
    json_t *run = get_run(c, id);
    double rate = json_number_value(json_object_get(run, "steps_per_s"));
    json_decref(run);
    return rate;
}

// Steps a second: one long silence is a break and leaves it as it is; when every step takes minutes, it follows.
static void test_rate(void **state) {
    char id[27];
    double at = 1763683200;
    core *c = open_core(*state);
    new_run(c, id);
    rate_after(c, id, 0, at);
    rate_after(c, id, 20, at += 2);
    assert_true(fabs(rate_after(c, id, 40, at += 2) - 10) < 0.01);
    assert_true(fabs(rate_after(c, id, 41, at += 3600) - 10) < 0.01);
    assert_true(fabs(rate_after(c, id, 61, at += 2) - 10) < 0.01);
    for (int64_t step = 62; step < 72; step++)
        rate_after(c, id, step, at += 100);
    assert_true(rate_after(c, id, 72, at += 100) < 0.1);
    core_close(c);
}

const body bodies[] = {{0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_forms, make, unmake),
        cmocka_unit_test_setup_teardown(test_long, make, unmake),
        cmocka_unit_test_setup_teardown(test_rate, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
