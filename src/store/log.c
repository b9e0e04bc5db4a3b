// Unit log.c writes the log (log_replay.c reads it): one row per commit with the points that are in no chunk yet.
//
//     0 u32 crc32c of all that follows   4 u8 version 1   5 u8 packed   6 u16 0   8 u32 bytes unpacked   12 body:
//     records one behind the other; n = varint, z = zigzag varint, deltas against the row before (0 at first):
//       1 ROWS    n axis, n first, n count, count times: z step delta, z time delta
//       2 DENSE   n series, n ordinal, z attempt, n axis, n first, n count, values
//       3 OWN     n series, n ordinal, z attempt, n count, count times: z step delta, z time delta; values
//     values: u8 width (4: float32, exact; 8: float64), count of them
//
// 1. The rows that a DENSE record names stand in the same row or an earlier one, back to the last whole log.
// 2. A commit may write the log whole (all heads) and drop what is older: so that dead points do not pile up behind a
//    series that is slow to fill its chunk. The log stays below twice what it must hold, or 1 MiB.
#include "internal.h"

#include "base/hash.h"
#include "base/le.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

// --- writing ---------------------------------------------------------------------------------

static void put_varint(buf *b, uint64_t v) {
    uint8_t bytes[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    buf_add(b, bytes, n);
}

static void put_zigzag(buf *b, int64_t v) {
    put_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static void put_times(buf *b, const int64_t *step, const int64_t *time_ms, uint32_t n) {
    uint64_t last_step = 0, last_time = 0;
    for (uint32_t i = 0; i < n; i++) {
        put_zigzag(b, (int64_t)((uint64_t)step[i] - last_step));
        put_zigzag(b, (int64_t)((uint64_t)time_ms[i] - last_time));
        last_step = (uint64_t)step[i];
        last_time = (uint64_t)time_ms[i];
    }
}

static void put_values(buf *b, const double *value, uint32_t n) {
    bool narrow = true;
    for (uint32_t i = 0; i < n && narrow; i++)
        narrow = (double)(float)value[i] == value[i] || value[i] != value[i];
    buf_char(b, narrow ? 4 : 8);
    if (!narrow) {
        buf_add(b, value, n * sizeof *value);
        return;
    }
    uint8_t *at = buf_room(b, n * sizeof(float));
    if (!at) return;
    for (uint32_t i = 0; i < n; i++)
        le_put_f32(at + 4 * i, (float)value[i]);
    b->length += n * sizeof(float);
}

static void put_rows(buf *b, const axis_block *block, uint32_t from) {
    uint32_t rows = atomic_load_explicit(&block->rows, memory_order_relaxed);
    if (from == rows) return;
    buf_char(b, LOG_ROWS);
    put_varint(b, (uint64_t)block->id);
    put_varint(b, from);
    put_varint(b, rows - from);
    put_times(b, block->step + from, block->time_ms + from, rows - from);
}

static void put_head(buf *b, const store_series *h, uint64_t from) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    uint32_t skip = from > h->ordinal ? (uint32_t)(from - h->ordinal) : 0;
    if (skip >= n) return;
    buf_char(b, h->block ? LOG_DENSE : LOG_OWN);
    put_varint(b, (uint64_t)h->id);
    put_varint(b, h->ordinal + skip);
    put_zigzag(b, h->attempt);
    if (h->block) {
        put_varint(b, (uint64_t)h->block->id);
        put_varint(b, h->first + skip);
    }
    put_varint(b, n - skip);
    if (!h->block) put_times(b, h->step + skip, h->time_ms + skip, n - skip);
    put_values(b, h->value + skip, n - skip);
}

static void put_open_blocks(store *s, buf *b, bool whole) {
    for (unsigned i = 0; i < RUN_BUCKETS; i++)
        for (live_run *r = s->runs[i]; r; r = r->next)
            for (store_group *g = r->groups; g; g = g->next)
                if (g->block) put_rows(b, g->block, whole ? 0 : g->block->logged);
}

static void put_whole(store *s, buf *b) {
    for (unsigned i = 0; i < RUN_BUCKETS; i++)
        for (live_run *r = s->runs[i]; r; r = r->next)
            for (store_series *h = r->series; h; h = h->next_live)
                put_head(b, h, h->ordinal);
}

int log_build(store *s, buf *out, bool whole, size_t *bytes) {
    buf_zero(out, LOG_HEADER);
    put_open_blocks(s, out, whole);
    if (whole)
        put_whole(s, out);
    else
        for (store_series *h = s->dirty; h; h = h->next_dirty)
            put_head(out, h, h->logged);
    if (out->failed || out->length > LOG_MAX_BYTES) return NNS_E_NO_MEMORY;
    *bytes = out->length - LOG_HEADER;
    if (!*bytes) buf_clear(out);
    return 0;
}

// What log_build wrote is sealed: remember how far it went.
void log_built(store *s) {
    for (unsigned i = 0; i < RUN_BUCKETS; i++)
        for (live_run *r = s->runs[i]; r; r = r->next)
            for (store_group *g = r->groups; g; g = g->next)
                if (g->block) g->block->logged = g->block->rows;
    while (s->dirty) {
        store_series *h = s->dirty;
        h->logged = h->ordinal + atomic_load_explicit(&h->count, memory_order_relaxed);
        h->dirty = false;
        s->dirty = h->next_dirty;
        h->next_dirty = NULL;
    }
}

// Packs a built row in place.
int log_pack(buf *log) {
    buf out = {0};
    size_t raw = log->length - LOG_HEADER, bound = ZSTD_compressBound(raw);
    uint8_t *at = buf_room(&out, LOG_HEADER + bound);
    if (!at) return NNS_E_NO_MEMORY;
    size_t packed = ZSTD_compress(at + LOG_HEADER, bound, log->data + LOG_HEADER, raw, 1);
    bool stored = ZSTD_isError(packed) || packed >= raw;
    if (stored) memcpy(at + LOG_HEADER, log->data + LOG_HEADER, packed = raw);
    at[4] = LOG_VERSION;
    at[5] = stored ? 0 : 1;
    le_put_u16(at + 6, 0);
    le_put_u32(at + 8, (uint32_t)raw);
    le_put_u32(at, hash_crc32c(0, at + 4, LOG_HEADER - 4 + packed));
    out.length = LOG_HEADER + packed;
    buf_fini(log);
    *log = out;
    return 0;
}
