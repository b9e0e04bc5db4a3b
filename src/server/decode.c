// Unit decode.c puts the records of a block into the store and the registry: the one dispatcher over record
// kinds (record.h draws them). With the lock; steps aside every 8 kB of records, at a border between two.
//
// Invariants: (1) `next` of the lane is exact whenever the lock is let go, so that a commit there is a moment between
// two records; (2) a STEP governs all records behind it in the lane; what comes before any counts as the run's last step;
// (3) a record that makes no sense is skipped, never fatal.
#include "network.h"
#include "run.h"

#include "base/clock.h"
#include "base/le.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BREATHE_BYTES 8192u
#define STEP_MAX (INT64_C(1) << 53)
enum { FACTS_BYTES_MAX = 1 << 20 };

typedef struct decoding {
    core *c;
    process *p;
    run *r;
    lane_state *l;
    int64_t offset_ns; // monotonic to wall
    bool force, stepped;
    uint64_t points;
} decoding;

// --- steps and values ---------------------------------------------------------------------------

static void enter_step(decoding *d, int64_t step, int64_t time_ms) {
    lane_state *l = d->l;
    run *r = d->r;
    uint32_t attempt = attempt_of(r, d->p, l, step, time_ms);
    assert(attempt >= l->attempt);
    l->attempt = attempt;
    l->step = step;
    l->time_ms = time_ms;
    l->stepped = true;
    l->adrift = false;
    store_step(l->group, attempt, step, time_ms);
    if (!r->row.started_ms) r->row.started_ms = time_ms;
    if (attempt > r->row.attempt || (attempt == r->row.attempt && step > r->row.last_step))
        r->row.last_step = step;
    if (attempt > r->row.attempt) r->row.attempt = attempt;
    d->stepped = true;
}

// Numbers out of a file may be anything; what is kept stays where sums cannot overflow.
static int64_t within(int64_t v, int64_t limit) {
    return v > limit ? limit : v < -limit ? -limit : v;
}

// Wall time of a moment of the process's monotonic clock.
static int64_t wall_ms(const decoding *d, const uint8_t *mono_ns) {
    if (d->l->wall_ms) return d->l->wall_ms;
    int64_t wall_ns = (int64_t)(le_u64(mono_ns) + (uint64_t)d->offset_ns);
    return wall_ns > 0 ? wall_ns / NS_PER_MS : 0;
}

static void take_step(decoding *d, const uint8_t *at) {
    enter_step(d, within(le_i64(at + 8), STEP_MAX), wall_ms(d, at + 16));
}

// Values before any step of the lane.
static void need_step(decoding *d) {
    if (d->l->stepped) return;
    int64_t step = d->r->row.last_step > 0 ? d->r->row.last_step : 0;
    d->l->attempt = (uint32_t)d->r->row.attempt;
    d->l->step = step;
    d->l->time_ms = d->p->info.opened_ms > 0 ? d->p->info.opened_ms : clock_wall_ms();
    store_step(d->l->group, d->l->attempt, step, d->l->time_ms);
}

static live_series *series_of(const decoding *d, uint32_t a, int kind) {
    live_series *s = a < d->p->series_end ? d->p->series[a] : NULL;
    return s && s->kind == kind ? s : NULL;
}

static bool undeclared(const decoding *d, uint32_t a) {
    return !d->force && (a >= d->p->series_end || !d->p->series[a]);
}

static void begin_series(decoding *d, live_series *s) {
    s->begun = true;
    series_mind(s);
    s->shown = d->r->series_version = ++d->r->change;
    run_touch(d->c, d->r);
}

static void extra(decoding *d, live_series *s, double value) {
    if (!s->begun) begin_series(d, s);
    if (s->tap) tap_push(s, d->l, value);
    if (s->main) spark_add(d->r, value);
    if (s->param && !(s->param->value == value)) {
        s->param->value = value;
        param_changed(d->r, s->param, d->l->step, NULL);
    }
}

// --- what happened ------------------------------------------------------------------------------

