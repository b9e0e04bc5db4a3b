// Unit list.c reads the rows of the catalogue for any thread: each list is one statement over one snapshot.
#include "internal.h"

#include <string.h>

typedef void (*fill)(db *d, store_row *row);

// Calls `each` for all rows of a statement; non-zero from it stops, without an error.
static int list(store_reader *r, db_statement statement, const db_value *v, int count,
                fill fill_row, store_each each, void *context) {
    int result = reader_begin(r), more = 0;
    if (result) return result;
    result = db_select(r->db, statement, v, count);
    bool stop = false;
    while (!result && !stop && (more = db_next(r->db, statement)) == 1) {
        store_row row = {0};
        fill_row(r->db, &row);
        stop = each(context, &row) != 0;
    }
    db_done(r->db, statement);
    reader_end(r);
    return result ? result : more < 0 ? more : 0;
}

static db_value limit_value(size_t limit) {
    return db_i(limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit);
}

static void fill_event(db *d, store_row *row) {
    row->number = db_int(d, DB_EVENT_LIST, 0);
    row->step = db_int(d, DB_EVENT_LIST, 1);
    row->time_ms = db_int(d, DB_EVENT_LIST, 2);
    row->kind = (int)db_int(d, DB_EVENT_LIST, 3);
    row->json = db_text(d, DB_EVENT_LIST, 4);
}

int store_list_events(store_reader *r, store_id run, int64_t from_number, size_t limit,
                      store_each each, void *context) {
    db_value v[] = {db_i(run), db_i(from_number), limit_value(limit)};
    return list(r, DB_EVENT_LIST, v, 3, fill_event, each, context);
}

static void fill_media(db *d, db_statement st, store_row *row) {
    row->number = db_int(d, st, 0);
    row->series = db_int(d, st, 1);
    row->step = db_int(d, st, 2);
    row->time_ms = db_int(d, st, 3);
    row->kind = (int)db_int(d, st, 4);
    row->hash = db_text(d, st, 5);
    row->json = db_text(d, st, 6);
    row->data = db_blob(d, st, 7, &row->bytes);
    row->name = db_text(d, st, 8);
}

static void fill_run_media(db *d, store_row *row) {
    fill_media(d, DB_MEDIA_LIST, row);
}

static void fill_series_media(db *d, store_row *row) {
    fill_media(d, DB_MEDIA_LIST_SERIES, row);
}

static int find_series(store_reader *r, store_id run, const char *name, store_id *id) {
    db_value v[] = {db_i(run), db_t(name)};
    int result = db_select(r->db, DB_SERIES_FIND, v, 2);
    int more = result ? 0 : db_next(r->db, DB_SERIES_FIND);
    if (more == 1) *id = db_int(r->db, DB_SERIES_FIND, 0);
    db_done(r->db, DB_SERIES_FIND);
    return result ? result : more < 0 ? more : more == 1 ? 0 : NNS_E_NOT_FOUND;
}

int store_list_media(store_reader *r, store_id run, const char *series, int64_t from_step,
                     int64_t to_step, size_t limit, store_each each, void *context) {
    db_value v[] = {db_i(run), db_i(from_step), db_i(to_step), limit_value(limit), db_t(series)};
    if (!series) return list(r, DB_MEDIA_LIST, v, 4, fill_run_media, each, context);
    int result = reader_begin(r);
    if (result) return result;
    store_id id = 0;
    result = find_series(r, run, series, &id);
    v[0] = db_i(id);
    if (!result) result = list(r, DB_MEDIA_LIST_SERIES, v, 5, fill_series_media, each, context);
    reader_end(r);
    return result;
}

static void fill_param(db *d, store_row *row) {
    row->name = db_text(d, DB_PARAM_LIST, 0);
    row->json = db_text(d, DB_PARAM_LIST, 1);
}

