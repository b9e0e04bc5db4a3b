// Unit inspect.c answers for the inside of networks: the description, what pruning would cost, snapshots. On workers, from the
// store alone. Values of the present: values.c; pushed samples: try.c.
#include "inspect.h"

enum { SNAPSHOTS_LIMIT_MAX = 10000 };

static void fini(job *j) {
    frame_release(((inspect_job *)j)->now);
}

inspect_job *inspect_new(core *c, const char *key,
                         void (*work)(core *c, job *j, store_reader *reader), core_done done,
                         void *context) {
    core_reply error = {0};
    core_lock(c);
    run *r = registry_named(c, key);
    store_id id = r ? r->row.id : 0;
    core_unlock(c);
    inspect_job *k = id ? mem_new(sizeof *k) : NULL;
    if (k) {
        k->j = (job){.work = work, .fini = fini, .done = done, .context = context};
        k->run = id;
        return k;
    }
    reply_error(&error, id ? 503 : 404, id ? "no_memory" : "not_found",
                id ? "out of memory" : "there is no such run");
    answer_later(c, &error, done, context);
    return NULL;
}

// --- the description ----------------------------------------------------------------------------

static json_t *document(store_reader *reader, store_id of, const char *name) {
    buf text = {0};
    int result = store_get_document(reader, of, name, &text);
    json_t *json = result ? NULL : json_loadb((char *)text.data, text.length, 0, NULL);
    buf_fini(&text);
    return json;
}

// The description; what a process has just said of it may not be in the store yet.
json_t *inspect_model(core *c, store_reader *reader, store_id of) {
    json_t *json = document(reader, of, "model");
    if (json) return json;
    core_settle(c);
    return document(reader, of, "model");
}

static void work_model(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    core_settle(c);
    json_t *json = document(reader, k->run, "model");
    if (!json) json = json_pack("{s:[],s:[],s:n,s:b}", "layers", "tensors", "push", "evaluate", 0);
    json_object_del(json, "rank");
    json_object_del(json, "generation");
    json_t *tensors =
        k->tensors_only ? json_pack("{s:O}", "tensors", json_object_get(json, "tensors")) : NULL;
    json_print(tensors ? tensors : json, &j->reply.body);
    json_decref(tensors);
    json_decref(json);
    reply_json(&j->reply, 200);
}

void core_get_model(core *c, const char *key, bool tensors_only, core_done done, void *context) {
    inspect_job *k = inspect_new(c, key, work_model, done, context);
    if (!k) return;
    k->tensors_only = tensors_only;
    job_submit(&c->workers, &k->j);
}

static void work_pruning(core *c, job *j, store_reader *reader) {
    core_settle(c);
    int result = store_get_document(reader, ((inspect_job *)j)->run, "pruning", &j->reply.body);
    if (result)
        reply_error(&j->reply, 404, "not_found",
                    "what pruning would cost was not measured in this run: send the command prune");
    else
        reply_json(&j->reply, 200);
}

void core_get_pruning(core *c, const char *key, core_done done, void *context) {
    inspect_job *k = inspect_new(c, key, work_pruning, done, context);
    if (k) job_submit(&c->workers, &k->j);
}

// --- snapshots ----------------------------------------------------------------------------------

static void flags_json(uint32_t flags, buf *out) {
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{CAPTURE_SLICED, "sliced"}, {CAPTURE_FLIGHT, "flight"}, {CAPTURE_KEPT, "kept"}};
    bool first = true;
    buf_char(out, '[');
    for (size_t i = 0; i < 3; i++) {
        if (!(flags & words[i].bit)) continue;
        buf_print(out, "%s\"%s\"", first ? "" : ",", words[i].word);
        first = false;
    }
    buf_char(out, ']');
}

static int add_snapshot(void *context, const store_snapshot *row) {
    inspect_job *k = context;
    buf *out = &k->j.reply.body;
    if (k->count++) buf_char(out, ',');
    buf_print(out, "{\"step\":%lld,\"time\":", (long long)row->step);
    buf_number(out, (double)row->time_ms / 1000.0);
    buf_print(out, ",\"bytes\":%llu,\"key\":%s,\"flags\":", (unsigned long long)row->bytes,
              row->base ? "false" : "true");
    flags_json(row->flags, out);
    buf_char(out, '}');
    k->step = row->step;
    return 0;
}

static void work_snapshots(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    buf *out = &j->reply.body;
    store_snapshots sum;
    core_settle(c);
    buf_text(out, "{\"snapshots\":[");
    int result =
        store_list_snapshots(reader, k->run, k->step, k->to, false, k->limit, add_snapshot, k);
    if (!result) result = store_snapshots_sum(reader, k->run, &sum);
    if (result) {
        reply_error(&j->reply, 503, "store", "the snapshots cannot be read: %s",
                    error_sentence(result));
        return;
    }
    buf_print(out, "],\"count\":%llu,\"bytes\":%llu,\"per_hour\":", (unsigned long long)sum.count,
              (unsigned long long)sum.bytes);
    buf_number(out, sum.per_hour < 1e15 ? (double)(int64_t)sum.per_hour : 0);
    buf_print(out, ",\"limit\":%llu,\"next\":", (unsigned long long)c->snapshot_bytes);
    if (k->count >= k->limit)
        buf_int(out, k->step + 1);
    else
        buf_text(out, "null");
    buf_char(out, '}');
    reply_json(&j->reply, 200);
}

void core_get_snapshots(core *c, const char *key, int64_t from, int64_t to, int limit,
                        core_done done, void *context) {
    inspect_job *k = inspect_new(c, key, work_snapshots, done, context);
    if (!k) return;
    k->step = from;
    k->to = to;
    k->limit = limit < 1 ? 1 : limit > SNAPSHOTS_LIMIT_MAX ? SNAPSHOTS_LIMIT_MAX : (size_t)limit;
    job_submit(&c->workers, &k->j);
}

void inspect_no_snapshot(core_reply *reply, int result) {
    if (result == NNS_E_NOT_FOUND)
        reply_error(reply, 404, "no_snapshot", "no snapshot was taken at or before that step");
    else
        reply_error(reply, 503, "store", "the snapshot cannot be read: %s", error_sentence(result));
}

static void work_snapshot(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    decoded *d = NULL;
    store_snapshot row;
    // One of just this step is what a slider asks for: then nothing newer matters.
    if (store_snapshot_at(reader, k->run, k->step, &row) || row.step != k->step) core_settle(c);
    int result = snapshot_nearest(c, reader, k->run, k->step, &d);
    if (result) {
        inspect_no_snapshot(&j->reply, result);
        return;
    }
    buf_add(&j->reply.body, snapshot_bytes(d).data, snapshot_bytes(d).length);
    snapshot_drop(c, d);
    j->reply.type = "application/vnd.nnscope.capture";
    reply_json(&j->reply, 200);
}

void core_get_snapshot(core *c, const char *key, int64_t step, core_done done, void *context) {
    inspect_job *k = inspect_new(c, key, work_snapshot, done, context);
    if (!k) return;
    k->step = step;
    job_submit(&c->workers, &k->j);
}