static json_t *object_of(const uint8_t *at, size_t bytes) {
    json_t *json = json_loadb((const char *)at, bytes, JSON_ALLOW_NUL, NULL);
    if (json_is_object(json)) return json;
    json_decref(json);
    return bytes ? json_pack("{s:o}", "text", text_json(at, bytes)) : json_object();
}

static void set_once(char **field, const json_t *from, const char *name) {
    const char *text = json_string_value(json_object_get(from, name));
    if (!*field && text && *text) run_set_text(field, text);
}

static void take_started(decoding *d, const json_t *text) {
    run *r = d->r;
    set_once(&r->row.name, text, "name");
    set_once(&r->row.project, text, "project");
    set_once(&r->row.group, text, "group");
    set_once(&r->row.notes, text, "notes");
    json_t *tags = json_object_get(text, "tags");
    if (!r->row.tags && json_is_array(tags)) r->row.tags = json_dumps(tags, JSON_COMPACT);
    if (!d->p->info.pid) d->p->info.pid = (int)json_integer_value(json_object_get(text, "pid"));
    if (!d->p->info.host[0]) {
        const char *host = json_string_value(json_object_get(text, "host"));
        snprintf(d->p->info.host, sizeof d->p->info.host, "%s", host ? host : "");
    }
    d->p->info.rank = (int)json_integer_value(json_object_get(text, "rank"));
    if (json_is_true(json_object_get(text, "http"))) d->p->http = true;
    json_t *commands = json_object_get(text, "commands");
    if (commands && r->facts) {
        json_object_set(r->facts, "commands", commands);
        r->facts_dirty = true;
    }
}

// Parameters that changed, in an event's {"values": {NAME: {"from", "to"}}}: who and when.
static void note_changes(decoding *d, json_t *text, const char *by) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(text, "values"), name, value) {
        param *q = param_find(d->r, name, strlen(name));
        if (q) param_changed(d->r, q, d->l->step, by);
    }
}

// An event that answers a command comes from each process; one row is enough.
static bool repeated(pending *m) {
    if (!m) return false;
    bool again = m->event_written;
    m->event_written = true;
    return again;
}

static void take_event(decoding *d, uint32_t type, const uint8_t *at) {
    uint64_t number = le_u64(at + 8);
    pending *m = number ? command_find(d->r, number) : NULL;
    json_t *text = object_of(at + 24, le_u32(at + 16));
    need_step(d);
    if (type == EVENT_STARTED) take_started(d, text);
    if (type == EVENT_PARAMETER) note_changes(d, text, m ? m->author : NULL);
    if (type == EVENT_PROGRAM) note_changes(d, text, "program");
    if (type == EVENT_PAUSED) d->p->paused = true;
    if (type == EVENT_RESUMED) d->p->paused = false;
    d->p->state_dirty = true;
    if (!*record_event_word(type) || repeated(m)) {
        json_decref(text);
        return;
    }
    // While a run is paused its step grows old: what answers a command was not before the command was asked.
    int64_t time_ms = m && m->asked_ms > d->l->time_ms ? m->asked_ms : d->l->time_ms;
    run_event(d->c, d->r, (int)type, d->l->step, time_ms, text, m ? m->author : NULL,
              m ? m->from : NULL, number);
    json_decref(text);
}

static void take_fact(decoding *d, const uint8_t *at) {
    size_t key_bytes = le_u16(at + 8), value_bytes = le_u32(at + 12);
    char key[SERIES_NAME_MAX + 1];
    run *r = d->r;
    if (!r->facts || !name_text(key, at + 16, key_bytes)) return;
    json_t *value = json_loadb((const char *)at + 16 + key_bytes, value_bytes,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!value) value = text_json(at + 16 + key_bytes, value_bytes);
    if (r->facts_bytes + key_bytes + value_bytes > FACTS_BYTES_MAX ||
        json_object_set_new(r->facts, key, value)) {
        return;
    }
    r->facts_bytes += key_bytes + value_bytes;
    r->facts_dirty = true;
    run_touch(d->c, r);
}

