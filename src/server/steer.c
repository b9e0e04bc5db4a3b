// Unit steer.c moves commands: from whoever asks, checked, into the inbox of every live process of the run, and
// back when the processes have answered. The life of a command on this side:
//
//   1 core_post_command: checked against the declared parameters (422), the run's processes (409)
//   2 numbered, appended to each inbox at once by the calling thread, its row put
//   3 steer_reply, from the journal: applied when each process has, refused when one did; its event is in the journal too
//   4 whoever waits is answered by core_poll; a wait that runs out answers 202
//
// Numbers ascend over the life of a run. A server killed before its commit finds the numbers that it had given
// in the inboxes. Invariant: a command leaves the state `asked` once.
#include "network.h"
#include "run.h"

#include "base/clock.h"
#include "base/le.h"
#include "base/log.h"
#include "journal/place.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WATCH_SECONDS 10
#define WATCH_RENEW_NS (5 * NS_PER_S)
#define INBOX_BYTES_MAX (64u << 20)

// It takes commands.
static bool steerable(const process *p) {
    return (p->state == PROC_LIVE || p->state == PROC_FAR) && !p->http && !p->closed && !p->newer &&
           !p->ended;
}

process *run_speaker(const run *r) {
    process *best = NULL;
    for (size_t i = 0; i < r->process_count; i++) {
        process *p = r->processes[i];
        if (steerable(p) && (!best || p->info.rank < best->info.rank)) best = p;
    }
    return best;
}

static uint32_t steerable_count(const run *r) {
    uint32_t n = 0;
    for (size_t i = 0; i < r->process_count; i++)
        n += steerable(r->processes[i]);
    return n;
}

// --- inboxes ------------------------------------------------------------------------------------

// The highest command number that stands in an inbox.
static uint64_t highest_number(const char *folder, const char *proc) {
    char path[PATH_CAP];
    buf content = {0};
    uint64_t highest = 0;
    if (file_path(path, "%s/%s.inbox", folder, proc) ||
        file_read(path, INBOX_BYTES_MAX, &content)) {
        buf_fini(&content);
        return 0;
    }
    segment_block b;
    int64_t n;
    for (size_t at = 0; at < content.length; at += (size_t)n) {
        n = segment_parse_block(content.data + at, content.length - at, &b);
        if (n <= 0) break;
        for (size_t i = 0; i < b.bytes;) {
            const record *rec = (const record *)(const void *)(b.records + i);
            uint64_t number = rec->kind == RECORD_COMMAND ? le_u64(b.records + i + 8) : 0;
            if (number > highest && number >> 53 == 0) highest = number;
            i += (size_t)rec->words * 8;
        }
    }
    buf_fini(&content);
    return highest;
}

static bool open_inbox(core *c, process *p) {
    char folder[PATH_CAP];
    if (p->inbox_open) return true;
    if (place_run(c->dir, p->run->row.key, folder)) return false;
    uint64_t highest = highest_number(folder, p->id.text);
    if (highest >= p->run->next_command) p->run->next_command = highest + 1;
    int result = inbox_open_writer(&p->inbox, folder, p->id.text);
    if (result) log_warn("inbox of run %s: %s", p->run->row.key, error_sentence(result));
    p->inbox_open = result == 0;
    return p->inbox_open;
}

static bool send(process *p, const buf *records) {
    if (!p->inbox_open) return false;
    int result = inbox_append(&p->inbox, records->data, records->length);
    if (result) log_warn("inbox of run %s: %s", p->run->row.key, error_sentence(result));
    return result == 0;
}

bool process_send(core *c, process *p, const buf *records) {
    return open_inbox(c, p) && send(p, records);
}

static void send_watch(core *c, process *p, int64_t now_ns) {
    uint8_t bytes[16] = {0};
    if (!steerable(p) || (p->watch_ns && now_ns - p->watch_ns < WATCH_RENEW_NS) ||
        !open_inbox(c, p))
        return;
    *(record *)(void *)bytes = (record){.kind = RECORD_WATCH, .words = 2, .a = WATCH_SECONDS};
    le_put_u64(bytes + 8, 125);
    buf records = {.data = bytes, .length = sizeof bytes};
    if (send(p, &records)) p->watch_ns = now_ns;
}

void run_watch_lease(core *c, run *r) {
    int64_t now = clock_mono_ns();
    for (size_t i = 0; i < r->process_count; i++)
        send_watch(c, r->processes[i], now);
}

