// Unit record_http.c records what comes over HTTP: runs, and points as an object, an array, or objects one after the
// other (SEMANTICS 29). One thread, in order of arrival: parse, write records into a segment, answer. From there the
// points go the way of all others: ingest reads the journal.
//
// Each run that records so has a process of its own per life of the server, with one lane:
//
//     EVENT STARTED {"http": true, ...}, then for each object: [TIME] STEP {SERIES} SCALAR...
//
// Invariants: (1) a body is recorded as a whole or not at all; (2) 200 means it is in the journal; (3) a series is
// declared in the journal before it is used: declarations of a body that failed wait for the next one.
#include "run.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/le.h"
#include "base/log.h"
#include "journal/place.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

enum { NAMES_MAX = 1 << 16, CACHE_SLOTS_MIN = 64 };

typedef struct http_run {
    struct http_run *next;
    nns_id run, process;
    segment_writer writer;
    uint64_t sequence;
    int64_t step, time_ms;
    bool stepped, started;
    char **names;       // by series number - 1
    uint32_t count;
    uint32_t *slot;     // hash of names -> number
    uint32_t slots;
    buf declarations;   // SERIES records not written yet
    buf records;
} http_run;

// --- series by name -----------------------------------------------------------------------------

static int grow_slots(http_run *h) {
    if ((h->count + 1) * 2 <= h->slots) return 0;
    uint32_t slots = h->slots ? h->slots * 2 : CACHE_SLOTS_MIN;
    uint32_t *slot = mem_array(slots, sizeof *slot);
    char **names = mem_grow(h->names, slots, sizeof *names);
    if (names) h->names = names;
    if (!slot || !names) {
        mem_free(slot);
        return NNS_E_NO_MEMORY;
    }
    mem_free(h->slot);
    h->slot = slot;
    h->slots = slots;
    for (uint32_t i = 0; i < h->count; i++) {
        size_t at = hash_text(names[i], strlen(names[i])) & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    return 0;
}

static void pad8(buf *out) {
    buf_align8(out);
}

static void declare(http_run *h, uint32_t number, const char *name, size_t bytes) {
    uint8_t head[16] = {0};
    size_t words = (16 + bytes + 7) / 8;
    le_put_u16(head, RECORD_SERIES);
    le_put_u16(head + 2, (uint16_t)words);
    le_put_u32(head + 4, number);
    head[8] = SERIES_SCALAR;
    le_put_u16(head + 10, (uint16_t)bytes);
    buf_add(&h->declarations, head, sizeof head);
    buf_add(&h->declarations, name, bytes);
    pad8(&h->declarations);
}

// Number of the series, 0 when it cannot be.
static uint32_t series_number(http_run *h, const char *name, size_t bytes) {
    if (grow_slots(h)) return 0;
    size_t at = hash_text(name, bytes) & (h->slots - 1);
    for (; h->slot[at]; at = (at + 1) & (h->slots - 1)) {
        const char *have = h->names[h->slot[at] - 1];
        if (strncmp(have, name, bytes) == 0 && have[bytes] == 0) return h->slot[at];
    }
    if (bytes == 0 || bytes > SERIES_NAME_MAX || h->count >= NAMES_MAX) return 0;
    char *copy = mem_text(name, bytes);
    if (!copy) return 0;
    h->names[h->count++] = copy;
    h->slot[at] = h->count;
    declare(h, h->count, name, bytes);
    return h->count;
}

// --- records ------------------------------------------------------------------------------------

static void put_record(buf *out, uint16_t kind, uint32_t a, const void *rest, size_t bytes) {
    uint8_t head[8];
    le_put_u16(head, kind);
    le_put_u16(head + 2, (uint16_t)((8 + bytes + 7) / 8));
    le_put_u32(head + 4, a);
    buf_add(out, head, sizeof head);
    buf_add(out, rest, bytes);
    pad8(out);
}

static void put_time(http_run *h, int64_t time_ms) {
    int64_t wall_ns = time_ms * NS_PER_MS;
    if (time_ms == h->time_ms) return;
    put_record(&h->records, RECORD_TIME, 0, &wall_ns, 8);
    h->time_ms = time_ms;
}

static void put_step(http_run *h, int64_t step, int64_t time_ms) {
    bool again = h->stepped && step == h->step && time_ms == h->time_ms;
    if (again) return;
    put_time(h, time_ms);
    int64_t body[2] = {step, 0};
    put_record(&h->records, RECORD_STEP, 0, body, sizeof body);
    h->step = step;
    h->stepped = true;
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
    if (!body.failed && !text.failed) put_record(&h->records, RECORD_EVENT, EVENT_STARTED, body.data, body.length);
    buf_fini(&body);
    buf_fini(&text);
    h->started = true;
}

// --- one object ---------------------------------------------------------------------------------

typedef struct taking {
    http_run *h;
    core_reply *reply;
    const char *body;
    size_t bytes, at, item;   // at: where the present object starts
    uint64_t points;
    int64_t now_ms;
} taking;

static void line_and_column(const taking *t, size_t at, int *line, int *column) {
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < t->bytes; i++) {
        *column = t->body[i] == '\n' ? 1 : *column + 1;
        *line += t->body[i] == '\n';
    }
}

