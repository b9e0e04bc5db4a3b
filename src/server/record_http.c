// Unit record_http.c records what comes over HTTP: it makes runs, and writes bodies of points (http_points.c) into
// segments. One thread, in order of arrival: read a body, write its records, answer. From there the points go the way of all
// others: ingest reads the journal.
//
// Each run that records so has a process of its own per life of the server, with one lane:
//
//     EVENT STARTED {"http": true, ...}, then the records of the points
//
// Invariants: (1) a body is recorded as a whole or not at all; (2) 200 means it is in the journal, and the process known; (3) a
// series is declared in the journal before it is used: declarations of a body that failed wait for the next one.
#include "http_points.h"
#include "run.h"

#include "base/clock.h"
#include "base/le.h"
#include "base/log.h"
#include "journal/place.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

// --- the run's writer ---------------------------------------------------------------------------

static http_run *find(core *c, const char *key) {
    http_run *h = c->http_runs;
    while (h && strcmp(h->run.text, key) != 0)
        h = h->next;
    return h;
}

static void fini_one(http_run *h) {
    segment_writer_fini(&h->writer);
    for (uint32_t i = 0; i < h->count; i++)
        mem_free(h->names[i]);
    mem_free(h->names);
    mem_free(h->slot);
    buf_fini(&h->declarations);
    buf_fini(&h->records);
    mem_free(h);
}

static void drop(core *c, http_run *h) {
    http_run **at = &c->http_runs;
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    fini_one(h);
}

void record_http_fini(core *c) {
    while (c->http_runs)
        drop(c, c->http_runs);
}

static http_run *open_writer(core *c, const char *key, int64_t last_step) {
    char folder[PATH_CAP];
    http_run *h = mem_new(sizeof *h);
    if (!h) return NULL;
    memcpy(h->run.text, key, sizeof h->run.text);
    h->writer.fd = -1;
    int result = id_new(&h->process);
    if (!result) result = place_run(c->dir, key, folder);
    if (!result) result = file_folder(folder);
    if (!result) result = segment_writer_init(&h->writer, folder, key, h->process.text);
    if (result) {
        log_warn("run %s cannot be recorded: %s", key, error_sentence(result));
        mem_free(h);
        return NULL;
    }
    h->step = last_step + 1;
    h->next = c->http_runs;
    c->http_runs = h;
    return h;
}

// The writer of the run; a new one when its process was ended by hand.
static http_run *writer_of(core *c, const char *key, core_reply *reply) {
    core_lock(c);
    run *r = registry_named(c, key);
    bool known = r != NULL;
    http_run *h = known ? find(c, key) : NULL;
    process *p = h ? process_find(r, h->process.text) : NULL;
    bool ended = p && (p->closed || p->state == PROC_OVER);
    int64_t last_step = known ? r->row.last_step : -1;
    core_unlock(c);
    if (h && (ended || !known)) {
        drop(c, h);
        h = NULL;
    }
    if (!known)
        reply_error(reply, 404, "not_found", "there is no such run");
    else if (!h && !(h = open_writer(c, key, last_step)))
        reply_error(reply, 503, "full", "the journal cannot be written");
    return known ? h : NULL;
}

static int write_out(http_run *h, const buf *records) {
    if (!records->length) return 0;
    int result = segment_append(&h->writer, 0, h->sequence, records->data, records->length);
    if (!result) h->sequence += records->length;
    return result;
}

// Declarations first, then what uses them.
static int write_body(http_run *h) {
    if (h->declarations.failed || h->records.failed) return NNS_E_NO_MEMORY;
    int result = write_out(h, &h->declarations);
    if (!result) buf_clear(&h->declarations);
    if (!result) result = write_out(h, &h->records);
    return result;
}

// Its process is known from now on: that it ends is up to a person, who may say so at once.
static void meet_process(core *c, run *r, const http_run *h) {
    run_extra_load(r); // numbers of processes and generations of a run at rest
    process *p = process_find(r, h->process.text);
    if (!p && (p = process_new(c, r, h->process.text))) {
        p->ended = true; // has no alive file
        r->wants_state = false;
        process_join(p);
    }
    if (p && !p->http) p->http = p->state_dirty = true;
}

// Before the first byte is in its journal: the engine must not meet it there and take it for one that has ended.
static void introduce(core *c, const http_run *h) {
    core_lock(c);
    run *r = registry_named(c, h->run.text);
    if (r) meet_process(c, r, h);
    core_unlock(c);
}

static void tell_engine(core *c, const http_run *h) {
    core_lock(c);
    run *r = registry_named(c, h->run.text);
    process *p = r ? process_find(r, h->process.text) : NULL;
    // Not earlier: the engine would look before there is anything, and not again for a second.
    if (p) p->told = true;
    // Its file is there now, and is seen before it may end.
    if (p && !p->segment_count) p->rescan = true;
    if (r) run_activate(c, r);
    core_unlock(c);
    core_ring(c);
}

static void put_started(core *c, http_run *h) {
    buf text = {0};
    core_lock(c);
    run *r = registry_find(c, h->run.text);
    buf_text(&text, "{\"http\":true,\"process\":");
    json_text(&text, h->process.text);
    if (r && r->row.project) {
        buf_text(&text, ",\"project\":");
        json_text(&text, r->row.project);
    }
    if (r && r->row.name) {
        buf_text(&text, ",\"name\":");
        json_text(&text, r->row.name);
    }
    core_unlock(c);
    buf_char(&text, '}');
    uint8_t head[16] = {0};
    buf body = {0};
    le_put_u32(head + 8, (uint32_t)text.length);
    buf_add(&body, head, sizeof head);
    buf_add(&body, text.data, text.length);
    if (!body.failed && !text.failed)
        http_put_record(&h->records, RECORD_EVENT, EVENT_STARTED, body.data, body.length);
    buf_fini(&body);
    buf_fini(&text);
    h->started = true;
}