static void take_progress(decoding *d, const uint8_t *at) {
    double epoch = le_f64(at + 8);
    d->r->row.epoch = isfinite(epoch) ? epoch : 0;
    int64_t total = le_i64(at + 16);
    if (total >= 0) d->r->row.total_steps = within(total, STEP_MAX); // -1: said nothing about it
    run_touch(d->c, d->r);
}

static uint64_t gain(uint64_t now, uint64_t *before) {
    if (now > STEP_MAX) now = STEP_MAX; // and sums of them stay whole numbers in JSON
    uint64_t more = now > *before ? now - *before : 0;
    *before = now > *before ? now : *before;
    return more;
}

static void take_beat(decoding *d, uint32_t share_ppm, const uint8_t *at) {
    process *p = d->p;
    run *r = d->r;
    p->written = le_u64(at + 16);
    r->row.dropped += gain(le_u64(at + 24), &p->dropped) + gain(le_u64(at + 32), &p->dropped_large);
    r->failed_bytes += gain(le_u64(at + 40), &p->failed_bytes);
    if (r->row.dropped > STEP_MAX) r->row.dropped = STEP_MAX;
    if (r->failed_bytes > STEP_MAX) r->failed_bytes = STEP_MAX;
    p->share_ppm = share_ppm;
    p->helper_ppm = le_u32(at + 48);
    p->flags = le_u32(at + 52);
    int64_t paused_ns = within(le_i64(at + 56), INT64_C(1) << 62);
    if (p->info.rank == 0 && paused_ns > p->paused_ns)
        r->row.paused_ms += paused_ns / NS_PER_MS - p->paused_ns / NS_PER_MS;
    p->paused_ns = paused_ns;
    p->paused = p->flags & BEAT_PAUSED;
    r->step_share = p->share_ppm / 1e6;
    r->helper_share = p->helper_ppm / 1e6;
    p->state_dirty = true;
    run_touch(d->c, r);
}

static void take_close(decoding *d, uint32_t status, const uint8_t *at) {
    process *p = d->p;
    p->closed = true;
    p->status = (int)(int32_t)status;
    p->paused = false;
    int64_t time_ms = wall_ms(d, at + 8);
    if (time_ms > d->r->row.heard_ms) d->r->row.heard_ms = time_ms;
    p->state_dirty = true;
    run_touch(d->c, d->r);
}

static void take_reply(decoding *d, uint32_t state, const uint8_t *at) {
    need_step(d);
    steer_reply(d->c, d->p, le_u64(at + 8), (int)state, within(le_i64(at + 16), STEP_MAX),
                d->l->time_ms, (const char *)at + 32, le_u32(at + 24));
    d->p->state_dirty = true;
}

static void take_capture(decoding *d, uint32_t kind, const uint8_t *at) {
    need_step(d);
    capture_take(d->c, d->p, d->l, kind, at);
}

static void take_media(decoding *d, uint32_t kind, uint32_t a, const uint8_t *at) {
    live_series *s = series_of(d, a, media_kind(kind));
    if (!s) return;
    need_step(d);
    media_take(d->c, d->p, d->l, s, kind, at);
}

// --- the dispatcher -----------------------------------------------------------------------------

// One record that is not a scalar. False: it needs a declaration that has not come.
static bool take_other(decoding *d, const record *r, const uint8_t *at) {
    switch (r->kind) {
    // clang-format off
    case RECORD_STEP: take_step(d, at); break;
    case RECORD_GAP: break; // beats count the drops
    case RECORD_TIME: d->l->wall_ms = le_i64(at + 8) / NS_PER_MS; break;
    case RECORD_SERIES: declare_series(d->c, d->p, r->a, at); break;
    case RECORD_PARAM: declare_param(d->c, d->p, r->a, at); break;
    case RECORD_PARAM_TEXT: declare_param_text(d->p, r->a, at, d->l->stepped ? d->l->step : -1); break;
    case RECORD_FACT: take_fact(d, at); break;
    case RECORD_PROGRESS: take_progress(d, at); break;
    case RECORD_EVENT: take_event(d, r->a, at); break;
    case RECORD_REPLY: take_reply(d, r->a, at); break;
    case RECORD_BEAT: take_beat(d, r->a, at); break;
    case RECORD_CLOSE: take_close(d, r->a, at); break;
    case RECORD_MODEL: model_take(d->c, d->p, r->a, le_u32(at + 8), at + 16, le_u32(at + 12)); break;
    case RECORD_CAPTURE: take_capture(d, r->a, at); break;
    case RECORD_HISTOGRAM:
    case RECORD_TEXT:
    case RECORD_IMAGE:
    case RECORD_SAMPLE:
    case RECORD_CONFUSION:
        if (undeclared(d, r->a)) return false;
        take_media(d, r->kind, r->a, at);
        break;
    default: break; // a kind of later days
        // clang-format on
    }
    return true;
}

