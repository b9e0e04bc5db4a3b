// Runs that cannot be checked from here: a process on another host (its journal comes through a shared directory), and one
// over HTTP. Unheard for long they are lost; they come back when they speak, and end in order.
#include "core_support.h"

#include "base/file.h"
#include "base/id.h"
#include "journal/place.h"
#include "journal/record.h"
#include "journal/segment.h"

enum { LOST_MS = 800 };

typedef struct far { // what a probe on another host does
    nns_id run, process;
    char folder[PATH_CAP], alive[PATH_CAP];
    segment_writer writer;
    uint64_t sequence;
} far;

static void head(buf *out, uint32_t kind, uint32_t words, uint32_t a) {
    buf_u32(out, kind | words << 16);
    buf_u32(out, a);
}

static void put(far *f, buf *records) {
    assert_int_equal(segment_append(&f->writer, 0, f->sequence, records->data, records->length), 0);
    f->sequence += records->length;
    buf_fini(records);
}

static void declare(far *f) {
    buf out = {0};
    head(&out, RECORD_SERIES, 3, 1);
    uint8_t rest[16] = {[0] = SERIES_SCALAR, [2] = 1, [8] = 'a'};
    buf_add(&out, rest, sizeof rest);
    put(f, &out);
}

static void step(far *f, uint64_t number) {
    buf out = {0};
    double value = (double)number;
    head(&out, RECORD_STEP, 3, 0);
    buf_u64(&out, number);
    buf_u64(&out, (uint64_t)clock_mono_ns());
    head(&out, RECORD_SCALAR, 2, 1);
    buf_add(&out, &value, 8);
    put(f, &out);
}

static void far_open(far *f, const char *dir) {
    buf text = {0};
    *f = (far){0};
    assert_int_equal(id_new(&f->run), 0);
    assert_int_equal(id_new(&f->process), 0);
    assert_int_equal(place_run(dir, f->run.text, f->folder), 0);
    assert_int_equal(file_folder(f->folder), 0);
    assert_int_equal(file_path(f->alive, "%s/%s.alive", f->folder, f->process.text), 0);
    buf_print(&text,
              "version 1\npid 1\nstart 1\nboot 00000000-0000-0000-0000-000000000000\nhost "
              "elsewhere\nlanes \nopened_ms %lld\n"
              "name far\nproject p\nworld 1\nrank 0\n",
              (long long)clock_wall_ms());
    assert_int_equal(file_write(f->alive, text.data, text.length), 0);
    buf_fini(&text);
    assert_int_equal(segment_writer_init(&f->writer, f->folder, f->run.text, f->process.text), 0);
    declare(f);
}

static void far_close(far *f) {
    buf out = {0};
    head(&out, RECORD_CLOSE, 2, 0);
    buf_u64(&out, (uint64_t)clock_mono_ns());
    put(f, &out);
    segment_writer_fini(&f->writer);
    unlink(f->alive);
}

static core *open_waiting(const char *dir, int64_t lost_ms) {
    core *c = NULL;
    assert_int_equal(core_open(&c, &(core_options){.dir = dir, .lost_ms = lost_ms}, NULL), 0);
    return c;
}

static core *open_impatient(const char *dir) {
    return open_waiting(dir, LOST_MS);
}

static void check_host(core *c, const char *id) {
    json_t *run = get_run(c, id), *process = json_array_get(json_object_get(run, "processes"), 0);
    assert_string_equal(text_in(process, "host"), "elsewhere");
    json_decref(run);
}

static void test_far(void **state) {
    far f;
    core *c = open_impatient(*state);
    far_open(&f, *state);
    step(&f, 0);
    assert_true(wait_run(c, f.run.text, "running", 0, 3000));
    check_host(c, f.run.text);
    for (uint64_t i = 1; i <= 8; i++) { // as long as it speaks it is not lost
        clock_sleep_ns(LOST_MS / 4 * NS_PER_MS);
        step(&f, i);
        assert_true(wait_run(c, f.run.text, "running", (int64_t)i, 1000));
    }
    int64_t silent = clock_mono_ns();
    assert_true(wait_run(c, f.run.text, "lost", 8, 5000));
    assert_true(clock_mono_ns() - silent > LOST_MS / 2 * NS_PER_MS);
    step(&f, 9);
    assert_true(wait_run(c, f.run.text, "running", 9, 3000)); // taken back
    assert_true(wait_run(c, f.run.text, "lost", 9, 5000));
    core_close(c);
    c = open_impatient(*state);
    assert_true(wait_run(c, f.run.text, "lost", 9, 3000));
    step(&f, 10);
    assert_true(wait_run(c, f.run.text, "running", 10, 3000));
    far_close(&f);
    assert_true(wait_run(c, f.run.text, "finished", 10, 5000));
    json_t *points = get_points(c, f.run.text, "a", 0),
           *a = json_object_get(json_object_get(points, "series"), "a");
    assert_int_equal(json_array_size(json_object_get(a, "value")), 11);
    json_decref(points);
    core_close(c);
}

static void test_http(void **state) {
    char id[27];
    core *c = open_impatient(*state);
    new_run(c, id);
    for (int i = 0; i < 3; i++) {
        mem_free(post_points(c, id, "{\"a\":1}").text);
        assert_true(wait_run(c, id, "running", i, 3000));
        assert_true(wait_run(c, id, "lost", i, 5000));
    }
    core_close(c);
}

static void check_epochs(core *c, const char *id, size_t count) {
    json_t *points = get_points(c, id, "nnscope/epoch", 0);
    json_t *values = json_object_get(
        json_object_get(json_object_get(points, "series"), "nnscope/epoch"), "value");
    assert_int_equal(json_array_size(values), count);
    for (size_t i = 0; i < count; i++)
        assert_true(json_number_value(json_array_get(values, i)) == (double)i / 2);
    json_decref(points);
}

// Nobody said that it is over, and nobody says anything: it keeps no memory, stays lost, and goes on when it speaks.
static void test_http_comes_to_rest(void **state) {
    char id[27], point[64];
    core *c = open_waiting(*state, 100);
    new_run(c, id);
    for (int i = 0; i < 3; i++) {
        snprintf(point, sizeof point, "{\"a\":%d,\"epoch\":%.1f}", i, i / 2.0);
        answer a = post_points(c, id, point);
        assert_int_equal(a.status, 200);
        mem_free(a.text);
        assert_true(wait_run(c, id, NULL, i, 3000));
        assert_true(wait_rest(c));
        assert_true(wait_run(c, id, "lost", i, 100));
        if (i != 1) continue;
        core_close(c);
        c = open_waiting(*state, 100);
        assert_true(wait_run(c, id, "lost", i, 100));
        assert_true(wait_rest(c));
    }
    check_epochs(c, id, 3);
    core_close(c);
}

const body bodies[] = {{0}};

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_far, make, unmake),
        cmocka_unit_test_setup_teardown(test_http, make, unmake),
        cmocka_unit_test_setup_teardown(test_http_comes_to_rest, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
