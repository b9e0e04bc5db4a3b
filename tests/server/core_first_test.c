// The whole way through the core: a trainer records, points come out, a viewer sees them live, a command goes back.
#include "core_support.h"

#include "base/id.h"

#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static bool remote;

// In the system's place: NFS on request.
int statfs(const char *path, struct statfs *fs) {
    int result = (int)syscall(SYS_statfs, path, fs);
    if (remote) fs->f_type = 0x6969;
    return result;
}

enum { STEPS = 3000 };

static void train_paced(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){
        .dir = dir, .id = id, .project = "p", .name = "n", .quiet = true, .no_system = true});
    double lr = 0.1;
    nns_param_double(run, "lr", &lr, &(nns_range){.min = 1e-6, .max = 1, .log_scale = true});
    nns_series loss = nns_series_open(run, "train/loss"), seen = nns_series_open(run, "seen/lr");
    for (int64_t step = 0; nns_step(run, step); step++) {
        nns_scalar(run, loss, (double)step * 0.5);
        nns_scalar(run, seen, lr);
        clock_sleep_ns(NS_PER_MS);
    }
    nns_close(run, 0);
}

static void train_offline(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){
        .dir = dir, .id = id, .project = "p", .name = "off", .quiet = true, .no_system = true});
    nns_series loss = nns_series_open(run, "train/loss");
    for (int64_t step = 0; step < STEPS && nns_step(run, step); step++)
        nns_scalar(run, loss, (double)step * 0.25);
    nns_close(run, 3);
}

static void check_column(const json_t *points, const char *series, size_t steps, double factor) {
    json_t *s = json_object_get(json_object_get(points, "series"), series);
    json_t *step = json_object_get(s, "step"), *value = json_object_get(s, "value");
    assert_int_equal(json_array_size(step), steps);
    assert_int_equal(json_array_size(value), steps);
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(json_integer_value(json_array_get(step, i)), i);
        assert_true(json_number_value(json_array_get(value, i)) == (double)i * factor);
    }
}

static void test_offline(void **state) {
    const char *dir = *state;
    nns_id id;
    assert_int_equal(id_new(&id), 0);
    reap(trainer(train_offline, dir, id.text));
    core *c = open_core(dir);
    assert_true(wait_run(c, id.text, "failed", STEPS - 1, 5000));
    json_t *points = get_points(c, id.text, "train/loss", 0);
    check_column(points, "train/loss", STEPS, 0.25);
    json_decref(points);
    json_t *run = get_run(c, id.text);
    assert_int_equal(json_integer_value(json_object_get(run, "exit")), 3);
    assert_string_equal(text_in(run, "name"), "off");
    json_decref(run);
    core_close(c);
    c = open_core(dir); // and again from the store alone
    points = get_points(c, id.text, "train/loss", 0);
    check_column(points, "train/loss", STEPS, 0.25);
    json_decref(points);
    assert_true(wait_run(c, id.text, "failed", STEPS - 1, 100));
    core_close(c);
}

static void test_live(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    assert_int_equal(id_new(&id), 0);
    pid_t pid = trainer(train_paced, dir, id.text);
    assert_true(wait_run(c, id.text, "running", 20, 5000));

    viewer *v =
        viewer_open(c, &(viewer_options){.name = "v", .scopes = SCOPE_READ | SCOPE_CONTROL}, NULL);
    char text[256];
    snprintf(text, sizeof text,
             "{\"type\":\"subscribe\",\"id\":7,\"run\":\"%s\",\"series\":[\"train/*\"]}", id.text);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ | SCOPE_CONTROL);
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"id\":8,\"run\":\"%s\"}", id.text);
    viewer_message(v, text, strlen(text), &tester, SCOPE_READ | SCOPE_CONTROL);
    int snapshots = 0, live = 0, texts = 0;
    uint64_t end = 0;
    for (int64_t until = clock_mono_ns() + NS_PER_S; clock_mono_ns() < until;) {
        frame *f = viewer_next(v);
        if (!f) {
            clock_sleep_ns(NS_PER_MS);
            continue;
        }
        if (f->text) {
            texts++;
        } else {
            assert_int_equal(le_u32(f->data), FRAME_MAGIC);
            int kind = le_u16(f->data + 4);
            snapshots += kind == FRAME_SNAPSHOT;
            live += kind == FRAME_LIVE;
            uint64_t from = le_u64(f->data + 48 + 16), to = le_u64(f->data + 48 + 24);
            assert_true(from <= end || kind == FRAME_SNAPSHOT);
            end = to > end ? to : end;
        }
        frame_release(f);
    }
    assert_int_equal(snapshots, 1);
    assert_true(live >= 20);
    assert_true(texts >= 3);
    viewer_close(v);

    int64_t asked = clock_mono_ns();
    answer a =
        post_command(c, id.text, "{\"type\":\"set\",\"parameter\":\"lr\",\"value\":0.01}", 5000);
    printf("set took %.1f ms\n", (double)(clock_mono_ns() - asked) / 1e6);
    assert_int_equal(a.status, 200);
    json_t *command = json_of(&a);
    assert_string_equal(text_in(command, "state"), "applied");
    int64_t step = json_integer_value(json_object_get(command, "step"));
    json_decref(command);
    mem_free(a.text);
    assert_true(wait_run(c, id.text, "running", step + 20, 5000));
    json_t *points = get_points(c, id.text, "seen/lr", 0);
    json_t *s = json_object_get(json_object_get(points, "series"), "seen/lr");
    json_t *values = json_object_get(s, "value");
    assert_true(json_number_value(json_array_get(values, (size_t)step - 1)) == 0.1);
    assert_true(json_number_value(json_array_get(values, (size_t)step)) == 0.01);
    json_decref(points);

    a = post_command(c, id.text, "{\"type\":\"stop\"}", 5000);
    assert_int_equal(a.status, 200);
    mem_free(a.text);
    reap(pid);
    assert_true(wait_run(c, id.text, "finished", 0, 3000));
    core_close(c);
}

static bool shares_memory(const char *dir) {
    char path[400];
    snprintf(path, sizeof path, "%s/store.db-shm", dir);
    return access(path, F_OK) == 0;
}

// The same where the store may not share memory, since other hosts would not see it.
static void test_network_file_system(void **state) {
    core *c = open_core(*state);
    assert_true(shares_memory(*state));
    core_close(c);
    remote = true;
    c = open_core(*state);
    assert_false(shares_memory(*state));
    core_close(c);
    test_offline(state);
    test_live(state);
    assert_false(shares_memory(*state));
    remote = false;
}

const body bodies[] = {{"train_paced", train_paced}, {"train_offline", train_offline}, {0}};

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offline, make, unmake),
        cmocka_unit_test_setup_teardown(test_live, make, unmake),
        cmocka_unit_test_setup_teardown(test_network_file_system, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