static bool wrong(taking *t, const char *what, const char *name) {
    int line, column;
    line_and_column(t, t->at, &line, &column);
    reply_error(t->reply, 400, "bad_point", "object %zu (line %d column %d): %s%s%.80s%s", t->item + 1, line, column, what,
                name ? " (\"" : "", name ? name : "", name ? "\")" : "");
    return false;
}

static bool value_of(const json_t *value, double *v) {
    if (json_is_number(value)) {
        *v = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text) return false;
    if (strcmp(text, "NaN") == 0) *v = NAN;
    else if (strcmp(text, "Infinity") == 0) *v = INFINITY;
    else if (strcmp(text, "-Infinity") == 0) *v = -INFINITY;
    else return false;
    return true;
}

static bool step_of(taking *t, const json_t *object, int64_t *step) {
    const json_t *value = json_object_get(object, "step");
    *step = t->h->stepped ? t->h->step + 1 : t->h->step;
    if (!value) return true;
    double v = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(fabs(v) <= 9007199254740992.0) || v != floor(v) || v < 0) return wrong(t, "step must be a whole number from 0", NULL);
    *step = (int64_t)v;
    return true;
}

static bool time_of(taking *t, const json_t *object, int64_t *time_ms) {
    const json_t *value = json_object_get(object, "time");
    *time_ms = t->now_ms;
    if (!value) return true;
    double v = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(v >= 0 && v < 1e11)) return wrong(t, "time must be seconds since 1970", NULL);
    *time_ms = (int64_t)(v * 1000.0 + 0.5);
    return true;
}

static void put_scalar(taking *t, uint32_t number, double v) {
    put_record(&t->h->records, RECORD_SCALAR, number, &v, sizeof v);
    t->points++;
}

