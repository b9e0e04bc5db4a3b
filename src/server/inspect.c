// Unit inspect.c answers for the inside of networks: the description, snapshots, values of tensors and of units. Workers; what
// is wanted of the present is asked of the program by a short look (look.c) first:
//
//     asked for now, alive --> look_wait --capture that has it--> worker: numbers of it
//                                  \--NOW_NS are over--> worker: newest snapshot
//     asked for a step, or over -----------------------> worker: nearest snapshot at or before
#include "keep.h"
#include "network.h"

#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define NOW_NS (2 * NS_PER_S)
enum { SNAPSHOTS_LIMIT_MAX = 10000 };

typedef struct inspect_job {
    job j;
    store_id run;
    int64_t step, to;
    size_t limit, count;
    bool tensors_only;
    char name[256], layer[256]; // of the tensor; or of the layer
    int quantity, form;
    bool units;
    uint32_t number; // of tensor or layer
    frame *now;      // the capture that has it, counted
    uint64_t bound;  // bytes that a run may keep
} inspect_job;

static void fini(job *j) {
    frame_release(((inspect_job *)j)->now);
}

static inspect_job *new_job(core *c, const char *key,
                            void (*work)(core *c, job *j, store_reader *reader), core_done done,
                            void *context) {
    core_reply error = {0};
    core_lock(c);
    run *r = id_valid(key) ? registry_find(c, key) : NULL;
    store_id id = r && !r->deleted ? r->row.id : 0;
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
static json_t *model_of(core *c, store_reader *reader, store_id of) {
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
    inspect_job *k = new_job(c, key, work_model, done, context);
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
    inspect_job *k = new_job(c, key, work_pruning, done, context);
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
    inspect_job *k = new_job(c, key, work_snapshots, done, context);
    if (!k) return;
    k->step = from;
    k->to = to;
    k->limit = limit < 1 ? 1 : limit > SNAPSHOTS_LIMIT_MAX ? SNAPSHOTS_LIMIT_MAX : (size_t)limit;
    job_submit(&c->workers, &k->j);
}

// The nearest at or before the step. A file may have gone since its row was read: then the rows have changed.
static int read_at(core *c, store_reader *reader, store_id of, int64_t step, decoded **out) {
    store_snapshot row;
    int result = NNS_E_NOT_FOUND;
    for (int tries = 0; tries < 3; tries++) {
        result = store_snapshot_at(reader, of, step, &row);
        if (result) return result;
        result = snapshot_open(c, reader, of, &row, out);
        if (result != NNS_E_NOT_FOUND) return result;
    }
    return NNS_E_CORRUPT;
}

static void no_snapshot(core_reply *reply, int result) {
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
    int result = read_at(c, reader, k->run, k->step, &d);
    if (result) {
        no_snapshot(&j->reply, result);
        return;
    }
    buf_add(&j->reply.body, snapshot_bytes(d).data, snapshot_bytes(d).length);
    snapshot_drop(c, d);
    j->reply.type = "application/vnd.nnscope.capture";
    reply_json(&j->reply, 200);
}

void core_get_snapshot(core *c, const char *key, int64_t step, core_done done, void *context) {
    inspect_job *k = new_job(c, key, work_snapshot, done, context);
    if (!k) return;
    k->step = step;
    job_submit(&c->workers, &k->j);
}

// --- values -------------------------------------------------------------------------------------

static bool fits(const inspect_job *k, const capture_section *s) {
    if (s->coding == CODING_PAIR || s->coding == CODING_TRIPLE || s->coding & CODING_PACKED)
        return false;
    if (k->units) return s->layer == k->number && s->quantity == k->quantity && !s->item;
    return s->tensor == k->number && s->quantity == k->quantity;
}

static bool look_fits(const looking *l, const capture_section *s) {
    return fits((const inspect_job *)l->answer, s);
}

static bool find(const inspect_job *k, recode_bytes in, capture_section *out) {
    for (size_t at = 0; capture_next(in.data, in.length, &at, out) == 0;)
        if (fits(k, out)) return true;
    return false;
}

static void shape_json(const uint32_t *shape, int dims, buf *out) {
    buf_char(out, '[');
    for (int i = 0; i < dims; i++)
        buf_print(out, "%s%u", i ? "," : "", shape[i]);
    buf_char(out, ']');
}

static const char *coding_word(int coding) {
    static const char *const words[] = {"", "f32", "i8", "u8", "u32", "", "", "f16"};
    return coding > 0 && coding < 8 ? words[coding] : "";
}

static void member(buf *out, const char *name, const char *text) {
    buf_print(out, ",\"%s\":", name);
    json_text(out, text);
}

static void put_json(const inspect_job *k, const json_t *meta, const capture_section *s,
                     int64_t step, bool snapshot, buf *out) {
    bool exact = !s->full[0] &&
                 (s->coding == CODING_F32 || s->coding == CODING_U32 || s->coding == CODING_U8);
    buf_print(out, "{\"step\":%lld,\"snapshot\":%s", (long long)step, snapshot ? "true" : "false");
    if (k->units)
        member(out, "layer", k->layer);
    else
        member(out, "name", k->name);
    member(out, "quantity", capture_quantity_word(s->quantity));
    const char *const words[] = {"role", "dtype"};
    for (size_t i = 0; !k->units && i < 2; i++)
        member(out, words[i], json_string_value(json_object_get(meta, words[i])));
    buf_print(out, ",\"exact\":%s", exact ? "true" : "false");
    member(out, "coding", coding_word(s->coding));
    buf_text(out, ",\"shape\":");
    shape_json(s->shape, s->dims, out);
    buf_text(out, ",\"full\":");
    json_t *full = k->units ? NULL : json_object_get(meta, "shape");
    if (json_is_array(full))
        json_print(full, out);
    else
        shape_json(s->shape, s->dims, out);
    buf_print(out, ",\"folded\":%s,\"nonfinite\":%llu,\"values\":", s->full[0] ? "true" : "false",
              (unsigned long long)s->nonfinite);
    section_json(s, out);
    buf_char(out, '}');
}

static void put_csv(const capture_section *s, buf *out) {
    size_t columns = s->dims > 1 ? s->elements / (s->shape[0] ? s->shape[0] : 1) : 1;
    for (size_t i = 0; i < s->elements && !out->failed; i++) {
        json_float(out, section_value(s, i));
        buf_text(out, (i + 1) % columns ? "," : "\n");
    }
}

static void put_capture(const capture_section *s, const capture_head *head, buf *out) {
    capture_head h = *head;
    h.number = 0;
    size_t begin = capture_begin(out, &h);
    capture_add(out, s, s->data);
    capture_end(out, begin);
}

static bool put_values(inspect_job *k, const json_t *meta, recode_bytes in, bool snapshot) {
    capture_head head;
    capture_section s;
    core_reply *reply = &k->j.reply;
    if (!in.length || capture_open(in.data, in.length, &head) || !find(k, in, &s)) return false;
    if (k->form == CORE_JSON) put_json(k, meta, &s, head.step, snapshot, &reply->body);
    if (k->form == CORE_CSV) put_csv(&s, &reply->body);
    if (k->form == CORE_COLUMNS) put_capture(&s, &head, &reply->body);
    if (k->form == CORE_CSV) reply->type = "text/csv; charset=utf-8";
    if (k->form == CORE_COLUMNS) reply->type = "application/vnd.nnscope.capture";
    reply_json(reply, 200);
    return true;
}

static const json_t *named(const json_t *list, const char *name, uint32_t *number) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        const char *its = json_string_value(json_object_get(item, "name"));
        if (!its || strcmp(its, name) != 0) continue;
        *number = (uint32_t)json_integer_value(json_object_get(item, "number"));
        return item;
    }
    return NULL;
}

