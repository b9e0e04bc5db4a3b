// What a run left in its journal, read back for tests: all records of all segments, in each lane's order.
#ifndef NNS_TESTS_PROBE_HEARD_H
#define NNS_TESTS_PROBE_HEARD_H

#include "support/check.h"
#include "support/temp.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"
#include "base/le.h"
#include "base/mem.h"
#include "journal/inbox.h"
#include "journal/record.h"
#include "journal/segment.h"

#include <nnscope.h>

#include <time.h>

typedef struct heard_record {
    uint32_t lane;
    uint16_t kind;
    uint32_t a;
    int64_t step; // INT64_MIN: no STEP before it in its lane
    uint64_t time_ns;
    const uint8_t *at; // the whole record
} heard_record;

#define HEARD_LANES 256

typedef struct heard {
    char dir[256], shm[256]; // data directory, folder for lanes: made by heard_init
    char run[ID_LENGTH + 1], process[ID_LENGTH + 1], folder[600];
    heard_record *items;
    size_t count, room;
    uint64_t next[HEARD_LANES];
    int64_t step[HEARD_LANES];
    uint64_t time_ns[HEARD_LANES];
    buf bytes[64]; // blocks' copies, 1 per segment
    size_t segments;
    bool holes; // lanes need not begin at 0
} heard;

// A data directory and a place for lanes of the test's own.
static inline void heard_init(heard *h) {
    memset(h, 0, sizeof *h);
    snprintf(h->dir, sizeof h->dir, "%s", temp_make());
    snprintf(h->shm, sizeof h->shm, "%s", temp_lanes(h->dir));
    setenv("NNSCOPE_DIR", h->dir, 1);
    unsetenv("NNSCOPE_RUN");
}

static inline void heard_forget(heard *h) {
    for (size_t i = 0; i < h->segments; i++)
        buf_fini(&h->bytes[i]);
    free(h->items);
    h->items = NULL;
    h->count = h->room = h->segments = 0;
}

static inline void heard_fini(heard *h) {
    heard_forget(h);
    temp_remove(h->dir);
    temp_remove(h->shm);
}

static inline void heard_add(heard *h, uint32_t number, const uint8_t *at) {
    assert_true(number < HEARD_LANES);
    if (h->count == h->room) {
        h->room = h->room ? h->room * 2 : 1024;
        h->items = realloc(h->items, h->room * sizeof *h->items);
        assert_non_null(h->items);
    }
    if (le_u16(at) == RECORD_STEP) {
        h->step[number] = le_i64(at + 8);
        h->time_ns[number] = le_u64(at + 16);
    }
    h->items[h->count++] =
        (heard_record){number, le_u16(at), le_u32(at + 4), h->step[number], h->time_ns[number], at};
}

// One pass gathers the bytes (they must not move), the next one the records.
static inline void heard_segment(heard *h, const char *path) {
    segment_reader r;
    segment_block block;
    struct part {
        uint32_t lane;
        size_t at, bytes;
    } *parts = NULL;
    size_t count = 0;
    buf *all = &h->bytes[h->segments++];
    assert_true(h->segments <= 64);
    int result = segment_open(&r, path);
    if (result == NNS_E_AGAIN) return; // just begun
    assert_int_equal(result, 0);
    while (segment_next(&r, &block) == 0) {
        assert_true(block.lane < HEARD_LANES);
        uint64_t next = h->next[block.lane];
        if (h->holes && block.first > next) next = block.first;
        assert_true(block.first <= next);
        if (block.first + block.bytes <= next) continue;
        size_t skip = (size_t)(next - block.first);
        parts = realloc(parts, (count + 1) * sizeof *parts);
        parts[count++] = (struct part){block.lane, all->length, block.bytes - skip};
        buf_add(all, block.records + skip, block.bytes - skip);
        h->next[block.lane] = block.first + block.bytes;
    }
    segment_close(&r);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0, n; at < parts[i].bytes; at += n) {
            const uint8_t *one = all->data + parts[i].at + at;
            n = record_check(one, parts[i].bytes - at);
            assert_true(n > 0);
            heard_add(h, parts[i].lane, one);
        }
    free(parts);
}

// The run's folder and the (one) process in it.
static inline void heard_find(heard *h, const char *run) {
    snprintf(h->run, sizeof h->run, "%s", run);
    snprintf(h->folder, sizeof h->folder, "%s/runs/%s", h->dir, run);
    DIR *dir = opendir(h->folder);
    struct dirent *entry;
    h->process[0] = 0;
    while (dir && (entry = readdir(dir)))
        if (strlen(entry->d_name) > ID_LENGTH) memcpy(h->process, entry->d_name, ID_LENGTH);
    if (dir) closedir(dir);
    h->process[ID_LENGTH] = 0;
}

