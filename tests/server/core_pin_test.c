// Pinned samples from the command to the points: what is refused and why, what the command tells, the series of the answers, undoing.
#include "core_support.h"

#include "base/id.h"

enum { INPUTS = 4, CLASSES = 2 };

// The network: the second output is the mean of the input.
static bool answer_push(void *context, nns_push *push, const float *input, size_t count) {
    float mean = 0;
    (void)context;
    for (size_t i = 0; i < count; i++)
        mean += input[i] / (float)count;
    nns_push_output(push, (float[]){1 - mean, mean}, CLASSES);
    return true;
}

static bool own_sample(void *context, int64_t index, float *input, size_t count, int *truth) {
    (void)context;
    for (size_t i = 0; i < count; i++)
        input[i] = (float)index / 10;
    *truth = 1;
    return true;
}

static void pushed(const char *dir, const char *id) {
    nns_run *run = nns_open(&(nns_options){.dir = dir, .id = id, .quiet = true, .no_system = true});
    nns_layer_describe(
        run, &(nns_layer_info){.name = "in", .kind = "input", .dims = 1, .shape = {INPUTS}});
    nns_on_push(run, answer_push, NULL,
                &(nns_push_info){.dims = 1,
                                 .shape = {INPUTS},
                                 .classes = CLASSES,
                                 .words = (const char *const[]){"no", "yes"},
                                 .samples = 10,
                                 .sample = own_sample});
    for (int64_t step = 0; nns_step(run, step); step++)
        clock_sleep_ns(2 * NS_PER_MS);
    nns_close(run, 0);
}

const body bodies[] = {{"pushed", pushed}, {0}};

static long expect(core *c, const char *id, const char *json, int status, const char *words) {
    answer a = post_command(c, id, json, 20000);
    if (a.status != status || !strstr(a.text, words))
        print_error("%s -> %d %s\n", json, a.status, a.text);
    assert_int_equal(a.status, status);
    assert_non_null(strstr(a.text, words));
    json_t *answered = json_of(&a);
    long number = atol(json_string_value(json_object_get(answered, "id"))
                           ? json_string_value(json_object_get(answered, "id"))
                           : "0");
    json_decref(answered);
    mem_free(a.text);
    return number;
}

// The last point of a series.
static double wait_point(core *c, const char *id, const char *series) {
    for (int i = 0; i < 2000; i++) {
        json_t *points = get_points(c, id, series, 0),
               *values = json_object_get(json_object_get(json_object_get(points, "series"), series),
                                         "value");
        double value = json_array_size(values)
                           ? json_number_value(json_array_get(values, json_array_size(values) - 1))
                           : NAN;
        json_decref(points);
        if (!isnan(value)) return value;
        clock_sleep_ns(10 * NS_PER_MS);
    }
    fail();
    return NAN;
}

static void wait_model(core *c, const char *id) {
    for (int i = 0; i < 2000; i++) {
        answer a = {0};
        core_get_model(c, id, false, got, &a);
        await(c, &a);
        bool there = a.status == 200 && strstr(a.text, "\"yes\"");
        mem_free(a.text);
        if (there) return;
        clock_sleep_ns(10 * NS_PER_MS);
    }
    fail();
}

// A program that trains, with its network told.
static pid_t open_pushed(core *c, const char *dir, nns_id *id) {
    assert_int_equal(id_new(id), 0);
    pid_t pid = trainer(pushed, dir, id->text);
    assert_true(wait_run(c, id->text, "running", 5, 20000));
    wait_model(c, id->text);
    return pid;
}

static void test_pins(void **state) {
    const char *dir = *state;
    nns_id id;
    char text[128];
    core *c = open_core(dir);
    pid_t pid = open_pushed(c, dir, &id);
    expect(c, id.text, "{\"type\":\"pin\",\"sample\":3}", 422, "name");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"a/b\",\"sample\":3}", 422, "name");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"\",\"sample\":3}", 422, "name");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"three\"}", 422, "sample");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"three\",\"sample\":-1}", 422, "sample");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"three\",\"sample\":1.5}", 422, "sample");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"hand\",\"input\":[0,1]}", 422,
           "the network takes 4 numbers");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"hand\",\"input\":\"none\"}", 422, "input");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"far\",\"sample\":99}", 422, "sample");
    expect(c, id.text, "{\"type\":\"unpin\",\"name\":\"three\"}", 422, "pinned");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"three\",\"sample\":3}", 200,
           "\"values\":{\"name\":\"three\",\"sample\":3}");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"seen\",\"sample\":2,\"input\":[0,1]}", 422,
           "wrong_size");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"seen\",\"sample\":2,\"input\":[0,1,0.5,2]}",
           200, "\"sample\":2,\"picture\":[0,255,128,255]");
    long hand = expect(c, id.text, "{\"type\":\"pin\",\"name\":\"hand\",\"input\":[[1,0],[1,1]]}",
                       200, "\"picture\":[255,0,255,255]");
    assert_float_equal(wait_point(c, id.text, "pin/three/yes"), 0.3, 1e-6);
    assert_float_equal(wait_point(c, id.text, "pin/hand/yes"), 0.75, 1e-6);
    assert_float_equal(wait_point(c, id.text, "pin/hand/no"), 0.25, 1e-6);
    snprintf(text, sizeof text, "{\"type\":\"undo\",\"command\":\"%ld\"}", hand);
    expect(c, id.text, text, 200, "\"unpin\"");
    expect(c, id.text, "{\"type\":\"unpin\",\"name\":\"hand\"}", 422, "pinned");
    expect(c, id.text, "{\"type\":\"unpin\",\"name\":\"three\"}", 200, "\"applied\"");
    expect(c, id.text, "{\"type\":\"stop\"}", 200, "\"applied\"");
    reap(pid);
    core_close(c);
}

static size_t points_of(core *c, const char *id, const char *series) {
    json_t *points = get_points(c, id, series, 0);
    size_t count = json_array_size(
        json_object_get(json_object_get(json_object_get(points, "series"), series), "value"));
    json_decref(points);
    return count;
}

// While the run holds a pin is answered once, at once; and once more when a step was made.
static void test_held(void **state) {
    const char *dir = *state;
    nns_id id;
    core *c = open_core(dir);
    pid_t pid = open_pushed(c, dir, &id);
    expect(c, id.text, "{\"type\":\"pause\"}", 200, "\"applied\"");
    expect(c, id.text, "{\"type\":\"pin\",\"name\":\"three\",\"sample\":3}", 200, "\"applied\"");
    assert_float_equal(wait_point(c, id.text, "pin/three/yes"), 0.3, 1e-6);
    clock_sleep_ns(1500 * NS_PER_MS); // pins go once a second: none must come
    assert_int_equal(points_of(c, id.text, "pin/three/yes"), 1);
    expect(c, id.text, "{\"type\":\"step\"}", 200, "\"applied\"");
    for (int i = 0; i < 1000 && points_of(c, id.text, "pin/three/yes") < 2; i++)
        clock_sleep_ns(20 * NS_PER_MS);
    assert_in_range(points_of(c, id.text, "pin/three/yes"), 2, 3);
    expect(c, id.text, "{\"type\":\"stop\"}", 200, "\"applied\"");
    reap(pid);
    core_close(c);
}

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pins, make, unmake),
        cmocka_unit_test_setup_teardown(test_held, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