static bool take_object(taking *t, json_t *object) {
    int64_t step, time_ms;
    const char *name;
    json_t *value;
    double v;
    if (!json_is_object(object)) return wrong(t, "an object of names and numbers is wanted", NULL);
    if (!step_of(t, object, &step) || !time_of(t, object, &time_ms)) return false;
    put_step(t->h, step, time_ms);
    json_object_foreach(object, name, value) {
        if (strcmp(name, "step") == 0 || strcmp(name, "time") == 0) continue;
        if (!value_of(value, &v)) return wrong(t, "a value must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"", name);
        if (strcmp(name, "epoch") == 0) {
            uint8_t progress[16];
            le_put_f64(progress, v);
            le_put_i64(progress + 8, -1);
            put_record(&t->h->records, RECORD_PROGRESS, 0, progress, sizeof progress);
            continue;
        }
        uint32_t number = series_number(t->h, name, strlen(name));
        if (!number) return wrong(t, "a name has 1 to 255 bytes, and there are at most 65536", name);
        put_scalar(t, number, v);
    }
    t->item++;
    return true;
}

// --- a body -------------------------------------------------------------------------------------

static bool bad_json(taking *t, const json_error_t *error) {
    int line, column;
    size_t at = t->at + (error->position > 0 ? (size_t)error->position : 0);
    line_and_column(t, at, &line, &column);
    reply_error(t->reply, 400, "bad_json", "line %d column %d: %s", line, column, error->text);
    return false;
}

static void skip_space(taking *t) {
    while (t->at < t->bytes && isspace((unsigned char)t->body[t->at]))
        t->at++;
}

static bool take_array(taking *t, json_t *array) {
    json_t *object;
    size_t i;
    json_array_foreach(array, i, object) {
        if (!take_object(t, object)) return false;
    }
    return true;
}

static bool take_slow(taking *t) {
    json_error_t error;
    json_t *value = json_loadb(t->body + t->at, t->bytes - t->at, JSON_DISABLE_EOF_CHECK, &error);
    if (!value) return bad_json(t, &error);
    bool good = json_is_array(value) ? take_array(t, value) : take_object(t, value);
    json_decref(value);
    t->at += (size_t)error.position; // bytes read
    return good;
}

// --- the quick way ------------------------------------------------------------------------------
//
// Most bodies are flat objects of plain names and plain numbers, one a line. Those are read in place, without building
// JSON values; anything else (escapes, texts, exponents of doubt, errors) goes the slow way from the same place.

enum { QUICK_MEMBERS = 64 };

typedef struct member {
    const char *name;
    size_t bytes;
    double value;
} member;

static const char *blank(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

// A plain JSON number; exact: at most 15 digits and a small power of ten, else strtod. NULL: not plain.
static const char *quick_number(const char *at, const char *end, double *v) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
                                    1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *start = at;
    bool below = at < end && *at == '-';
    uint64_t digits = 0;
    int count = 0, scale = 0;
    at += below;
    if (at >= end || *at < '0' || *at > '9' || (*at == '0' && at + 1 < end && at[1] >= '0' && at[1] <= '9')) return NULL;
    for (; at < end && *at >= '0' && *at <= '9'; at++, count++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.') {
        const char *dot = ++at;
        for (; at < end && *at >= '0' && *at <= '9'; at++, count++)
            digits = digits * 10 + (uint64_t)(*at - '0');
        if (at == dot) return NULL;
        scale = (int)(at - dot);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *e = at + 1;
        bool minus = e < end && *e == '-';
        e += e < end && (*e == '-' || *e == '+');
        if (e >= end || *e < '0' || *e > '9') return NULL;
        int power = 0;
        for (; e < end && *e >= '0' && *e <= '9' && power < 10000; e++)
            power = power * 10 + (*e - '0');
        scale += minus ? power : -power;
        at = e;
    }
    if (count > 15 || scale > 22 || scale < -22) {
        char text[64];
        if (at - start >= (ptrdiff_t)sizeof text) return NULL;
        memcpy(text, start, (size_t)(at - start));
        text[at - start] = 0;
        *v = strtod(text, NULL);
        return isfinite(*v) ? at : NULL;
    }
    *v = scale >= 0 ? (double)digits / powers[scale] : (double)digits * powers[-scale];
    if (below) *v = -*v;
    return at;
}

// A name without escapes and bytes above ASCII. NULL: not plain.
static const char *quick_name(const char *at, const char *end, member *m) {
    if (at >= end || *at != '"') return NULL;
    m->name = ++at;
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7F)
        at++;
    if (at >= end || *at != '"') return NULL;
    m->bytes = (size_t)(at - m->name);
    return at + 1;
}

static const char *quick_members(const char *at, const char *end, member *m, size_t *count) {
    for (*count = 0; *count < QUICK_MEMBERS; ++*count) {
        at = quick_name(blank(at, end), end, &m[*count]);
        if (!at) return NULL;
        at = blank(at, end);
        if (at >= end || *at++ != ':') return NULL;
        at = quick_number(blank(at, end), end, &m[*count].value);
        if (!at) return NULL;
        at = blank(at, end);
        if (at >= end) return NULL;
        if (*at == '}') {
            ++*count;
            return at + 1;
        }
        if (*at++ != ',') return NULL;
    }
    return NULL;
}

static bool is_name(const member *m, const char *word) {
    return m->bytes == strlen(word) && memcmp(m->name, word, m->bytes) == 0;
}

// A name twice in one object, or a name with a meaning of its own that has an odd value: the slow way decides.
static bool quick_head(const taking *t, const member *m, size_t count, int64_t *step, int64_t *time_ms) {
    int steps = 0, times = 0;
    *step = t->h->stepped ? t->h->step + 1 : t->h->step;
    *time_ms = t->now_ms;
    for (size_t i = 0; i < count; i++) {
        if (m[i].bytes == 0 || m[i].bytes > SERIES_NAME_MAX || is_name(&m[i], "epoch")) return false;
        if (is_name(&m[i], "step")) {
            if (steps++ || m[i].value < 0 || m[i].value > 9007199254740992.0 || m[i].value != floor(m[i].value)) return false;
            *step = (int64_t)m[i].value;
        } else if (is_name(&m[i], "time")) {
            if (times++ || !(m[i].value >= 0 && m[i].value < 1e11)) return false;
            *time_ms = (int64_t)(m[i].value * 1000.0 + 0.5);
        }
        for (size_t k = 0; k < i && count <= 16; k++)
            if (m[k].bytes == m[i].bytes && memcmp(m[k].name, m[i].name, m[i].bytes) == 0) return false;
    }
    return true;
}

