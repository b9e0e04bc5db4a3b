// Unit thin.c keeps the snapshots of a run below their bounds. They are thinned logarithmically: the further back a time lies
// from the newest (or from a snapshot that a person or the flight recorder kept), the wider snapshots may stand apart. Each turn the one
// goes whose going leaves the smallest gap for how far back it lies; kept ones and the LEAD before each of them, which show what
// led to it, go last, the newest few never.
//
//     |   .       .    .   . . ....K....     . .  . ........|      K kept; distances double going back
//
// A snapshot that stands on one that goes is packed anew on top of that one's base first. Runs on the keeper's thread, TURN at a
// time, then behind whatever waits there. Order: new files, then rows in one commit, then old files once that is durable.
#include "keep.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECENT_MAX = 32, LEAD = 16, TURN = 16, KEPT = CAPTURE_FLIGHT | CAPTURE_KEPT };

// --- which (pure) -------------------------------------------------------------------------------

typedef struct candidate {
    size_t row;
    double score;
} candidate;

static int by_score(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score) - (x->score < y->score)
                                : (x->row > y->row) - (x->row < y->row);
}

static void mark_kept(thin_row *rows, size_t n) {
    size_t lead = 0;
    for (size_t i = n; i-- > 0; lead -= lead > 0) {
        if (rows[i].s.flags & KEPT) lead = LEAD + 1;
        rows[i].kept = lead > 0;
    }
}

// How far each row lies from the newest, or the nearest kept one: milliseconds, at least 1.
static void distances(const thin_row *rows, size_t n, double *out) {
    double near = INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].s.flags & KEPT) near = (double)rows[i].s.time_ms;
        out[i] = fabs((double)rows[i].s.time_ms - near);
    }
    near = n ? (double)rows[n - 1].s.time_ms : 0;
    for (size_t i = n; i-- > 0;) {
        if (rows[i].s.flags & KEPT) near = (double)rows[i].s.time_ms;
        out[i] = fmax(1, fmin(out[i], fabs((double)rows[i].s.time_ms - near)));
    }
}

// How many of the newest stay in any case: what half of the room holds of them, at most RECENT_MAX, at least 1.
static size_t newest_stay(const thin_row *rows, size_t n, uint64_t bytes, size_t most) {
    uint64_t sum = 0;
    size_t count = 0;
    while (count < n && count < RECENT_MAX && count < most / 2 &&
           (sum += snapshot_cost(&rows[n - 1 - count].s)) <= bytes / 2)
        count++;
    return count || !n ? count : 1;
}

// One sweep over the rows that are left: the best to go, no two neighbours. -> how many went
static size_t sweep(thin_row *rows, size_t n, const double *distance, candidate *room,
                    uint64_t *have, size_t *count, uint64_t bytes, size_t most, bool also_kept) {
    size_t before = SIZE_MAX, here = SIZE_MAX, found = 0, went = 0;
    size_t end = n - newest_stay(rows, n, bytes, most);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].gone) continue;
        if (before != SIZE_MAX && here < end && (also_kept || !rows[here].kept))
            room[found++] = (candidate){here, (double)(rows[i].s.time_ms - rows[before].s.time_ms) /
                                                  distance[here]};
        before = here;
        here = i;
    }
    qsort(room, found, sizeof *room, by_score);
    for (size_t i = 0; i < (found + 3) / 4 && (*have > bytes || *count > most); i++) {
        size_t at = room[i].row, left = at, right = at;
        while (left > 0 && rows[--left].gone && !rows[left].fresh_gone) {
        }
        while (right + 1 < n && rows[++right].gone && !rows[right].fresh_gone) {
        }
        if (rows[left].fresh_gone || rows[right].fresh_gone)
            continue; // its gap is wider now: the next sweep sees
        rows[at].gone = rows[at].fresh_gone = true;
        *have -= snapshot_cost(&rows[at].s);
        --*count;
        went++;
    }
    for (size_t i = 0; i < n; i++)
        rows[i].fresh_gone = false;
    return went;
}