// --- outcomes -----------------------------------------------------------------------------------

static void outcome(const pending *m, core_reply *reply) {
    if (m->state == REFUSED || m->state == EXPIRED) {
        char *error = json_printed(m->error);
        buf_text(&reply->body, "{\"error\":");
        buf_text(&reply->body, error ? error
                               : m->state == REFUSED
                                   ? "{\"code\":\"refused\",\"message\":\"the program refused\"}"
                                   : "{\"code\":\"expired\",\"message\":\"the process went away "
                                     "before it could apply this\"}");
        buf_text(&reply->body, ",\"command\":");
        command_json(m, &reply->body);
        buf_char(&reply->body, '}');
        mem_free(error);
        reply_json(reply, m->state == REFUSED ? 422 : 409);
        return;
    }
    command_json(m, &reply->body);
    reply_json(reply, m->state == APPLIED ? 200 : 202);
}

static void answer_waiters(core *c, const pending *m, int64_t now_ns) {
    for (waiter **at = &c->waiters, *w; (w = *at);) {
        if ((m && w->command != m) || (!m && w->deadline_ns > now_ns)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        core_reply reply = {0};
        outcome(w->command, &reply);
        answer_later(c, &reply, w->done, w->context);
        mem_free(w);
    }
}

static void settle(core *c, run *r, pending *m, int state) {
    assert(m->state == ASKED && state != ASKED);
    m->state = (uint8_t)state;
    m->applied_ms = clock_wall_ms();
    command_changed(c, r, m);
    if (state == APPLIED)
        c->figures.commands++;
    else
        c->figures.refused++;
    answer_waiters(c, m, 0);
}

static bool answered(pending *m, uint32_t ordinal) {
    for (uint32_t i = 0; i < m->open_count; i++)
        if (m->open[i] == ordinal) {
            m->open[i] = m->open[--m->open_count];
            break;
        }
    return m->restored || m->open_count == 0;
}

// A reply to a command that no row tells of: the server that asked was killed before its commit.
static pending *unknown(run *r, uint64_t number) {
    pending *m = number >> 53 ? NULL : command_add(r, number);
    if (m) m->restored = true;
    return m;
}

void steer_reply(core *c, process *p, uint64_t number, int state, int64_t step, int64_t time_ms,
                 const char *text, size_t bytes) {
    run *r = p->run;
    pending *m = command_find(r, number);
    if (!m) m = unknown(r, number);
    if (!m || m->state != ASKED) return;
    json_t *json = bytes ? json_loadb(text, bytes, JSON_ALLOW_NUL, NULL) : NULL;
    (void)time_ms;
    if (state == REPLY_REFUSED) {
        m->error = json_is_object(json) ? json_incref(json) : NULL;
        settle(c, r, m, REFUSED);
    } else {
        json_t *values = json_object_get(json, "values");
        if (json_is_object(values)) {
            json_decref(m->values);
            m->values = json_incref(values);
        }
        if (!m->verb && json_is_object(values)) m->verb = COMMAND_SET;
        if (step > m->step) m->step = step;
        if (answered(m, p->ordinal)) settle(c, r, m, APPLIED);
    }
    json_decref(json);
}

void steer_process_gone(core *c, process *p) {
    run *r = p->run;
    bool alone = steerable_count(r) == 0;
    pushes_process_gone(c, p);
    looks_changed(c, r->row.key);
    for (size_t i = 0; i < r->command_count; i++) {
        pending *m = r->commands[i];
        if (m->state != ASKED) continue;
        bool all = answered(m, p->ordinal) && !m->restored;
        if (alone || all) settle(c, r, m, m->step >= 0 ? APPLIED : EXPIRED);
    }
}

void steer_run_gone(core *c, run *r) {
    for (size_t i = 0; i < r->command_count; i++)
        if (r->commands[i]->state == ASKED) settle(c, r, r->commands[i], EXPIRED);
}

void steer_tick(core *c, int64_t now_ns) {
    answer_waiters(c, NULL, now_ns);
    for (run *r = c->active; r; r = r->next_active)
        if (r->watchers) run_watch_lease(c, r);
    looks_tick(c, now_ns);
    pushes_tick(c, now_ns);
}

void steer_fini(core *c) {
    while (c->waiters) {
        waiter *w = c->waiters;
        c->waiters = w->next;
        mem_free(w);
    }
}

// --- asking -------------------------------------------------------------------------------------

typedef struct order {
    run *r;
    const core_author *who;
    command wire;
    command_value values[COMMAND_VALUES_MAX];
    json_t *changes; // owned
    json_t *wanted;  // owned: what `values` borrows from
    pin_order pin;
    uint64_t undoes;
    core_reply *reply;
} order;

static bool refuse(order *o, int status, const char *code, const char *message) {
    reply_error(o->reply, status, code, "%s", message);
    return false;
}

static bool order_set(order *o, json_t *wanted) {
    o->wanted = wanted;
    o->wire.verb = COMMAND_SET;
    o->changes = steer_values(o->r, wanted, o->values, &o->wire.count, o->reply);
    o->wire.values = o->values;
    return o->changes != NULL;
}

static bool order_set_json(order *o, const json_t *json) {
    const char *name = json_string_value(json_object_get(json, "parameter"));
    json_t *value = json_object_get(json, "value"), *values = json_object_get(json, "values");
    if (name && value) return order_set(o, json_pack("{s:O}", name, value));
    if (json_is_object(values)) return order_set(o, json_incref(values));
    return refuse(o, 422, "invalid", "`set` wants \"parameter\" and \"value\", or \"values\"");
}

static bool order_step(order *o, const json_t *json) {
    json_t *steps = json_object_get(json, "steps");
    o->wire.argument = steps ? json_integer_value(steps) : 1;
    if (o->wire.argument < 1 || o->wire.argument > INT64_C(1) << 53)
        return refuse(o, 422, "invalid", "\"steps\" must be a whole number from 1");
    return true;
}

// Values that were before `m`, when the present ones are still those that it set.
static bool order_undo_set(order *o, const pending *m) {
    json_t *wanted = json_object(), *change;
    const char *name;
    json_object_foreach(m->values, name, change) {
        const param *q = param_find(o->r, name, strlen(name));
        json_t *now = q ? param_value(q) : NULL, *to = json_object_get(change, "to");
        bool same = now && (json_equal(now, to) ||
                            (json_is_number(now) && json_is_number(to) &&
                             (json_number_value(now) == json_number_value(to) ||
                              (float)json_number_value(now) == (float)json_number_value(to))));
        json_decref(now);
        if (!same) {
            json_decref(wanted);
            return refuse(o, 409, "changed_since",
                          "the value was changed again after that command");
        }
        json_object_set(wanted, name, json_object_get(change, "from"));
    }
    return order_set(o, wanted);
}

static bool order_pin(order *o, const json_t *json) {
    if (!steer_pin(&o->pin, o->r, o->wire.verb, json, o->reply)) return false;
    o->wire.values = o->pin.values;
    o->wire.count = o->pin.count;
    o->changes = json_incref(o->pin.shown);
    return true;
}

static uint64_t number_of(const json_t *json) {
    if (json_is_integer(json)) return (uint64_t)json_integer_value(json);
    return json_is_string(json) ? strtoull(json_string_value(json), NULL, 10) : 0;
}

static bool order_undo(order *o, const json_t *json) {
    uint64_t number = number_of(json_object_get(json, "command"));
    const pending *m = number ? command_find(o->r, number) : NULL;
    if (!m) return refuse(o, 404, "not_found", "there is no such command");
    if (m->state != APPLIED)
        return refuse(o, 409, "not_applied", "that command has not been applied");
    o->undoes = number;
    if (m->verb == COMMAND_SET && m->values) return order_undo_set(o, m);
    if (m->verb == COMMAND_PIN && m->values) {
        o->wire.verb = COMMAND_UNPIN;
        return order_pin(o, m->values);
    }
    if (m->verb == COMMAND_PAUSE)
        o->wire.verb = COMMAND_RESUME;
    else if (m->verb == COMMAND_RESUME)
        o->wire.verb = COMMAND_PAUSE;
    else
        return refuse(o, 409, "no_undo", "that command cannot be undone");
    return true;
}

static bool order_of(order *o, const json_t *json) {
    const char *type = json_string_value(json_object_get(json, "type"));
    if (!type) return refuse(o, 422, "invalid", "a command has a \"type\"");
    if (strcmp(type, "undo") == 0) return order_undo(o, json);
    o->wire.verb = record_command_verb(type);
    if (o->wire.verb == COMMAND_SET) return order_set_json(o, json);
    if (o->wire.verb == COMMAND_STEP) return order_step(o, json);
    if (o->wire.verb == COMMAND_PIN || o->wire.verb == COMMAND_UNPIN) return order_pin(o, json);
    return o->wire.verb != 0 ||
           refuse(
               o, 422, "invalid",
               "no such command: set, pause, resume, step, stop, keep, pin, unpin, prune or undo");
}

// Steps per second, from the whole course while the recent rate is not known yet.
static double rate_of(const run *r) {
    int64_t passed = r->row.heard_ms - r->row.started_ms;
    if (r->steps_per_s > 0 || passed <= 0) return r->steps_per_s;
    return (double)r->row.last_step * 1000.0 / (double)passed;
}

// Several processes apply at one step: far enough ahead that each can still reach it. What was heard of them may
// be half a second old, as a helper that nobody watches writes it.
static int64_t common_step(const run *r) {
    if (steerable_count(r) < 2 || r->row.state != STATE_RUNNING) return -1;
    double age = (double)(clock_wall_ms() - r->row.heard_ms) / 1000.0;
    double ahead = rate_of(r) * (0.6 + (age > 0 && age < 2 ? age : 0));
    return r->row.last_step + 2 + (int64_t)ceil(ahead < 1e9 ? ahead : 1e9);
}

static pending *remember(core *c, order *o) {
    run *r = o->r;
    pending *m = command_add(r, o->wire.number);
    if (!m) return NULL;
    m->open = mem_array(r->process_count, sizeof *m->open);
    m->verb = o->wire.verb;
    m->argument = o->wire.argument;
    m->asked_ms = clock_wall_ms();
    m->undoes = o->undoes;
    m->values = json_incref(o->changes);
    run_set_text(&m->author, o->who->name ? o->who->name : "local");
    run_set_text(&m->from, o->who->from ? o->who->from : "api");
    (void)c;
    return m;
}

static pending *post(core *c, order *o) {
    run *r = o->r;
    buf records = {0};
    for (size_t i = 0; i < r->process_count; i++)
        if (steerable(r->processes[i])) open_inbox(c, r->processes[i]);
    o->wire.number = r->next_command;
    o->wire.at_step = common_step(r);
    pending *m = command_encode(&o->wire, &records) || records.failed ? NULL : remember(c, o);
    for (size_t i = 0; m && m->open && i < r->process_count; i++)
        if (steerable(r->processes[i]) && send(r->processes[i], &records))
            m->open[m->open_count++] = r->processes[i]->ordinal;
    buf_fini(&records);
    if (!m) {
        reply_error(o->reply, 503, "no_memory", "the command could not be sent");
        return NULL;
    }
    if (m->open_count == 0)
        settle(c, r, m, EXPIRED);
    else
        command_changed(c, r, m);
    return m;
}

// Under the lock. True: somebody waits now; false: reply is filled.
static bool command_under_lock(core *c, order *o, const json_t *json, int64_t wait_ms,
                               core_done done, void *context) {
    if (!o->r) return refuse(o, 404, "not_found", "there is no such run");
    if (!o->r->loaded || steerable_count(o->r) == 0)
        return refuse(o, 409, "not_running", "the run has no live process");
    if (!order_of(o, json)) {
        c->figures.refused++;
        return false;
    }
    pending *m = post(c, o);
    if (!m) return false;
    waiter *w = wait_ms > 0 && m->state == ASKED ? mem_new(sizeof *w) : NULL;
    if (!w) {
        outcome(m, o->reply);
        return false;
    }
    *w = (waiter){.next = c->waiters, .run = o->r, .command = m, .done = done, .context = context};
    w->deadline_ns =
        wait_ms >= INT64_MAX / NS_PER_MS / 2 ? INT64_MAX : clock_mono_ns() + wait_ms * NS_PER_MS;
    c->waiters = w;
    return true;
}

void core_post_command(core *c, const char *run_key, const char *json, size_t bytes,
                       int64_t wait_ms, const core_author *who, core_done done, void *context) {
    core_reply reply = {0};
    bool waits = false;
    json_t *parsed = reply_parse(&reply, "order", json, bytes);
    if (parsed) {
        core_lock(c);
        order o = {.r = registry_named(c, run_key), .who = who, .reply = &reply};
        waits = command_under_lock(c, &o, parsed, wait_ms, done, context);
        pin_order_fini(&o.pin);
        json_decref(o.changes);
        json_decref(o.wanted);
        core_unlock(c);
    }
    json_decref(parsed);
    core_ring(c);
    if (!waits) answer_later(c, &reply, done, context);
}
