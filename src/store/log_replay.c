// Unit log_replay.c reads the log when a store is opened (log.c draws it): points that are in no chunk go back into heads.
//
// 1. A point is taken only when its ordinal is the series' next: what a chunk has is skipped.
// 2. A row that is damaged loses what it alone held, and nothing else: ordinals that are missing are passed over (the
//    series' later points move up), and so are rows of a block.
// 3. After a loss the next commit writes the log whole: no row with the old ordinals is read again.
#include "internal.h"

#include "base/hash.h"
#include "base/le.h"

#include <string.h>
#include <zstd.h>

#define AXIS_MAX ((uint64_t)1 << 62)
#define ORDINAL_MAX ((uint64_t)1 << 62)

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

// A count of things of at least `least` bytes each, at least one and no more than are left.
static uint32_t take_count(scan *r, size_t least) {
    uint64_t n = take_varint(r);
    if (n == 0 || n > CODEC_MAX_ROWS || n * least > (uint64_t)(r->end - r->at)) r->bad = true;
    return r->bad ? 0 : (uint32_t)n;
}

// Rows of blocks as the log gives them, found by axis: `first` .. `first + count`.
typedef struct rows {
    struct rows *next;
    store_id id;
    uint32_t first, count;
    int64_t *step, *time_ms;
} rows;

// A series that was opened, and how many of its points are lost so far: by that much ordinals of the log are too high.
typedef struct known {
    store_series *series;
    uint64_t lost;
} known;

enum { REPLAY_BUCKETS = 256, KNOWN_FIRST = 1024 };
struct replay {
    store *s;
    known *known; // open addressing by id
    size_t known_capacity, known_count;
    rows *axes[REPLAY_BUCKETS];
    int64_t *step, *time_ms; // of an OWN record
    double *value;
    uint64_t lost; // points, of all series
};

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