int store_list_params(store_reader *r, store_id run, store_each each, void *context) {
    db_value v = db_i(run);
    return list(r, DB_PARAM_LIST, &v, 1, fill_param, each, context);
}

static void fill_command(db *d, store_row *row) {
    row->number = db_int(d, DB_COMMAND_LIST, 0);
    row->json = db_text(d, DB_COMMAND_LIST, 1);
}

int store_list_commands(store_reader *r, store_id run, int64_t from_number, size_t limit,
                        store_each each, void *context) {
    db_value v[] = {db_i(run), db_i(from_number), limit_value(limit)};
    return list(r, DB_COMMAND_LIST, v, 3, fill_command, each, context);
}

static void fill_audit(db *d, store_row *row) {
    row->number = db_int(d, DB_AUDIT_LIST, 0);
    row->time_ms = db_int(d, DB_AUDIT_LIST, 1);
    row->json = db_text(d, DB_AUDIT_LIST, 2);
}

int store_list_audit(store_reader *r, int64_t from_number, size_t limit, store_each each,
                     void *context) {
    db_value v[] = {db_i(from_number), limit_value(limit)};
    return list(r, DB_AUDIT_LIST, v, 2, fill_audit, each, context);
}

static void fill_token(db *d, store_row *row) {
    row->name = row->hash = db_text(d, DB_TOKEN_LIST, 0);
    row->json = db_text(d, DB_TOKEN_LIST, 1);
}

static void fill_file(db *d, store_row *row) {
    row->hash = db_text(d, DB_FILE_LIST, 0);
}

int store_list_files(store_reader *r, store_each each, void *context) {
    return list(r, DB_FILE_LIST, NULL, 0, fill_file, each, context);
}

int store_list_tokens(store_reader *r, store_each each, void *context) {
    return list(r, DB_TOKEN_LIST, NULL, 0, fill_token, each, context);
}

static void fill_cursor(db *d, store_row *row) {
    row->name = db_text(d, DB_CURSOR_LIST, 0);
    row->lane = (uint32_t)db_int(d, DB_CURSOR_LIST, 1);
    row->sequence = (uint64_t)db_int(d, DB_CURSOR_LIST, 2);
    row->data = db_blob(d, DB_CURSOR_LIST, 3, &row->bytes);
}

int store_list_cursors(store_reader *r, store_id run, store_each each, void *context) {
    db_value v = db_i(run);
    return list(r, DB_CURSOR_LIST, &v, 1, fill_cursor, each, context);
}

// --- runs ------------------------------------------------------------------------------------

// The row's columns; texts borrowed from it.
static void fill_run(db *d, store_run *r) {
    const db_statement st = DB_RUN_LIST;
    *r = (store_run){.id = db_int(d, st, 0)};
    strncpy(r->key, db_text(d, st, 1), sizeof r->key - 1);
    char **texts[] = {&r->name, &r->project, &r->group, &r->tags, &r->notes, &r->facts};
    for (int i = 0; i < 6; i++)
        *texts[i] = (char *)(uintptr_t)db_text(d, st, 2 + i);
    r->state = (int)db_int(d, st, 8);
    int64_t *times[] = {&r->created_ms, &r->started_ms, &r->ended_ms,
                        &r->last_step,  &r->heard_ms,   &r->attempt};
    for (int i = 0; i < 6; i++)
        *times[i] = db_int(d, st, 9 + i);
    r->epoch = db_real(d, st, 15);
    r->total_steps = db_int(d, st, 16);
    r->paused_ms = db_int(d, st, 17);
    r->exit_status = (int)db_int(d, st, 18);
    r->archived = db_int(d, st, 19) != 0;
    r->points = (uint64_t)db_int(d, st, 20);
    r->bytes = (uint64_t)db_int(d, st, 21);
    r->dropped = (uint64_t)db_int(d, st, 22);
    r->extra = (char *)(uintptr_t)db_text(d, st, 23);
}

