// Unit viewer_message.c reads what a viewer says: the messages of message.def. What is wrong is answered by an error with the
// message's id.
#include "hub.h"
#include "network.h"
#include "shape.h"

#include "base/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    SUBSCRIPTIONS_MAX = 256,
    WATCHES_MAX = 64,
    PATTERNS_MAX = 1024,
    JOBS_MAX = 64,
    BUCKETS_STANDARD = 1200,
    BUCKETS_MAX = 20000
};
#define OUT_BYTES_MAX (32u << 20)
#define MESSAGE_BYTES_MAX (256u << 10)

static const char *text_of(const json_t *m, const char *name) {
    const char *text = json_string_value(json_object_get(m, name));
    return text ? text : "";
}

static int64_t bound_of(const json_t *m, const char *name, int64_t otherwise) {
    json_t *v = json_object_get(m, name);
    if (json_is_integer(v)) return json_integer_value(v);
    double d = json_is_real(v) ? json_real_value(v) : 1e300;
    return d > -9e15 && d < 9e15 ? (int64_t)d : otherwise;
}

static bool add_pattern(points_query *p, const json_t *value) {
    const char *text = json_string_value(value);
    char **names = text && *text ? mem_grow(p->names, p->count + 1, sizeof *names) : NULL;
    if (!names) return false;
    p->names = names;
    names[p->count] = mem_text(text, strlen(text));
    return names[p->count] && ++p->count;
}

// run, series, axis, from, to, buckets of a subscribe or query. False: an error was said.
static bool read_query(viewer *v, const json_t *m, uint32_t id, points_query *p) {
    json_t *series = json_object_get(m, "series"), *buckets = json_object_get(m, "buckets");
    *p = (points_query){.form = CORE_COLUMNS, .request = id};
    p->q.axis = strcmp(text_of(m, "axis"), "time") == 0 ? STORE_AXIS_TIME : STORE_AXIS_STEP;
    p->q.from = bound_of(m, "from", INT64_MIN);
    p->q.to = bound_of(m, "to", INT64_MAX);
    json_int_t n = buckets ? json_integer_value(buckets) : BUCKETS_STANDARD;
    p->q.buckets = (uint32_t)(n < 1 ? 1 : n > BUCKETS_MAX ? BUCKETS_MAX : n);
    p->q.all_attempts = strcmp(text_of(m, "attempts"), "all") == 0;
    bool good = json_is_array(series) && json_array_size(series) >= 1 &&
                json_array_size(series) <= PATTERNS_MAX;
    for (size_t i = 0; good && i < json_array_size(series); i++)
        good = add_pattern(p, json_array_get(series, i));
    if (!good)
        viewer_error(v, id, "invalid", "\"series\" is a list of 1 to 1024 names or patterns");
    else if (!points_query_init(v->core, p, text_of(m, "run")))
        viewer_error(v, id, "not_found", "there is no such run");
    else
        return true;
    points_query_fini(p);
    return false;
}

static int rate_of(const json_t *m) {
    json_t *rate = json_object_get(m, "rate");
    double v = json_is_number(rate) ? json_number_value(rate) : RATE_MAX;
    return v < 1 ? 1 : v > RATE_MAX ? RATE_MAX : (int)v;
}

static void subscribe(viewer *v, const json_t *m, uint32_t id) {
    core *c = v->core;
    subscription *s = subscription_find(v, id);
    if (s) subscription_drop(v, s);
    if (v->subscription_count >= SUBSCRIPTIONS_MAX) {
        viewer_error(v, id, "too_many", "at most 256 subscriptions");
        return;
    }
    s = mem_new(sizeof *s);
    if (!s || !read_query(v, m, id, &s->p)) {
        mem_free(s);
        return;
    }
    run *r = registry_find(c, s->p.key);
    s->channel = channel_open(c, r, s->p.names, s->p.count, rate_of(m), v->text_only);
    if (!s->channel) {
        points_query_fini(&s->p);
        mem_free(s);
        viewer_error(v, id, "no_memory", "out of memory");
        return;
    }
    s->id = id;
    s->serial = ++v->serials;
    s->next = v->subscriptions;
    v->subscriptions = s;
    v->subscription_count++;
    snapshot_submit(v, s);
}

static void query(viewer *v, const json_t *m, uint32_t id) {
    points_query p;
    if (v->jobs >= JOBS_MAX || v->out_bytes > OUT_BYTES_MAX)
        viewer_error(v, id, "too_many", "too many queries at once");
    else if (read_query(v, m, id, &p))
        snapshot_query(v, &p);
}

static void start_watch(viewer *v, const json_t *m, uint32_t id) {
    run *r = registry_named(v->core, text_of(m, "run"));
    watch *old = watch_find(v, id);
    if (old) watch_drop(v, old);
    if (!r) {
        viewer_error(v, id, "not_found", "there is no such run");
        return;
    }
    watch *w = v->watch_count < WATCHES_MAX ? mem_new(sizeof *w) : NULL;
    if (!w) {
        viewer_error(v, id, "too_many", "at most 64 watched runs");
        return;
    }
    w->id = id;
    w->serial = ++v->serials;
    memcpy(w->key, r->row.key, sizeof w->key);
    w->next = v->watches;
    v->watches = w;
    v->watch_count++;
    r->watchers++;
    run_watch_lease(v->core, r);
    watch_begin(v, w);
}

