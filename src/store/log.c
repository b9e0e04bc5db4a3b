// Unit log.c writes and replays the log: one row per commit with the points that are in no chunk yet.
//
//     0 u32 crc32c of all that follows   4 u8 version 1   5 u8 packed   6 u16 0   8 u32 bytes unpacked   12 body:
//     records one behind the other; n = varint, z = zigzag varint, deltas against the row before (0 at first):
//       1 ROWS    n axis, n first, n count, count times: z step delta, z time delta
//       2 DENSE   n series, n ordinal, z attempt, n axis, n first, n count, values
//       3 OWN     n series, n ordinal, z attempt, n count, count times: z step delta, z time delta; values
//     values: u8 width (4: float32, exact; 8: float64), count of them
//
// 1. The rows that a DENSE record names stand in the same row or an earlier one, back to the last whole log.
// 2. Replay takes a point only when its ordinal is the series' next: what a chunk has is skipped.
// 3. A commit may write the log whole (all heads) and drop what is older: so that dead points do not pile up behind a
//    series that is slow to fill its chunk. The log stays below twice what it must hold, or 1 MiB.
#include "internal.h"

#include "base/hash.h"
#include "base/le.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

enum { HEADER = 12, VERSION = 1, ROWS = 1, DENSE = 2, OWN = 3 };
#define LOG_MAX_BYTES (UINT32_C(1) << 31)

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
    buf_char(b, ROWS);
    put_varint(b, (uint64_t)block->id);
    put_varint(b, from);
    put_varint(b, rows - from);
    put_times(b, block->step + from, block->time_ms + from, rows - from);
}

static void put_head(buf *b, const store_series *h, uint64_t from) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
    uint32_t skip = from > h->ordinal ? (uint32_t)(from - h->ordinal) : 0;
    if (skip >= n) return;
    buf_char(b, h->block ? DENSE : OWN);
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
    buf_zero(out, HEADER);
    put_open_blocks(s, out, whole);
    if (whole)
        put_whole(s, out);
    else
        for (store_series *h = s->dirty; h; h = h->next_dirty)
            put_head(out, h, h->logged);
    if (out->failed || out->length > LOG_MAX_BYTES) return NNS_E_NO_MEMORY;
    *bytes = out->length - HEADER;
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
    size_t raw = log->length - HEADER, bound = ZSTD_compressBound(raw);
    uint8_t *at = buf_room(&out, HEADER + bound);
    if (!at) return NNS_E_NO_MEMORY;
    size_t packed = ZSTD_compress(at + HEADER, bound, log->data + HEADER, raw, 1);
    bool stored = ZSTD_isError(packed) || packed >= raw;
    if (stored) memcpy(at + HEADER, log->data + HEADER, packed = raw);
    at[4] = VERSION;
    at[5] = stored ? 0 : 1;
    le_put_u16(at + 6, 0);
    le_put_u32(at + 8, (uint32_t)raw);
    le_put_u32(at, hash_crc32c(0, at + 4, HEADER - 4 + packed));
    out.length = HEADER + packed;
    buf_fini(log);
    *log = out;
    return 0;
}

// --- reading ---------------------------------------------------------------------------------

typedef struct scan {
    const uint8_t *at, *end;
    bool bad;
} scan;

static uint64_t take_varint(scan *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end) break;
        uint8_t byte = *r->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return v;
    }
    r->bad = true;
    return 0;
}

static int64_t take_zigzag(scan *r) {
    uint64_t v = take_varint(r);
    return (int64_t)(v >> 1 ^ (~(v & 1) + 1));
}

// A count of things of at least `least` bytes each, no more than are left.
static uint32_t take_count(scan *r, size_t least) {
    uint64_t n = take_varint(r);
    if (n > CODEC_MAX_ROWS || n * least > (uint64_t)(r->end - r->at)) r->bad = true;
    return r->bad ? 0 : (uint32_t)n;
}

// Rows of blocks as the log gives them, found by axis.
typedef struct rows {
    struct rows *next;
    store_id id;
    uint32_t count;
    int64_t *step, *time_ms;
} rows;

enum { REPLAY_BUCKETS = 256, KNOWN_FIRST = 1024 };
typedef struct replay {
    store *s;
    store_series **known; // all that were opened, open addressing by id
    size_t known_capacity, known_count;
    rows *axes[REPLAY_BUCKETS];
    int64_t *step, *time_ms; // of an OWN record
    double *value;
} replay;

static rows *find_rows(replay *p, store_id id) {
    rows *at = p->axes[(uint64_t)id % REPLAY_BUCKETS];
    while (at && at->id != id)
        at = at->next;
    return at;
}

