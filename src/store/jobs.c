// Unit jobs.c does the writer's background work in short transactions, one between two commits at most, so that a
// commit never waits long: a run that ended is rewritten in the order of its series, a deleted run is purged, and
// free pages go back to the file system. Jobs are rows of table `job`: a restart goes on.
//
// Rewriting moves pieces to new row ids, series by series, level by level, and joins neighbouring short chunks of one attempt.
// Any state in between reads the same. A restart begins the run's rewriting anew.
#include "internal.h"

#include <assert.h>
#include <string.h>

enum { SLICE_ROWS = 128, SLICE_PAGES = 256, SPARE_PAGES = 16 };

typedef struct place { // the piece last looked at
    store_id series;
    int64_t level, ordinal;
} place;

// --- rewriting -------------------------------------------------------------------------------

static int next_series(store *s, store_id run, store_id after, store_id *out) {
    db_value v[] = {db_i(run), db_i(after)};
    int result = db_select(s->db, DB_SERIES_FIRST, v, 2);
    int more = result ? 0 : db_next(s->db, DB_SERIES_FIRST);
    *out = more == 1 ? db_int(s->db, DB_SERIES_FIRST, 0) : 0;
    db_done(s->db, DB_SERIES_FIRST);
    return result ? result : more < 0 ? more : 0;
}

typedef struct found {
    store_id id;
    int64_t level, ordinal, count, attempt;
} found;

// 1 found, 0 no more behind `p`, or an error.
static int next_piece(store *s, const place *p, found *out) {
    db_value v[] = {db_i(p->series), db_i(p->level), db_i(p->ordinal)};
    int result = db_select(s->db, DB_PIECE_NEXT, v, 3);
    int more = result ? result : db_next(s->db, DB_PIECE_NEXT);
    if (more == 1)
        *out = (found){db_int(s->db, DB_PIECE_NEXT, 2), db_int(s->db, DB_PIECE_NEXT, 0),
                       db_int(s->db, DB_PIECE_NEXT, 1), db_int(s->db, DB_PIECE_NEXT, 3),
                       db_int(s->db, DB_PIECE_NEXT, 4)};
    db_done(s->db, DB_PIECE_NEXT);
    return more;
}

static int move_piece(store *s, store_id id) {
    db_value v[] = {db_i(id), db_i(s->next_piece++)};
    return db_run(s->db, DB_PIECE_MOVE, v, 2);
}

typedef struct joined {
    uint32_t count, capacity;
    int64_t ordinal, attempt;
    int64_t *step, *time_ms;
    double *value;
} joined;

static int join_points(joined *j, const segment *s) {
    assert(j->count + s->count <= j->capacity);
    memcpy(j->step + j->count, s->step, s->count * sizeof *s->step);
    memcpy(j->time_ms + j->count, s->time_ms, s->count * sizeof *s->time_ms);
    memcpy(j->value + j->count, s->value, s->count * sizeof *s->value);
    j->count += s->count;
    return 0;
}

static int join_chunk(store_reader *r, const found *f, store_id series, joined *j) {
    db_value v[] = {db_i(series), db_i(0), db_i(f->ordinal)};
    int result = db_select(r->db, DB_PIECE_AT, v, 3);
    int more = result ? result : db_next(r->db, DB_PIECE_AT);
    segment at;
    if (more == 1) result = reader_chunk(r, DB_PIECE_AT, 1, (uint64_t)f->ordinal, &at);
    if (more == 1 && !result) result = at.count == f->count ? join_points(j, &at) : NNS_E_CORRUPT;
    db_done(r->db, DB_PIECE_AT);
    if (result || more < 0) return result ? result : more;
    db_value id = db_i(f->id);
    return db_run(r->db, DB_PIECE_DROP, &id, 1);
}

static int write_joined(store *s, store_id series, const joined *j) {
    codec_column columns[] = {{CODEC_F64, j->value}, {CODEC_I64, j->step}, {CODEC_I64, j->time_ms}};
    buf data = {0};
    int result = codec_encode(s->codec, columns, 3, j->count, &data);
    db_value v[] = {db_i(s->next_piece++),
                    db_i(series),
                    db_i(0),
                    db_i(j->ordinal),
                    db_i(j->count),
                    db_i(j->attempt),
                    db_i(0),
                    db_i(0),
                    db_b(data.data, data.length)};
    if (!result) result = db_run(s->db, DB_PIECE_PUT, v, 9);
    buf_fini(&data);
    return result;
}

static int new_joined(joined *j, const found *f, uint32_t capacity) {
    *j = (joined){.capacity = capacity, .ordinal = f->ordinal, .attempt = f->attempt};
    j->step = mem_array(capacity, sizeof *j->step);
    j->time_ms = mem_array(capacity, sizeof *j->time_ms);
    j->value = mem_array(capacity, sizeof *j->value);
    return j->step && j->time_ms && j->value ? 0 : NNS_E_NO_MEMORY;
}

static void free_joined(joined *j) {
    mem_free(j->step);
    mem_free(j->time_ms);
    mem_free(j->value);
}

static bool joins(const store *s, const found *a, const found *b, int64_t have) {
    return b->level == 0 && a->attempt == b->attempt && have + b->count <= s->options.chunk_points;
}

// Joins the short chunk `f` and those behind it that fit with it; p then stands on the last of them.
static int join_chunks(store *s, place *p, const found *f, const found *second) {
    store_reader r = {.s = s, .db = s->db, .codec = s->codec, .shared = true, .depth = 1};
    joined j;
    int result = new_joined(&j, f, (uint32_t)s->options.chunk_points), more = 1;
    if (!result) result = join_chunk(&r, f, p->series, &j);
    for (found at = *second; !result && more == 1 && joins(s, f, &at, j.count);) {
        result = join_chunk(&r, &at, p->series, &j);
        p->ordinal = at.ordinal;
        if (!result) more = next_piece(s, p, &at);
        if (more < 0) result = more;
    }
    if (!result) result = write_joined(s, p->series, &j);
    free_joined(&j);
    reader_fini(&r);
    return result;
}

