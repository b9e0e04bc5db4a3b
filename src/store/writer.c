// Unit writer.c is the store's own thread: it takes sealed commits, packs their chunks, feeds the pyramids,
// and makes each durable in one transaction; in between it does short pieces of background work (jobs.c).
//
//     sealed --prepare--> packed --transaction--> durable --finish--> overlay dropped, on_commit, waiters woken
//                            ^        | disk full, no memory ...
//                            +--------+  kept and tried again, first of all others, once a second; on_commit says why
//
// 1. Commits become durable in the order of their numbers.
// 2. prepare may stop anywhere for want of memory and goes on where it stopped: nothing is folded twice.
// 3. A cut leaves its series' overlay only after its commit is durable. So a reader that takes the overlay first and
//    a snapshot of the database then sees each point, and tells doubles by their ordinal.
#include "internal.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define RETRY_NS NS_PER_S

// --- packing ---------------------------------------------------------------------------------

static int reserve_piece(commit *c) {
    piece *pieces = mem_room(c->pieces, c->piece_count, &c->piece_capacity, 64, sizeof *pieces);
    if (!pieces) return NNS_E_NO_MEMORY;
    c->pieces = pieces;
    return 0;
}

// Packs columns to the end of the commit's blobs and adds the piece.
static int add_piece(store *s, commit *c, piece p, const codec_column *columns, uint32_t count) {
    int result = reserve_piece(c);
    if (result) return result;
    p.offset = c->blobs.length;
    result = codec_encode(s->codec, columns, count, (uint32_t)p.count, &c->blobs);
    if (result) {
        c->blobs.failed = false;
        c->blobs.length = p.offset;
        return result;
    }
    p.bytes = c->blobs.length - p.offset;
    c->pieces[c->piece_count++] = p;
    return 0;
}

static int pack_block(store *s, commit *c, const axis_block *b) {
    uint32_t rows = atomic_load_explicit(&b->rows, memory_order_relaxed);
    codec_column columns[] = {{CODEC_I64, b->step}, {CODEC_I64, b->time_ms}};
    piece p = {.series = b->run, .level = -1, .axis = b->id, .count = rows};
    return add_piece(s, c, p, columns, 2);
}

static int pack_cut(store *s, commit *c, const cut *at) {
    codec_column columns[] = {
        {CODEC_F64, at->value}, {CODEC_I64, at->step}, {CODEC_I64, at->time_ms}};
    piece p = {.series = at->series->id,
               .ordinal = at->ordinal,
               .count = at->count,
               .attempt = at->attempt,
               .axis = at->block ? at->block->id : 0,
               .first = at->block ? at->first : 0};
    return add_piece(s, c, p, columns, at->block ? 1 : 3);
}

// --- pyramid ---------------------------------------------------------------------------------

typedef struct emit_to {
    commit *c;
    store_id series;
} emit_to;

static int emit_piece(void *context, int level, uint64_t ordinal, uint64_t points,
                      const buf *data) {
    emit_to *to = context;
    commit *c = to->c;
    int result = reserve_piece(c);
    if (result) return result;
    piece p = {.series = to->series,
               .level = level,
               .ordinal = ordinal,
               .count = points,
               .offset = c->blobs.length,
               .bytes = data->length};
    buf_add(&c->blobs, data->data, data->length);
    if (c->blobs.failed) {
        c->blobs.failed = false;
        return NNS_E_NO_MEMORY;
    }
    c->pieces[c->piece_count++] = p;
    return 0;
}

static int find_ends(store *s, store_id series, uint64_t ends[PYRAMID_LEVELS + 1]) {
    int result = 0;
    for (int k = 1; !result && k <= PYRAMID_LEVELS; k++) {
        db_value v[] = {db_i(series), db_i(k)};
        ends[k] = 0;
        result = db_select(s->db, DB_PIECE_END, v, 2);
        int more = result ? 0 : db_next(s->db, DB_PIECE_END);
        if (more == 1) ends[k] = (uint64_t)db_int(s->db, DB_PIECE_END, 0);
        db_done(s->db, DB_PIECE_END);
        if (more < 0) result = more;
        if (k > 1 && ends[k] > ends[k - 1]) result = NNS_E_CORRUPT;
    }
    return result;
}

