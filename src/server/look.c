// Unit look.c lets viewers look inside a running network. What all who look at a run want is merged (union of what, highest
// rates) into one LOOK record for the process of lowest rank, said at once when it changes and renewed every 5 s for 15 s, so
// that a server that dies leaves nobody copying. Each capture that comes back is one frame, shared by all who look.
//
// Invariants: (1) a look waits with at most LOOK_FRAMES frames, and a newer capture takes the place of older ones whose
// quantities it has too: a slow viewer gets fewer and newer ones, never a queue; (2) captures of a run are kept only while
// somebody looks, SEEN_BYTES_MAX at most; (3) the id of a look stands in the frame only from look_next to its sending: the net
// thread alone sends, one frame at a time, so no copy is made.
#include "hub.h"
#include "network.h"

#include "base/clock.h"
#include "base/le.h"

#include <jansson.h>
#include <string.h>

enum {
    LOOK_SECONDS = 15,
    LOOKS_MAX = 16,
    RATE_TENTHS_MAX = 600,
    UNITS_STANDARD = 100,
    LINKS_STANDARD = 20,
    STRONGEST_MAX = 100000
};
#define RENEW_NS (5 * NS_PER_S)
#define SEEN_BYTES_MAX ((size_t)64 << 20)

// --- frames that wait ---------------------------------------------------------------------------

static void frames_drop(look_frames *list, int i) {
    frame_release(list->frame[i]);
    list->count--;
    memmove(list->frame + i, list->frame + i + 1, (size_t)(list->count - i) * sizeof *list->frame);
    memmove(list->holds + i, list->holds + i + 1, (size_t)(list->count - i) * sizeof *list->holds);
}

void look_frames_add(look_frames *list, frame *f, uint64_t holds) {
    for (int i = list->count; i-- > 0;)
        if (!(list->holds[i] & ~holds)) frames_drop(list, i);
    if (list->count == LOOK_FRAMES) frames_drop(list, 0);
    atomic_fetch_add(&f->uses, 1);
    list->frame[list->count] = f;
    list->holds[list->count++] = holds;
}

void look_frames_fini(look_frames *list) {
    while (list->count)
        frames_drop(list, list->count - 1);
}

static uint64_t holds_of(const frame *f) {
    capture_section s;
    uint64_t holds = 0;
    for (size_t at = 0; capture_next(f->data, f->length, &at, &s) == 0;)
        holds |= UINT64_C(1) << (s.quantity & 63);
    return holds;
}

// --- asking -------------------------------------------------------------------------------------

static void merge_units(look_ask *all, const look_ask *one) {
    for (uint32_t i = 0; i < one->count && all->count < LOOK_UNITS_MAX; i++) {
        uint32_t k = 0;
        while (k < all->count && memcmp(all->units[k], one->units[i], sizeof all->units[k]) != 0)
            k++;
        if (k == all->count) memcpy(all->units[all->count++], one->units[i], sizeof all->units[k]);
    }
}

static look_ask merged(const core *c, const run *r) {
    look_ask all = {0};
    for (const looking *l = c->all_looks; l; l = l->next) {
        if (strcmp(l->key, r->row.key) != 0) continue;
        all.what |= l->ask.what;
        if (l->ask.units_hz10 > all.units_hz10) all.units_hz10 = l->ask.units_hz10;
        if (l->ask.links_hz10 > all.links_hz10) all.links_hz10 = l->ask.links_hz10;
        if (l->ask.strongest > all.strongest) all.strongest = l->ask.strongest;
        merge_units(&all, &l->ask);
    }
    return all;
}

static bool say(core *c, process *p, const look_ask *ask) {
    buf out = {0};
    uint32_t words = 3 + ask->count;
    buf_u32(&out, RECORD_LOOK | words << 16);
    buf_u32(&out, ask->what ? LOOK_SECONDS : 0);
    buf_u32(&out, ask->what);
    buf_u32(&out, ask->units_hz10 | (uint32_t)ask->links_hz10 << 16);
    buf_u32(&out, ask->strongest);
    buf_u32(&out, ask->count);
    for (uint32_t i = 0; i < ask->count; i++) {
        buf_u32(&out, ask->units[i][0]);
        buf_u32(&out, ask->units[i][1]);
    }
    bool said = !out.failed && process_send(c, p, &out);
    buf_fini(&out);
    return said;
}