// --- jobs ---------------------------------------------------------------------------------------

typedef struct points_job {
    job j;
    char key[27];
    size_t bytes;
    char body[];
} points_job;

enum { RECORDS_KEPT = 64 << 10 };

static void take_job(core *c, http_run *h, points_job *k) {
    points_taken taken;
    int64_t step = h->step, time_ms = h->time_ms;
    bool stepped = h->stepped, started = h->started;
    if (!h->started) put_started(c, h);
    bool good = http_points_take(h, k->body, k->bytes, &taken, &k->j.reply);
    if (good) introduce(c, h);
    int result = good ? write_body(h) : 0;
    buf_clear(&h->records);
    // Not a large body for every run that sent one.
    if (h->records.capacity > RECORDS_KEPT) buf_fini(&h->records);
    if (!good || result) {
        h->step = step;
        h->time_ms = time_ms;
        h->stepped = stepped;
        h->started = started;
        if (result)
            reply_error(&k->j.reply, 503, "full", "the journal cannot be written: %s",
                        error_sentence(result));
        return;
    }
    tell_engine(c, h);
    buf_print(&k->j.reply.body,
              "{\"points\":%" PRIu64 ",\"objects\":%zu,\"last_step\":%" PRId64 "}", taken.points,
              taken.objects, h->step);
    reply_json(&k->j.reply, 200);
}

static void work(core *c, job *j, store_reader *reader) {
    points_job *k = (points_job *)j;
    (void)reader;
    http_run *h = writer_of(c, k->key, &j->reply);
    if (h) take_job(c, h, k);
}

static void work_ended(core *c, job *j, store_reader *reader) {
    points_job *k = (points_job *)j;
    (void)reader;
    core_lock(c);
    run *r = registry_find(c, k->key);
    http_run *h = find(c, k->key);
    process *p = r && h ? process_find(r, h->process.text) : NULL;
    bool ended = h && (!r || (p ? p->closed || p->state == PROC_OVER : !r->process_count));
    core_unlock(c);
    if (ended) drop(c, h);
}

// In its turn, behind the bodies that came before.
void record_http_ended(core *c, const run *r) {
    points_job *k = mem_new(sizeof *k);
    if (!k) return; // it closes with the server
    k->j.work = work_ended;
    memcpy(k->key, r->row.key, sizeof k->key);
    job_submit(&c->recorder, &k->j);
}

void core_post_points(core *c, const char *key, const char *json, size_t bytes, core_done done,
                      void *context) {
    core_reply error = {0};
    points_job *k = mem_new(sizeof *k + bytes + 1);
    if (!k || !id_valid(key)) {
        mem_free(k);
        if (!k)
            reply_error(&error, 503, "no_memory", "out of memory");
        else
            reply_error(&error, 404, "not_found", "there is no such run");
        answer_later(c, &error, done, context);
        return;
    }
    k->j = (job){.work = work, .done = done, .context = context};
    memcpy(k->key, key, sizeof k->key);
    memcpy(k->body, json, bytes);
    k->bytes = bytes;
    job_submit(&c->recorder, &k->j);
}

// --- runs ---------------------------------------------------------------------------------------

static void set_facts(run *r, const json_t *json) {
    json_t *facts = json_object_get(json, "facts"), *config = json_object_get(json, "config");
    json_t *all = r->row.facts ? json_loads(r->row.facts, 0, NULL) : json_object();
    if (json_is_object(facts)) json_object_update(all, facts);
    if (config) json_object_set(all, "config", config);
    char *text = json_printed(all);
    if (text) run_set_text(&r->row.facts, text);
    mem_free(text);
    if (r->loaded && json_is_object(all)) {
        json_decref(r->facts);
        r->facts = json_incref(all);
    }
    json_decref(all);
}

static run *make_run(core *c, const char *key) {
    nns_id id;
    if (!key && id_new(&id)) return NULL;
    run *r = run_new(c, key ? key : id.text);
    if (!r) return NULL;
    r->loaded = r->details_known = true;
    r->facts = json_object();
    r->row.heard_ms = clock_wall_ms();
    run_activate(c, r);
    return r;
}

static void post_run(core *c, const json_t *json, core_reply *reply) {
    const char *key = json_string_value(json_object_get(json, "id"));
    if (key && !id_valid(key)) {
        reply_error(reply, 422, "invalid",
                    "an id has 26 characters of 0-9 and a-z without i, l, o, u");
        return;
    }
    run *r = key ? registry_find(c, key) : NULL;
    bool is_new = !r;
    if (!r) r = make_run(c, key);
    if (!r || r->deleted) {
        reply_error(reply, 503, "no_memory", "the run cannot be made");
        return;
    }
    run_set_members(r, json);
    set_facts(r, json);
    run_touch(c, r);
    run_put(c, r);
    c->commit_soon = true;
    run_json(r, &reply->body, true);
    reply_json(reply, is_new ? 201 : 200);
}

void core_post_run(core *c, const char *json, size_t bytes, const core_author *who,
                   core_reply *reply) {
    json_t *parsed = reply_parse(reply, "new_run", bytes ? json : "{}", bytes ? bytes : 2);
    if (!parsed) return;
    if (run_check_members(parsed, reply)) {
        core_lock(c);
        post_run(c, parsed, reply);
        core_unlock(c);
        core_audit(c, who, "post run", NULL, NULL);
    }
    json_decref(parsed);
    core_ring(c);
}
