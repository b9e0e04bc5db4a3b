// What the tests of networks share: a process made by hand (its alive file held, its inbox read, its lane written record by record),
// and captures of a network of the demo's size with weights that change as they do in training.
#ifndef NNS_TESTS_SERVER_JOURNAL_SUPPORT_H
#define NNS_TESTS_SERVER_JOURNAL_SUPPORT_H

#include "core_support.h"

#include "base/file.h"
#include "base/id.h"
#include "journal/capture.h"
#include "journal/inbox.h"
#include "journal/salvage.h"
#include "journal/segment.h"
#include "journal/stage.h"

#include <unistd.h>

typedef struct journal {
    nns_id run, process;
    char folder[PATH_CAP];
    segment_writer writer;
    uint64_t sequence, blobs;
    int alive;
    inbox_reader inbox;
    buf out;
} journal;

static inline void put(buf *out, uint16_t kind, uint32_t a, const void *rest, size_t bytes) {
    buf_u32(out, (uint32_t)kind | (uint32_t)((8 + bytes + 7) / 8) << 16);
    buf_u32(out, a);
    buf_add(out, rest, bytes);
    buf_align8(out);
}

static inline void journal_flush(journal *j) {
    if (!j->out.length) return;
    assert_int_equal(segment_append(&j->writer, 0, j->sequence, j->out.data, j->out.length), 0);
    j->sequence += j->out.length;
    buf_clear(&j->out);
}

// A process of `rank` that lives until journal_end. A run of "" is a new one.
static inline void journal_begin(journal *j, const char *dir, const char *run, int rank) {
    memset(j, 0, sizeof *j);
    assert_int_equal(id_new(&j->run) | id_new(&j->process), 0);
    if (*run) memcpy(j->run.text, run, sizeof j->run.text);
    char runs[PATH_CAP];
    file_path(runs, "%s/runs", dir);
    assert_int_equal(file_folder(runs), 0);
    file_path(j->folder, "%s/runs/%s", dir, j->run.text);
    assert_int_equal(file_folder(j->folder), 0);
    assert_int_equal(segment_writer_init(&j->writer, j->folder, j->run.text, j->process.text), 0);
    assert_int_equal(inbox_open_reader(&j->inbox, j->folder, j->process.text), 0);
    alive_info info = {.rank = rank, .opened_ms = clock_wall_ms(), .world = 1};
    j->alive = alive_hold(j->folder, j->process.text, &info);
    assert_true(j->alive >= 0);
}

static inline void journal_step(journal *j, int64_t step) {
    int64_t opened[2] = {step, clock_mono_ns()};
    put(&j->out, RECORD_STEP, 0, opened, sizeof opened);
}

static inline void journal_model(journal *j, uint32_t part, uint32_t number, const char *text) {
    buf rest = {0};
    buf_u32(&rest, number);
    buf_u32(&rest, (uint32_t)strlen(text));
    buf_text(&rest, text);
    put(&j->out, RECORD_MODEL, part, rest.data, rest.length);
    buf_fini(&rest);
}

// A record that names blob `blob` (0: none, and why).
static inline void journal_capture(journal *j, int kind, uint64_t number, int64_t step, uint64_t blob, size_t bytes, uint32_t flags,
                                   const char *error) {
    buf rest = {0};
    buf_u64(&rest, number);
    buf_i64(&rest, step);
    buf_u64(&rest, blob);
    buf_u64(&rest, bytes);
    buf_u32(&rest, flags);
    buf_u32(&rest, (uint32_t)strlen(error));
    buf_text(&rest, error);
    put(&j->out, RECORD_CAPTURE, (uint32_t)kind, rest.data, rest.length);
    buf_fini(&rest);
}

static inline void journal_write_blob(journal *j, uint64_t blob, const buf *bytes) {
    char path[PATH_CAP];
    assert_int_equal(stage_blob_path(path, j->folder, j->process.text, blob), 0);
    assert_int_equal(file_write(path, bytes->data, bytes->length), 0);
}

static inline bool journal_has_blob(const journal *j, uint64_t blob) {
    char path[PATH_CAP];
    assert_int_equal(stage_blob_path(path, j->folder, j->process.text, blob), 0);
    return access(path, F_OK) == 0;
}

// Blob, then its record.
static inline uint64_t journal_seen(journal *j, int kind, uint64_t number, int64_t step, uint32_t flags, const buf *bytes) {
    journal_write_blob(j, ++j->blobs, bytes);
    journal_step(j, step);
    journal_capture(j, kind, number, step, j->blobs, bytes->length, flags, "");
    journal_flush(j);
    return j->blobs;
}

static inline void journal_close(journal *j) {
    uint64_t now = (uint64_t)clock_mono_ns();
    put(&j->out, RECORD_CLOSE, 0, &now, 8);
    journal_flush(j);
}