// Says what is wanted now, when it changed or is due to be said again.
static void renew(core *c, run *r, int64_t now_ns) {
    process *p = r->loaded ? run_speaker(r) : NULL;
    look_ask ask = merged(c, r);
    network *n = ask.what || r->network ? run_network(r) : NULL;
    if (!n) return;
    if (!ask.what) look_frames_fini(&n->seen), n->seen_bytes = 0;
    if (!p || (!ask.what && !n->asked_ns)) return;
    if (ask.what) run_watch_lease(c, r); // what is seen comes soon
    bool same =
        memcmp(&ask, &n->asked, sizeof ask) == 0 && strcmp(n->asked_process, p->id.text) == 0;
    if (n->asked_ns && same && now_ns - n->asked_ns < RENEW_NS) return;
    if (!say(c, p, &ask)) return;
    n->asked = ask;
    memcpy(n->asked_process, p->id.text, sizeof n->asked_process);
    n->asked_ns = ask.what ? now_ns : 0;
}

void looks_changed(core *c, const char *key) {
    run *r = registry_named(c, key);
    if (r) renew(c, r, clock_mono_ns());
}

bool look_wanted(const core *c, const run *r) {
    for (const looking *l = c->all_looks; l; l = l->next)
        if (strcmp(l->key, r->row.key) == 0) return true;
    return false;
}

// --- viewers ------------------------------------------------------------------------------------

static uint32_t what_of(const json_t *list) {
    static const char *const words[] = {"units",   "weights",     "gradients", "updates", "outcome",
                                        "classes", "correlation", "values",    "matrices"};
    uint32_t what = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        for (uint32_t k = 0; word && k < sizeof words / sizeof *words; k++)
            if (strcmp(word, words[k]) == 0) what |= 1u << k;
    }
    return what;
}

static uint16_t tenths(const json_t *m, const char *name, int standard) {
    json_t *rate = json_object_get(m, name);
    double v = json_is_number(rate) ? json_number_value(rate) * 10 : standard;
    return (uint16_t)(v >= 1 ? v < RATE_TENTHS_MAX ? v : RATE_TENTHS_MAX : 1);
}

static void read_units(look_ask *ask, const network *n, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list) && ask->count < LOOK_UNITS_MAX; i++) {
        json_t *layer = json_array_get(json_array_get(list, i), 0),
               *unit = json_array_get(json_array_get(list, i), 1);
        uint32_t number = (uint32_t)json_integer_value(layer);
        if (json_is_string(layer) && !model_layer(n, json_string_value(layer), &number)) continue;
        if (!number || !json_is_integer(unit) || json_integer_value(unit) < 0 ||
            json_integer_value(unit) > UINT32_MAX)
            continue;
        ask->units[ask->count][0] = number;
        ask->units[ask->count++][1] = (uint32_t)json_integer_value(unit);
    }
}

static void read_ask(look_ask *ask, const run *r, const json_t *m) {
    json_t *strongest = json_object_get(m, "strongest");
    json_int_t most = strongest ? json_integer_value(strongest) : 3000;
    *ask = (look_ask){.what = what_of(json_object_get(m, "what"))};
    ask->units_hz10 = tenths(m, "rate", UNITS_STANDARD);
    ask->links_hz10 = tenths(m, "links_rate", LINKS_STANDARD);
    ask->strongest = (uint32_t)(most < 0 ? 0 : most > STRONGEST_MAX ? STRONGEST_MAX : most);
    read_units(ask, r->network, json_object_get(m, "units"));
}

looking *look_find(viewer *v, uint32_t id) {
    looking *l = v->looks;
    while (l && l->id != id)
        l = l->next_of_viewer;
    return l;
}

static void add(core *c, looking *l) {
    l->next = c->all_looks;
    c->all_looks = l;
}

static looking *add_of_viewer(viewer *v, const run *r, uint32_t id) {
    looking *l = v->look_count < LOOKS_MAX ? mem_new(sizeof *l) : NULL;
    if (!l) return NULL;
    l->viewer = v;
    l->id = id;
    l->serial = ++v->serials;
    memcpy(l->key, r->row.key, sizeof l->key);
    l->next_of_viewer = v->looks;
    v->looks = l;
    v->look_count++;
    add(v->core, l);
    return l;
}

static void show_seen(looking *l, const network *n) {
    for (int i = 0; n && i < n->seen.count; i++)
        look_frames_add(&l->waiting, n->seen.frame[i], n->seen.holds[i]);
}

// A look of the same id is changed. What was seen last, or the newest snapshot of a run that is over, comes at once.
void look_begin(viewer *v, const json_t *m, uint32_t id) {
    const char *key = json_string_value(json_object_get(m, "run"));
    run *r = registry_named(v->core, key);
    looking *l = look_find(v, id);
    if (l && (!r || strcmp(l->key, r->row.key) != 0)) look_end(v, l), l = NULL;
    if (!r || v->text_only) {
        viewer_error(v, id, "not_found", "there is no such run");
        return;
    }
    bool fresh = !l;
    if (!l) l = add_of_viewer(v, r, id);
    if (!l) {
        viewer_error(v, id, "too_many", "at most 16 looks");
        return;
    }
    read_ask(&l->ask, r, m);
    if (r->loaded && run_speaker(r))
        renew(v->core, r, clock_mono_ns());
    else if (fresh)
        keep_newest(v->core, v, l);
    if (fresh) show_seen(l, r->network);
    viewer_ready(v);
}