static bool take_quick(taking *t) {
    member m[QUICK_MEMBERS];
    size_t count;
    int64_t step, time_ms;
    uint32_t numbers[QUICK_MEMBERS];
    const char *end = t->body + t->bytes;
    if (t->body[t->at] != '{') return false;
    const char *at = quick_members(t->body + t->at + 1, end, m, &count);
    if (!at || !quick_head(t, m, count, &step, &time_ms)) return false;
    for (size_t i = 0; i < count; i++) {
        bool value = !is_name(&m[i], "step") && !is_name(&m[i], "time");
        numbers[i] = value ? series_number(t->h, m[i].name, m[i].bytes) : 0;
        if (value && !numbers[i]) return false;
    }
    put_step(t->h, step, time_ms);
    for (size_t i = 0; i < count; i++)
        if (numbers[i]) put_scalar(t, numbers[i], m[i].value);
    t->item++;
    t->at = (size_t)(at - t->body);
    return true;
}

static bool take_body(taking *t) {
    for (skip_space(t); t->at < t->bytes; skip_space(t)) {
        if (t->body[t->at] == ',') { // objects with commas between, as of a list without brackets
            reply_error(t->reply, 400, "bad_json", "objects stand one after the other, or in an array");
            return false;
        }
        if (!take_quick(t) && !take_slow(t)) return false;
    }
    return true;
}

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
    run *r = id_valid(key) ? registry_find(c, key) : NULL;
    bool known = r && !r->deleted;
    http_run *h = known ? find(c, key) : NULL;
    process *p = h ? process_find(r, h->process.text) : NULL;
    bool ended = p && (p->closed || p->state == PROC_OVER);
    int64_t last_step = known ? r->row.last_step : -1;
    core_unlock(c);
    if (h && (ended || !known)) {
        drop(c, h);
        h = NULL;
    }
    if (!known) reply_error(reply, 404, "not_found", "there is no such run");
    else if (!h && !(h = open_writer(c, key, last_step))) reply_error(reply, 503, "full", "the journal cannot be written");
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

static void tell_engine(core *c, const char *key) {
    core_lock(c);
    run *r = registry_find(c, key);
    if (r) {
        if (!r->is_active) run_activate(c, r);
        if (!r->process_count) r->dir_fresh = true;
    }
    core_unlock(c);
    core_ring(c);
}

// --- jobs ---------------------------------------------------------------------------------------

typedef struct points_job {
    job j;
    char key[27];
    size_t bytes;
    char body[];
} points_job;

static void take_job(core *c, http_run *h, points_job *k) {
    taking t = {.h = h, .reply = &k->j.reply, .body = k->body, .bytes = k->bytes, .now_ms = clock_wall_ms()};
    int64_t step = h->step, time_ms = h->time_ms;
    bool stepped = h->stepped, started = h->started;
    if (!h->started) put_started(c, h);
    bool good = take_body(&t);
    int result = good ? write_body(h) : 0;
    buf_clear(&h->records);
    if (!good || result) {
        h->step = step;
        h->time_ms = time_ms;
        h->stepped = stepped;
        h->started = started;
        if (result) reply_error(&k->j.reply, 503, "full", "the journal cannot be written: %s", error_sentence(result));
        return;
    }
    tell_engine(c, k->key);
    buf_print(&k->j.reply.body, "{\"points\":%" PRIu64 ",\"objects\":%zu,\"last_step\":%" PRId64 "}", t.points, t.item, h->step);
    reply_json(&k->j.reply, 200);
}

static void work(core *c, job *j, store_reader *reader) {
    points_job *k = (points_job *)j;
    (void)reader;
    http_run *h = writer_of(c, k->key, &j->reply);
    if (h) take_job(c, h, k);
}

void core_post_points(core *c, const char *key, const char *json, size_t bytes, core_done done, void *context) {
    core_reply error = {0};
    points_job *k = mem_new(sizeof *k + bytes + 1);
    if (!k || !id_valid(key)) {
        mem_free(k);
        if (!k) reply_error(&error, 503, "no_memory", "out of memory");
        else reply_error(&error, 404, "not_found", "there is no such run");
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
        reply_error(reply, 422, "invalid", "an id has 26 characters of 0-9 and a-z without i, l, o, u");
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

void core_post_run(core *c, const char *json, size_t bytes, const core_author *who, core_reply *reply) {
    json_t *parsed = reply_parse(reply, bytes ? json : "{}", bytes ? bytes : 2);
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
