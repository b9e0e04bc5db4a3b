// Unit read.c reads points from the database for one thread: a snapshot, chunks with their time columns, and the
// walk over a series from the top of its pyramid down.
//
// The walk asks a judge what to do with each bucket: leave it, take it whole, or look finer. Ordinals lead from a level to
// the one below, and where a level's blobs end (pyramid.c, invariant 2) the rest is walked one level below. So
// a window anywhere costs two blobs a level, and a whole series as many as its coarsest level in use has.
#include "internal.h"

#include <assert.h>

// --- snapshot --------------------------------------------------------------------------------

int store_reader_open(store *s, store_reader **out) {
    *out = NULL;
    store_reader *r = mem_new(sizeof *r);
    if (!r) return NNS_E_NO_MEMORY;
    r->s = s;
    r->shared = s->options.exclusive && s->db;
    r->codec = codec_new();
    int result = r->codec ? 0 : NNS_E_NO_MEMORY;
    if (!result && r->shared) r->db = s->db;
    if (!result && !r->shared) {
        db_options options = {.exclusive = s->options.exclusive};
        char *error = NULL;
        result = db_open(&r->db, s->path, &options, &error);
        if (error) store_fail(s, "%s", error);
        mem_free(error);
    }
    if (result)
        store_reader_close(r);
    else
        *out = r;
    return result;
}

void reader_fini(store_reader *r) {
    for (int i = 0; i < AXIS_CACHE; i++) {
        mem_free(r->axes[i].step);
        mem_free(r->axes[i].time_ms);
    }
    mem_free(r->step);
    mem_free(r->time_ms);
    mem_free(r->value);
}

void store_reader_close(store_reader *r) {
    if (!r) return;
    if (!r->shared) db_close(r->db);
    codec_free(r->codec);
    reader_fini(r);
    mem_free(r);
}

int reader_begin(store_reader *r) {
    if (r->depth++) return 0;
    if (r->shared) pthread_mutex_lock(&r->s->db_lock);
    int result = db_begin(r->db, false);
    if (!result) return 0;
    r->depth = 0;
    if (r->shared) pthread_mutex_unlock(&r->s->db_lock);
    return result;
}

void reader_end(store_reader *r) {
    assert(r->depth > 0);
    if (--r->depth) return;
    db_rollback(r->db); // nothing to keep
    if (r->shared) pthread_mutex_unlock(&r->s->db_lock);
}

// --- chunks ----------------------------------------------------------------------------------

static int reserve(store_reader *r, uint32_t rows) {
    if (rows <= r->capacity) return 0;
    double *value = mem_grow(r->value, rows, sizeof *value);
    if (!value) return NNS_E_NO_MEMORY;
    r->value = value;
    int64_t *step = mem_grow(r->step, rows, sizeof *step);
    if (!step) return NNS_E_NO_MEMORY;
    r->step = step;
    int64_t *time_ms = mem_grow(r->time_ms, rows, sizeof *time_ms);
    if (!time_ms) return NNS_E_NO_MEMORY;
    r->time_ms = time_ms;
    r->capacity = rows;
    return 0;
}

static int decode_axis(store_reader *r, axis_cache *at, const void *data, size_t bytes) {
    uint32_t rows = 0;
    int result = codec_rows(data, bytes, &rows);
    if (result) return result;
    at->id = 0;
    int64_t *step = mem_grow(at->step, rows, sizeof *step);
    if (!step) return NNS_E_NO_MEMORY;
    at->step = step;
    int64_t *time_ms = mem_grow(at->time_ms, rows, sizeof *time_ms);
    if (!time_ms) return NNS_E_NO_MEMORY;
    at->time_ms = time_ms;
    codec_column columns[] = {{CODEC_I64, step}, {CODEC_I64, time_ms}};
    at->rows = rows;
    return codec_decode(r->codec, data, bytes, columns, 2, rows);
}