static inline void journal_end(journal *j) {
    segment_writer_fini(&j->writer);
    inbox_close_reader(&j->inbox, true);
    alive_release(j->alive, j->folder, j->process.text);
    buf_fini(&j->out);
}

// The next record of `kind` in the inbox, waited for; copied. False: none came.
static inline bool inbox_wait(journal *j, uint16_t kind, buf *out, int ms) {
    for (int64_t until = clock_mono_ns() + 8 * ms * NS_PER_MS; clock_mono_ns() < until; clock_sleep_ns(NS_PER_MS)) {
        segment_block b;
        while (inbox_next(&j->inbox, &b) == 0)
            for (size_t at = 0; at < b.bytes;) {
                const record *r = (const record *)(const void *)(b.records + at);
                size_t bytes = (size_t)r->words * 8;
                if (r->kind == kind) {
                    buf_clear(out);
                    buf_add(out, b.records + at, bytes);
                    return true;
                }
                at += bytes;
            }
    }
    return false;
}

// --- captures -----------------------------------------------------------------------------------

static inline uint32_t noise(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

// Roughly normal, deviation 1.
static inline double gauss(uint32_t *state) {
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += noise(state) / 4294967296.0;
    return sum - 6;
}

typedef struct fake {              // 784-512-256-10, or a tenth of it
    uint32_t units[4];
    float *weight[3];
    uint32_t random;
} fake;

static inline fake fake_new(uint32_t shrink) {
    fake f = {.units = {784 / shrink, 512 / shrink, 256 / shrink, 10}, .random = 12345};
    for (int l = 0; l < 3; l++) {
        size_t n = (size_t)f.units[l] * f.units[l + 1];
        f.weight[l] = mem_array(n, sizeof(float));
        for (size_t i = 0; i < n; i++)
            f.weight[l][i] = (float)(gauss(&f.random) * sqrt(2.0 / f.units[l]));
    }
    return f;
}

static inline void fake_free(fake *f) {
    for (int l = 0; l < 3; l++)
        mem_free(f->weight[l]);
}

// One second of training: small steps, most weights hardly move.
static inline void fake_train(fake *f, double size) {
    for (int l = 0; l < 3; l++)
        for (size_t i = 0, n = (size_t)f->units[l] * f->units[l + 1]; i < n; i++)
            f->weight[l][i] += (float)(gauss(&f->random) * size * sqrt(2.0 / f->units[l]));
}

static inline void fake_snapshot(const fake *f, int64_t step, double time_ms, buf *out) {
    buf_clear(out);
    capture_head head = {.kind = CAPTURE_SNAPSHOT, .step = step, .last_step = step, .base_step = step, .time_ms = time_ms, .observed = 128};
    size_t begin = capture_begin(out, &head);
    for (uint32_t l = 0; l < 3; l++) {
        size_t n = (size_t)f->units[l] * f->units[l + 1];
        float scale = (float)(6 * sqrt(2.0 / f->units[l]) / 127);
        capture_section s = {.quantity = QUANTITY_WEIGHT, .coding = CODING_I8, .dims = 2, .layer = l + 2, .tensor = l + 1,
                             .shape = {f->units[l + 1], f->units[l]}, .scale = scale};
        size_t at = capture_add(out, &s, NULL);
        for (size_t i = 0; i < n; i++) {
            double code = round((double)(f->weight[l][i] / scale));
            out->data[at + i] = (uint8_t)(int8_t)(code > 127 ? 127 : code < -127 ? -127 : code);
        }
        float statistics[STATISTIC_COUNT];
        for (int i = 0; i < STATISTIC_COUNT; i++)
            statistics[i] = f->weight[l][i];
        capture_section row = {.quantity = QUANTITY_STATISTICS, .coding = CODING_F32, .dims = 1, .layer = l + 2, .shape = {STATISTIC_COUNT}};
        capture_add(out, &row, statistics);
    }
    capture_end(out, begin);
    assert_false(out->failed);
}

// A capture of one quantity: `n` floats value, value + 1, ... of a layer and tensor.
static inline void fake_capture(int kind, int64_t step, int quantity, uint32_t layer, uint32_t tensor, uint32_t n, float value, buf *out) {
    buf_clear(out);
    capture_head head = {.kind = kind, .step = step, .last_step = step, .base_step = step, .time_ms = 1};
    size_t begin = capture_begin(out, &head);
    capture_section s = {.quantity = quantity, .coding = CODING_F32, .dims = 1, .layer = layer, .tensor = tensor, .shape = {n}};
    size_t at = capture_add(out, &s, NULL);
    for (uint32_t i = 0; i < n; i++) {
        float v = value + (float)i;
        memcpy(out->data + at + 4 * (size_t)i, &v, 4);
    }
    capture_end(out, begin);
}

#endif