static int quantity_of_role(const char *role) {
    static const struct {
        const char *role;
        int quantity;
    } roles[] = {{"weight", QUANTITY_WEIGHT},           {"weight_grad", QUANTITY_WEIGHT_GRADIENT},
                 {"update", QUANTITY_UPDATE},           {"bias", QUANTITY_BIAS},
                 {"bias_grad", QUANTITY_BIAS_GRADIENT}, {"input", QUANTITY_INPUT}};
    for (size_t i = 0; role && i < sizeof roles / sizeof *roles; i++)
        if (strcmp(role, roles[i].role) == 0) return roles[i].quantity;
    return QUANTITY_VALUE;
}

static uint32_t what_of(int quantity) {
    if (quantity == QUANTITY_WEIGHT || quantity == QUANTITY_BIAS)
        return LOOK_WEIGHTS | LOOK_MATRICES;
    if (quantity == QUANTITY_WEIGHT_GRADIENT || quantity == QUANTITY_BIAS_GRADIENT)
        return LOOK_GRADIENTS | LOOK_MATRICES;
    if (quantity == QUANTITY_UPDATE) return LOOK_UPDATES | LOOK_MATRICES;
    if (quantity == QUANTITY_CLASS_MEAN) return LOOK_CLASSES;
    return quantity < QUANTITY_WEIGHT ? LOOK_UNITS : LOOK_VALUES;
}