// Stored buckets of `level` from `from` on go up.
static int lift_level(store *s, pyramid *p, store_id series, int level, uint64_t from,
                      emit_to *to) {
    db_value v[] = {db_i(series), db_i(level), db_i((int64_t)from)};
    // The first blob may begin below: a level's end need not be a blob's border of the level under it.
    int result = 0, more = 0;
    bucket buckets[PYRAMID_BLOB];
    uint64_t at = from;
    for (;;) {
        v[2] = db_i((int64_t)at);
        result = db_select(s->db, DB_PIECE_AT, v, 3);
        more = result ? 0 : db_next(s->db, DB_PIECE_AT);
        uint32_t n = 0, skip = 0;
        uint64_t ordinal = 0, end = 0;
        if (more == 1) {
            size_t bytes = 0;
            ordinal = (uint64_t)db_int(s->db, DB_PIECE_AT, 0);
            end = ordinal + (uint64_t)db_int(s->db, DB_PIECE_AT, 1);
            const void *data = db_blob(s->db, DB_PIECE_AT, 5, &bytes);
            if (end > at) result = pyramid_decode(s->codec, data, bytes, buckets, &n);
        }
        db_done(s->db, DB_PIECE_AT);
        if (result || more < 0) return result ? result : more;
        if (more == 0 || end <= at) return 0;
        for (; skip < n && ordinal < at; skip++)
            ordinal += buckets[skip].count;
        if (ordinal != at) return NNS_E_CORRUPT;
        result = pyramid_lift(p, s->codec, level, buckets + skip, n - skip, emit_piece, to);
        if (result) return result;
        at = end;
    }
}

// Points of stored chunks from `from` to series->stored go into level 1.
static int lift_chunks(store *s, pyramid *p, const store_series *h, uint64_t from, emit_to *to) {
    store_reader r = {.s = s, .db = s->db, .codec = s->codec, .shared = true, .depth = 1};
    int result = 0;
    while (!result && from < h->stored) {
        db_value v[] = {db_i(h->id), db_i(0), db_i((int64_t)from)};
        result = db_select(s->db, DB_PIECE_AT, v, 3);
        int more = result ? 0 : db_next(s->db, DB_PIECE_AT);
        if (!result && more != 1) result = more < 0 ? more : NNS_E_CORRUPT;
        uint64_t ordinal = result ? 0 : (uint64_t)db_int(s->db, DB_PIECE_AT, 0);
        segment at = {0};
        if (!result) result = reader_chunk(&r, DB_PIECE_AT, 1, ordinal, &at);
        db_done(s->db, DB_PIECE_AT);
        if (!result && ordinal + at.count <= from) result = NNS_E_CORRUPT;
        if (result) break;
        uint32_t skip = (uint32_t)(from - ordinal), taken = 0;
        result = pyramid_add(p, s->codec, from, at.count - skip, at.attempt, at.step + skip,
                             at.time_ms + skip, at.value + skip, &taken, emit_piece, to);
        from = ordinal + at.count;
    }
    reader_fini(&r);
    return result;
}

static int rebuild_locked(store *s, pyramid *p, const store_series *h, emit_to *to) {
    uint64_t ends[PYRAMID_LEVELS + 1] = {0};
    int result = find_ends(s, h->id, ends);
    if (result) return result;
    pyramid_start(p, ends);
    for (int k = PYRAMID_LEVELS - 1; !result && k >= 1; k--)
        result = lift_level(s, p, h->id, k, ends[k + 1], to);
    return result ? result : lift_chunks(s, p, h, ends[1], to);
}

static int rebuild(store *s, pyramid *p, const store_series *h, emit_to *to) {
    pthread_mutex_lock(&s->db_lock);
    int result = rebuild_locked(s, p, h, to);
    pthread_mutex_unlock(&s->db_lock);
    return result;
}

// The series' pyramid, rebuilt from what is stored when it has points from earlier. What rebuilding emits (a level that
// filled up unseen) is dropped again when it fails.
static int open_pyramid(store *s, commit *c, store_series *h) {
    if (h->pyramid) return 0;
    pyramid *p = pyramid_new();
    if (!p) return NNS_E_NO_MEMORY;
    emit_to to = {c, h->id};
    size_t pieces = c->piece_count, bytes = c->blobs.length;
    int result = h->stored ? rebuild(s, p, h, &to) : 0;
    if (!result) {
        h->pyramid = p;
        return 0;
    }
    pyramid_free(p);
    c->piece_count = pieces;
    c->blobs.length = bytes;
    return result;
}

