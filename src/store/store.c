// Unit store.c opens and closes a store, and opens series for writing. Opening reads a few largest ids and the log (what
// no chunk had), never the points: it takes as long with 1e8 points as with none.
#include "internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef NNS_HARD
enum { CHUNK_POINTS = 7 };
#else
enum { CHUNK_POINTS = 1024 };
#endif
enum { NAME_MAX_BYTES = 255 };

void store_fail(store *s, const char *format, ...) {
    char text[sizeof s->error];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&s->error_lock);
    memcpy(s->error, text, sizeof text);
    pthread_mutex_unlock(&s->error_lock);
}

const char *store_error(store *s) {
    pthread_mutex_lock(&s->error_lock);
    memcpy(s->error_told, s->error, sizeof s->error);
    pthread_mutex_unlock(&s->error_lock);
    return s->error_told;
}

// --- opening ---------------------------------------------------------------------------------

static store *new_store(const char *path, const store_options *options) {
    store *s = mem_new(sizeof *s);
    if (!s) return NULL;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->db_lock, NULL);
    pthread_mutex_init(&s->error_lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    pthread_cond_init(&s->done, NULL);
    if (options) s->options = *options;
    int64_t *points = &s->options.chunk_points;
    if (*points <= 0) *points = CHUNK_POINTS;
    if (*points > CODEC_MAX_ROWS) *points = CODEC_MAX_ROWS;
    s->path = mem_text(path, strlen(path));
    s->open = commit_new();
    s->codec = codec_new();
    if (s->path && s->open && s->codec) return s;
    store_close(s);
    return NULL;
}

static int load_ids(store *s) {
    db *d = s->owner->db;
    int result = db_select(d, DB_MAX_IDS, NULL, 0);
    int more = result ? result : db_next(d, DB_MAX_IDS);
    store_id *ids[] = {&s->next_run,   &s->next_series, &s->next_piece,   &s->next_axis,
                       &s->next_media, &s->next_log,    &s->next_snapshot};
    for (int i = 0; more == 1 && i < 7; i++)
        *ids[i] = db_int(d, DB_MAX_IDS, i) + 1;
    // A deleted run's rows may still be there: its id is not given again before they are gone.
    if (more == 1 && db_int(d, DB_MAX_IDS, 7) >= s->next_run)
        s->next_run = db_int(d, DB_MAX_IDS, 7) + 1;
    db_done(d, DB_MAX_IDS);
    return more < 0 ? more : 0;
}

static int load(store *s) {
    int result = reader_begin(s->owner);
    if (result) return result;
    if (!s->options.read_only) result = load_ids(s); // an older store has not all of these tables
    if (!result) result = log_replay(s);
    reader_end(s->owner);
    return result;
}

static int open_all(store *s, char **error) {
    db_options options = {.writer = true, .exclusive = s->options.exclusive};
    int result = 0;
    if (!s->options.read_only) result = db_open(&s->db, s->path, &options, error);
    if (!result) result = store_reader_open(s, &s->owner);
    if (!result) result = load(s);
    if (!result && !s->options.read_only) result = writer_start(s);
    if (result && error && !*error) {
        const char *why = *store_error(s) ? store_error(s) : error_sentence(result);
        *error = mem_text(why, strlen(why));
    }
    return result;
}

int store_open(store **out, const char *path, const store_options *options, char **error) {
    *out = NULL;
    if (error) *error = NULL;
    store *s = new_store(path, options);
    if (!s) return NNS_E_NO_MEMORY;
    int result = open_all(s, error);
    if (result)
        store_close(s);
    else
        *out = s;
    return result;
}

// --- closing ---------------------------------------------------------------------------------

static void free_run(store *s, live_run *r) {
    while (r->groups) {
        store_group *g = r->groups;
        r->groups = g->next;
        if (g->block) block_release(g->block);
        mem_free(g);
    }
    while (r->series) {
        r->series->cuts = NULL;
        run_remove_series(r, r->series);
    }
    run_free(s, r);
}