static inline void heard_read(heard *h) {
    uint32_t *numbers;
    size_t count;
    char path[PATH_CAP];
    heard_forget(h);
    memset(h->next, 0, sizeof h->next);
    for (int i = 0; i < HEARD_LANES; i++)
        h->step[i] = INT64_MIN;
    if (segment_list(h->folder, h->process, &numbers, &count)) return;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(segment_path(path, h->folder, h->process, numbers[i]), 0);
        heard_segment(h, path);
    }
    mem_free(numbers);
}

static inline uint32_t heard_series(const heard *h, const char *name, int kind) {
    for (size_t i = 0; i < h->count; i++) {
        const uint8_t *at = h->items[i].at;
        if (h->items[i].kind == RECORD_SERIES && at[8] == kind && le_u16(at + 10) == strlen(name) &&
            !memcmp(at + 16, name, strlen(name)))
            return h->items[i].a;
    }
    return 0;
}

static inline size_t heard_count(const heard *h, uint16_t kind) {
    size_t n = 0;
    for (size_t i = 0; i < h->count; i++)
        n += h->items[i].kind == kind;
    return n;
}

// The n-th record of `kind` with this `a` (UINT32_MAX: any), or NULL.
static inline const heard_record *heard_nth(const heard *h, uint16_t kind, uint32_t a, size_t n) {
    for (size_t i = 0; i < h->count; i++)
        if (h->items[i].kind == kind && (a == UINT32_MAX || h->items[i].a == a) && n-- == 0)
            return &h->items[i];
    return NULL;
}

static inline const heard_record *heard_reply(const heard *h, uint64_t number) {
    for (size_t i = 0; i < h->count; i++)
        if (h->items[i].kind == RECORD_REPLY && le_u64(h->items[i].at + 8) == number)
            return &h->items[i];
    return NULL;
}

// Texts inside records, 0-terminated, valid until the next call.
static inline const char *heard_text(const uint8_t *at, size_t bytes) {
    static char text[70000];
    snprintf(text, sizeof text, "%.*s", (int)bytes, (const char *)at);
    return text;
}

static inline const char *heard_event_text(const heard_record *r) {
    return heard_text(r->at + 24, le_u32(r->at + 16));
}

static inline const char *heard_reply_text(const heard_record *r) {
    return heard_text(r->at + 32, le_u32(r->at + 24));
}

static inline void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

// Reads until `ready` says so, at most 5 s.
static inline bool heard_until(heard *h, bool (*ready)(const heard *h, uint64_t n), uint64_t n) {
    for (int i = 0; i < 2000; i++) { // on a machine that is busy with others
        heard_read(h);
        if (ready(h, n)) return true;
        sleep_ms(10);
    }
    return false;
}

// Waits until the run's folder and a process in it are there.
static inline bool heard_appears(heard *h, const char *run) {
    for (int i = 0; i < 6000; i++) {
        heard_find(h, run);
        if (h->process[0]) return true;
        sleep_ms(10);
    }
    return false;
}

static inline bool has_reply(const heard *h, uint64_t number) {
    return heard_reply(h, number);
}

// Sends one command as the server does.
static inline void heard_send(heard *h, const command *c) {
    inbox_writer w;
    buf bytes = {0};
    assert_int_equal(command_encode(c, &bytes), 0);
    assert_int_equal(inbox_open_writer(&w, h->folder, h->process), 0);
    assert_int_equal(inbox_append(&w, bytes.data, bytes.length), 0);
    inbox_close_writer(&w);
    buf_fini(&bytes);
}

// Pushes a sample, as the server does: of the program's own set, or (-1) these values.
static inline void heard_push(heard *h, uint64_t number, int64_t sample, const float *values,
                              uint32_t count) {
    inbox_writer w;
    buf asked = {0};
    size_t bytes = (32 + 4 * (size_t)count + 7) & ~(size_t)7;
    buf_zero(&asked, bytes);
    le_put_u16(asked.data, RECORD_PUSH);
    le_put_u16(asked.data + 2, (uint16_t)(bytes / 8));
    le_put_u64(asked.data + 8, number);
    le_put_i64(asked.data + 16, sample);
    le_put_u32(asked.data + 24, count);
    if (count) memcpy(asked.data + 32, values, 4 * (size_t)count);
    assert_int_equal(inbox_open_writer(&w, h->folder, h->process), 0);
    assert_int_equal(inbox_append(&w, asked.data, asked.length), 0);
    inbox_close_writer(&w);
    buf_fini(&asked);
}

#endif
