// Hostile and damaged journals: garbage, torn ends, other versions, foreign files, links, records that lie. None may
// harm the core, and the good run beside them is taken in whole.
#include "core_support.h"

#include "base/file.h"
#include "base/id.h"
#include "journal/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder_of_run[PATH_CAP];

static const char *folder_of(const char *dir, const char *run) {
    file_path(folder_of_run, "%s/runs/%s", dir, run);
    assert_int_equal(file_folder(folder_of_run), 0);
    return folder_of_run;
}

static void put(buf *out, uint16_t kind, uint32_t a, const void *rest, size_t bytes) {
    buf_u32(out, (uint32_t)kind | (uint32_t)((8 + bytes + 7) / 8) << 16);
    buf_u32(out, a);
    buf_add(out, rest, bytes);
    buf_align8(out);
}

static void put_series(buf *out, uint32_t number, const char *name) {
    uint8_t rest[64] = {SERIES_SCALAR, 0};
    size_t length = strlen(name);
    le_put_u16(rest + 2, (uint16_t)length);
    memcpy(rest + 8, name, length);
    put(out, RECORD_SERIES, number, rest, 8 + length);
}

static void put_point(buf *out, uint32_t series, int64_t step, double value) {
    int64_t opened[2] = {step, clock_mono_ns()};
    put(out, RECORD_STEP, 0, opened, sizeof opened);
    put(out, RECORD_SCALAR, series, &value, sizeof value);
}

static void put_close(buf *out) {
    uint64_t now = (uint64_t)clock_mono_ns();
    put(out, RECORD_CLOSE, 0, &now, 8);
}

typedef struct journal {
    nns_id run, process;
    segment_writer writer;
    uint64_t sequence[4];
} journal;

static void journal_open(journal *j, const char *dir) {
    memset(j, 0, sizeof *j);
    assert_int_equal(id_new(&j->run) | id_new(&j->process), 0);
    assert_int_equal(
        segment_writer_init(&j->writer, folder_of(dir, j->run.text), j->run.text, j->process.text),
        0);
}

static void journal_put(journal *j, uint32_t lane, buf *records) {
    assert_int_equal(
        segment_append(&j->writer, lane, j->sequence[lane], records->data, records->length), 0);
    j->sequence[lane] += records->length;
    buf_clear(records);
}

static size_t points_of(core *c, const char *id, const char *series) {
    json_t *json = get_points(c, id, series, 0);
    json_t *s = json_object_get(json_object_get(json, "series"), series);
    size_t n = json_array_size(json_object_get(s, "step"));
    json_decref(json);
    return n;
}

// A series that another lane declares later in the file: its lane waits, nothing is lost, order is kept.
static void test_late_declaration(void **state) {
    journal j;
    buf out = {0};
    journal_open(&j, *state);
    for (int i = 0; i < 5; i++) {
        put_point(&out, 1, i, i);
        if (i == 2) put_point(&out, 2, 2, 7); // of a series that never comes
        journal_put(&j, 1, &out);
    }
    put_series(&out, 1, "a");
    journal_put(&j, 0, &out);
    for (int i = 5; i < 9; i++) {
        put_point(&out, 1, i, i);
        journal_put(&j, 1, &out);
    }
    put_close(&out);
    journal_put(&j, 0, &out);
    segment_writer_fini(&j.writer);
    core *c = open_core(*state);
    assert_true(wait_run(c, j.run.text, "finished", 8, 5000));
    assert_int_equal(points_of(c, j.run.text, "a"), 9);
    json_t *run = get_run(c, j.run.text);
    assert_int_equal(json_integer_value(json_object_get(run, "dropped")), 1);
    json_decref(run);
    core_close(c);
    buf_fini(&out);
}

