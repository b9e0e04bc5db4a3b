// What a viewer of a run is told of its series: all there are, a new one, and one again when it gets its first point.
#include "core_support.h"

#include "base/id.h"

enum { LATE = 400 }; // the step of the late series' first point

static void late(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){.dir = dir, .id = id, .quiet = true, .no_system = true});
    nns_series first = nns_series_open(run, "first"), second = nns_series_open(run, "second");
    for (int64_t step = 0; nns_step(run, step); step++) {
        nns_scalar(run, first, 1);
        if (step >= LATE) nns_scalar(run, second, 2);
        clock_sleep_ns(2 * NS_PER_MS);
    }
    nns_close(run, 0);
}

const body bodies[] = {{"late", late}, {0}};

// Points of a series as a message tells them; -1: it does not name the series.
static json_int_t told(const frame *f, const char *name) {
    json_t *json = f->text ? json_loadb((char *)f->data, f->length, 0, NULL) : NULL, *s;
    json_int_t points = -1;
    size_t i;
    json_array_foreach(json_object_get(json, "series"), i, s) {
        if (strcmp(text_in(s, "name"), name) == 0)
            points = json_integer_value(json_object_get(s, "points"));
    }
    json_decref(json);
    return points;
}

static json_int_t await_told(viewer *v, const char *name, json_int_t least) {
    for (int i = 0; i < 4000; i++) {
        frame *f = viewer_next(v);
        json_int_t points = f ? told(f, name) : -1;
        if (f) frame_release(f);
        if (points >= least) return points;
        if (!f) clock_sleep_ns(5 * NS_PER_MS);
    }
    fail();
    return -1;
}

static void test_first_point(void **state) {
    nns_id id;
    char text[128];
    core *c = open_core(*state);
    assert_int_equal(id_new(&id), 0);
    pid_t pid = trainer(late, *state, id.text);
    assert_true(wait_run(c, id.text, "running", 5, 20000));
    viewer *v = viewer_open(c, &(viewer_options){.name = "v", .scopes = SCOPE_READ}, NULL);
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"id\":1,\"run\":\"%s\"}", id.text);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ);
    assert_true(await_told(v, "second", 1) >= 1);
    viewer_close(v);
    answer a = post_command(c, id.text, "{\"type\":\"stop\"}", 20000);
    assert_int_equal(a.status, 200);
    mem_free(a.text);
    reap(pid);
    core_close(c);
}

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_point, make, unmake)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