size_t thin_plan(thin_row *rows, size_t n, uint64_t bytes, size_t most) {
    double *distance = mem_array(n + 1, sizeof *distance);
    candidate *room = mem_array(n + 1, sizeof *room);
    uint64_t have = 0;
    size_t count = n, went = 0;
    for (size_t i = 0; i < n; i++)
        have += snapshot_cost(&rows[i].s);
    mark_kept(rows, n);
    if (distance && room) {
        distances(rows, n, distance);
        for (int also_kept = 0; also_kept < 2; also_kept++)
            for (size_t some = 1; some && (have > bytes || count > most); went += some)
                some = sweep(rows, n, distance, room, &have, &count, bytes, most, also_kept);
    }
    mem_free(distance);
    mem_free(room);
    return went;
}

// --- doing it -----------------------------------------------------------------------------------

typedef struct thinning {
    core *c;
    store_reader *reader;
    store_id run;
    const char *key;
    thin_row *rows;
    size_t count, capacity;
    store_snapshot changed[TURN]; // rows packed anew
    size_t changed_count;
    store_id gone[TURN];
    char old[2 * TURN][65]; // files that go
    size_t gone_count, old_count;
} thinning;

static int add_row(void *context, const store_snapshot *row) {
    thinning *t = context;
    thin_row *rows = mem_room(t->rows, t->count, &t->capacity, 256, sizeof *rows);
    if (!rows) return 1;
    t->rows = rows;
    t->rows[t->count++] = (thin_row){.s = *row};
    return 0;
}

static thin_row *row_of(thinning *t, store_id id) {
    for (size_t i = 0; id && i < t->count; i++)
        if (t->rows[i].s.id == id) return &t->rows[i];
    return NULL;
}

// As it stands in memory: what this turn changed is not in the store yet.
static int open_row(thinning *t, const store_snapshot *s, decoded **out) {
    return snapshot_open(t->c, t->reader, t->run, s, out);
}

static uint32_t depth_on(const store_snapshot *base) {
    return base ? base->depth + 1 : 0;
}

// Packs `s` on top of `base` (NULL: by itself) into a file of another name.
static int pack_anew(thinning *t, store_snapshot *s, const store_snapshot *base) {
    decoded *raw = NULL, *under = NULL;
    buf out = {0};
    store_snapshot now = *s;
    int result = open_row(t, s, &raw);
    if (!result && base) result = open_row(t, base, &under);
    if (!result) result = recode_pack(snapshot_bytes(raw), snapshot_bytes(under), &out);
    snapshot_name(now.hash, t->key, s->hash, base ? (uint64_t)base->id : 0);
    now.base = base ? base->id : 0;
    now.depth = depth_on(base);
    now.bytes = out.length;
    if (!result) result = snapshot_write(t->c, now.hash, &out);
    if (!result) {
        memcpy(t->old[t->old_count++], s->hash, sizeof s->hash);
        *s = t->changed[t->changed_count++] = now;
    }
    buf_fini(&out);
    snapshot_drop(t->c, raw);
    snapshot_drop(t->c, under);
    return result;
}

static int drop_one(thinning *t, thin_row *victim) {
    thin_row *base = row_of(t, victim->s.base);
    int result = 0;
    for (size_t i = 0; i < t->count && !result; i++) {
        thin_row *r = &t->rows[i];
        if (r->dropped || r->s.base != victim->s.id) continue;
        if (t->changed_count == TURN) return NNS_E_AGAIN;
        result = pack_anew(t, &r->s, base ? &base->s : NULL);
    }
    if (result) return result;
    victim->dropped = true;
    memcpy(t->old[t->old_count++], victim->s.hash, sizeof victim->s.hash);
    t->gone[t->gone_count++] = victim->s.id;
    return 0;
}

