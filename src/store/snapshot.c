// Unit snapshot.c keeps the rows of snapshots and the documents of a run: what the server knows of a network. Rows only, put
// like all others (rows.c) and read like all others (list.c); the files that snapshots name belong to the caller.
#include "internal.h"

#include <stdio.h>

// --- putting, owner only ---------------------------------------------------------------------

int store_put_document(store *s, store_id run, const char *name, const char *json) {
    db_value v[] = {db_i(run), db_t(name), db_t(json)};
    return rows_put(s, DB_DOCUMENT_PUT, v, 3);
}

int store_put_snapshot(store *s, store_id run, store_snapshot *row) {
    store_id id = row->id ? row->id : s->next_snapshot;
    db_value v[] = {
        db_i(id),           db_i(run),        db_i(row->attempt),        db_i(row->step),
        db_i(row->time_ms), db_i(row->flags), db_i((int64_t)row->bytes), db_i(row->base),
        db_i(row->depth),   db_t(row->hash)};
    int result = rows_put(s, DB_SNAPSHOT_PUT, v, 10);
    if (result) return result;
    if (!row->id) s->next_snapshot++;
    row->id = id;
    return 0;
}

int store_drop_snapshot(store *s, store_id id) {
    db_value v = db_i(id);
    return rows_put(s, DB_SNAPSHOT_DROP, &v, 1);
}

// --- reading, any thread ---------------------------------------------------------------------

int store_get_document(store_reader *r, store_id run, const char *name, buf *out) {
    db_value v[] = {db_i(run), db_t(name)};
    int result = reader_begin(r), more = 0;
    if (result) return result;
    result = db_select(r->db, DB_DOCUMENT_GET, v, 2);
    if (!result) more = db_next(r->db, DB_DOCUMENT_GET);
    if (more == 1) buf_text(out, db_text(r->db, DB_DOCUMENT_GET, 0));
    db_done(r->db, DB_DOCUMENT_GET);
    reader_end(r);
    if (result || more < 0) return result ? result : more;
    if (out->failed) return NNS_E_NO_MEMORY;
    return more == 1 ? 0 : NNS_E_NOT_FOUND;
}

static void fill(db *d, db_statement st, store_snapshot *row) {
    *row = (store_snapshot){.id = db_int(d, st, 0),
                            .attempt = db_int(d, st, 1),
                            .step = db_int(d, st, 2),
                            .time_ms = db_int(d, st, 3),
                            .flags = (uint32_t)db_int(d, st, 4),
                            .bytes = (uint64_t)db_int(d, st, 5),
                            .base = db_int(d, st, 6),
                            .depth = (uint32_t)db_int(d, st, 7)};
    snprintf(row->hash, sizeof row->hash, "%s", db_text(d, st, 8));
}

static int list(store_reader *r, db_statement st, const db_value *v, int count,
                store_each_snapshot each, void *context) {
    int result = reader_begin(r), more = 0;
    if (result) return result;
    result = db_select(r->db, st, v, count);
    bool stop = false;
    while (!result && !stop && (more = db_next(r->db, st)) == 1) {
        store_snapshot row;
        fill(r->db, st, &row);
        stop = each(context, &row) != 0;
    }
    db_done(r->db, st);
    reader_end(r);
    return result ? result : more < 0 ? more : 0;
}

int store_list_snapshots(store_reader *r, store_id run, int64_t from, int64_t to, bool all_attempts,
                         size_t limit, store_each_snapshot each, void *context) {
    db_value v[] = {db_i(run), db_i(from), db_i(to), db_i(limit ? (int64_t)limit : -1),
                    db_i(all_attempts)};
    return list(r, DB_SNAPSHOT_LIST, v, 5, each, context);
}

int store_all_snapshots(store_reader *r, store_id run, store_each_snapshot each, void *context) {
    db_value v = db_i(run);
    return list(r, DB_SNAPSHOT_ALL, &v, 1, each, context);
}

static int take_one(void *context, const store_snapshot *row) {
    *(store_snapshot *)context = *row;
    return 1;
}

static int one(store_reader *r, db_statement st, const db_value *v, int count,
               store_snapshot *out) {
    *out = (store_snapshot){0};
    int result = list(r, st, v, count, take_one, out);
    return result ? result : out->id ? 0 : NNS_E_NOT_FOUND;
}

int store_snapshot_at(store_reader *r, store_id run, int64_t step, store_snapshot *out) {
    db_value v[] = {db_i(run), db_i(step)};
    return one(r, DB_SNAPSHOT_AT, v, 2, out);
}

int store_snapshot_get(store_reader *r, store_id run, store_id id, store_snapshot *out) {
    db_value v[] = {db_i(run), db_i(id)};
    return one(r, DB_SNAPSHOT_GET, v, 2, out);
}

int store_snapshot_last(store_reader *r, store_id run, store_snapshot *out) {
    db_value v = db_i(run);
    return one(r, DB_SNAPSHOT_LAST, &v, 1, out);
}

static int numbers(store_reader *r, db_statement st, store_id run, double out[3]) {
    db_value v = db_i(run);
    int result = db_select(r->db, st, &v, 1);
    int more = result ? result : db_next(r->db, st);
    for (int i = 0; more == 1 && i < (st == DB_SNAPSHOT_RATE ? 3 : 2); i++)
        out[i] = (double)db_int(r->db, st, i);
    db_done(r->db, st);
    return more < 0 ? more : 0;
}

int store_snapshots_sum(store_reader *r, store_id run, store_snapshots *out) {
    double sum[3] = {0}, rate[3] = {0};
    *out = (store_snapshots){0};
    int result = reader_begin(r);
    if (result) return result;
    result = numbers(r, DB_SNAPSHOT_SUM, run, sum);
    if (!result) result = numbers(r, DB_SNAPSHOT_RATE, run, rate);
    reader_end(r);
    out->count = (uint64_t)sum[0];
    out->bytes = (uint64_t)sum[1];
    // So many intervals as lie between them, of as many bytes as they have on average.
    if (rate[1] > 0) out->per_hour = rate[0] * (rate[2] - 1) / rate[2] * 3600e3 / rate[1];
    return result;
}