static int rewrite_piece(store *s, place *p, const found *f) {
    p->level = f->level;
    p->ordinal = f->ordinal;
    bool short_chunk = f->level == 0 && f->count * 2 <= s->options.chunk_points;
    found second;
    int more = short_chunk ? next_piece(s, p, &second) : 0;
    if (more < 0) return more;
    if (more == 1 && joins(s, f, &second, f->count)) return join_chunks(s, p, f, &second);
    return move_piece(s, f->id);
}

// Some more pieces of the run; *over when there are none. p keeps the place between slices.
static int rewrite_slice(store *s, store_id run, place *p, bool *over) {
    for (int i = 0; i < SLICE_ROWS; i++) {
        found f;
        int more = p->series ? next_piece(s, p, &f) : 0;
        int result = more < 0 ? more : 0;
        if (more == 1) {
            result = rewrite_piece(s, p, &f);
        } else if (!result) {
            store_id next = 0;
            result = next_series(s, run, p->series, &next);
            *p = (place){next, -1, -1};
            *over = next == 0;
        }
        if (result || *over) return result;
    }
    return 0;
}

// --- purging ---------------------------------------------------------------------------------

static int drop_some(store *s, db_statement statement, store_id of, bool *none) {
    db_value v[] = {db_i(of), db_i(SLICE_ROWS)};
    int result = db_run(s->db, statement, v, 2);
    *none = !result && db_changes(s->db) == 0;
    return result;
}

static int drop_rows(store *s, store_id run) {
    static const db_statement all[] = {DB_EVENTS_DROP,  DB_PARAMS_DROP,   DB_COMMANDS_DROP,
                                       DB_CURSORS_DROP, DB_ATTEMPTS_DROP, DB_DOCUMENTS_DROP};
    db_value v = db_i(run);
    int result = 0;
    for (size_t i = 0; !result && i < sizeof all / sizeof *all; i++)
        result = db_run(s->db, all[i], &v, 1);
    return result;
}

static int purge_slice(store *s, store_id run, bool *over) {
    bool none = false;
    store_id series = 0;
    int result = next_series(s, run, 0, &series);
    if (result) return result;
    if (series) {
        result = drop_some(s, DB_PIECES_DROP, series, &none);
        db_value v = db_i(series);
        return result || !none ? result : db_run(s->db, DB_SERIES_DROP, &v, 1);
    }
    result = drop_some(s, DB_AXES_DROP, run, &none);
    if (result || !none) return result;
    result = drop_some(s, DB_MEDIAS_DROP, run, &none);
    if (result || !none) return result;
    result = drop_some(s, DB_SNAPSHOTS_DROP, run, &none);
    if (result || !none) return result;
    *over = true;
    return drop_rows(s, run);
}

// --- slices ----------------------------------------------------------------------------------

typedef struct job {
    store_id run;
    int kind;
} job;

static int next_job(store *s, job *out) {
    int result = db_select(s->db, DB_JOB_LIST, NULL, 0);
    int more = result ? result : db_next(s->db, DB_JOB_LIST);
    if (more == 1) *out = (job){db_int(s->db, DB_JOB_LIST, 0), (int)db_int(s->db, DB_JOB_LIST, 1)};
    db_done(s->db, DB_JOB_LIST);
    return more;
}

static int do_slice(store *s, const job *j, place *p, bool *over) {
    int result =
        j->kind == JOB_PURGE ? purge_slice(s, j->run, over) : rewrite_slice(s, j->run, p, over);
    db_value v[] = {db_i(j->run), db_i(j->kind)};
    if (!result && *over) result = db_run(s->db, DB_JOB_DROP, v, 2);
    return result;
}

static int transact_slice(store *s, const job *j) {
    bool over = false;
    if (s->job_run != j->run) s->job_place = (struct job_place){0};
    s->job_run = j->run;
    place p = {s->job_place.series, s->job_place.level, s->job_place.ordinal};
    int result = db_begin(s->db, true);
    if (!result) result = do_slice(s, j, &p, &over);
    if (!result) result = db_commit(s->db);
    if (result) {
        store_fail(s, "%s: background work: %s", s->path, db_error(s->db));
        db_rollback(s->db);
        return result;
    }
    s->job_place = (struct job_place){p.series, p.level, p.ordinal};
    if (over) s->job_run = 0;
    if (over && j->kind == JOB_PURGE) s->vacuum = true;
    return 0;
}

static int shrink_slice(store *s) {
    int64_t left = db_shrink(s->db, SLICE_PAGES);
    if (left < 0) return (int)left;
    if (left > SPARE_PAGES && left != s->free_pages) {
        s->free_pages = left;
        return 0;
    }
    s->vacuum = false;
    s->free_pages = 0;
    return db_checkpoint(s->db);
}

int jobs_slice(store *s, bool *more) {
    job j = {0};
    pthread_mutex_lock(&s->db_lock);
    int result = next_job(s, &j);
    *more = result == 1 || s->vacuum;
    if (result == 1)
        result = transact_slice(s, &j);
    else if (result == 0 && s->vacuum)
        result = shrink_slice(s);
    pthread_mutex_unlock(&s->db_lock);
    // A run whose data is damaged is left as it is: rewriting is only for speed.
    if (result == NNS_E_CORRUPT && j.kind == JOB_REWRITE) {
        db_value v[] = {db_i(j.run), db_i(j.kind)};
        result = db_run(s->db, DB_JOB_DROP, v, 2);
    }
    return result;
}