// Which section is meant. NULL: the reply says why not.
static const json_t *resolve(inspect_job *k, const json_t *model) {
    const char *name = k->units ? k->layer : k->name;
    const json_t *item =
        named(json_object_get(model, k->units ? "layers" : "tensors"), name, &k->number);
    if (!item) {
        reply_error(&k->j.reply, 404, k->units ? "unknown_layer" : "unknown_tensor",
                    "the run has no %s \"%.255s\"", k->units ? "layer" : "tensor", name);
        return NULL;
    }
    if (!k->units) k->quantity = quantity_of_role(json_string_value(json_object_get(item, "role")));
    return item;
}

static void work_values(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    decoded *d = NULL;
    if (!k->now) core_settle(c);
    json_t *model = model_of(c, reader, k->run);
    const json_t *meta = resolve(k, model);
    recode_bytes now = k->now ? (recode_bytes){k->now->data, k->now->length} : (recode_bytes){0};
    if (meta && !put_values(k, meta, now, false)) {
        int result = read_at(c, reader, k->run, k->step, &d);
        if (result)
            no_snapshot(&j->reply, result);
        else if (!put_values(k, meta, snapshot_bytes(d), true))
            reply_error(&j->reply, 404, "not_recorded",
                        "neither is that seen now, nor does the nearest snapshot hold it");
        snapshot_drop(c, d);
    }
    json_decref(model);
}

void look_answer(core *c, looking *l, frame *f) {
    inspect_job *k = (inspect_job *)l->answer;
    if (f) atomic_fetch_add(&f->uses, 1);
    k->now = f;
    job_submit(&c->workers, &k->j);
    mem_free(l);
}

// Lock held. True: the program is asked first.
static bool ask_now(core *c, run *r, inspect_job *k) {
    uint32_t number = 0;
    const json_t *item = k->units ? model_layer(r->network, k->layer, &number)
                                  : model_tensor(r->network, k->name, &number);
    looking *l = item && r->loaded && run_speaker(r) ? mem_new(sizeof *l) : NULL;
    if (!l) return false;
    k->number = number;
    if (!k->units) k->quantity = quantity_of_role(json_string_value(json_object_get(item, "role")));
    l->ask = (look_ask){.what = what_of(k->quantity), .units_hz10 = 100, .links_hz10 = 100};
    l->fits = look_fits;
    l->answer = &k->j;
    l->deadline_ns = clock_mono_ns() + NOW_NS;
    look_wait(c, r, l);
    return true;
}

static int quantity_of(const char *word) {
    for (int q = 1; word && q < 64; q++)
        if (strcmp(capture_quantity_word(q), word) == 0) return q;
    return 0;
}