static int fold_cut(store *s, commit *c, cut *at) {
    int result = open_pyramid(s, c, at->series);
    if (result || at->folded == at->count) return result;
    emit_to to = {c, at->series->id};
    uint32_t done = at->folded, taken = 0;
    result = pyramid_add(at->series->pyramid, s->codec, at->ordinal + done, at->count - done,
                         at->attempt, cut_step(at) + done, cut_time(at) + done, at->value + done,
                         &taken, emit_piece, &to);
    at->folded += taken;
    return result;
}

static int prepare_cut(store *s, commit *c, cut *at) {
    if (!at->packed) {
        int result = pack_cut(s, c, at);
        if (result) return result;
        at->packed = true;
    }
    return fold_cut(s, c, at);
}

static int prepare_ends(store *s, commit *c) {
    for (; c->ends_done < c->ended_count; c->ends_done++) {
        store_series *h = c->ended[c->ends_done];
        if (!h->pyramid) continue;
        emit_to to = {c, h->id};
        int result = pyramid_flush(h->pyramid, s->codec, emit_piece, &to);
        if (result) return result;
    }
    return 0;
}

static int prepare(store *s, commit *c) {
    int result = 0;
    for (axis_block *b = c->blocks; !result && b; b = b->next) {
        if (b->packed) continue;
        result = pack_block(s, c, b);
        b->packed = !result;
    }
    for (cut *at = c->cuts; !result && at; at = at->next)
        if (!at->packed || at->folded < at->count) result = prepare_cut(s, c, at);
    if (!result) result = prepare_ends(s, c);
    if (!result && c->log.length && !c->log_packed) {
        result = log_pack(&c->log);
        c->log_packed = !result;
    }
    return result;
}

// --- transaction -----------------------------------------------------------------------------

static int write_piece(store *s, const commit *c, const piece *p) {
    const uint8_t *data = c->blobs.data + p->offset;
    if (p->level < 0) {
        db_value v[] = {db_i(p->axis), db_i(p->series), db_b(data, p->bytes)};
        return db_run(s->db, DB_AXIS_PUT, v, 3);
    }
    db_value v[] = {
        db_i(s->next_piece++),   db_i(p->series),  db_i(p->level), db_i((int64_t)p->ordinal),
        db_i((int64_t)p->count), db_i(p->attempt), db_i(p->axis),  db_i(p->first),
        db_b(data, p->bytes)};
    return db_run(s->db, DB_PIECE_PUT, v, 9);
}

static int write_stats(store *s, const cut *at) {
    if (at->superseded) return 0; // a later one says it
    uint8_t packed[STATS_BYTES];
    stats_pack(&at->stats, packed);
    db_value v[] = {db_i(at->series->id), db_i((int64_t)(at->ordinal + at->count)),
                    db_b(packed, sizeof packed)};
    return db_run(s->db, DB_SERIES_STATS, v, 3);
}

static int write_log(store *s, const commit *c) {
    int result = 0;
    if (c->log_anew) {
        db_value v = db_i(s->next_log);
        result = db_run(s->db, DB_LOG_DROP, &v, 1);
    }
    if (result || !c->log.length) return result;
    db_value v[] = {db_i(s->next_log), db_b(c->log.data, c->log.length)};
    return db_run(s->db, DB_LOG_PUT, v, 2);
}

static int write_all(store *s, const commit *c) {
    int result = rows_run(s->db, &c->rows);
    for (size_t i = 0; !result && i < c->piece_count; i++)
        result = write_piece(s, c, &c->pieces[i]);
    for (cut *at = c->cuts; !result && at; at = at->next)
        result = write_stats(s, at);
    return result ? result : write_log(s, c);
}

static int transact(store *s, const commit *c) {
    pthread_mutex_lock(&s->db_lock);
    int result = db_begin(s->db, true);
    if (!result) result = write_all(s, c);
    if (!result) result = db_commit(s->db);
    if (result) {
        store_fail(s, "%s: %s: %s", s->path, error_sentence(result), db_error(s->db));
        db_rollback(s->db);
    }
    pthread_mutex_unlock(&s->db_lock);
    if (!result) s->next_log++;
    return result;
}

// --- finishing -------------------------------------------------------------------------------

static void drop_overlay(cut *c) {
    store_series *h = c->series;
    assert(h->cuts == c);
    h->cuts = c->next_of_series;
    if (!h->cuts) h->last_cut = NULL;
}