// Damage in the middle of the newest segment of a process that is gone: only the block that was hit is lost.
static void test_damage(void **state) {
    enum { BLOCKS = 40 };
    journal j;
    buf out = {0};
    char path[PATH_CAP];
    journal_open(&j, *state);
    put_series(&out, 1, "a");
    journal_put(&j, 0, &out);
    off_t at[BLOCKS + 1];
    segment_path(path, folder_of(*state, j.run.text), j.process.text, 1);
    for (int i = 0; i < BLOCKS; i++) {
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        at[i] = st.st_size;
        put_point(&out, 1, i, i);
        journal_put(&j, 0, &out);
    }
    put_close(&out);
    journal_put(&j, 0, &out);
    segment_writer_fini(&j.writer);
    static const struct {
        int block, byte;
        uint8_t value;
    } hits[] = {{3, 0, 'X'}, {10, 17, 0xFF}, {11, 30, 0x55}, {20, 16, 8}, {30, 22, 0}};
    int fd = open(path, O_RDWR);
    for (size_t i = 0; i < sizeof hits / sizeof *hits; i++)
        assert_int_equal(pwrite(fd, &hits[i].value, 1, at[hits[i].block] + hits[i].byte), 1);
    close(fd);
    core *c = open_core(*state);
    assert_true(wait_run(c, j.run.text, "finished", BLOCKS - 1, 5000));
    size_t n = points_of(c, j.run.text, "a");
    assert_in_range(n, BLOCKS - 5, BLOCKS - 4); // a byte may have had that value
    core_close(c);
    buf_fini(&out);
}

// The same blocks twice, in one segment and in the next (as salvage may write them), and a torn end between.
static void test_repeats_and_torn(void **state) {
    journal j;
    buf out = {0}, again = {0};
    char path[PATH_CAP];
    journal_open(&j, *state);
    put_series(&out, 1, "a");
    for (int i = 0; i < 10; i++)
        put_point(&out, 1, i, i);
    buf_add(&again, out.data, out.length);
    journal_put(&j, 0, &out);
    assert_int_equal(segment_append(&j.writer, 0, 0, again.data, again.length), 0);
    uint32_t first = j.writer.number;
    segment_writer_fini(&j.writer);
    segment_path(path, folder_of(*state, j.run.text), j.process.text, first);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "half a block that was never finished", 36), 36);
    close(fd);
    assert_int_equal(
        segment_writer_init(&j.writer, folder_of(*state, j.run.text), j.run.text, j.process.text),
        0);
    assert_int_equal(segment_append(&j.writer, 0, 0, again.data, again.length), 0);
    put_point(&out, 1, 10, 10);
    put_close(&out);
    journal_put(&j, 0, &out);
    segment_writer_fini(&j.writer);
    core *c = open_core(*state);
    assert_true(wait_run(c, j.run.text, "finished", 10, 5000));
    assert_int_equal(points_of(c, j.run.text, "a"), 11);
    core_close(c);
    buf_fini(&out);
    buf_fini(&again);
}

// Well-formed records of every kind with random insides.
static void random_records(buf *out, uint64_t *random, int count) {
    for (int i = 0; i < count; i++) {
        uint8_t rest[256];
        size_t bytes = 8 * (1 + random_below(random, 31));
        for (size_t k = 0; k < bytes; k++)
            rest[k] = random_below(random, 3) ? (uint8_t)random_below(random, 8)
                                              : (uint8_t)random_next(random);
        size_t begin = out->length;
        put(out, (uint16_t)random_below(random, 24),
            (uint32_t)random_below(random, 6) * (random_below(random, 9) ? 1 : 777777), rest,
            bytes);
        if (record_check(out->data + begin, out->length - begin) == 0) out->length = begin;
    }
}

static void test_lying_records(void **state) {
    uint64_t random = random_seed();
    core *c = open_core(*state);
    for (int round = 0; round < 40; round++) {
        journal j;
        buf out = {0};
        journal_open(&j, *state);
        put_series(&out, 1, "a");
        journal_put(&j, 0, &out);
        for (uint32_t lane = 0; lane < 3; lane++) {
            random_records(&out, &random, 100);
            if (out.length) journal_put(&j, lane, &out);
        }
        put_point(&out, 1, 1 << 20, 1);
        put_close(&out);
        journal_put(&j, 3, &out);
        segment_writer_fini(&j.writer);
        buf_fini(&out);
    }
    clock_sleep_ns(3500 * NS_PER_MS); // parked ones give up (PARKED_NS, and a second): nothing of it is seen
    core_reply reply = {0};
    core_list_runs(c, NULL, NULL, NULL, 100, &reply);
    json_error_t error = {0};
    json_t *json = json_loadb((char *)reply.body.data, reply.body.length, JSON_ALLOW_NUL, &error);
    if (!json)
        print_error("%s: %.200s\n", error.text,
                    (char *)reply.body.data + (error.position > 100 ? error.position - 100 : 0));
    assert_int_equal(json_array_size(json_object_get(json, "runs")), 40);
    json_decref(json);
    buf_fini(&reply.body);
    core_close(c);
    core_close(open_core(*state));
}