static bool went(const thinning *t, store_id id) {
    for (size_t i = 0; i < t->gone_count; i++)
        if (t->gone[i] == id) return true;
    return false;
}

static void put_rows(thinning *t, run *r) {
    for (size_t i = 0; i < t->changed_count; i++)
        if (!went(t, t->changed[i].id)) store_put_snapshot(t->c->store, t->run, &t->changed[i]);
    for (size_t i = 0; i < t->gone_count; i++)
        store_drop_snapshot(t->c->store, t->gone[i]);
    if (r && r->network) r->network->last_known = false; // summed up and found anew
}

static void finish(thinning *t) {
    char path[PATH_CAP];
    core *c = t->c;
    core_lock(c);
    run *r = registry_named(c, t->key);
    if (r) put_rows(t, r);
    uint64_t commit = core_commit(c);
    for (size_t i = 0; commit && i < t->old_count; i++)
        if (!blob_path(c, t->old[i], path)) file_release(c, path, commit);
    core_unlock(c);
    core_ring(c);
}

static void thin(thinning *t, size_t most_gone) {
    for (size_t i = 0; i < t->count && t->gone_count < most_gone; i++) {
        if (!t->rows[i].gone) continue;
        int result = drop_one(t, &t->rows[i]);
        if (result == NNS_E_AGAIN) break;
        if (result)
            log_warn("a snapshot of run %s cannot be taken out: %s", t->key,
                     error_sentence(result));
    }
    if (t->gone_count || t->changed_count) finish(t);
}

// --- when ---------------------------------------------------------------------------------------

typedef struct thin_job {
    job j;
    char key[27];
    store_id run;
} thin_job;

static bool submit(core *c, const char *key, store_id of);

static bool set_thinning(core *c, const char *key, bool on) {
    core_lock(c);
    run *r = registry_find(c, key);
    bool can = r && r->network && r->network->thinning != on;
    if (can) r->network->thinning = on;
    core_unlock(c);
    return can;
}

// One turn. True: there may be more to do.
static bool turn(core *c, const thin_job *k, store_reader *reader) {
    thinning *t = mem_new(sizeof *t);
    if (!t) return false;
    *t = (thinning){.c = c, .reader = reader, .run = k->run, .key = k->key};
    core_settle(c);
    int result = store_all_snapshots(reader, k->run, add_row, t);
    uint64_t bytes = c->snapshot_bytes - c->snapshot_bytes / 16;
    if (!result && thin_plan(t->rows, t->count, bytes, SNAPSHOTS_MAX - SNAPSHOTS_MAX / 16))
        thin(t, TURN);
    bool more = t->gone_count == TURN;
    mem_free(t->rows);
    mem_free(t);
    return more;
}

static void work(core *c, job *j, store_reader *reader) {
    thin_job *k = (thin_job *)j;
    if (!turn(c, k, reader) || !submit(c, k->key, k->run)) set_thinning(c, k->key, false);
}

static bool submit(core *c, const char *key, store_id of) {
    thin_job *k = atomic_load(&c->ending) ? NULL : mem_new(sizeof *k);
    if (!k) return false;
    k->j.work = work;
    memcpy(k->key, key, sizeof k->key);
    k->run = of;
    keeper_submit(c, &k->j);
    return true;
}

static bool is_due(core *c, const char *key) {
    core_lock(c);
    run *r = registry_find(c, key);
    const network *n = r ? r->network : NULL;
    // Files take whole pages: half of one more on average.
    bool due =
        n && n->last_known &&
        (n->kept_bytes + 2048 * n->kept_count > c->snapshot_bytes || n->kept_count > SNAPSHOTS_MAX);
    core_unlock(c);
    return due;
}

void thin_when_due(core *c, const char *key, store_id of) {
    if (is_due(c, key) && set_thinning(c, key, true) && !submit(c, key, of))
        set_thinning(c, key, false);
}
