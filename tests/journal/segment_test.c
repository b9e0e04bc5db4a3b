// Unit segment_test.c tests the journal's files against a plain copy of what was appended: random
// programs, a tail torn at every byte, flipped bits, rotation, disks that are full and folders that
// are gone.
#include "journal/segment.h"

#include "base/error.h"
#include "base/mem.h"
#include "journal/block.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/records.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#define RUN "01kaq8z3v5m4n6p7q8r9s0t1v0"
#define PROC "01kaq8z3v5m4n6p7q8r9s0t1v2"
#define OTHER "01kaq8z3v5m4n6p7q8r9s0t1v3"

enum { LANES = 3 };

static void path_of(char out[PATH_CAP], uint32_t number) {
    assert_int_equal(segment_path(out, folder, PROC, number), 0);
}

// Reads a segment from the front, adding what it holds to `lanes` with duplicates skipped. -> last
// result
static int read_segment(uint32_t number, buf lanes[LANES]) {
    char path[PATH_CAP];
    segment_reader r;
    segment_block block;
    path_of(path, number);
    int result = segment_open(&r, path);
    if (result) return result;
    assert_string_equal(r.run.text, RUN);
    assert_string_equal(r.process.text, PROC);
    assert_int_equal(r.version, SEGMENT_VERSION);
    assert_true(r.anchor_wall_ns > 0 && r.anchor_mono_ns > 0);
    while (!(result = segment_next(&r, &block))) {
        assert_true(block.lane < LANES);
        buf *lane = &lanes[block.lane];
        assert_true(block.first <= lane->length); // no hole
        size_t known = lane->length - block.first;
        if (known < block.bytes) buf_add(lane, block.records + known, block.bytes - known);
    }
    segment_close(&r);
    return result;
}

static size_t read_all(buf lanes[LANES], int last_result) {
    uint32_t *numbers;
    size_t count;
    assert_int_equal(segment_list(folder, PROC, &numbers, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (i) assert_true(numbers[i] > numbers[i - 1]);
        assert_int_equal(read_segment(numbers[i], lanes),
                         i + 1 < count ? NNS_E_AGAIN : last_result);
    }
    mem_free(numbers);
    return count;
}

static void expect_equal(buf got[LANES], buf model[LANES]) {
    for (int i = 0; i < LANES; i++) {
        assert_int_equal(got[i].length, model[i].length);
        if (model[i].length) assert_memory_equal(got[i].data, model[i].data, model[i].length);
    }
}

static void forget(buf lanes[LANES]) {
    for (int i = 0; i < LANES; i++)
        buf_fini(&lanes[i]);
}

static void append_model(segment_writer *w, buf model[LANES], uint32_t lane, size_t bytes,
                         uint64_t *random) {
    size_t first = model[lane].length;
    records_fill(&model[lane], bytes, random);
    assert_int_equal(
        segment_append(w, lane, first, model[lane].data + first, model[lane].length - first), 0);
}

static void random_programs(void **state) {
    (void)state;
    uint64_t random = random_seed();
    for (unsigned round = 0; round < rounds(20); round++) {
        segment_writer w;
        buf model[LANES] = {0}, got[LANES] = {0};
        assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
        for (int i = 0; i < 60; i++) {
            append_model(&w, model, (uint32_t)random_below(&random, LANES),
                         1 + random_below(&random, i % 20 ? 2000 : 700000), &random);
            if (random_below(&random, 10) == 0) assert_int_equal(segment_sync(&w), 0);
            if (random_below(&random, 20) == 0) { // the process goes on in a new writer
                segment_writer_fini(&w);
                assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
            }
        }
        assert_int_equal(w.failed_bytes, 0);
        segment_writer_fini(&w);
        read_all(got, NNS_E_AGAIN);
        expect_equal(got, model);
        forget(got);
        forget(model);
        temp_remove(folder);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
}

// A reader that is ahead of the writer sees each block once it is whole.
static void reader_follows_writer(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    segment_reader r;
    segment_block block;
    buf model[LANES] = {0};
    char path[PATH_CAP];
    size_t seen = 0;
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    append_model(&w, model, 0, 100, &random);
    path_of(path, 1);
    assert_int_equal(segment_open(&r, path), 0);
    for (int i = 0; i < 12; i++) {
        while (!segment_next(&r, &block)) {
            assert_int_equal(block.first, seen);
            assert_memory_equal(block.records, model[0].data + seen, block.bytes);
            seen += block.bytes;
        }
        assert_int_equal(seen, model[0].length);
        append_model(&w, model, 0, 150, &random);
    }
    segment_close(&r);
    segment_writer_fini(&w);
    forget(model);
}

static void rotation(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0}, got[LANES] = {0};
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    for (int i = 0; i < 5; i++)
        append_model(&w, model, 1, SEGMENT_BYTES / 2, &random);
    assert_true(w.number >= 2);
    assert_true(w.retired_count >= 1);
    assert_int_equal(segment_sync(&w), 0);
    assert_int_equal(w.retired_count, 0);
    for (uint32_t number = 1; number <= w.number; number++) {
        char path[PATH_CAP];
        struct stat st;
        path_of(path, number);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_true((size_t)st.st_size <= SEGMENT_BYTES + BLOCK_PAYLOAD_MAX + BLOCK_HEADER_BYTES);
    }
    segment_writer_fini(&w);
    read_all(got, NNS_E_AGAIN);
    expect_equal(got, model);
    forget(got);
    forget(model);
}

static void one_large_record_is_one_block(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0}, got[LANES] = {0};
    records_add(&model[0], 16, &random);
    records_add(&model[0], RECORD_MAX_BYTES, &random);
    records_add(&model[0], RECORD_MAX_BYTES, &random);
    records_add(&model[0], 24, &random);
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    assert_int_equal(segment_append(&w, 0, 0, model[0].data, model[0].length), 0);
    segment_writer_fini(&w);
    read_all(got, NNS_E_AGAIN);
    expect_equal(got, model);
    forget(got);
    forget(model);
}

