// Unit rows.c keeps put rows until their commit: one buffer of statements with their values, run by the
// writer in the order of the calls. In memory only, never on disk:
//
//     u16 statement, u16 values, each: u8 type, then 8 bytes (INT, REAL) or u64 length and the bytes, 0-terminated
#include "internal.h"

#include "base/le.h"

#include <assert.h>
#include <string.h>

enum { MAX_VALUES = 24 };

static void add_value(buf *b, const db_value *v) {
    buf_char(b, (char)v->type);
    if (v->type == DB_INT) buf_i64(b, v->i);
    if (v->type == DB_REAL) buf_f64(b, v->r);
    if (v->type != DB_TEXT && v->type != DB_BLOB) return;
    buf_u64(b, v->bytes);
    buf_add(b, v->data, v->bytes);
    buf_char(b, 0);
}

int rows_put(store *s, db_statement statement, const db_value *values, int count) {
    assert(count <= MAX_VALUES);
    if (!s->has_writer) return NNS_E_STATE;
    if (atomic_load(&s->pending) > 2 * STORE_PENDING_BYTES) return NNS_E_AGAIN;
    buf *b = &s->open->rows;
    size_t before = b->length;
    buf_add(b, &(uint16_t){(uint16_t)statement}, 2);
    buf_add(b, &(uint16_t){(uint16_t)count}, 2);
    for (int i = 0; i < count; i++)
        add_value(b, &values[i]);
    if (b->failed) {
        b->failed = false;
        b->length = before;
        return NNS_E_NO_MEMORY;
    }
    s->open->full = true;
    s->open->bytes += b->length - before;
    atomic_fetch_add(&s->pending, b->length - before);
    return 0;
}

static const uint8_t *take_value(const uint8_t *at, db_value *v) {
    *v = (db_value){.type = (db_type)*at++};
    if (v->type == DB_NULL) return at;
    if (v->type == DB_INT) v->i = le_i64(at);
    if (v->type == DB_REAL) v->r = le_f64(at);
    if (v->type == DB_INT || v->type == DB_REAL) return at + 8;
    v->bytes = (size_t)le_u64(at);
    v->data = at + 8;
    return at + 8 + v->bytes + 1;
}

int rows_run(db *d, const buf *rows) {
    const uint8_t *at = rows->data, *end = at + rows->length;
    int result = 0;
    while (!result && at < end) {
        db_value v[MAX_VALUES];
        db_statement statement = (db_statement)le_u16(at);
        int count = le_u16(at + 2);
        at += 4;
        for (int i = 0; i < count; i++)
            at = take_value(at, &v[i]);
        result = db_run(d, statement, v, count);
    }
    return result;
}

// --- what the owner puts ---------------------------------------------------------------------

int store_put_run(store *s, store_run *r) {
    store_id id = r->id ? r->id : s->next_run;
    db_value v[] = {db_i(id),
                    db_t(r->key),
                    db_t(r->name),
                    db_t(r->project),
                    db_t(r->group),
                    db_t(r->tags),
                    db_t(r->notes),
                    db_t(r->facts),
                    db_i(r->state),
                    db_i(r->created_ms),
                    db_i(r->started_ms),
                    db_i(r->ended_ms),
                    db_i(r->last_step),
                    db_i(r->heard_ms),
                    db_i(r->attempt),
                    db_r(r->epoch),
                    db_i(r->total_steps),
                    db_i(r->paused_ms),
                    db_i(r->exit_status),
                    db_i(r->archived),
                    db_i((int64_t)r->points),
                    db_i((int64_t)r->bytes),
                    db_i((int64_t)r->dropped),
                    db_t(r->extra)};
    int result = rows_put(s, DB_RUN_PUT, v, 24);
    if (result) return result;
    if (!r->id) s->next_run++;
    r->id = id;
    return 0;
}

void store_run_fini(store_run *r) {
    mem_free(r->name);
    mem_free(r->project);
    mem_free(r->group);
    mem_free(r->tags);
    mem_free(r->notes);
    mem_free(r->facts);
    mem_free(r->extra);
    *r = (store_run){0};
}

int store_put_event(store *s, store_id run, int64_t number, int64_t step, int64_t time_ms, int type,
                    const char *json) {
    db_value v[] = {db_i(run), db_i(number), db_i(step), db_i(time_ms), db_i(type), db_t(json)};
    return rows_put(s, DB_EVENT_PUT, v, 6);
}

int store_put_media(store *s, store_id run, store_id series, int64_t step, int64_t time_ms,
                    int kind, const char *hash, const char *json, const void *data, size_t bytes) {
    db_value v[] = {db_i(s->next_media), db_i(run),  db_i(series), db_i(step),       db_i(time_ms),
                    db_i(kind),          db_t(hash), db_t(json),   db_b(data, bytes)};
    int result = rows_put(s, DB_MEDIA_PUT, v, 9);
    if (!result) s->next_media++;
    return result;
}

int store_put_param(store *s, store_id run, const char *name, const char *json) {
    db_value v[] = {db_i(run), db_t(name), db_t(json)};
    return rows_put(s, DB_PARAM_PUT, v, 3);
}

int store_put_command(store *s, store_id run, int64_t number, const char *json) {
    db_value v[] = {db_i(run), db_i(number), db_t(json)};
    return rows_put(s, DB_COMMAND_PUT, v, 3);
}

int store_put_audit(store *s, int64_t time_ms, const char *json) {
    db_value v[] = {db_i(time_ms), db_t(json)};
    return rows_put(s, DB_AUDIT_PUT, v, 2);
}

int store_put_token(store *s, const char *hash, const char *json) {
    db_value v[] = {db_t(hash), db_t(json)};
    return json ? rows_put(s, DB_TOKEN_PUT, v, 2) : rows_put(s, DB_TOKEN_DROP, v, 1);
}

int store_put_cursor(store *s, store_id run, const char *process, uint32_t lane,
                     uint64_t next_sequence, const void *state, size_t bytes) {
    db_value v[] = {db_i(run), db_t(process), db_i(lane), db_i((int64_t)next_sequence),
                    db_b(state, bytes)};
    return rows_put(s, DB_CURSOR_PUT, v, 5);
}

int store_drop_cursors(store *s, store_id run, const char *process) {
    db_value v[] = {db_i(run), db_t(process)};
    return rows_put(s, DB_CURSOR_DROP, v, 2);
}