static rows *make_rows(replay *p, store_id id) {
    rows *at = find_rows(p, id);
    if (at) return at;
    at = mem_new(sizeof *at);
    if (!at) return NULL;
    at->id = id;
    rows **place = &p->axes[(uint64_t)id % REPLAY_BUCKETS];
    at->next = *place;
    *place = at;
    return at;
}

static int grow_rows(rows *at, uint32_t count) {
    if (count <= at->count) return 0;
    int64_t *step = mem_grow(at->step, count, sizeof *step);
    if (step) at->step = step;
    int64_t *time_ms = mem_grow(at->time_ms, count, sizeof *time_ms);
    if (time_ms) at->time_ms = time_ms;
    return step && time_ms ? 0 : NNS_E_NO_MEMORY;
}

static void take_times(scan *r, int64_t *step, int64_t *time_ms, uint32_t n) {
    uint64_t last_step = 0, last_time = 0;
    for (uint32_t i = 0; i < n; i++) {
        step[i] = (int64_t)(last_step += (uint64_t)take_zigzag(r));
        time_ms[i] = (int64_t)(last_time += (uint64_t)take_zigzag(r));
    }
}

static int replay_rows(replay *p, scan *r) {
    store_id id = (store_id)take_varint(r);
    uint64_t first = take_varint(r);
    uint32_t n = take_count(r, 2);
    if (r->bad || first + n > CODEC_MAX_ROWS) return NNS_E_CORRUPT;
    if (id >= p->s->next_axis) p->s->next_axis = id + 1;
    rows *at = make_rows(p, id);
    if (!at) return NNS_E_NO_MEMORY;
    if (first > at->count) return NNS_E_CORRUPT; // invariant 1
    int result = grow_rows(at, (uint32_t)first + n);
    if (result) return result;
    take_times(r, at->step + first, at->time_ms + first, n);
    if (first + n > at->count) at->count = (uint32_t)first + n;
    return 0;
}

static int open_series(store *s, db *d, store_id id, store_series **out) {
    live_run *run = NULL;
    int result = run_open(s, db_int(d, DB_SERIES_GET, 0), &run);
    if (result) return result;
    const char *name = db_text(d, DB_SERIES_GET, 1);
    store_series *h = series_new(s, run, id, name, strlen(name), (int)db_int(d, DB_SERIES_GET, 2),
                                 db_text(d, DB_SERIES_GET, 3), (int)db_int(d, DB_SERIES_GET, 4));
    run_unpin(s, run);
    if (!h) return NNS_E_NO_MEMORY;
    size_t bytes = 0;
    const void *data = db_blob(d, DB_SERIES_GET, 6, &bytes);
    stats t;
    stats_unpack(&t, data, bytes);
    stats_set(&h->stats, &t);
    h->ordinal = h->stored = h->logged = (uint64_t)db_int(d, DB_SERIES_GET, 5);
    result = run_add_series(run, h);
    if (result)
        series_release(h);
    else
        *out = h;
    return result;
}

static store_series **known_place(store_series **known, size_t capacity, store_id id) {
    size_t at = (size_t)id & (capacity - 1);
    while (known[at] && known[at]->id != id)
        at = (at + 1) & (capacity - 1);
    return &known[at];
}

static int known_grow(replay *p) {
    if ((p->known_count + 1) * 2 <= p->known_capacity) return 0;
    size_t capacity = p->known_capacity ? p->known_capacity * 2 : KNOWN_FIRST;
    store_series **known = mem_array(capacity, sizeof(*known));
    if (!known) return NNS_E_NO_MEMORY;
    for (size_t i = 0; i < p->known_capacity; i++)
        if (p->known[i]) *known_place(known, capacity, p->known[i]->id) = p->known[i];
    mem_free(p->known);
    p->known = known;
    p->known_capacity = capacity;
    return 0;
}

// *out NULL: deleted since.
static int replay_series(replay *p, store_id id, store_series **out) {
    int result = known_grow(p), more = 0;
    if (result) return result;
    store_series **known = known_place(p->known, p->known_capacity, id);
    *out = *known;
    if (*out) return 0;
    db *d = p->s->owner->db;
    db_value v = db_i(id);
    result = db_select(d, DB_SERIES_GET, &v, 1);
    if (!result && (more = db_next(d, DB_SERIES_GET)) == 1) result = open_series(p->s, d, id, out);
    db_done(d, DB_SERIES_GET);
    *known = *out;
    p->known_count += *out != NULL;
    return result ? result : more < 0 ? more : 0;
}

static int take_values(scan *r, double *value, uint32_t n) {
    if (r->at == r->end) return NNS_E_CORRUPT;
    size_t width = *r->at++;
    if ((width != 4 && width != 8) || (size_t)(r->end - r->at) < n * width) return NNS_E_CORRUPT;
    for (uint32_t i = 0; i < n; i++, r->at += width)
        value[i] = width == 4 ? (double)le_f32(r->at) : le_f64(r->at);
    return 0;
}