static void numbers_go_on_above_the_highest(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0};
    char path[PATH_CAP];
    const char *strange[] = {PROC "-000004.segx",       PROC "-4.seg",      OTHER "-000009.seg",
                             PROC "-0000004444444.seg", PROC "-00000a.seg", "x"};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        file_path(path, "%s/%s", folder, strange[i]);
        assert_int_equal(file_write(path, "", 0), 0);
    }
    path_of(path, 7);
    assert_int_equal(file_write(path, "", 0), 0);
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    path_of(path, 8);
    assert_int_equal(file_write(path, "", 0), 0); // somebody was quicker
    append_model(&w, model, 0, 10, &random);
    assert_int_equal(w.number, 9);
    uint32_t *numbers;
    size_t count;
    assert_int_equal(segment_list(folder, PROC, &numbers, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(numbers[2], 9);
    mem_free(numbers);
    segment_writer_fini(&w);
    assert_int_equal(segment_writer_init(&w, folder, "../..", PROC), NNS_E_INVALID);
    assert_int_equal(segment_list(folder, "..", &numbers, &count), NNS_E_INVALID);
    forget(model);
}

// A small segment of five blocks in memory.
static void small_segment(buf model[LANES], buf *file) {
    uint64_t random = 5;
    segment_writer w;
    char path[PATH_CAP];
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    for (uint32_t i = 0; i < 5; i++)
        append_model(&w, model, i % LANES, 60, &random);
    segment_writer_fini(&w);
    path_of(path, 1);
    assert_int_equal(file_read(path, 1 << 20, file), 0);
}

static size_t total(buf lanes[LANES]) {
    size_t bytes = 0;
    for (int i = 0; i < LANES; i++)
        bytes += lanes[i].length;
    return bytes;
}

// Cut at any byte: a whole number of blocks, AGAIN and never CORRUPT; whole again when the rest
// comes.
static void torn_at_every_byte(void **state) {
    (void)state;
    buf model[LANES] = {0}, file = {0};
    char path[PATH_CAP];
    size_t last = 0;
    small_segment(model, &file);
    path_of(path, 1);
    for (size_t n = 0; n <= file.length; n++) {
        buf got[LANES] = {0};
        int fd = open(path, O_WRONLY | O_TRUNC);
        assert_int_equal(file_write_all(fd, file.data, n), 0);
        close(fd);
        assert_int_equal(read_segment(1, got), NNS_E_AGAIN);
        assert_true(total(got) >= last);
        last = total(got);
        for (int i = 0; i < LANES; i++) {
            assert_true(got[i].length <= model[i].length);
            if (got[i].length) assert_memory_equal(got[i].data, model[i].data, got[i].length);
        }
        forget(got);
    }
    assert_int_equal(last, total(model));
    forget(model);
    buf_fini(&file);
}

// Any single flipped bit: what is read is a true beginning, and it ends before the damage.
static void flipped_bits_are_never_accepted(void **state) {
    (void)state;
    buf model[LANES] = {0}, file = {0};
    char path[PATH_CAP];
    small_segment(model, &file);
    path_of(path, 1);
    for (size_t bit = 0; bit < file.length * 8; bit++) {
        buf got[LANES] = {0};
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int fd = open(path, O_WRONLY | O_TRUNC);
        assert_int_equal(file_write_all(fd, file.data, file.length), 0);
        close(fd);
        int result = read_segment(1, got);
        assert_true(result < 0);
        assert_true(total(got) < total(model));
        for (int i = 0; i < LANES; i++)
            if (got[i].length) assert_memory_equal(got[i].data, model[i].data, got[i].length);
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        forget(got);
    }
    forget(model);
    buf_fini(&file);
}

static void newer_versions_are_told_apart(void **state) {
    (void)state;
    buf model[LANES] = {0}, file = {0}, got[LANES] = {0};
    char path[PATH_CAP];
    small_segment(model, &file);
    path_of(path, 1);
    le_put_u32(file.data + 8, SEGMENT_VERSION + 1);
    assert_int_equal(file_write(path, file.data, file.length), 0);
    assert_int_equal(read_segment(1, got), NNS_E_VERSION);
    forget(model);
    buf_fini(&file);
}

// A limit on the size of files stands for a full disk: the write in hand fails in its middle.
static void limit_files(rlim_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void expect_size(const segment_writer *w) {
    char path[PATH_CAP];
    struct stat st;
    path_of(path, w->number);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, w->bytes);
}

static void failed_header_leaves_no_file(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0};
    char path[PATH_CAP];
    signal(SIGXFSZ, SIG_IGN);
    records_fill(&model[0], 100, &random);
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    limit_files(50);
    for (int i = 1; i < 4; i++) {
        assert_true(segment_append(&w, 0, 0, model[0].data, model[0].length) < 0);
        assert_int_equal(w.failed_bytes, (uint64_t)i * model[0].length);
        path_of(path, 1);
        assert_int_equal(access(path, F_OK), -1);
    }
    limit_files(RLIM_INFINITY);
    append_model(&w, model, 0, 10, &random);
    assert_int_equal(w.number, 1);
    segment_writer_fini(&w);
    signal(SIGXFSZ, SIG_DFL);
    forget(model);
}