static bool take_scalar(decoding *d, uint32_t a, const uint8_t *at) {
    live_series *s = series_of(d, a, SERIES_SCALAR);
    if (__builtin_expect(!s, 0)) {
        if (undeclared(d, a)) return false;
        d->r->row.dropped++;
        return true;
    }
    if (__builtin_expect(!d->l->stepped, 0)) {
        if (d->l->adrift) {
            d->r->row.dropped++;
            return true;
        }
        need_step(d);
    }
    double value = le_f64(at + 8);
    if (__builtin_expect(store_append(d->l->group, s->stored, value) != 0, 0)) {
        d->r->row.dropped++; // no memory; ingest stops long before the store is full
        return true;
    }
    if (__builtin_expect(s->extra, 0)) extra(d, s, value);
    d->points++;
    return true;
}

// Minutes without a step are a machine that slept, or a run that was resumed; when they go on, the steps are so long.
static bool is_break(run *r, int64_t passed_ms) {
    bool was_long = r->rate_is_long;
    r->rate_is_long = passed_ms >= 60000;
    return r->rate_is_long && !was_long;
}

static void note_rate(run *r, int64_t time_ms) {
    int64_t passed = time_ms - r->rate_ms;
    if (r->rate_ms && passed < 1000) return;
    int64_t paused = r->row.paused_ms - r->rate_paused_ms, steps = r->row.last_step - r->rate_step;
    if (r->rate_ms && steps >= 0 && passed > paused && !is_break(r, passed)) {
        double now = (double)steps * 1000.0 / (double)(passed - paused);
        r->steps_per_s = r->steps_per_s > 0 ? 0.5 * r->steps_per_s + 0.5 * now : now;
    }
    r->rate_ms = time_ms;
    r->rate_step = r->row.last_step;
    r->rate_paused_ms = r->row.paused_ms;
}

static void account(decoding *d) {
    run *r = d->r;
    d->l->dirty = true;
    r->row.points += d->points;
    d->c->figures.points += d->points;
    d->c->points_uncommitted += d->points;
    if (d->points) r->dirty = true; // what it shows of its main series goes with the points
    d->points = 0;
    if (!d->stepped) return;
    d->stepped = false;
    d->p->started = true;
    if (d->p->generation == r->generation) r->generation_stepped = true;
    if (d->l->time_ms > r->row.heard_ms) r->row.heard_ms = d->l->time_ms;
    note_rate(r, d->l->time_ms);
    run_touch(d->c, r);
}

size_t decode_records(core *c, process *p, lane_state *l, const uint8_t *at, size_t bytes,
                      int64_t offset_ns, bool force) {
    decoding d = {.c = c, .p = p, .r = p->run, .l = l, .offset_ns = offset_ns, .force = force};
    uint64_t base = l->next;
    size_t done = 0, breathed = 0;
    while (done < bytes) {
        const record *r = (const record *)(const void *)(at + done);
        assert(r->words >= 1 && (size_t)r->words * 8 <= bytes - done);
        bool taken = r->kind == RECORD_SCALAR ? take_scalar(&d, r->a, at + done)
                                              : take_other(&d, r, at + done);
        if (!taken) break;
        done += (size_t)r->words * 8;
        if (done - breathed < BREATHE_BYTES) continue;
        breathed = done;
        l->next = base + done;
        account(&d);
        core_breathe(c);
    }
    l->next = base + done;
    account(&d);
    return done;
}