// Room for rows up to `end`. A block that does not go on where it was is begun anew (invariant 2).
static int grow_rows(rows *at, uint32_t first, uint32_t end) {
    if (first < at->first || first > at->first + at->count)
        *at = (rows){at->next, at->id, first, 0, at->step, at->time_ms};
    if (end <= at->first + at->count) return 0;
    int64_t *step = mem_grow(at->step, end - at->first, sizeof *step);
    if (step) at->step = step;
    int64_t *time_ms = mem_grow(at->time_ms, end - at->first, sizeof *time_ms);
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
    uint64_t id = take_varint(r), first = take_varint(r);
    uint32_t n = take_count(r, 2);
    if (r->bad || first > CODEC_MAX_ROWS - n || id > AXIS_MAX) return NNS_E_CORRUPT;
    if ((store_id)id >= p->s->next_axis) p->s->next_axis = (store_id)id + 1;
    rows *at = make_rows(p, (store_id)id);
    uint32_t end = (uint32_t)first + n;
    int result = at ? grow_rows(at, (uint32_t)first, end) : NNS_E_NO_MEMORY;
    if (result) return result;
    uint32_t from = (uint32_t)first - at->first;
    take_times(r, at->step + from, at->time_ms + from, n);
    if (end > at->first + at->count) at->count = end - at->first;
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

static known *known_place(known *all, size_t capacity, store_id id) {
    size_t at = (size_t)id & (capacity - 1);
    while (all[at].series && all[at].series->id != id)
        at = (at + 1) & (capacity - 1);
    return &all[at];
}

static int known_grow(replay *p) {
    if ((p->known_count + 1) * 2 <= p->known_capacity) return 0;
    size_t capacity = p->known_capacity ? p->known_capacity * 2 : KNOWN_FIRST;
    known *all = mem_array(capacity, sizeof(*all));
    if (!all) return NNS_E_NO_MEMORY;
    for (size_t i = 0; i < p->known_capacity; i++)
        if (p->known[i].series) *known_place(all, capacity, p->known[i].series->id) = p->known[i];
    mem_free(p->known);
    p->known = all;
    p->known_capacity = capacity;
    return 0;
}

// (*out)->series NULL: deleted since.
static int replay_series(replay *p, store_id id, known **out) {
    int result = known_grow(p), more = 0;
    if (result) return result;
    *out = known_place(p->known, p->known_capacity, id);
    if ((*out)->series) return 0;
    db *d = p->s->owner->db;
    db_value v = db_i(id);
    result = db_select(d, DB_SERIES_GET, &v, 1);
    if (!result && (more = db_next(d, DB_SERIES_GET)) == 1)
        result = open_series(p->s, d, id, &(*out)->series);
    db_done(d, DB_SERIES_GET);
    p->known_count += (*out)->series != NULL;
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

typedef struct points {
    uint64_t ordinal;
    int64_t attempt;
    const int64_t *step, *time_ms;
    const double *value;
    uint32_t count;
} points;

static uint64_t next_ordinal(const known *k) {
    const store_series *h = k->series;
    return h->ordinal + atomic_load_explicit(&h->count, memory_order_relaxed) + k->lost;
}

// Invariants 1 and 2.
static int take_points(replay *p, known *k, const points *at) {
    uint64_t next = next_ordinal(k);
    if (at->ordinal > next) {
        p->lost += at->ordinal - next;
        k->lost += at->ordinal - next;
        next = at->ordinal;
    }
    int result = 0;
    for (uint64_t i = next - at->ordinal; !result && i < at->count; i++)
        result = series_take(k->series, at->attempt, at->step[i], at->time_ms[i], at->value[i]);
    k->series->logged = next_ordinal(k) - k->lost;
    return result;
}

// Where the rows of a DENSE record stand; false: they are lost.
static bool find_times(replay *p, store_id axis, uint64_t first, points *at) {
    const rows *r = find_rows(p, axis);
    if (!r || first < r->first || first - r->first > r->count ||
        at->count > r->count - (first - r->first))
        return false;
    at->step = r->step + (first - r->first);
    at->time_ms = r->time_ms + (first - r->first);
    return true;
}

static int replay_points(replay *p, scan *r, bool dense) {
    store_id id = (store_id)take_varint(r);
    points at = {.step = p->step, .time_ms = p->time_ms, .value = p->value};
    at.ordinal = take_varint(r);
    at.attempt = take_zigzag(r);
    store_id axis = dense ? (store_id)take_varint(r) : 0;
    uint64_t first = dense ? take_varint(r) : 0;
    at.count = take_count(r, dense ? 4 : 6);
    if (!dense) take_times(r, p->step, p->time_ms, at.count);
    if (r->bad || at.ordinal > ORDINAL_MAX || take_values(r, p->value, at.count))
        return NNS_E_CORRUPT;
    if (dense && !find_times(p, axis, first, &at))
        return 0; // found to be lost when the series goes on
    known *k = NULL;
    int result = replay_series(p, id, &k);
    return result || !k->series ? result : take_points(p, k, &at);
}

static int replay_body(replay *p, const uint8_t *body, size_t bytes) {
    scan r = {body, body + bytes, false};
    int result = 0;
    while (!result && r.at < r.end) {
        int kind = *r.at++;
        if (kind == LOG_ROWS)
            result = replay_rows(p, &r);
        else if (kind == LOG_DENSE || kind == LOG_OWN)
            result = replay_points(p, &r, kind == LOG_DENSE);
        else
            result = NNS_E_CORRUPT;
        if (r.bad) result = NNS_E_CORRUPT;
    }
    return result;
}

int replay_row(replay *p, const uint8_t *data, size_t bytes) {
    if (bytes < LOG_HEADER || le_u32(data) != hash_crc32c(0, data + 4, bytes - 4))
        return NNS_E_CORRUPT;
    if (data[4] > LOG_VERSION) return NNS_E_VERSION;
    size_t raw = le_u32(data + 8);
    p->s->log_bytes += raw;
    if (!data[5])
        return bytes - LOG_HEADER == raw ? replay_body(p, data + LOG_HEADER, raw) : NNS_E_CORRUPT;
    if (raw == 0 || raw > LOG_MAX_BYTES) return NNS_E_CORRUPT;
    uint8_t *body = mem_new(raw);
    if (!body) return NNS_E_NO_MEMORY;
    size_t got = ZSTD_decompress(body, raw, data + LOG_HEADER, bytes - LOG_HEADER);
    int result = ZSTD_isError(got) || got != raw ? NNS_E_CORRUPT : replay_body(p, body, raw);
    mem_free(body);
    return result;
}

replay *replay_new(store *s) {
    replay *p = mem_new(sizeof *p);
    if (!p) return NULL;
    p->s = s;
    p->step = mem_array(CODEC_MAX_ROWS, sizeof *p->step);
    p->time_ms = mem_array(CODEC_MAX_ROWS, sizeof *p->time_ms);
    p->value = mem_array(CODEC_MAX_ROWS, sizeof *p->value);
    if (p->step && p->time_ms && p->value) return p;
    replay_free(p);
    return NULL;
}

void replay_free(replay *p) {
    for (unsigned i = 0; p && i < REPLAY_BUCKETS; i++) {
        while (p->axes[i]) {
            rows *at = p->axes[i];
            p->axes[i] = at->next;
            mem_free(at->step);
            mem_free(at->time_ms);
            mem_free(at);
        }
    }
    if (!p) return;
    mem_free(p->known);
    mem_free(p->step);
    mem_free(p->time_ms);
    mem_free(p->value);
    mem_free(p);
}

// Invariant 3: said in store_error, and the next commit writes the log whole.
static void say_damaged(replay *p, long long row) {
    p->s->log_force = true;
    store_fail(p->s,
               "log row %lld is damaged: points of about one second before the last stop are lost",
               row);
}

static int replay_all(replay *p, db *d) {
    int result = db_select(d, DB_LOG_LIST, NULL, 0), more = 0;
    while (!result && (more = db_next(d, DB_LOG_LIST)) == 1) {
        size_t bytes = 0;
        const void *data = db_blob(d, DB_LOG_LIST, 1, &bytes);
        result = replay_row(p, data, bytes);
        if (result != NNS_E_CORRUPT) continue;
        say_damaged(p, (long long)db_int(d, DB_LOG_LIST, 0));
        result = 0;
    }
    db_done(d, DB_LOG_LIST);
    if (p->lost) p->s->log_force = true;
    return result ? result : more;
}

int log_replay(store *s) {
    replay *p = replay_new(s);
    int result = p ? replay_all(p, s->owner->db) : NNS_E_NO_MEMORY;
    replay_free(p);
    return result;
}
