// Unit snapshot.c makes the first frame of a subscription (and the next, when a viewer fell behind), and the frames of
// single queries. A worker reads the store; the lock is taken to see what is wanted, and to hand the frame over.
//
// Order: the channel's head is noted before the store is read, and the viewer goes on from there, so that each
// point is in the snapshot or in a frame behind it (or in both: ordinals tell).
#include "hub.h"

#include "base/clock.h"

#include <string.h>

enum { NAMES_MAX = 4096 };

typedef struct snapshot_job {
    job j;
    viewer *v; // counted
    uint32_t id;
    uint64_t serial; // of the subscription; 0: a query
    points_query p;  // names resolved
    points_query asked;
    uint64_t cursor, gaps;
} snapshot_job;

// --- names --------------------------------------------------------------------------------------

static bool has_name(const points_query *p, const char *name) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->names[i], name) == 0) return true;
    return false;
}

static void add_name(points_query *p, const char *name) {
    if (p->count >= NAMES_MAX || has_name(p, name)) return;
    char **names = mem_grow(p->names, p->count + 1, sizeof *names);
    if (!names) return;
    p->names = names;
    names[p->count] = mem_text(name, strlen(name));
    if (names[p->count]) p->count++;
}

static int add_stored(void *context, const store_series_info *info) {
    snapshot_job *k = context;
    if (info->kind == SERIES_SCALAR && patterns_match(k->asked.names, k->asked.count, info->name))
        add_name(&k->p, info->name);
    return 0;
}

static bool copy_query(points_query *to, const points_query *from) {
    *to = *from;
    to->names = NULL;
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        add_name(to, from->names[i]);
    return from->count == 0 || to->count > 0;
}

// Plain names as they are (unknown ones are said to be so), patterns by what matches now. Lock held.
static void names_in_memory(core *c, snapshot_job *k) {
    run *r = registry_find(c, k->asked.key);
    for (size_t i = 0; i < k->asked.count; i++)
        if (!strchr(k->asked.names[i], '*')) add_name(&k->p, k->asked.names[i]);
    for (size_t i = 0; r && r->loaded && i < r->series_count; i++)
        if (r->series[i]->kind == SERIES_SCALAR &&
            patterns_match(k->asked.names, k->asked.count, r->series[i]->name))
            add_name(&k->p, r->series[i]->name);
}

static bool any_pattern(const points_query *p) {
    for (size_t i = 0; i < p->count; i++)
        if (strchr(p->names[i], '*')) return true;
    return false;
}

// --- the frame ----------------------------------------------------------------------------------

static subscription *its_subscription(const snapshot_job *k) {
    subscription *s = k->v->closed ? NULL : subscription_find(k->v, k->id);
    return s && s->serial == k->serial ? s : NULL;
}

// False: nobody wants it any more.
static bool begin(core *c, snapshot_job *k) {
    core_lock(c);
    subscription *s = k->serial ? its_subscription(k) : NULL;
    bool wanted = s || (!k->serial && !k->v->closed);
    if (s) {
        k->cursor = s->channel->head;
        k->gaps = s->channel->gaps;
    }
    k->p = k->asked;
    k->p.names = NULL;
    k->p.count = 0;
    if (wanted) names_in_memory(c, k);
    core_unlock(c);
    return wanted;
}

static void put_text(const snapshot_job *k, const store_columns *c, buf *out) {
    bool first = true;
    buf_print(out, "{\"type\":\"points\",\"run\":\"%s\",\"id\":%u,\"snapshot\":true,\"series\":{",
              k->p.key, k->id);
    for (size_t i = 0; i < k->p.count; i++) {
        if (c[i].total == UINT64_MAX) continue;
        if (!first) buf_char(out, ',');
        first = false;
        frame_text_block(k->p.names[i], 0, &c[i], out);
    }
    buf_text(out, "}}");
}

static int read_frame(snapshot_job *k, store_reader *reader, bool text, buf *out) {
    store_columns *c = mem_array(k->p.count + 1, sizeof *c);
    int result = c ? 0 : NNS_E_NO_MEMORY;
    for (size_t i = 0; !result && i < k->p.count; i++) {
        result = points_fetch(&k->p, reader, i, k->p.q.from, k->p.q.to, &c[i]);
        if (result != NNS_E_NOT_FOUND) continue;
        result = 0;
        c[i].total = UINT64_MAX;
    }
    if (!result && text) put_text(k, c, out);
    if (!result && !text) points_frame(&k->p, c, out);
    for (size_t i = 0; c && i < k->p.count; i++)
        store_columns_fini(&c[i]);
    mem_free(c);
    return result;
}

static void hand_over(core *c, snapshot_job *k, buf *out, int result) {
    core_lock(c);
    viewer *v = k->v;
    subscription *s = k->serial ? its_subscription(k) : NULL;
    bool wanted = !v->closed && (s || !k->serial);
    if (wanted && (result || out->failed))
        viewer_error(v, k->id, "store", "the points cannot be read");
    else if (wanted)
        viewer_push(v, frame_of(out, v->text_only));
    if (s) {
        subscription_wait(s, false);
        s->live = true;
        s->cursor = k->cursor;
        s->gaps = k->gaps;
    }
    core_unlock(c);
    buf_fini(out);
    core_ring(c);
    if (c->hooks.wake) c->hooks.wake(c->hooks.context);
}

static void work(core *c, job *j, store_reader *reader) {
    snapshot_job *k = (snapshot_job *)j;
    buf out = {0};
    if (!begin(c, k)) return;
    if (any_pattern(&k->asked)) store_list_series(reader, k->asked.run, add_stored, k);
    int result = read_frame(k, reader, k->v->text_only, &out);
    hand_over(c, k, &out, result);
}

static void fini(job *j) {
    snapshot_job *k = (snapshot_job *)j;
    core *c = k->v->core;
    core_lock(c);
    k->v->jobs--;
    viewer_unref(k->v);
    core_unlock(c);
    points_query_fini(&k->p);
    points_query_fini(&k->asked);
}

static bool submit(viewer *v, points_query *asked, uint32_t id, uint64_t serial) {
    snapshot_job *k = mem_new(sizeof *k);
    if (!k) {
        points_query_fini(asked);
        viewer_error(v, id, "no_memory", "out of memory");
        return false;
    }
    k->j = (job){.work = work, .fini = fini};
    k->v = v;
    v->uses++;
    v->jobs++;
    k->id = id;
    k->serial = serial;
    k->asked = *asked;
    *asked = (points_query){0};
    job_submit(&v->core->workers, &k->j);
    return true;
}

void snapshot_submit(viewer *v, subscription *s) {
    points_query asked;
    int64_t now = clock_mono_ns();
    if (s->snapshot_ns && now - s->snapshot_ns < NS_PER_S / 5) return; // again in a moment
    s->snapshot_ns = now;
    if (!copy_query(&asked, &s->p)) return;
    if (submit(v, &asked, s->id, s->serial)) subscription_wait(s, true);
}

void snapshot_query(viewer *v, points_query *p) {
    submit(v, p, p->request, 0);
}