static void free_runs(store *s) {
    for (unsigned i = 0; i < RUN_BUCKETS; i++)
        for (live_run *r = s->runs[i]; r; r = r->next)
            for (store_series *h = r->series; h; h = h->next_live)
                h->cuts = NULL;
    while (s->queue) { // what could not be written
        commit *c = s->queue;
        s->queue = c->next;
        commit_free(c);
    }
    commit_free(s->open);
    for (unsigned i = 0; i < RUN_BUCKETS; i++)
        while (s->runs[i])
            free_run(s, s->runs[i]);
}

void store_close(store *s) {
    if (!s) return;
    if (s->has_writer) store_commit(s);
    writer_stop(s);
    free_runs(s);
    store_reader_close(s->owner);
    db_close(s->db);
    codec_free(s->codec);
    mem_free(s->path);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->db_lock);
    pthread_mutex_destroy(&s->error_lock);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->done);
    mem_free(s);
}

// --- series ----------------------------------------------------------------------------------

typedef struct wanted {
    const char *name, *unit;
    size_t length;
    int kind, direction;
} wanted;

// From its row; *out NULL when there is none.
static int stored_series(store *s, live_run *r, const wanted *w, store_series **out) {
    db *d = s->owner->db;
    db_value v[] = {db_i(r->id), {.type = DB_TEXT, .data = w->name, .bytes = w->length}};
    int result = db_select(d, DB_SERIES_FIND, v, 2);
    int more = result ? result : db_next(d, DB_SERIES_FIND);
    if (more == 1) {
        store_series *h =
            series_new(s, r, db_int(d, DB_SERIES_FIND, 0), w->name, w->length,
                       (int)db_int(d, DB_SERIES_FIND, 1), db_text(d, DB_SERIES_FIND, 2),
                       (int)db_int(d, DB_SERIES_FIND, 3));
        size_t bytes = 0;
        const void *data = db_blob(d, DB_SERIES_FIND, 5, &bytes);
        stats t;
        stats_unpack(&t, data, bytes);
        if (h) {
            h->ordinal = h->stored = h->logged = (uint64_t)db_int(d, DB_SERIES_FIND, 4);
            stats_set(&h->stats, &t);
        }
        *out = h;
        result = h ? 0 : NNS_E_NO_MEMORY;
    }
    db_done(d, DB_SERIES_FIND);
    return result ? result : more < 0 ? more : 0;
}

static int fresh_series(store *s, live_run *r, const wanted *w, store_series **out) {
    store_series *h =
        series_new(s, r, s->next_series, w->name, w->length, w->kind, w->unit, w->direction);
    if (!h) return NNS_E_NO_MEMORY;
    db_value v[] = {db_i(h->id),   db_i(r->id),   db_t(h->name),
                    db_i(h->kind), db_t(h->unit), db_i(h->direction)};
    int result = rows_put(s, DB_SERIES_PUT, v, 6);
    if (result) {
        series_release(h);
        return result;
    }
    s->next_series++;
    *out = h;
    return 0;
}

static int make_series(store *s, live_run *r, const wanted *w, store_series **out) {
    int result = reader_begin(s->owner);
    if (result) return result;
    result = stored_series(s, r, w, out);
    reader_end(s->owner);
    if (!result && !*out) result = fresh_series(s, r, w, out);
    if (result) return result;
    pthread_mutex_lock(&s->lock);
    result = run_add_series(r, *out);
    pthread_mutex_unlock(&s->lock);
    if (!result) return 0;
    series_release(*out);
    *out = NULL;
    return result;
}

store_series *store_series_open(store *s, store_id run, const char *name, int kind,
                                const char *unit, int direction) {
    wanted w = {name, unit, strlen(name), kind, direction};
    live_run *r = NULL;
    if (!s->has_writer || w.length == 0 || w.length > NAME_MAX_BYTES || run_open(s, run, &r))
        return NULL;
    pthread_mutex_lock(&s->lock);
    store_series *h = run_series(r, name, w.length);
    if (h) h->closing = false;
    pthread_mutex_unlock(&s->lock);
    if (!h) make_series(s, r, &w, &h);
    run_unpin(s, r);
    return h;
}