int store_list_runs(store_reader *r, int (*each)(void *context, const store_run *run),
                    void *context) {
    int result = reader_begin(r), more = 0;
    if (result) return result;
    result = db_select(r->db, DB_RUN_LIST, NULL, 0);
    bool stop = false;
    while (!result && !stop && (more = db_next(r->db, DB_RUN_LIST)) == 1) {
        store_run run;
        fill_run(r->db, &run);
        stop = each(context, &run) != 0;
    }
    db_done(r->db, DB_RUN_LIST);
    reader_end(r);
    return result ? result : more < 0 ? more : 0;
}

// --- series ----------------------------------------------------------------------------------

// The live series of a run as they are now: names copied.
typedef struct live_list {
    store_series_info *infos;
    size_t count;
} live_list;

static void drop_live(live_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        mem_free(l->infos[i].name);
        mem_free(l->infos[i].unit);
    }
    mem_free(l->infos);
}

static int copy_live(const live_run *run, live_list *l) {
    l->infos = mem_array(run->series_count, sizeof *l->infos);
    if (!l->infos) return NNS_E_NO_MEMORY;
    for (const store_series *h = run->series; h; h = h->next_live) {
        store_series_info *info = &l->infos[l->count++];
        series_info(h, info);
        info->name = mem_text(h->name, strlen(h->name));
        info->unit = mem_text(h->unit, strlen(h->unit));
        if (!info->name || !info->unit) return NNS_E_NO_MEMORY;
    }
    return 0;
}

static int take_live(store *s, store_id run, live_list *l) {
    *l = (live_list){0};
    pthread_mutex_lock(&s->lock);
    const live_run *r = run_find(s, run);
    int result = r ? copy_live(r, l) : 0;
    pthread_mutex_unlock(&s->lock);
    return result;
}

static store_series_info *find_live(const live_list *l, store_id id) {
    for (size_t i = 0; i < l->count; i++)
        if (l->infos[i].id == id) return &l->infos[i];
    return NULL;
}

static void fill_series(db *d, store_series_info *info) {
    const db_statement st = DB_SERIES_LIST;
    *info = (store_series_info){.id = db_int(d, st, 0),
                                .name = (char *)(uintptr_t)db_text(d, st, 1),
                                .kind = (int)db_int(d, st, 2),
                                .unit = (char *)(uintptr_t)db_text(d, st, 3),
                                .direction = (int)db_int(d, st, 4),
                                .points = (uint64_t)db_int(d, st, 5)};
    size_t bytes = 0;
    const void *data = db_blob(d, st, 6, &bytes);
    stats t;
    stats_unpack(&t, data, bytes);
    stats_info(&t, info);
}

typedef int (*each_series)(void *context, const store_series_info *info);

// Stored series in order of making, live ones with their present figures; then those not stored yet.
static int list_series(store_reader *r, store_id run, live_list *live, each_series each,
                       void *context) {
    db_value v = db_i(run);
    int result = db_select(r->db, DB_SERIES_LIST, &v, 1), more = 0;
    bool stop = false;
    while (!result && !stop && (more = db_next(r->db, DB_SERIES_LIST)) == 1) {
        store_series_info stored, *at;
        fill_series(r->db, &stored);
        at = find_live(live, stored.id);
        stop = each(context, at ? at : &stored) != 0;
        if (at) at->id = 0; // told
    }
    db_done(r->db, DB_SERIES_LIST);
    for (size_t i = live->count; !result && more == 0 && !stop && i > 0; i--)
        if (live->infos[i - 1].id) stop = each(context, &live->infos[i - 1]) != 0;
    return result ? result : more < 0 ? more : 0;
}

int store_list_series(store_reader *r, store_id run, each_series each, void *context) {
    live_list live;
    int result = take_live(r->s, run, &live);
    if (!result) result = reader_begin(r);
    if (!result) {
        result = list_series(r, run, &live, each, context);
        reader_end(r);
    }
    drop_live(&live);
    return result;
}
