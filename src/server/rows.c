// Unit rows.c lists what the store keeps in rows: series, parameters, events, commands, media. The JSON of a row is
// the object itself, so a list is put together from texts. Workers; what is in memory only is committed first.
#include "run.h"

#include <string.h>

enum { LIMIT_MAX = 10000 };

typedef struct rows_job {
    job j;
    store_id run;
    int64_t from, to;
    size_t limit;
    char *series;
    bool first;
    int64_t last; // number of the last row
    size_t count;
    int (*list)(struct rows_job *k, store_reader *reader);
    const char *name;
} rows_job;

static int add_row(void *context, const store_row *row) {
    rows_job *k = context;
    if (k->count++) buf_char(&k->j.reply.body, ',');
    buf_text(&k->j.reply.body, row->json && *row->json ? row->json : "null");
    k->last = (int64_t)row->number;
    return 0;
}

static int add_series(void *context, const store_series_info *info) {
    rows_job *k = context;
    if (k->count++) buf_char(&k->j.reply.body, ',');
    series_json(info, &k->j.reply.body);
    return 0;
}

static int list_series(rows_job *k, store_reader *reader) {
    return store_list_series(reader, k->run, add_series, k);
}

static int list_params(rows_job *k, store_reader *reader) {
    return store_list_params(reader, k->run, add_row, k);
}

static int list_events(rows_job *k, store_reader *reader) {
    return store_list_events(reader, k->run, k->from, k->limit, add_row, k);
}

static int list_commands(rows_job *k, store_reader *reader) {
    return store_list_commands(reader, k->run, k->from, k->limit, add_row, k);
}

static int list_media(rows_job *k, store_reader *reader) {
    return store_list_media(reader, k->run, k->series, k->from, k->to, k->limit, add_row, k);
}

static bool pages(const rows_job *k) {
    return k->list == list_events || k->list == list_commands;
}

static void work(core *c, job *j, store_reader *reader) {
    rows_job *k = (rows_job *)j;
    core_settle(c);
    buf_print(&j->reply.body, "{\"%s\":[", k->name);
    int result = k->list(k, reader);
    if (result == NNS_E_NOT_FOUND && k->series) {
        reply_error(&j->reply, 404, "unknown_series", "the run has no series \"%.255s\"",
                    k->series);
        return;
    }
    if (result) {
        reply_error(&j->reply, 503, "store", "the %s cannot be read: %s", k->name,
                    error_sentence(result));
        return;
    }
    buf_char(&j->reply.body, ']');
    if (pages(k)) {
        buf_text(&j->reply.body, ",\"next\":");
        if (k->count >= k->limit)
            buf_int(&j->reply.body, k->last);
        else
            buf_text(&j->reply.body, "null");
    }
    buf_char(&j->reply.body, '}');
    reply_json(&j->reply, 200);
}

static void fini(job *j) {
    mem_free(((rows_job *)j)->series);
}

static void submit(core *c, const char *run_key, rows_job want, core_done done, void *context) {
    core_reply error = {0};
    core_lock(c);
    run *r = registry_named(c, run_key);
    want.run = r ? r->row.id : 0;
    core_unlock(c);
    rows_job *k = r ? mem_new(sizeof *k) : NULL;
    if (!k) {
        mem_free(want.series);
        reply_error(&error, 404, "not_found", "there is no such run");
        answer_later(c, &error, done, context);
        return;
    }
    *k = want;
    k->j = (job){.work = work, .fini = fini, .done = done, .context = context};
    job_submit(&c->workers, &k->j);
}

static size_t limited(int limit, size_t standard) {
    if (limit <= 0) return standard;
    return limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;
}

void core_get_series(core *c, const char *run_key, core_done done, void *context) {
    submit(c, run_key, (rows_job){.list = list_series, .name = "series"}, done, context);
}

void core_get_params(core *c, const char *run_key, core_done done, void *context) {
    submit(c, run_key, (rows_job){.list = list_params, .name = "parameters"}, done, context);
}

void core_get_events(core *c, const char *run_key, int64_t after, int limit, core_done done,
                     void *context) {
    submit(c, run_key,
           (rows_job){.list = list_events,
                      .name = "events",
                      .from = after + 1,
                      .limit = limited(limit, 1000)},
           done, context);
}

void core_get_commands(core *c, const char *run_key, int64_t after, int limit, core_done done,
                       void *context) {
    submit(c, run_key,
           (rows_job){.list = list_commands,
                      .name = "commands",
                      .from = after + 1,
                      .limit = limited(limit, 1000)},
           done, context);
}

void core_get_media(core *c, const char *run_key, const char *series, int64_t from, int64_t to,
                    int limit, core_done done, void *context) {
    rows_job want = {
        .list = list_media, .name = "media", .from = from, .to = to, .limit = limited(limit, 200)};
    want.series = series && *series ? mem_text(series, strlen(series)) : NULL;
    submit(c, run_key, want, done, context);
}