static int load_axis(store_reader *r, store_id id, axis_cache *at) {
    db_value v = db_i(id);
    int result = db_select(r->db, DB_AXIS_GET, &v, 1);
    int more = result ? 0 : db_next(r->db, DB_AXIS_GET);
    if (!result && more != 1) result = more < 0 ? more : NNS_E_CORRUPT;
    if (!result) {
        size_t bytes = 0;
        const void *data = db_blob(r->db, DB_AXIS_GET, 0, &bytes);
        result = decode_axis(r, at, data, bytes);
    }
    db_done(r->db, DB_AXIS_GET);
    at->id = result ? 0 : id;
    return result;
}

static int find_axis(store_reader *r, store_id id, const axis_cache **out) {
    for (int i = 0; i < AXIS_CACHE; i++)
        if (r->axes[i].id == id) {
            *out = &r->axes[i];
            return 0;
        }
    axis_cache *at = &r->axes[r->axis_next++ % AXIS_CACHE];
    *out = at;
    return load_axis(r, id, at);
}

static int chunk_columns(store_reader *r, const void *data, size_t bytes, store_id axis,
                         uint64_t first, segment *out) {
    codec_column columns[] = {{CODEC_F64, r->value}, {CODEC_I64, r->step}, {CODEC_I64, r->time_ms}};
    int result = codec_decode(r->codec, data, bytes, columns, axis ? 1 : 3, out->count);
    if (result || !axis) return result;
    const axis_cache *at = NULL;
    if ((result = find_axis(r, axis, &at))) return result;
    if (first > at->rows || out->count > at->rows - first) return NNS_E_CORRUPT;
    out->step = at->step + first;
    out->time_ms = at->time_ms + first;
    return 0;
}

int reader_chunk(store_reader *r, db_statement st, int column, uint64_t ordinal, segment *out) {
    int64_t count = db_int(r->db, st, column), first = db_int(r->db, st, column + 3);
    store_id axis = db_int(r->db, st, column + 2);
    if (count <= 0 || count > CODEC_MAX_ROWS || first < 0) return NNS_E_CORRUPT;
    int result = reserve(r, (uint32_t)count);
    if (result) return result;
    *out = (segment){.ordinal = ordinal,
                     .count = (uint32_t)count,
                     .attempt = db_int(r->db, st, column + 1),
                     .step = r->step,
                     .time_ms = r->time_ms,
                     .value = r->value};
    size_t bytes = 0;
    const void *data = db_blob(r->db, st, column + 4, &bytes);
    return chunk_columns(r, data, bytes, axis, (uint64_t)first, out);
}

// --- the walk --------------------------------------------------------------------------------

static void clip(segment *s, uint64_t from, uint64_t to) {
    if (s->ordinal < from) {
        uint32_t skip = (uint32_t)(from - s->ordinal);
        s->ordinal = from;
        s->count -= skip;
        s->step += skip;
        s->time_ms += skip;
        s->value += skip;
    }
    if (s->ordinal + s->count > to) s->count = (uint32_t)(to - s->ordinal);
}

// All points of the chunks that hold from .. to.
static int walk_chunks(const walk *w, uint64_t from, uint64_t to) {
    store_reader *r = w->r;
    int result = 0;
    while (!result && from < to) {
        db_value v[] = {db_i(w->v->series), db_i(0), db_i((int64_t)from)};
        result = db_select(r->db, DB_PIECE_AT, v, 3);
        int more = result ? 0 : db_next(r->db, DB_PIECE_AT);
        if (!result && more != 1) result = more < 0 ? more : NNS_E_CORRUPT;
        segment s = {0};
        if (!result)
            result = reader_chunk(r, DB_PIECE_AT, 1, (uint64_t)db_int(r->db, DB_PIECE_AT, 0), &s);
        db_done(r->db, DB_PIECE_AT);
        uint64_t end = s.ordinal + s.count;
        if (!result && end <= from) result = NNS_E_CORRUPT;
        if (result) break;
        clip(&s, from, to);
        result = w->points(w->context, &s);
        from = end;
    }
    return result;
}

