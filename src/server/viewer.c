// Unit viewer.c is one live link: it reads the messages of message.def and gives frames in a fair order. Nothing is
// pushed at a viewer: what it should see is remembered (cursors, versions), and a message is made when the net side
// asks for the next frame. So a slow viewer gets fewer messages, each with what is true then, and costs no memory.
//
// Only answers, errors and snapshots stand in a queue: they are bounded by what the viewer itself asked for (limits below).
#include "hub.h"
#include "network.h"
#include "shape.h"

#include "base/clock.h"

#include <assert.h>
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

// --- queue --------------------------------------------------------------------------------------

void viewer_ready(viewer *v) {
    if (v->is_ready || v->closed) return;
    v->is_ready = true;
    v->next_ready = v->core->ready;
    v->core->ready = v;
}

void viewer_push(viewer *v, frame *f) {
    queued *q = f && !v->closed ? mem_new(sizeof *q) : NULL;
    if (!q) {
        frame_release(f);
        return;
    }
    q->frame = f;
    *v->out_last = q;
    v->out_last = &q->next;
    v->out_bytes += f->length;
    viewer_ready(v);
}

static frame *pop(viewer *v) {
    queued *q = v->out;
    if (!q) return NULL;
    frame *f = q->frame;
    v->out = q->next;
    if (!v->out) v->out_last = &v->out;
    v->out_bytes -= f->length;
    mem_free(q);
    return f;
}

static void push_text(viewer *v, buf *text) {
    viewer_push(v, frame_of(text, true));
}

void viewer_error(viewer *v, uint32_t id, const char *code, const char *message) {
    buf text = {0};
    buf_print(&text, "{\"type\":\"error\",\"id\":%u,\"error\":{\"code\":\"%s\",\"message\":", id,
              code);
    json_text(&text, message);
    buf_text(&text, "}}");
    push_text(v, &text);
}

// --- opening and closing ------------------------------------------------------------------------

static void say_hello(viewer *v, const viewer_options *options) {
    static const struct {
        unsigned bit;
        const char *word;
    } scopes[] = {
#define X(name, bit, word, implied, sentence) {bit, word},
#include "scope.def"
#undef X
    };
    buf text = {0};
    bool first = true;
    buf_text(&text, "{\"type\":\"hello\",\"version\":\"" NNS_SERVER_VERSION "\",\"name\":");
    json_text(&text, options->name ? options->name : "");
    buf_text(&text, ",\"build\":");
    json_text(&text, options->build);
    buf_text(&text, ",\"address\":");
    json_text(&text, options->address && *options->address ? options->address : NULL);
    buf_text(&text, ",\"scopes\":[");
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (!(options->scopes & scopes[i].bit)) continue;
        buf_print(&text, "%s\"%s\"", first ? "" : ",", scopes[i].word);
        first = false;
    }
    buf_print(&text, "],\"time\":%" PRId64 ".%03d,\"ping_s\":20}", clock_wall_ms() / 1000,
              (int)(clock_wall_ms() % 1000));
    push_text(v, &text);
}

viewer *viewer_open(core *c, const viewer_options *options, void *user) {
    viewer *v = mem_new(sizeof *v);
    if (!v) return NULL;
    core_lock(c);
    if (c->figures.viewers >= VIEWERS_MAX) {
        core_unlock(c);
        mem_free(v);
        return NULL;
    }
    *v = (viewer){
        .core = c, .user = user, .next = c->viewers, .uses = 1, .text_only = options->text_only};
    v->out_last = &v->out;
    if (c->viewers) c->viewers->previous = v;
    c->viewers = v;
    c->figures.viewers++;
    if (!v->text_only) say_hello(v, options);
    core_unlock(c);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
    return v;
}

static void drop_subscription(viewer *v, subscription *s) {
    subscription **at = &v->subscriptions;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    v->subscription_count--;
    subscription_wait(s, false);
    channel_release(v->core, s->channel);
    points_query_fini(&s->p);
    mem_free(s);
}

static void drop_watch(viewer *v, watch *w) {
    watch **at = &v->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    v->watch_count--;
    run *r = registry_find(v->core, w->key);
    if (r) r->watchers--;
    mem_free(w);
}

static void unlink_viewer(viewer *v) {
    core *c = v->core;
    if (v->previous)
        v->previous->next = v->next;
    else
        c->viewers = v->next;
    if (v->next) v->next->previous = v->previous;
    for (viewer **at = &c->ready; v->is_ready && *at; at = &(*at)->next_ready)
        if (*at == v) {
            *at = v->next_ready;
            break;
        }
    c->figures.viewers--;
}