static void retire(store *s, store_series *h) {
    if (!h->closing || h->cuts || !h->run) return;
    live_run *r = h->run;
    h->run = NULL;
    run_remove_series(r, h);
    if (r->series_count == 0 && !r->groups && !r->attempts_dirty && !r->pins) run_free(s, r);
}

static void finish(store *s, commit *c) {
    pthread_mutex_lock(&s->lock);
    s->queue = c->next;
    if (!s->queue) s->queue_tail = NULL;
    for (cut *at = c->cuts; at; at = at->next)
        drop_overlay(at);
    for (size_t i = 0; i < c->ended_count; i++)
        retire(s, c->ended[i]);
    atomic_fetch_sub(&s->pending, c->bytes);
    s->committed = c->number;
    if (c->jobs) s->jobs = true;
    pthread_cond_broadcast(&s->done);
    pthread_mutex_unlock(&s->lock);
}

static void tell(store *s, uint64_t number, int result) {
    if (s->options.on_commit) s->options.on_commit(s->options.context, number, result);
}

static int write_commit(store *s, commit *c) {
    int result = prepare(s, c);
    if (!result) result = transact(s, c);
    uint64_t number = c->number;
    if (!result) {
        finish(s, c);
        commit_free(c);
    }
    tell(s, number, result);
    return result;
}

// --- the thread ------------------------------------------------------------------------------

static void wait_retry(store *s) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_NS / NS_PER_S;
    pthread_mutex_lock(&s->lock);
    if (!s->stop) pthread_cond_timedwait(&s->wake, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

// The next commit; NULL: there is none, and *stop says whether to end. Waits unless there are jobs.
static commit *next_commit(store *s, bool *stop) {
    pthread_mutex_lock(&s->lock);
    while (!s->queue && !s->stop && !s->jobs) {
        s->idle = true;
        pthread_cond_broadcast(&s->done);
        pthread_cond_wait(&s->wake, &s->lock);
    }
    commit *c = s->queue;
    *stop = !c && s->stop;
    pthread_mutex_unlock(&s->lock);
    return c;
}

static int work(store *s) {
    bool more = false;
    int result = jobs_slice(s, &more);
    pthread_mutex_lock(&s->lock);
    if (!result && !more && !s->queue) s->jobs = false;
    pthread_mutex_unlock(&s->lock);
    return result;
}

static void *writer_main(void *context) {
    store *s = context;
    for (bool stop = false;;) {
        commit *c = next_commit(s, &stop);
        if (stop) return NULL;
        int result = c ? write_commit(s, c) : work(s);
        if (!result) continue;
        pthread_mutex_lock(&s->lock);
        bool give_up = s->stop;
        pthread_mutex_unlock(&s->lock);
        if (give_up) return NULL;
        wait_retry(s);
    }
}

int writer_start(store *s) {
    s->jobs = true;
    int error = pthread_create(&s->writer, NULL, writer_main, s);
    s->has_writer = error == 0;
    return error ? error_from_errno(error) : 0;
}

void writer_stop(store *s) {
    if (!s->has_writer) return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer, NULL);
    s->has_writer = false;
}

uint64_t store_committed(store *s) {
    pthread_mutex_lock(&s->lock);
    uint64_t number = s->committed;
    pthread_mutex_unlock(&s->lock);
    return number;
}

static void deadline(struct timespec *until, int64_t timeout_ms) {
    clock_gettime(CLOCK_REALTIME, until);
    int64_t ns = until->tv_nsec + timeout_ms % 1000 * NS_PER_MS;
    until->tv_sec += timeout_ms / 1000 + ns / NS_PER_S;
    until->tv_nsec = ns % NS_PER_S;
}

int store_wait(store *s, uint64_t number, int64_t timeout_ms) {
    struct timespec until;
    deadline(&until, timeout_ms);
    int error = 0;
    pthread_mutex_lock(&s->lock);
    while (s->committed < number && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&s->done, &s->lock, &until);
    int result = s->committed < number ? NNS_E_TIMEOUT : 0;
    pthread_mutex_unlock(&s->lock);
    return result;
}

int store_settle(store *s, int64_t timeout_ms) {
    struct timespec until;
    deadline(&until, timeout_ms);
    int error = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->idle && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&s->done, &s->lock, &until);
    int result = s->idle ? 0 : NNS_E_TIMEOUT;
    pthread_mutex_unlock(&s->lock);
    return result;
}