static void unlink_look(core *c, looking *l) {
    looking **at = &c->all_looks;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

void look_end(viewer *v, looking *l) {
    core *c = v->core;
    looking **at = &v->looks;
    while (*at != l)
        at = &(*at)->next_of_viewer;
    *at = l->next_of_viewer;
    v->look_count--;
    unlink_look(c, l);
    looks_changed(c, l->key);
    look_frames_fini(&l->waiting);
    mem_free(l);
}

// Not more often than its viewer asked, give or take what captures come early, though another's may be wanted faster.
static bool in_time(const looking *l, int64_t now_ns) {
    uint16_t rate = l->ask.units_hz10 > l->ask.links_hz10 ? l->ask.units_hz10 : l->ask.links_hz10;
    return !rate || now_ns - l->sent_ns >= 10 * NS_PER_S / rate * 7 / 10;
}

bool look_due(const viewer *v, int64_t now_ns) {
    for (const looking *l = v->looks; l; l = l->next_of_viewer)
        if (l->waiting.count && in_time(l, now_ns)) return true;
    return false;
}

static looking *longest_waiting(viewer *v, int64_t now_ns) {
    looking *best = NULL;
    for (looking *l = v->looks; l; l = l->next_of_viewer)
        if (l->waiting.count && in_time(l, now_ns) && (!best || l->sent_ns < best->sent_ns))
            best = l;
    return best;
}

frame *look_next(viewer *v, int64_t now_ns) {
    looking *l = longest_waiting(v, now_ns);
    if (!l) return NULL;
    frame *f = l->waiting.frame[0];
    atomic_fetch_add(&f->uses, 1);
    frames_drop(&l->waiting, 0);
    if (!l->waiting.count) l->sent_ns = now_ns; // several that wait go together
    le_put_u64(f->data + 8, l->id);
    return f;
}

// --- calls that wait for a capture --------------------------------------------------------------

static bool satisfied(const looking *l, const frame *f) {
    capture_section s;
    for (size_t at = 0; capture_next(f->data, f->length, &at, &s) == 0;)
        if (l->fits(l, &s)) return true;
    return false;
}

static void settle(core *c, looking *l, frame *f) {
    unlink_look(c, l);
    look_answer(c, l, f);
}

void look_wait(core *c, run *r, looking *l) {
    memcpy(l->key, r->row.key, sizeof l->key);
    add(c, l);
    renew(c, r, clock_mono_ns());
}

static void answer_calls(core *c, const run *r, frame *f) {
    for (looking *l = c->all_looks, *next; l; l = next) {
        next = l->next;
        if (l->viewer || strcmp(l->key, r->row.key) != 0 || !satisfied(l, f)) continue;
        settle(c, l, f);
    }
}

// --- captures -----------------------------------------------------------------------------------

static void remember(network *n, frame *f, uint64_t holds) {
    if (!n) return;
    look_frames_add(&n->seen, f, holds);
    n->seen_bytes = 0;
    for (int i = 0; i < n->seen.count; i++)
        n->seen_bytes += n->seen.frame[i]->length;
    while (n->seen_bytes > SEEN_BYTES_MAX) {
        n->seen_bytes -= n->seen.frame[0]->length;
        frames_drop(&n->seen, 0);
    }
}

void looks_capture(core *c, run *r, frame *f) {
    uint64_t holds = holds_of(f);
    bool wanted = look_wanted(c, r);
    for (looking *l = c->all_looks; l; l = l->next) {
        if (!l->viewer || strcmp(l->key, r->row.key) != 0) continue;
        look_frames_add(&l->waiting, f, holds);
        viewer_ready(l->viewer);
    }
    if (wanted) remember(run_network(r), f, holds);
    answer_calls(c, r, f);
    looks_changed(c, r->row.key);
    c->figures.frames++;
    frame_release(f);
    if (c->ready && c->hooks.wake) c->hooks.wake(c->hooks.context);
}

void looks_tick(core *c, int64_t now_ns) {
    for (looking *l = c->all_looks, *next; l; l = next) {
        next = l->next;
        run *r = registry_find(c, l->key);
        bool over = !r || (l->deadline_ns && now_ns >= l->deadline_ns);
        if (!l->viewer && over)
            settle(c, l, NULL);
        else if (r)
            renew(c, r, now_ns);
    }
    for (run *r = c->active; r; r = r->next_active)
        if (r->network && r->network->asked_ns) renew(c, r, now_ns);
}

// The core is closing: nobody is there to be answered.
void looks_calls_end(core *c) {
    for (looking **at = &c->all_looks, *l; (l = *at);) {
        if (l->viewer) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        job_free(l->answer);
        mem_free(l);
    }
}