// --- commands -----------------------------------------------------------------------------------

typedef struct asked {
    viewer *v;
    uint32_t id;
} asked;

// The reply of a command as an answer message: the command, or its error.
static void command_done(void *context, core_reply *reply) {
    asked *a = context;
    core *c = a->v->core;
    buf text = {0};
    buf_print(&text, "{\"type\":\"answer\",\"id\":%u,", a->id);
    if (reply->status >= 400 && reply->body.length > 2) { // {"error": {...}, ...}: its members
        buf_add(&text, reply->body.data + 1, reply->body.length - 1);
    } else {
        buf_text(&text, "\"command\":");
        buf_add(&text, reply->body.data, reply->body.length);
        buf_char(&text, '}');
    }
    core_lock(c);
    viewer_push_text(a->v, &text);
    viewer_unref(a->v);
    core_unlock(c);
    mem_free(a);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}

// Without the lock: core_post_command takes it.
static void command_message(viewer *v, const json_t *m, uint32_t id, const core_author *who,
                            unsigned scopes) {
    json_t *wanted = json_object_get(m, "command");
    char *text = json_is_object(wanted) ? json_dumps(wanted, JSON_COMPACT) : NULL;
    asked *a = text && scopes & SCOPE_CONTROL ? mem_new(sizeof *a) : NULL;
    core_lock(v->core);
    if (!(scopes & SCOPE_CONTROL))
        viewer_error(v, id, "forbidden", "this token may not steer runs");
    else if (!text)
        viewer_error(v, id, "invalid", "\"command\" is an object");
    if (a) v->uses++;
    core_unlock(v->core);
    if (a) {
        *a = (asked){.v = v, .id = id};
        core_post_command(v->core, text_of(m, "run"), text, strlen(text), INT64_MAX, who,
                          command_done, a);
    }
    mem_free(text);
}

static void pong(viewer *v, uint32_t id) {
    buf text = {0};
    int64_t now = clock_wall_ms();
    buf_print(&text, "{\"type\":\"pong\",\"id\":%u,\"time\":%" PRId64 ".%03d}", id, now / 1000,
              (int)(now % 1000));
    viewer_push_text(v, &text);
}

static void dispatch(viewer *v, const json_t *m, const char *type, uint32_t id) {
    subscription *s = subscription_find(v, id);
    watch *w = watch_find(v, id);
    if (strcmp(type, "subscribe") == 0)
        subscribe(v, m, id);
    else if (strcmp(type, "query") == 0)
        query(v, m, id);
    else if (strcmp(type, "watch") == 0)
        start_watch(v, m, id);
    else if (strcmp(type, "ping") == 0)
        pong(v, id);
    else if (strcmp(type, "watch_runs") == 0) {
        v->wants_runs = true;
        v->runs_seen = 0;
        v->runs_sent_ns = 0;
        viewer_ready(v);
    } else if (strcmp(type, "unsubscribe") == 0) {
        if (s) subscription_drop(v, s);
    } else if (strcmp(type, "look") == 0) {
        look_begin(v, m, id);
    } else if (strcmp(type, "unlook") == 0) {
        if (look_find(v, id)) look_end(v, look_find(v, id));
    } else if (strcmp(type, "unwatch") == 0) {
        if (w) watch_drop(v, w);
    } else {
        viewer_error(v, id, "unknown_message", "this server does not know that message");
    }
}

// A member that the message's row in message.def lacks; NULL: there is none, or nobody knows the message.
static const char *stray_of(const char *type, json_t *m) {
    static const struct {
        const char *word, *members;
        char way;
    } messages[] = {
#define X(name, word, way, members, sentence) {word, "type:text " members, way},
#include "message.def"
#undef X
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (messages[i].way == '>' && strcmp(messages[i].word, type) == 0)
            return shape_stray(messages[i].members, m);
    return NULL;
}

static void stray_error(viewer *v, uint32_t id, const char *type, const char *name) {
    char why[160];
    snprintf(why, sizeof why, "unknown member \"%.100s\" in %s", name, type);
    viewer_error(v, id, "unknown_member", why);
}

void viewer_message(viewer *v, const char *json, size_t bytes, const core_author *who,
                    unsigned scopes) {
    core *c = v->core;
    json_t *m = bytes <= MESSAGE_BYTES_MAX ? json_loadb(json, bytes, 0, NULL) : NULL;
    const char *type = text_of(m, "type");
    uint32_t id = (uint32_t)json_integer_value(json_object_get(m, "id"));
    const char *stray = stray_of(type, m);
    if (strcmp(type, "command") == 0 && !stray) {
        command_message(v, m, id, who, scopes);
    } else {
        core_lock(c);
        if (!json_is_object(m))
            viewer_error(v, 0, "bad_json", "a message is a JSON object of at most 256 kB");
        else if (!(scopes & SCOPE_READ))
            viewer_error(v, id, "forbidden", "this token may not read");
        else if (stray)
            stray_error(v, id, type, stray);
        else if (strcmp(type, "push") == 0)
            push_message(v, m, id, scopes);
        else
            dispatch(v, m, type, id);
        core_unlock(c);
    }
    json_decref(m);
    core_ring(c);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}
