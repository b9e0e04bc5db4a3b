// Runs that are over come to rest: nothing of them stays in the engine's rounds, no file stays open, no point is missing,
// and they can be taken up again.
#include "core_support.h"

#include "base/id.h"

#include <dirent.h>

enum { BY_HTTP = 200, BY_LIBRARY = 20, WAIT_MS = 15000 };

static void many(const char *dir, const char *id) {
    (void)id;
    for (int i = 0; i < BY_LIBRARY; i++) {
        nns_run *run =
            nns_open(&(nns_options){.dir = dir, .name = "many", .quiet = true, .no_system = true});
        for (int64_t step = 0; step < 10 && nns_step(run, step); step++)
            nns_scalar_named(run, "a", (double)step);
        nns_close(run, 0);
    }
}

static size_t open_files(void) {
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static bool wait_all_rest(core *c, uint64_t runs, uint64_t points) {
    core_figures f = {0};
    for (int64_t until = clock_mono_ns() + WAIT_MS * NS_PER_MS; clock_mono_ns() < until;
         clock_sleep_ns(20 * NS_PER_MS)) {
        core_get_figures(c, &f);
        if (f.active == 0 && f.runs == runs && f.points >= points) return true;
    }
    print_error("%d runs active of %d, %d points\n", (int)f.active, (int)f.runs, (int)f.points);
    return false;
}

static void patch(core *c, const char *id, const char *json) {
    answer a = {0};
    core_patch_run(c, id, json, strlen(json), &tester, got, &a);
    await(c, &a);
    if (a.status != 200) print_error("%s\n", a.text);
    assert_int_equal(a.status, 200);
    mem_free(a.text);
}

static void post(core *c, const char *id, const char *points) {
    answer a = post_points(c, id, points);
    assert_int_equal(a.status, 200);
    mem_free(a.text);
}

// Each is ended at once after its points, before the engine has seen any of them.
static void test_by_http(void **state) {
    char id[BY_HTTP][27];
    core *c = open_core(*state);
    size_t before = open_files();
    for (int i = 0; i < BY_HTTP; i++) {
        new_run(c, id[i]);
        post(c, id[i], "{\"a\":1}\n{\"a\":2}");
        patch(c, id[i], i % 2 ? "{\"state\":\"finished\"}" : "{\"state\":\"crashed\"}");
    }
    assert_true(wait_all_rest(c, BY_HTTP, 2 * BY_HTTP));
    assert_true(open_files() <= before + 8);
    for (int i = 0; i < BY_HTTP; i++)
        assert_true(wait_run(c, id[i], i % 2 ? "finished" : "crashed", 1, 100));
    post(c, id[7], "{\"a\":3}");
    assert_true(wait_run(c, id[7], "running", 2, 3000));
    patch(c, id[7], "{\"state\":\"finished\"}");
    assert_true(wait_all_rest(c, BY_HTTP, 2 * BY_HTTP + 1));
    json_t *points = get_points(c, id[7], "a", 0),
           *a = json_object_get(json_object_get(points, "series"), "a");
    assert_int_equal(json_array_size(json_object_get(a, "value")), 3);
    json_decref(points);
    core_close(c);
    c = open_core(*state);
    assert_true(wait_all_rest(c, BY_HTTP, 0)); // and with a new server
    core_close(c);
}

// A run without points, ended by hand.
static void test_empty(void **state) {
    char id[27];
    core *c = open_core(*state);
    new_run(c, id);
    patch(c, id, "{\"state\":\"failed\"}");
    assert_true(wait_all_rest(c, 1, 0));
    assert_true(wait_run(c, id, "failed", -1, 100));
    core_close(c);
}

static void test_by_library(void **state) {
    core *c = open_core(*state);
    size_t before = open_files();
    reap(trainer(many, *state, ""));
    assert_true(wait_all_rest(c, BY_LIBRARY, 10 * BY_LIBRARY));
    assert_true(open_files() <= before + 8);
    core_close(c);
}

static void expect_no_run(const answer *a) {
    assert_int_equal(a->status, 404);
    assert_non_null(strstr(a->text, "there is no such run"));
    mem_free(a->text);
}

// From the moment of its deletion on a run is unknown to every call, though its files are still being removed.
static void test_deleted(void **state) {
    char id[27];
    core *c = open_core(*state);
    new_run(c, id);
    post(c, id, "{\"a\":1}");
    patch(c, id, "{\"state\":\"finished\"}");
    assert_true(wait_all_rest(c, 1, 1));
    answer gone = {0}, a[6] = {0};
    core_delete_run(c, id, &tester, got, &gone);
    core_reply one = {0};
    core_get_run(c, id, &one);
    assert_int_equal(one.status, 404);
    buf_fini(&one.body);
    core_get_points(c, &(core_points){.run = id, .from = INT64_MIN, .to = INT64_MAX}, got, &a[0]);
    core_get_series(c, id, got, &a[1]);
    core_get_events(c, id, 0, 10, got, &a[2]);
    core_get_log(c, id, NULL, 0, 10, false, got, &a[3]);
    core_post_command(c, id, "{\"type\":\"pause\"}", 16, 0, &tester, got, &a[4]);
    core_delete_run(c, id, &tester, got, &a[5]);
    for (size_t i = 0; i < sizeof a / sizeof *a; i++) {
        await(c, &a[i]);
        expect_no_run(&a[i]);
    }
    await(c, &gone);
    assert_int_equal(gone.status, 200);
    mem_free(gone.text);
    core_close(c);
}

const body bodies[] = {{"many", many}, {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_by_http, make, unmake),
        cmocka_unit_test_setup_teardown(test_empty, make, unmake),
        cmocka_unit_test_setup_teardown(test_by_library, make, unmake),
        cmocka_unit_test_setup_teardown(test_deleted, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
