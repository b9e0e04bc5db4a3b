// Unit push.c pushes samples by hand through a live network: a PUSH record with a number goes into the inbox of the process of
// lowest rank; the CAPTURE that answers it bears the same number. For viewers (message `push`: the capture as it is) and for
// POST runs/ID/try (try.c: as JSON). A question, not an act: no event, no audit.
//
// Invariants: (1) each push is answered exactly once: by its capture, by the program's refusal, when its process goes, or when
// its time is over; (2) at most PUSHES_MAX wait, PUSHES_OF_VIEWER of one viewer.
#include "hub.h"
#include "network.h"

#include "base/clock.h"
#include "base/le.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PUSHES_MAX = 256, PUSHES_OF_VIEWER = 16 };
#define VIEWER_NS (10 * NS_PER_S)
#define VALUES_MAX ((RECORD_MAX_BYTES - 32) / 4)

typedef struct push {
    struct push *next;
    uint64_t number;
    process *process; // only compared
    viewer *viewer;   // or
    uint32_t id;
    push_done done; // a call
    void *context;
    int64_t deadline_ns;
} push;

// --- the record ---------------------------------------------------------------------------------

// Numbers of a list, or of lists of lists, at most `most`; SIZE_MAX: something else stands in it.
static size_t flatten(const json_t *list, float *out, size_t count, size_t most, int depth) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (json_is_array(item) && depth < 8) {
            count = flatten(item, out, count, most, depth + 1);
            if (count == SIZE_MAX) return count;
        } else if (json_is_number(item) && isfinite((float)json_number_value(item))) {
            if (count < most) out[count] = (float)json_number_value(item);
            count++;
        } else {
            return SIZE_MAX;
        }
    }
    return count;
}

static bool wrong(core_reply *reply, int status, const char *code, const char *message) {
    reply_error(reply, status, code, "%s", message);
    return false;
}

size_t push_values(const json_t *list, float *out, size_t most) {
    return json_is_array(list) ? flatten(list, out, 0, most, 0) : SIZE_MAX;
}

static bool put_values(const run *r, const json_t *list, buf *out, core_reply *reply) {
    size_t wanted = model_input_size(r->network), have = push_values(list, NULL, 0);
    if (have == SIZE_MAX)
        return wrong(reply, 422, "invalid", "\"input\" is a list of finite numbers");
    if (wanted && have != wanted) {
        reply_error(reply, 422, "wrong_size", "the network takes %zu numbers, \"input\" has %zu",
                    wanted, have);
        return false;
    }
    if (have > VALUES_MAX) {
        reply_error(reply, 422, "too_large", "at most %zu numbers can be pushed, \"input\" has %zu",
                    (size_t)VALUES_MAX, have);
        return false;
    }
    size_t begin = out->length;
    float *at = have ? (float *)(void *)buf_room(out, 4 * have + 4) : NULL;
    if (!at)
        return wrong(reply, have ? 503 : 422, have ? "no_memory" : "invalid",
                     have ? "out of memory" : "\"input\" is empty");
    push_values(list, at, have);
    out->length = begin + 4 * have;
    buf_align8(out);
    le_put_u32(out->data + 24, (uint32_t)have);
    return true;
}

static bool put_sample(const json_t *sample, buf *out, core_reply *reply) {
    if (!json_is_integer(sample) || json_integer_value(sample) < 0)
        return wrong(reply, 422, "invalid",
                     "a push has an \"input\", or the number of a \"sample\"");
    le_put_i64(out->data + 16, json_integer_value(sample));
    return true;
}

static bool put_record(const run *r, const json_t *m, uint64_t number, buf *out,
                       core_reply *reply) {
    json_t *input = json_object_get(m, "input");
    buf_u64(out, RECORD_PUSH);
    buf_u64(out, number);
    buf_i64(out, -1);
    buf_u64(out, 0);
    if (out->failed) return wrong(reply, 503, "no_memory", "out of memory");
    if (!(input ? put_values(r, input, out, reply)
                : put_sample(json_object_get(m, "sample"), out, reply)))
        return false;
    le_put_u16(out->data + 2, (uint16_t)(out->length / 8));
    return true;
}

// --- asking -------------------------------------------------------------------------------------

static push *find(core *c, uint64_t number) {
    push *q = c->pushes;
    while (q && q->number != number)
        q = q->next;
    return q;
}

static size_t waiting(const core *c) {
    size_t n = 0;
    for (const push *q = c->pushes; q; q = q->next)
        n++;
    return n;
}