static int replay_points(replay *p, scan *r, bool dense) {
    store_id id = (store_id)take_varint(r);
    uint64_t ordinal = take_varint(r);
    int64_t attempt = take_zigzag(r);
    store_id axis = dense ? (store_id)take_varint(r) : 0;
    uint64_t first = dense ? take_varint(r) : 0;
    uint32_t n = take_count(r, dense ? 4 : 6);
    const int64_t *step = p->step, *time_ms = p->time_ms;
    if (!dense) take_times(r, p->step, p->time_ms, n);
    if (r->bad || take_values(r, p->value, n)) return NNS_E_CORRUPT;
    if (dense) {
        const rows *at = find_rows(p, axis);
        if (!at || first + n > at->count) return NNS_E_CORRUPT;
        step = at->step + first;
        time_ms = at->time_ms + first;
    }
    store_series *h = NULL;
    int result = replay_series(p, id, &h);
    for (uint32_t i = 0; h && !result && i < n; i++) {
        uint64_t next = h->ordinal + atomic_load_explicit(&h->count, memory_order_relaxed);
        if (ordinal + i > next) return NNS_E_CORRUPT;
        if (ordinal + i == next) // invariant 2
            result = series_take(h, attempt, step[i], time_ms[i], p->value[i]);
    }
    if (h) h->logged = h->ordinal + atomic_load_explicit(&h->count, memory_order_relaxed);
    return result;
}

static int replay_body(replay *p, const uint8_t *body, size_t bytes) {
    scan r = {body, body + bytes, false};
    int result = 0;
    while (!result && r.at < r.end) {
        int kind = *r.at++;
        if (kind == ROWS)
            result = replay_rows(p, &r);
        else if (kind == DENSE || kind == OWN)
            result = replay_points(p, &r, kind == DENSE);
        else
            result = NNS_E_CORRUPT;
        if (r.bad) result = NNS_E_CORRUPT;
    }
    return result;
}

static int replay_row(replay *p, const uint8_t *data, size_t bytes) {
    if (bytes < HEADER || le_u32(data) != hash_crc32c(0, data + 4, bytes - 4)) return NNS_E_CORRUPT;
    if (data[4] > VERSION) return NNS_E_VERSION;
    size_t raw = le_u32(data + 8);
    p->s->log_bytes += raw;
    if (!data[5]) return bytes - HEADER == raw ? replay_body(p, data + HEADER, raw) : NNS_E_CORRUPT;
    if (raw > LOG_MAX_BYTES) return NNS_E_CORRUPT;
    uint8_t *body = mem_new(raw);
    if (!body) return NNS_E_NO_MEMORY;
    size_t got = ZSTD_decompress(body, raw, data + HEADER, bytes - HEADER);
    int result = ZSTD_isError(got) || got != raw ? NNS_E_CORRUPT : replay_body(p, body, raw);
    mem_free(body);
    return result;
}

static void replay_fini(replay *p) {
    for (unsigned i = 0; i < REPLAY_BUCKETS; i++) {
        while (p->axes[i]) {
            rows *at = p->axes[i];
            p->axes[i] = at->next;
            mem_free(at->step);
            mem_free(at->time_ms);
            mem_free(at);
        }
    }
    mem_free(p->known);
    mem_free(p->step);
    mem_free(p->time_ms);
    mem_free(p->value);
}

// A damaged row loses the points that it alone held: said in store_error, and the rest is taken.
static int replay_rest(replay *p, db *d) {
    int result = db_select(d, DB_LOG_LIST, NULL, 0), more = 0;
    while (!result && (more = db_next(d, DB_LOG_LIST)) == 1) {
        size_t bytes = 0;
        const void *data = db_blob(d, DB_LOG_LIST, 1, &bytes);
        result = replay_row(p, data, bytes);
        if (result != NNS_E_CORRUPT) continue;
        store_fail(
            p->s,
            "log row %lld is damaged: points of about one second before the last stop are lost",
            (long long)db_int(d, DB_LOG_LIST, 0));
        result = 0;
    }
    db_done(d, DB_LOG_LIST);
    return result ? result : more;
}

int log_replay(store *s) {
    replay *p = mem_new(sizeof *p);
    if (!p) return NNS_E_NO_MEMORY;
    p->s = s;
    p->step = mem_array(CODEC_MAX_ROWS, sizeof *p->step);
    p->time_ms = mem_array(CODEC_MAX_ROWS, sizeof *p->time_ms);
    p->value = mem_array(CODEC_MAX_ROWS, sizeof *p->value);
    int result = p->step && p->time_ms && p->value ? 0 : NNS_E_NO_MEMORY;
    if (!result) result = replay_rest(p, s->owner->db);
    replay_fini(p);
    mem_free(p);
    return result;
}