static int walk_level(const walk *w, int level, uint64_t from, uint64_t to);

// A blob's buckets from `from` on; consecutive ones that need it are looked at finer together.
static int walk_buckets(const walk *w, int level, const bucket *b, uint32_t n, uint64_t ordinal,
                        uint64_t from, uint64_t to) {
    uint64_t finer = 0, end = 0; // ordinals waiting to be looked at finer
    int result = 0;
    for (uint32_t i = 0; !result && i < n && ordinal < to; ordinal += b[i++].count) {
        uint64_t next = ordinal + b[i].count;
        if (next <= from) continue;
        bool part = ordinal < from || next > to;
        take t = part ? TAKE_FINER : w->judge(w->context, &b[i], level);
        if (t == TAKE_FINER) {
            if (finer == end) finer = ordinal < from ? from : ordinal;
            end = next > to ? to : next;
            continue;
        }
        if (finer < end) result = walk_level(w, level - 1, finer, end);
        finer = end = 0;
        if (!result && t == TAKE_WHOLE) result = w->whole(w->context, &b[i], ordinal);
    }
    if (!result && finer < end) result = walk_level(w, level - 1, finer, end);
    return result;
}

typedef struct blob {
    bucket buckets[PYRAMID_BLOB];
    uint32_t count;
    uint64_t ordinal, end;
} blob;

// The blob of `level` that holds `ordinal`; end 0 when none does.
static int load_blob(const walk *w, int level, uint64_t ordinal, blob *out) {
    db *d = w->r->db;
    db_value v[] = {db_i(w->v->series), db_i(level), db_i((int64_t)ordinal)};
    out->end = 0;
    int result = db_select(d, DB_PIECE_AT, v, 3);
    int more = result ? 0 : db_next(d, DB_PIECE_AT);
    if (more < 0) result = more;
    if (more == 1) {
        size_t bytes = 0;
        out->ordinal = (uint64_t)db_int(d, DB_PIECE_AT, 0);
        out->end = out->ordinal + (uint64_t)db_int(d, DB_PIECE_AT, 1);
        const void *data = db_blob(d, DB_PIECE_AT, 5, &bytes);
        if (out->end > ordinal)
            result = pyramid_decode(w->r->codec, data, bytes, out->buckets, &out->count);
        else
            out->end = 0;
    }
    db_done(d, DB_PIECE_AT);
    return result;
}

static int walk_level(const walk *w, int level, uint64_t from, uint64_t to) {
    if (level == 0) return walk_chunks(w, from, to);
    blob *at = mem_new(sizeof *at);
    if (!at) return NNS_E_NO_MEMORY;
    int result = 0;
    while (!result && from < to) {
        result = load_blob(w, level, from, at);
        if (result || !at->end) break;
        result = walk_buckets(w, level, at->buckets, at->count, at->ordinal, from, to);
        from = at->end;
    }
    mem_free(at);
    if (result || from >= to) return result;
    return walk_level(w, level - 1, from, to); // this level's blobs end here
}

static int walk_memory(const walk *w, uint64_t from, uint64_t to) {
    int result = 0;
    for (size_t i = 0; !result && i < w->v->segment_count; i++) {
        segment s = w->v->segments[i];
        if (s.ordinal + s.count <= from || s.ordinal >= to) continue;
        clip(&s, from, to);
        result = w->points(w->context, &s);
    }
    return result;
}

int walk_top(uint64_t points) {
    int level = 0;
    while (level < PYRAMID_LEVELS && pyramid_points(level + 1) * PYRAMID_LEAST <= points)
        level++;
    return level;
}

int walk_series(const walk *w, int top_level, uint64_t from, uint64_t to) {
    uint64_t stored = to < w->v->stored ? to : w->v->stored;
    int result = from < stored ? walk_level(w, top_level, from, stored) : 0;
    return result ? result : walk_memory(w, from, to);
}