static bool can_push(core *c, const run *r, core_reply *reply) {
    if (!r) return wrong(reply, 404, "not_found", "there is no such run");
    if (!r->loaded || !run_speaker(r))
        return wrong(reply, 409, "not_running", "the run has no live process");
    if (!r->network || !r->network->push)
        return wrong(reply, 409, "no_push",
                     "the program has not said how to push a sample through its network");
    if (waiting(c) >= PUSHES_MAX)
        return wrong(reply, 429, "too_many", "too many samples are being pushed");
    return true;
}

// NULL: reply says why. The push is on its way; whose it is, the caller fills in.
static push *start(core *c, run *r, const json_t *m, int64_t wait_ns, core_reply *reply) {
    buf out = {0};
    if (!can_push(c, r, reply)) return NULL;
    if (!c->next_push)
        c->next_push =
            (uint64_t)clock_wall_ns(); // those of a server before this one are never met again
    push *q = NULL;
    if (put_record(r, m, c->next_push, &out, reply)) {
        q = mem_new(sizeof *q);
        if (!q || !process_send(c, run_speaker(r), &out)) {
            reply_error(reply, 503, "unreachable", "the sample could not be sent to the program");
            mem_free(q);
            q = NULL;
        }
    }
    buf_fini(&out);
    if (!q) return NULL;
    run_watch_lease(c, r); // the answer comes soon
    *q = (push){.next = c->pushes,
                .number = c->next_push++,
                .process = run_speaker(r),
                .deadline_ns = clock_mono_ns() + wait_ns};
    c->pushes = q;
    return q;
}

bool push_call(core *c, run *r, const json_t *m, int64_t wait_ns, push_done done, void *context,
               core_reply *reply) {
    push *q = start(c, r, m, wait_ns, reply);
    if (!q) return false;
    q->done = done;
    q->context = context;
    return true;
}

static void refused(viewer *v, uint32_t id, core_reply *reply) {
    json_t *json = json_loadb((char *)reply->body.data, reply->body.length, 0, NULL),
           *error = json_object_get(json, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    viewer_error(v, id, code ? code : "no_memory", message ? message : "out of memory");
    json_decref(json);
    buf_fini(&reply->body);
}

void push_message(viewer *v, const json_t *m, uint32_t id, unsigned scopes) {
    const char *key = json_string_value(json_object_get(m, "run"));
    core_reply reply = {0};
    push *q = NULL;
    if (!(scopes & SCOPE_CONTROL))
        wrong(&reply, 403, "forbidden", "this token may not push samples");
    else if (v->pushes >= PUSHES_OF_VIEWER)
        wrong(&reply, 429, "too_many", "at most 16 samples at once");
    else
        q = start(v->core, registry_named(v->core, key), m, VIEWER_NS, &reply);
    if (!q) {
        refused(v, id, &reply);
        return;
    }
    q->viewer = v;
    q->id = id;
    v->pushes++;
}

// --- answers ------------------------------------------------------------------------------------

static void unlist(core *c, push *q) {
    push **at = &c->pushes;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
}

// `f` is NULL: it failed, for this reason.
static void settle(core *c, push *q, frame *f, const char *code, const char *why) {
    unlist(c, q);
    if (q->viewer) {
        q->viewer->pushes--;
        if (f) {
            le_put_u64(f->data + 8, q->id);
            atomic_fetch_add(&f->uses, 1);
            viewer_push(q->viewer, f);
        } else {
            viewer_error(q->viewer, q->id, code, why);
        }
        if (c->hooks.wake) c->hooks.wake(c->hooks.context);
    } else {
        q->done(c, q->context, f, code, why);
    }
    mem_free(q);
}

void push_answer(core *c, uint64_t number, buf *bytes, const char *error) {
    push *q = find(c, number);
    frame *f = q && bytes ? frame_of_front(bytes, false) : NULL;
    if (!q) return; // nobody waits any more
    if (f)
        settle(c, q, f, NULL, NULL);
    else
        settle(c, q, NULL, "refused",
               error && *error ? error : "the program could not push the sample");
    frame_release(f);
}

void pushes_tick(core *c, int64_t now_ns) {
    for (push *q = c->pushes, *next; q; q = next) {
        next = q->next;
        if (now_ns >= q->deadline_ns)
            settle(c, q, NULL, "timeout",
                   "the program did not answer in time: it takes samples at its steps, and while "
                   "paused");
    }
}

void pushes_process_gone(core *c, process *p) {
    for (push *q = c->pushes, *next; q; q = next) {
        next = q->next;
        if (q->process == p)
            settle(c, q, NULL, "not_running", "the process went away before it could answer");
    }
}

void pushes_viewer_gone(viewer *v) {
    for (push **at = &v->core->pushes, *q; (q = *at);) {
        if (q->viewer != v) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        mem_free(q);
    }
}

void pushes_fini(core *c) {
    while (c->pushes)
        settle(c, c->pushes, NULL, "closed", "the server is closing");
}