static void failed_writes_leave_whole_blocks(void **state) {
    (void)state;
    uint64_t random = random_seed();
    signal(SIGXFSZ, SIG_IGN);
    for (unsigned round = 0; round < rounds(100); round++) {
        segment_writer w;
        buf model[LANES] = {0}, got[LANES] = {0}, lost = {0};
        assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
        for (int i = 0; i < 10; i++)
            append_model(&w, model, (uint32_t)random_below(&random, LANES), 100, &random);
        records_fill(&lost, 300, &random);
        limit_files(w.bytes + random_below(&random, lost.length));
        assert_true(segment_append(&w, 0, model[0].length, lost.data, lost.length) < 0);
        assert_true(w.failed_bytes > 0 && w.failed_bytes <= lost.length);
        expect_size(&w);
        limit_files(round % 2 ? 0 : RLIM_INFINITY);
        if (round % 2)
            assert_true(segment_append(&w, 0, model[0].length, lost.data, lost.length) < 0);
        limit_files(RLIM_INFINITY);
        size_t first = model[0].length; // the caller tries again, with all of it
        buf_add(&model[0], lost.data, lost.length);
        assert_int_equal(segment_append(&w, 0, first, lost.data, lost.length), 0);
        for (int i = 0; i < 5; i++)
            append_model(&w, model, (uint32_t)random_below(&random, LANES), 100, &random);
        segment_writer_fini(&w);
        read_all(got, NNS_E_AGAIN);
        expect_equal(got, model);
        forget(got);
        forget(model);
        buf_fini(&lost);
        temp_remove(folder);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void deleted_folder_is_counted(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0}, got[LANES] = {0}, lost = {0};
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    append_model(&w, model, 0, 100, &random);
    forget(model);
    temp_remove(folder);
    records_fill(&lost, 100, &random);
    assert_int_equal(segment_append(&w, 0, 0, lost.data, lost.length), NNS_E_NOT_FOUND);
    assert_int_equal(w.failed_bytes, lost.length);
    assert_int_equal(mkdir(folder, 0700), 0);
    append_model(&w, model, 0, 100, &random);
    assert_int_equal(w.failed_bytes, lost.length);
    segment_writer_fini(&w);
    assert_int_equal(read_all(got, NNS_E_AGAIN), 1);
    expect_equal(got, model);
    forget(got);
    forget(model);
    buf_fini(&lost);
}

static void bad_records_are_not_written(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf records = {0}, got[LANES] = {0};
    records_add(&records, 16, &random);
    records_add(&records, 40, &random);
    buf_zero(&records, 64);
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    assert_int_equal(segment_append(&w, 0, 0, records.data, records.length), NNS_E_CORRUPT);
    assert_int_equal(w.failed_bytes, 64);
    segment_writer_fini(&w);
    read_all(got, NNS_E_AGAIN);
    assert_int_equal(got[0].length, 56);
    forget(got);
    buf_fini(&records);
}

static void strange_files(void **state) {
    (void)state;
    segment_reader r;
    char path[PATH_CAP], link[PATH_CAP];
    path_of(path, 1);
    path_of(link, 2);
    assert_int_equal(segment_open(&r, path), NNS_E_NOT_FOUND);
    assert_int_equal(file_write(path, "", 0), 0);
    assert_int_equal(segment_open(&r, path), NNS_E_AGAIN);
    assert_int_equal(file_write(path, "hello", 5), 0);
    assert_int_equal(segment_open(&r, path), NNS_E_CORRUPT);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(segment_open(&r, link), NNS_E_PERMISSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(segment_open(&r, path), NNS_E_CORRUPT); // and does not wait
}

static void *sync_often(void *argument) {
    segment_writer *w = argument;
    for (int i = 0; i < 60; i++)
        segment_sync(w);
    return NULL;
}

static void sync_beside_append(void **state) {
    (void)state;
    uint64_t random = random_seed();
    segment_writer w;
    buf model[LANES] = {0}, got[LANES] = {0};
    pthread_t thread;
    assert_int_equal(segment_writer_init(&w, folder, RUN, PROC), 0);
    assert_int_equal(pthread_create(&thread, NULL, sync_often, &w), 0);
    for (int i = 0; i < 100; i++)
        append_model(&w, model, 2, SEGMENT_BYTES / 50, &random);
    pthread_join(thread, NULL);
    segment_writer_fini(&w);
    read_all(got, NNS_E_AGAIN);
    expect_equal(got, model);
    forget(got);
    forget(model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(random_programs),
        TEST(reader_follows_writer),
        TEST(rotation),
        TEST(one_large_record_is_one_block),
        TEST(numbers_go_on_above_the_highest),
        TEST(torn_at_every_byte),
        TEST(flipped_bits_are_never_accepted),
        TEST(newer_versions_are_told_apart),
        TEST(failed_header_leaves_no_file),
        TEST(failed_writes_leave_whole_blocks),
        TEST(deleted_folder_is_counted),
        TEST(bad_records_are_not_written),
        TEST(strange_files),
        TEST(sync_beside_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
