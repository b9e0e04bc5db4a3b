// Unit try.c pushes a sample for POST runs/ID/try (push.c) and answers with the capture that comes back, as JSON.
#include "inspect.h"

#include "base/clock.h"

#include <string.h>

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
    json_array_foreach(layers, i, item)
        if (json_integer_value(json_object_get(item, "number")) == (json_int_t)number)
            return json_string_value(json_object_get(item, "name"));
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
    json_t *model = inspect_model(c, reader, k->run);
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
    json_t *wanted = reply_parse(&reply, "sample", json, bytes);
    if (!wanted) {
        answer_later(c, &reply, done, context);
        return;
    }
    inspect_job *k = inspect_new(c, key, work_try, done, context);
    if (k) {
        core_lock(c);
        run *r = registry_named(c, key);
        bool sent = push_call(c, r, wanted, wait_ms * NS_PER_MS, tried, k, &k->j.reply);
        core_unlock(c);
        if (!sent) job_answer(c, &k->j);
    }
    json_decref(wanted);
}
