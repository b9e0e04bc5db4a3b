// Unit viewer.c is one live link, which gives frames in a fair order (what it says: viewer_message.c). Nothing is pushed at a
// viewer: what it should see is remembered (cursors, versions), and a message is made when the net side asks for the next
// frame. So a slow viewer gets fewer messages, each with what is true then, and costs no memory.
//
// Only answers, errors and snapshots stand in a queue: they are bounded by what the viewer itself asked for (viewer_message.c).
#include "hub.h"
#include "network.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>

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

void viewer_push_text(viewer *v, buf *text) {
    viewer_push(v, frame_of(text, true));
}

void viewer_error(viewer *v, uint32_t id, const char *code, const char *message) {
    buf text = {0};
    buf_print(&text, "{\"type\":\"error\",\"id\":%u,\"error\":{\"code\":\"%s\",\"message\":", id,
              code);
    json_text(&text, message);
    buf_text(&text, "}}");
    viewer_push_text(v, &text);
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
    viewer_push_text(v, &text);
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

void subscription_drop(viewer *v, subscription *s) {
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

void watch_drop(viewer *v, watch *w) {
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
        subscription_drop(v, v->subscriptions);
    while (v->watches)
        watch_drop(v, v->watches);
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
