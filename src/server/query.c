// Unit query.c answers for points: it copies what was asked, lets a worker read the store, and writes JSON,
// CSV or a columns frame. Nothing here holds the lock while it reads.
#include "points.h"
#include "run.h"

#include <string.h>

enum { SERIES_MAX = 4096, WHOLE_POINTS = 65536, LONG_POINTS = 5000000 };

#define WALL_MS_MIN INT64_C(100000000000) // in 1973

typedef struct points_job {
    job j;
    points_query p;
    bool all_series;
} points_job;

void points_query_fini(points_query *p) {
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->names[i]);
    mem_free(p->names);
    *p = (points_query){0};
}

int points_fetch(const points_query *p, store_reader *reader, size_t i, int64_t from, int64_t to,
                 store_columns *out) {
    store_query q = p->q;
    q.series = p->names[i];
    q.from = from;
    q.to = to;
    return store_points(reader, &q, out);
}

// --- which series -------------------------------------------------------------------------------

int points_add_name(points_query *p, const char *name) {
    char **names = mem_grow(p->names, p->count + 1, sizeof *names);
    if (!names) return NNS_E_NO_MEMORY;
    p->names = names;
    names[p->count] = mem_text(name, strlen(name));
    if (!names[p->count]) return NNS_E_NO_MEMORY;
    p->count++;
    return 0;
}

static int add_scalar(void *context, const store_series_info *info) {
    points_query *p = context;
    if (info->kind != SERIES_SCALAR || p->count >= SERIES_MAX) return 0;
    return points_add_name(p, info->name);
}

// --- writing ------------------------------------------------------------------------------------

static int fetch_all(const points_query *p, store_reader *reader, store_columns *c,
                     size_t *unknown) {
    for (size_t i = 0; i < p->count; i++) {
        int result = points_fetch(p, reader, i, p->q.from, p->q.to, &c[i]);
        if (result == NNS_E_NOT_FOUND) *unknown = i;
        if (result && (result != NNS_E_NOT_FOUND || p->form != CORE_COLUMNS)) return result;
        if (result) c[i].total = UINT64_MAX; // said in the frame
    }
    return 0;
}

static bool all_raw(const points_query *p, const store_columns *c) {
    for (size_t i = 0; i < p->count; i++)
        if (!c[i].raw) return false;
    return true;
}

static void write_json(const points_query *p, const store_columns *c, core_reply *reply) {
    buf_print(&reply->body, "{\"raw\":%s,\"axis\":\"%s\",\"series\":{",
              all_raw(p, c) ? "true" : "false", p->q.axis == STORE_AXIS_TIME ? "time" : "step");
    for (size_t i = 0; i < p->count; i++) {
        if (i) buf_char(&reply->body, ',');
        points_json_series(p, i, &c[i], &reply->body);
    }
    buf_text(&reply->body, "}}");
}

static void write_csv(const points_query *p, const store_columns *c, core_reply *reply) {
    bool raw = all_raw(p, c);
    reply->type = "text/csv; charset=utf-8";
    points_csv_head(p, raw, &reply->body);
    points_csv_rows(p, c, raw, &reply->body);
}

void points_frame(const points_query *p, const store_columns *c, buf *out) {
    size_t begin = frame_begin(out, FRAME_SNAPSHOT, p->request, p->key);
    for (size_t i = 0; i < p->count; i++) {
        if (c[i].total == UINT64_MAX) {
            frame_block_unknown(out, p->names[i]);
            continue;
        }
        uint32_t attempt = c[i].attempt && c[i].rows ? (uint32_t)c[i].attempt[c[i].rows - 1] : 0;
        frame_block(out, p->names[i], attempt, c[i].total, &c[i], false);
    }
    frame_end(out, begin, (uint32_t)p->count);
}

static void write_out(const points_query *p, const store_columns *c, core_reply *reply) {
    if (p->form == CORE_JSON) write_json(p, c, reply);
    if (p->form == CORE_CSV) write_csv(p, c, reply);
    if (p->form == CORE_COLUMNS) {
        reply->type = "application/vnd.nnscope.columns";
        points_frame(p, c, &reply->body);
    }
    reply_json(reply, 200);
}

// --- the job ------------------------------------------------------------------------------------

static uint64_t points_in_all(const points_query *p, store_reader *reader) {
    uint64_t total = 0;
    for (size_t i = 0; i < p->count; i++) {
        store_columns c = {0};
        store_query q = p->q;
        q.series = p->names[i];
        q.buckets = 1;
        if (!store_points(reader, &q, &c)) total += c.total;
        store_columns_fini(&c);
    }
    return total;
}

