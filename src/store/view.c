// Unit view.c takes what a reader sees of a series at one moment: how many of its points are in the database, and the
// rest from memory: cuts (counted, not copied) and the head (copied, at most one chunk), under the lock.
//
// The caller has no snapshot of the database open yet and opens it afterwards: then a commit in between
// moves points from memory to the database, where they are below `total` but not below `stored`, and
// nobody looks at them there. The other order could lose them.
#include "internal.h"

#include <assert.h>
#include <string.h>

static int take_cuts(view *v, const store_series *h) {
    size_t n = 0;
    for (const cut *c = h->cuts; c; c = c->next_of_series)
        n++;
    v->segments = mem_array(n + 1, sizeof *v->segments);
    v->cuts = mem_array(n + 1, sizeof *v->cuts);
    if (!v->segments || !v->cuts) return NNS_E_NO_MEMORY;
    for (cut *c = h->cuts; c; c = c->next_of_series) {
        atomic_fetch_add(&c->uses, 1);
        v->cuts[v->cut_count++] = c;
        v->segments[v->segment_count++] =
            (segment){c->ordinal, c->count, c->attempt, cut_step(c), cut_time(c), c->value};
    }
    return 0;
}

static int take_head(view *v, const store_series *h) {
    uint32_t n = atomic_load_explicit(&h->count, memory_order_acquire);
    v->total = h->ordinal + n;
    if (!n) return 0;
    v->head = mem_array((size_t)n * 2, sizeof *v->head);
    v->head_value = mem_array(n, sizeof *v->head_value);
    if (!v->head || !v->head_value) return NNS_E_NO_MEMORY;
    const int64_t *step = h->block ? h->block->step + h->first : h->step;
    const int64_t *time_ms = h->block ? h->block->time_ms + h->first : h->time_ms;
    memcpy(v->head, step, n * sizeof *step);
    memcpy(v->head + n, time_ms, n * sizeof *time_ms);
    memcpy(v->head_value, h->value, n * sizeof *v->head_value);
    v->segments[v->segment_count++] =
        (segment){h->ordinal, n, h->attempt, v->head, v->head + n, v->head_value};
    return 0;
}

static int take_live(view *v, const live_run *run, const store_series *h) {
    v->series = h->id;
    v->stored = h->cuts ? h->cuts->ordinal : h->ordinal;
    int result = run_copy_attempts(run, &v->attempts, &v->attempt_count);
    if (!result) result = take_cuts(v, h);
    if (!result) result = take_head(v, h);
    stats_copy(&h->stats, &v->stats);
    return result;
}

// 1 found, 0 not live, or an error.
static int find_live(store *s, store_id run, const char *name, view *v) {
    pthread_mutex_lock(&s->lock);
    const live_run *r = run_find(s, run);
    const store_series *h = r ? run_series(r, name, strlen(name)) : NULL;
    int result = h ? take_live(v, r, h) : 0;
    pthread_mutex_unlock(&s->lock);
    return result ? result : h != NULL;
}

static int stored_attempts(store_reader *r, store_id run, view *v) {
    db_value id = db_i(run);
    live_run list = {0}; // to gather in
    int result = db_select(r->db, DB_ATTEMPT_LIST, &id, 1), more = 0;
    while (!result && (more = db_next(r->db, DB_ATTEMPT_LIST)) == 1) {
        int64_t first;
        result = run_note_attempt(r->s, &list, db_int(r->db, DB_ATTEMPT_LIST, 0),
                                  db_int(r->db, DB_ATTEMPT_LIST, 1), &first);
    }
    db_done(r->db, DB_ATTEMPT_LIST);
    v->attempts = list.attempts;
    v->attempt_count = list.attempt_count;
    return result ? result : more;
}

static int find_stored(store_reader *r, store_id run, const char *name, view *v) {
    db_value key[] = {db_i(run), db_t(name)};
    int result = db_select(r->db, DB_SERIES_FIND, key, 2);
    int more = result ? 0 : db_next(r->db, DB_SERIES_FIND);
    if (more == 1) {
        size_t bytes = 0;
        v->series = db_int(r->db, DB_SERIES_FIND, 0);
        v->stored = v->total = (uint64_t)db_int(r->db, DB_SERIES_FIND, 4);
        const void *data = db_blob(r->db, DB_SERIES_FIND, 5, &bytes);
        stats_unpack(&v->stats, data, bytes);
    }
    db_done(r->db, DB_SERIES_FIND);
    if (result || more < 0) return result ? result : more;
    return more == 1 ? stored_attempts(r, run, v) : NNS_E_NOT_FOUND;
}

// On success a snapshot is open (reader_end is the caller's).
int view_take(store_reader *r, store_id run, const char *name, view *v) {
    assert(r->depth == 0);
    *v = (view){0};
    int live = find_live(r->s, run, name, v);
    int result = live < 0 ? live : reader_begin(r);
    if (!result && !live) {
        result = find_stored(r, run, name, v);
        if (result) reader_end(r);
    }
    if (result) view_drop(v);
    return result;
}

void view_drop(view *v) {
    for (size_t i = 0; i < v->cut_count; i++)
        cut_release(v->cuts[i]);
    mem_free(v->cuts);
    mem_free(v->segments);
    mem_free(v->attempts);
    mem_free(v->head);
    mem_free(v->head_value);
    *v = (view){0};
}