static bool read_wishes(inspect_job *k, const core_values *q) {
    k->step = q->step;
    k->form = q->form;
    k->units = !q->tensor;
    snprintf(k->name, sizeof k->name, "%s", q->tensor ? q->tensor : "");
    snprintf(k->layer, sizeof k->layer, "%s", q->layer ? q->layer : "");
    k->quantity = k->units ? quantity_of(q->quantity ? q->quantity : "activation") : 0;
    return !k->units || (k->quantity && k->quantity < QUANTITY_WEIGHT) ||
           k->quantity == QUANTITY_BIAS || k->quantity == QUANTITY_BIAS_GRADIENT;
}

void core_get_values(core *c, const core_values *q, core_done done, void *context) {
    inspect_job *k = new_job(c, q->run, work_values, done, context);
    if (!k) return;
    if (!read_wishes(k, q)) {
        reply_error(&k->j.reply, 422, "invalid",
                    "quantity is activation, gradient, marks, mean, active, class_mean, "
                    "selectivity, weight_in, bias or bias_gradient");
        job_answer(c, &k->j);
        return;
    }
    core_lock(c);
    run *r = registry_find(c, q->run);
    bool asked = r && q->step == INT64_MAX && ask_now(c, r, k);
    core_unlock(c);
    if (!asked) job_submit(&c->workers, &k->j);
}

// --- try ----------------------------------------------------------------------------------------

static void tried(core *c, void *context, frame *f, const char *code, const char *why) {
    inspect_job *k = context;
    if (f) {
        atomic_fetch_add(&f->uses, 1);
        k->now = f;
        job_submit(&c->workers, &k->j);
        return;
    }
    int status = strcmp(code, "timeout") == 0 ? 504 : strcmp(code, "refused") == 0 ? 422 : 409;
    reply_error(&k->j.reply, status, code, "%s", why);
    job_answer(c, &k->j);
}

static const char *layer_of(const json_t *layers, uint32_t number) {
    size_t i;
    json_t *item;
    json_array_foreach(
        layers, i,
        item) if (json_integer_value(json_object_get(item, "number")) ==
                  (json_int_t)number) return json_string_value(json_object_get(item, "name"));
    return NULL;
}

static void put_activations(recode_bytes in, const json_t *layers, buf *out) {
    capture_section s;
    bool first = true;
    buf_text(out, ",\"activations\":{");
    for (size_t at = 0; capture_next(in.data, in.length, &at, &s) == 0;) {
        const char *name = s.quantity == QUANTITY_VALUE ? layer_of(layers, s.layer) : NULL;
        if (!name) continue;
        if (!first) buf_char(out, ',');
        first = false;
        json_text(out, name);
        buf_char(out, ':');
        section_json(&s, out);
    }
    buf_char(out, '}');
}

static void work_try(core *c, job *j, store_reader *reader) {
    inspect_job *k = (inspect_job *)j;
    recode_bytes in = {k->now->data, k->now->length};
    capture_head head;
    capture_section s;
    buf *out = &j->reply.body;
    json_t *model = model_of(c, reader, k->run);
    bool good = capture_open(in.data, in.length, &head) == 0, found = false;
    buf_print(out, "{\"step\":%lld,\"output\":", good ? (long long)head.step : -1);
    for (size_t at = 0; good && !found && capture_next(in.data, in.length, &at, &s) == 0;)
        found = s.quantity == QUANTITY_OUTPUT;
    if (found)
        section_json(&s, out);
    else
        buf_text(out, "[]");
    put_activations(in, json_object_get(model, "layers"), out);
    buf_char(out, '}');
    json_decref(model);
    reply_json(&j->reply, 200);
}

void core_post_try(core *c, const char *key, const char *json, size_t bytes, int64_t wait_ms,
                   core_done done, void *context) {
    core_reply reply = {0};
    json_t *wanted = reply_parse(&reply, json, bytes);
    if (!wanted) {
        answer_later(c, &reply, done, context);
        return;
    }
    inspect_job *k = new_job(c, key, work_try, done, context);
    if (k) {
        core_lock(c);
        run *r = registry_find(c, key);
        bool sent = push_call(c, r, wanted, wait_ms * NS_PER_MS, tried, k, &k->j.reply);
        core_unlock(c);
        if (!sent) job_answer(c, &k->j);
    }
    json_decref(wanted);
}