void viewer_unref(viewer *v) {
    assert(v->uses > 0);
    if (--v->uses) return;
    buf_fini(&v->gone);
    mem_free(v);
}

void viewer_close(viewer *v) {
    core *c = v->core;
    core_lock(c);
    while (v->subscriptions)
        drop_subscription(v, v->subscriptions);
    while (v->watches)
        drop_watch(v, v->watches);
    while (v->looks)
        look_end(v, v->looks);
    pushes_viewer_gone(v);
    for (frame *f; (f = pop(v));)
        frame_release(f);
    unlink_viewer(v);
    v->closed = true;
    viewer_unref(v);
    core_unlock(c);
}

// --- messages -----------------------------------------------------------------------------------

subscription *subscription_find(viewer *v, uint32_t id) {
    subscription *s = v->subscriptions;
    while (s && s->id != id)
        s = s->next;
    return s;
}

watch *watch_find(viewer *v, uint32_t id) {
    watch *w = v->watches;
    while (w && w->id != id)
        w = w->next;
    return w;
}

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
    if (s) drop_subscription(v, s);
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
    if (old) drop_watch(v, old);
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
    push_text(a->v, &text);
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
    push_text(v, &text);
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
        if (s) drop_subscription(v, s);
    } else if (strcmp(type, "look") == 0) {
        look_begin(v, m, id);
    } else if (strcmp(type, "unlook") == 0) {
        if (look_find(v, id)) look_end(v, look_find(v, id));
    } else if (strcmp(type, "unwatch") == 0) {
        if (w) drop_watch(v, w);
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

// --- next frame ---------------------------------------------------------------------------------

static bool fell_behind(const subscription *s) {
    const channel *ch = s->channel;
    return s->live && !s->waiting && (s->cursor < ch->first || s->gaps != ch->gaps);
}

static frame *live_frame(viewer *v) {
    for (subscription *s = v->subscriptions; s; s = s->next) {
        if (!s->live || s->waiting) continue;
        if (fell_behind(s)) {
            snapshot_submit(v, s);
        } else if (s->cursor < s->channel->head) {
            frame *f = s->channel->ring[s->cursor++ % RING_FRAMES];
            atomic_fetch_add(&f->uses, 1);
            return f;
        }
    }
    return NULL;
}

static frame *watched(viewer *v, int64_t now) {
    for (watch *w = v->watches; w; w = w->next)
        if (watch_due(v, w, now)) return watch_message(v, w, now);
    return NULL;
}

frame *viewer_next(viewer *v) {
    core *c = v->core;
    int64_t now = clock_mono_ns();
    core_lock(c);
    frame *f = pop(v);
    if (!f && v->wants_runs && runs_due(v, now)) f = runs_message(v, now);
    if (!f) f = watched(v, now);
    if (!f) f = live_frame(v);
    if (!f) f = look_next(v, now);
    if (!f) v->told = false;
    core_unlock(c);
    return f;
}

static bool has_something(viewer *v, int64_t now) {
    if (v->out || (v->wants_runs && runs_due(v, now))) return true;
    for (subscription *s = v->subscriptions; s; s = s->next)
        if (s->live && !s->waiting && (s->cursor < s->channel->head || fell_behind(s))) return true;
    for (watch *w = v->watches; w; w = w->next)
        if (watch_due(v, w, now)) return true;
    return look_due(v, now);
}

// After a pass of the engine: who has something to fetch and has not been told yet.
void viewers_notify(core *c) {
    int64_t now = clock_mono_ns();
    for (viewer *v = c->viewers; v; v = v->next)
        if (!v->told && !v->is_ready && has_something(v, now)) viewer_ready(v);
    if (c->ready && c->hooks.wake) c->hooks.wake(c->hooks.context);
}

void core_ready_viewers(core *c, void (*each)(void *context, void *user), void *context) {
    void *users[256];
    for (;;) {
        size_t n = 0;
        core_lock(c);
        while (c->ready && n < 256) {
            viewer *v = c->ready;
            c->ready = v->next_ready;
            v->is_ready = false;
            v->told = true;
            users[n++] = v->user;
        }
        core_unlock(c);
        for (size_t i = 0; i < n; i++)
            each(context, users[i]);
        if (n < 256) return;
    }
}

void viewers_run_gone(core *c, const char *key) {
    for (viewer *v = c->viewers; v; v = v->next) {
        if (!v->wants_runs) continue;
        buf_print(&v->gone, "%s\"%s\"", v->gone.length ? "," : "", key);
        viewer_ready(v);
    }
}