static void write_file(const char *folder, const char *name, const void *data, size_t bytes) {
    char path[PATH_CAP];
    file_path(path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, data, bytes), 0);
}

static void test_files(void **state) {
    uint64_t random = random_seed();
    uint8_t noise[4096];
    char name[128], target[PATH_CAP], path[PATH_CAP];
    journal j, newer;
    buf out = {0};
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)random_next(&random);
    nns_id run, process;
    id_new(&run);
    const char *folder = folder_of(*state, run.text);
    for (int i = 1; i <= 5; i++) { // garbage of several lengths
        id_new(&process);
        snprintf(name, sizeof name, "%s-%06d.seg", process.text, i);
        write_file(folder, name, noise, (size_t[]){0, 1, 100, 136, 4096}[i - 1]);
    }
    write_file(folder, "something.txt", "x", 1);
    write_file(folder, "-.seg", "x", 1);
    file_path(target, "%s/elsewhere", (char *)*state);
    assert_int_equal(file_write(target, noise, sizeof noise), 0);
    id_new(&process);
    file_path(path, "%s/%s-000001.seg", folder, process.text);
    assert_int_equal(symlink(target, path), 0);
    file_path(path, "%s/%s.alive", folder, process.text);
    assert_int_equal(symlink(target, path), 0);
    file_path(path, "%s/%s-000002.seg", folder, process.text);
    assert_int_equal(mkdir(path, 0700), 0);
    file_path(path, "%s/runs/0000000000000000000000000z", (char *)*state);
    assert_int_equal(symlink("/", path), 0);
    file_path(path, "%s/runs/notarun", (char *)*state);
    assert_int_equal(mkdir(path, 0700), 0);

    journal_open(&newer, *state); // of a later version: listed, untouched
    put_series(&out, 1, "a");
    journal_put(&newer, 0, &out);
    uint32_t number = newer.writer.number;
    segment_writer_fini(&newer.writer);
    segment_path(path, folder_of(*state, newer.run.text), newer.process.text, number);
    int fd = open(path, O_RDWR);
    uint32_t version = 99;
    assert_int_equal(pwrite(fd, &version, 4, 8), 4);
    close(fd);

    journal_open(&j, *state); // and a good one
    put_series(&out, 1, "a");
    for (int i = 0; i < 100; i++)
        put_point(&out, 1, i, i);
    put_close(&out);
    journal_put(&j, 0, &out);
    segment_writer_fini(&j.writer);
    buf_fini(&out);

    core *c = open_core(*state);
    assert_true(wait_run(c, j.run.text, "finished", 99, 5000));
    assert_int_equal(points_of(c, j.run.text, "a"), 100);
    json_t *needs = get_run(c, newer.run.text);
    assert_non_null(needs);
    assert_non_null(strstr(text_in(needs, "needs"), "99"));
    json_decref(needs);
    clock_sleep_ns(1500 * NS_PER_MS); // in this time nothing of these must go
    core_close(c);
    assert_int_equal(access(path, F_OK), 0);   // the newer journal
    assert_int_equal(access(target, F_OK), 0); // and what links pointed to
    struct stat st;
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, sizeof noise);
}

const body bodies[] = {{0}};

static int make_hostile(void **state) {
    log_set_level(LOG_QUIET);
    return make(state);
}

int main(int argc, char **argv) {
    child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_late_declaration, make_hostile, unmake),
        cmocka_unit_test_setup_teardown(test_damage, make_hostile, unmake),
        cmocka_unit_test_setup_teardown(test_repeats_and_torn, make_hostile, unmake),
        cmocka_unit_test_setup_teardown(test_lying_records, make_hostile, unmake),
        cmocka_unit_test_setup_teardown(test_files, make_hostile, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