static void failed(core_reply *reply, const points_query *p, size_t unknown, int result) {
    if (result == NNS_E_NOT_FOUND)
        reply_error(reply, 404, "unknown_series", "the run has no series \"%.255s\"",
                    p->names[unknown]);
    else
        reply_error(reply, 503, "store", "the points cannot be read: %s", error_sentence(result));
}

int points_add_all(points_query *p, store_reader *reader) {
    return store_list_series(reader, p->run, add_scalar, p);
}

void points_reply(const points_query *p, store_reader *reader, core_reply *reply) {
    size_t unknown = 0;
    store_columns *c = mem_array(p->count ? p->count : 1, sizeof *c);
    int result = c ? fetch_all(p, reader, c, &unknown) : NNS_E_NO_MEMORY;
    if (result)
        failed(reply, p, unknown, result);
    else
        write_out(p, c, reply);
    for (size_t i = 0; c && i < p->count; i++)
        store_columns_fini(&c[i]);
    mem_free(c);
}

static void reply_every_point(core *c, points_query *p, store_reader *reader, core_reply *reply) {
    uint64_t total = points_in_all(p, reader);
    if (total <= WHOLE_POINTS || p->count == 0) {
        points_reply(p, reader, reply);
    } else if (p->form == CORE_COLUMNS || p->q.all_attempts) {
        if (total <= LONG_POINTS)
            points_reply(p, reader, reply);
        else
            reply_error(reply, 413, "too_many", "more than %d points: ask with buckets, or a part",
                        LONG_POINTS);
    } else {
        if (p->form == CORE_CSV) reply->type = "text/csv; charset=utf-8";
        int result = points_begin_long(c, p, reader, reply);
        if (result)
            reply_error(reply, 503, "store", "the points cannot be read: %s",
                        error_sentence(result));
        else
            reply->status = 200;
    }
}

static void work(core *c, job *j, store_reader *reader) {
    points_job *k = (points_job *)j;
    if (k->all_series && points_add_all(&k->p, reader)) {
        reply_error(&j->reply, 503, "store", "the list of series cannot be read");
        return;
    }
    if (k->p.q.buckets)
        points_reply(&k->p, reader, &j->reply);
    else
        reply_every_point(c, &k->p, reader, &j->reply);
}

static void fini(job *j) {
    points_query_fini(&((points_job *)j)->p);
}

static int64_t shifted(int64_t at, int64_t origin_ms) {
    return at == INT64_MIN || at >= WALL_MS_MIN ? at : at + origin_ms;
}

void points_time_bounds(points_query *p, int64_t origin_ms) {
    p->origin_ms = origin_ms;
    if (p->q.axis != STORE_AXIS_TIME) return;
    p->q.from = shifted(p->q.from, origin_ms);
    p->q.to = shifted(p->q.to, origin_ms);
}

bool points_query_init(core *c, points_query *p, const char *run_key) {
    run *r = registry_named(c, run_key);
    if (!r) return false;
    p->run = r->row.id;
    p->q.run = r->row.id;
    memcpy(p->key, r->row.key, sizeof p->key);
    points_time_bounds(p, r->row.started_ms ? r->row.started_ms : r->row.created_ms);
    return true;
}

static bool has_name(const points_query *p, const char *name) {
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->names[i], name)) return true;
    return false;
}

void core_get_points(core *c, const core_points *q, core_done done, void *context) {
    core_reply error = {0};
    points_job *k = q->series_count <= SERIES_MAX ? mem_new(sizeof *k) : NULL;
    if (!k) {
        reply_error(&error, 413, "too_many", "at most %d series at once", SERIES_MAX);
        answer_later(c, &error, done, context);
        return;
    }
    k->j = (job){.work = work, .fini = fini, .done = done, .context = context};
    k->all_series = q->series_count == 0;
    k->p = (points_query){.form = (int)q->form, .request = q->request};
    k->p.q = (store_query){.axis = q->axis,
                           .from = q->from,
                           .to = q->to,
                           .buckets = q->buckets,
                           .all_attempts = q->all_attempts};
    int result = 0;
    for (size_t i = 0; i < q->series_count && !result; i++)
        if (!has_name(&k->p, q->series[i])) result = points_add_name(&k->p, q->series[i]);
    core_lock(c);
    bool known = points_query_init(c, &k->p, q->run);
    core_unlock(c);
    if (known && !result) {
        job_submit(&c->workers, &k->j);
        return;
    }
    reply_error(&k->j.reply, result ? 503 : 404, result ? "no_memory" : "not_found",
                result ? "out of memory" : "there is no such run");
    job_answer(c, &k->j);
}
