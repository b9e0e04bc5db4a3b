// Unit run.c keeps the runs that are being written: their series by name, their lanes, their attempts.
//
// Invariant: whatever of a run is not durable yet hangs on its live_run. So a reader looks here first, and in
// the database for the rest; a live_run goes away only when nothing of it is pending.
#include "internal.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>

live_run *run_find(store *s, store_id run) {
    live_run *r = s->runs[(uint64_t)run % RUN_BUCKETS];
    while (r && r->id != run)
        r = r->next;
    return r;
}

static int load_attempts(store *s, live_run *r) {
    db_value id = db_i(r->id);
    db *d = s->owner->db;
    int result = reader_begin(s->owner), more = 0;
    if (result) return result;
    result = db_select(d, DB_ATTEMPT_LIST, &id, 1);
    while (!result && (more = db_next(d, DB_ATTEMPT_LIST)) == 1) {
        int64_t first;
        result = run_note_attempt(s, r, db_int(d, DB_ATTEMPT_LIST, 0),
                                  db_int(d, DB_ATTEMPT_LIST, 1), &first);
    }
    db_done(d, DB_ATTEMPT_LIST);
    reader_end(s->owner);
    for (size_t i = 0; i < r->attempt_count; i++)
        r->attempts[i].dirty = false;
    r->attempts_dirty = false;
    return result ? result : more;
}

int run_open(store *s, store_id run, live_run **out) {
    pthread_mutex_lock(&s->lock);
    *out = run_find(s, run);
    if (*out) (*out)->pins++;
    pthread_mutex_unlock(&s->lock);
    if (*out) return 0;
    live_run *r = mem_new(sizeof *r);
    if (!r) return NNS_E_NO_MEMORY;
    r->id = run;
    r->pins = 1;
    int result = load_attempts(s, r);
    if (result) {
        mem_free(r->attempts);
        mem_free(r);
        return result;
    }
    pthread_mutex_lock(&s->lock);
    live_run **bucket_of = &s->runs[(uint64_t)run % RUN_BUCKETS];
    r->next = *bucket_of;
    *bucket_of = r;
    pthread_mutex_unlock(&s->lock);
    *out = r;
    return 0;
}

void run_unpin(store *s, live_run *r) {
    pthread_mutex_lock(&s->lock);
    r->pins--;
    pthread_mutex_unlock(&s->lock);
}

void run_free(store *s, live_run *r) {
    assert(r->series_count == 0 && !r->groups);
    live_run **at = &s->runs[(uint64_t)r->id % RUN_BUCKETS];
    while (*at && *at != r)
        at = &(*at)->next;
    if (*at) *at = r->next;
    mem_free(r->attempts);
    mem_free(r->table);
    mem_free(r);
}

// --- series by name --------------------------------------------------------------------------

static store_series **slot(const live_run *r, const char *name, size_t length) {
    return &r->table[hash_text(name, length) & (r->table_size - 1)];
}

store_series *run_series(const live_run *r, const char *name, size_t length) {
    store_series *at = r->table_size ? *slot(r, name, length) : NULL;
    while (at && (strlen(at->name) != length || memcmp(at->name, name, length)))
        at = at->next;
    return at;
}

static int grow_table(live_run *r) {
    size_t size = r->table_size ? r->table_size * 2 : 16;
    store_series **table = mem_array(size, sizeof *table);
    if (!table) return NNS_E_NO_MEMORY;
    mem_free(r->table);
    r->table = table;
    r->table_size = size;
    for (store_series *at = r->series; at; at = at->next_live) {
        store_series **place = slot(r, at->name, strlen(at->name));
        at->next = *place;
        *place = at;
    }
    return 0;
}

int run_add_series(live_run *r, store_series *series) {
    if (r->series_count >= r->table_size && grow_table(r)) return NNS_E_NO_MEMORY;
    store_series **place = slot(r, series->name, strlen(series->name));
    series->next = *place;
    *place = series;
    series->next_live = r->series;
    r->series = series;
    r->series_count++;
    return 0;
}

void run_remove_series(live_run *r, store_series *series) {
    store_series **at = slot(r, series->name, strlen(series->name));
    while (*at != series)
        at = &(*at)->next;
    *at = series->next;
    for (at = &r->series; *at != series; at = &(*at)->next_live) {
    }
    *at = series->next_live;
    r->series_count--;
    series_release(series);
}

// --- attempts --------------------------------------------------------------------------------

static int insert_attempt(live_run *r, size_t at, int64_t number, int64_t step) {
    attempt_row *grown =
        mem_room(r->attempts, r->attempt_count, &r->attempt_capacity, 4, sizeof *grown);
    if (!grown) return NNS_E_NO_MEMORY;
    r->attempts = grown;
    memmove(&r->attempts[at + 1], &r->attempts[at], (r->attempt_count - at) * sizeof *r->attempts);
    r->attempts[at] = (attempt_row){number, step, true};
    r->attempt_count++;
    return 0;
}

// The attempt's first step is the lowest that any lane gave; -> *first.
int run_note_attempt(store *s, live_run *r, int64_t number, int64_t step, int64_t *first) {
    pthread_mutex_lock(&s->lock);
    size_t at = r->attempt_count;
    while (at && r->attempts[at - 1].number > number)
        at--;
    int result = 0;
    if (at == 0 || r->attempts[at - 1].number != number) {
        result = insert_attempt(r, at, number, step);
        r->attempts_dirty = true;
        at++;
    } else if (step < r->attempts[at - 1].first_step) {
        r->attempts[at - 1].first_step = step;
        r->attempts[at - 1].dirty = true;
        r->attempts_dirty = true;
    }
    if (!result) *first = r->attempts[at - 1].first_step;
    pthread_mutex_unlock(&s->lock);
    return result;
}

int run_copy_attempts(const live_run *r, attempt_row **out, size_t *count) {
    *count = r->attempt_count;
    *out = mem_array(r->attempt_count, sizeof **out);
    if (!*out) return NNS_E_NO_MEMORY;
    if (r->attempt_count) memcpy(*out, r->attempts, r->attempt_count * sizeof **out);
    return 0;
}
