// Unit capture.c copies what is wanted of the network at the safe point, inside the budget.
//
// Place on the path: the helper sets bits of run->wanted (network.c: who wants what, and when; by then it has probed the
// pages); nns_step, nns_before_update and nns_tensor_show come here while one is set; the worker takes the copies.
//
// A set is what is copied together, of one step. When nothing has to wait it is begun and ended at one safe point, stamped
// with the step before. When gradients, or the difference of two weights, belong to it, it takes one step more:
//
//     nns_step(N)             begun: weights of N-1 (EARLIER)
//     body ... nns_before_update(N)       gradients, activations                      all of it is
//     nns_step(N+1)           weights of N, and what else stands; ended               stamped N
//
// What is too large for one hold is sliced: at each safe point as much as the budget lets; weights and the same weights one
// update before go slice by slice, so that exactly one update lies between the two.
//
// Invariants:
//   1. Nothing is allocated, nothing is waited for, no system call is made. A ring without room puts off.
//   2. At most one set is open. Its items are whole when it ends; one that cannot become whole drops the set.
//   3. What a set of one hold needs was there (budget and room) when it was begun; a sliced one asks at each slice.
#include "capture.h"

#include "items.h"
#include "nonfinite.h"
#include "push.h"
#include "stats.h"

#include "base/clock.h"

#include <string.h>

#define WAIT_STEPS_MAX 256u // for an nns_before_update
#define ENTRY_BYTES (sizeof(copy) + 64)
#define BEHIND_STEPS 4u // until the ring is asked for room again
#define SLICE_BYTES_MIN (64u << 10)

// --- budget --------------------------------------------------------------------------------------

static governor_time time_now(nns_run *run, int64_t now_ns) {
    return (governor_time){now_ns, stats_inside_ns(run), atomic_load(&run->paused_ns)};
}

static void refill(nns_run *run, capturer *c, int64_t now_ns) {
    if (!c->governed) governor_init(&c->governor, run->budget, time_now(run, now_ns));
    c->governed = true;
    governor_refill(&c->governor, time_now(run, now_ns));
}

// Bytes that may be copied at this safe point.
static uint64_t allowance(const capturer *c) {
    const governor *g = &c->governor;
    if (c->set.held || !c->set.sliced) return UINT64_MAX;
    double ns = g->bucket_ns, hold = (double)governor_hold_ns(g);
    if (ns <= 0) return 0;
    uint64_t bytes = (uint64_t)((ns < hold ? ns : hold) / g->ns_per_byte);
    return bytes < SLICE_BYTES_MIN ? SLICE_BYTES_MIN : bytes;
}

// What was copied since `began_ns` is told to the governor and counted as time inside nnscope.
static void measured(nns_run *run, capturer *c, int64_t began_ns) {
    int64_t ns = clock_mono_ns() - began_ns;
    if (c->set.entries) governor_copied(&c->governor, c->set.bytes, c->set.entries, ns);
    c->set.bytes = c->set.entries = 0;
    atomic_fetch_add_explicit(&run->inside_ns, ns, memory_order_relaxed);
}

// --- the set -------------------------------------------------------------------------------------

static bool mark(network *n, capturer *c, uint32_t kind, const capture_moment *m) {
    capture_set *s = &c->set;
    copy *entry = copies_room(&n->copies, 0);
    if (!entry) return false;
    entry->kind = kind;
    entry->why = s->why;
    entry->set = s->number;
    entry->number = s->command;
    entry->step = entry->last_step = m->step;
    entry->time_ns = m->time_ns;
    if (kind == COPY_SET_BEGIN) entry->wall_ms = clock_wall_ms();
    if (kind == COPY_SET_END && s->step != INT64_MIN) {
        entry->step = s->step;
        entry->last_step = s->last_step;
        entry->time_ns = s->time_ns;
        if (s->last_step != s->step) entry->flags = COPY_SLICED;
    }
    copies_put(&n->copies, entry);
    return true;
}

static void closed(nns_run *run, capturer *c) {
    c->set.open = false;
    c->set.count = 0;
    atomic_fetch_and(&run->wanted, ~WANT_BIT(WANT_OPEN));
}

// What a person asked for is wanted again.
static void drop(nns_run *run, network *n, capturer *c, const capture_moment *m) {
    uint32_t again = c->set.why & (WANT_BIT(WANT_KEEP) | WANT_BIT(WANT_PRUNE));
    if (!mark(n, c, COPY_SET_DROPPED, m)) return; // next time
    closed(run, c);
    if (again) atomic_fetch_or(&run->wanted, again);
}

static void end(nns_run *run, network *n, capturer *c, const capture_moment *m) {
    if (!mark(n, c, COPY_SET_END, m)) return; // next time
    closed(run, c);
    atomic_fetch_add_explicit(&n->plan.done, 1, memory_order_relaxed);
}

static void stamp(capture_set *s, const capture_moment *m) {
    if (s->step == INT64_MIN) {
        s->step = m->step;
        s->time_ns = m->time_ns;
    }
    s->last_step = m->step;
}

// Copies of one item from *from to `to`. True: all of it.
static bool advance(network *n, capturer *c, const capture_moment *m, item *i, uint64_t *from,
                    uint64_t to, uint32_t flags, uint64_t *left) {
    slice s = {.t = n->registry.tensors[i->tensor - 1],
               .item = i,
               .from = from,
               .to = to,
               .flags = flags,
               .step = m->step,
               .time_ns = m->time_ns};
    uint64_t bytes = slice_copy(c, &n->copies, &s, *left);
    *left -= bytes < *left ? bytes : *left;
    if (bytes && !(flags & COPY_EARLIER)) stamp(&c->set, m);
    return *from == to;
}

// Batches come whole, so that their rows stay those of one step: a sliced set has cut them at its beginning.
static uint64_t most_of(network *n, const item *i, uint64_t left) {
    return n->registry.tensors[i->tensor - 1]->batch ? UINT64_MAX : left;
}

// --- phases --------------------------------------------------------------------------------------

// The weights of this step, where the ones before were copied a step ago. False: one cannot be had any more.
static bool copy_later(network *n, capturer *c, const capture_moment *m) {
    bool broken = false;
    for (uint32_t k = c->set.first; k < c->set.count; k++) {
        item *i = &c->items[k];
        uint64_t all = UINT64_MAX;
        if (!i->pair || i->done == i->earlier || !item_ready(n, i, &broken)) continue;
        if (!advance(n, c, m, i, &i->done, i->earlier, 0, &all)) return false;
    }
    return !broken;
}

// The ring was full in the middle of a batch: the rest of it would be of another step.
static bool begun_batch(network *n, const item *i) {
    return n->registry.tensors[i->tensor - 1]->batch && i->done;
}

// What is read at this point and belongs to no pair.
static bool copy_plain(network *n, capturer *c, const capture_moment *m, uint8_t at) {
    uint64_t left = allowance(c);
    bool broken = false;
    for (uint32_t k = c->set.first; k < c->set.count && left; k++) {
        item *i = &c->items[k];
        if (i->pair || i->at != at || item_whole(i) || !item_ready(n, i, &broken)) continue;
        uint64_t most = most_of(n, i, left);
        if (advance(n, c, m, i, &i->done, i->elements, 0, &most)) {
            left -= i->bytes < left ? i->bytes : left;
        } else if (!c->set.held && (!c->set.sliced || begun_batch(n, i))) {
            return false;
        } else {
            break;
        }
    }
    return !broken;
}

// The weights as they are before the next update, as far as they will be copied after it too.
static bool copy_earlier(network *n, capturer *c, const capture_moment *m) {
    uint64_t left = allowance(c), room = copies_free_bytes(&n->copies) / 4;
    bool broken = false;
    if (c->set.sliced) left = left / 2 < room ? left / 2 : room;
    for (uint32_t k = c->set.first; k < c->set.count && left; k++) {
        item *i = &c->items[k];
        if (!i->pair || i->earlier == i->elements || !item_ready(n, i, &broken)) continue;
        bool whole = advance(n, c, m, i, &i->earlier, i->elements, COPY_EARLIER, &left);
        if (!whole && !c->set.sliced) return false;
        if (!whole) break;
    }
    c->set.updated = false;
    return !broken;
}

static bool all_whole(nns_run *run, capturer *c) {
    capture_set *s = &c->set;
    while (s->first < s->count && item_whole(&c->items[s->first]))
        s->first++;
    bool updates = items_update_used(run, c);
    for (uint32_t k = s->first; k < s->count; k++) {
        const item *i = &c->items[k];
        bool missed = i->done == 0 && (i->at == AT_SHOW || (i->at == AT_UPDATE && !updates));
        if (!item_whole(i) && !missed) return false;
    }
    return true;
}

// The update that was expected in this step has not come: the set waits for it.
static bool waits(nns_run *run, capturer *c) {
    if (c->set.updated || c->set.held || !items_update_used(run, c)) {
        c->set.waited = 0;
        return false;
    }
    return c->set.waited++ < WAIT_STEPS_MAX;
}

static void go_on(nns_run *run, network *n, capturer *c, const capture_moment *m) {
    if (c->set.later && waits(run, c)) return;
    bool good = copy_later(n, c, m) && copy_plain(n, c, m, AT_STEP);
    if (!good)
        drop(run, n, c, m);
    else if (all_whole(run, c))
        end(run, n, c, m);
    else if (!copy_earlier(n, c, m))
        drop(run, n, c, m);
}

// --- beginning -----------------------------------------------------------------------------------

static double cost_of_roles(network *n, const governor *g, uint32_t roles) {
    uint64_t bytes = 0;
    uint32_t count = 0;
    for (uint32_t role = NNS_WEIGHT; role <= NNS_OTHER; role++) {
        if (!(roles & (1u << role))) continue;
        bytes += atomic_load_explicit(&n->role_bytes[role], memory_order_relaxed);
        count += atomic_load_explicit(&n->role_count[role], memory_order_relaxed);
    }
    bool pairs = (roles & (1u << NNS_UPDATE)) &&
                 !atomic_load_explicit(&n->role_count[NNS_UPDATE], memory_order_relaxed);
    if (pairs) bytes += atomic_load_explicit(&n->role_bytes[NNS_WEIGHT], memory_order_relaxed);
    return governor_cost_ns(g, bytes, count);
}

typedef struct choice {
    uint32_t why, roles;
    double cost;
    bool held, refused; // refused: the first could not be afforded
    uint32_t wait;      // steps, when nothing is chosen; 0: not known
} choice;

static void wait_for(choice *made, uint32_t steps) {
    if (!made->wait || steps < made->wait) made->wait = steps;
}

static bool may_join(const capturer *c, choice *made, uint32_t want, double cost) {
    const governor *g = &c->governor;
    bool recorded = want >= WANT_STATISTICS, flight = want == WANT_FLIGHT;
    if (want == WANT_KEEP || want == WANT_PRUNE) return true;
    if (recorded && !governor_record_affords(g, cost - made->cost, flight)) {
        wait_for(made, governor_record_wait_steps(g, cost - made->cost, flight));
        return false;
    }
    if (governor_affords(g, cost)) return true;
    made->refused = !made->why;
    wait_for(made, governor_wait_steps(g, cost));
    return false;
}

static void consider(network *n, capturer *c, choice *made, uint32_t wanted) {
    for (uint32_t want = WANT_KEEP; want < WANTS && !made->refused; want++) {
        if (!(wanted & WANT_BIT(want))) continue;
        uint32_t together = made->roles | atomic_load(&n->plan.roles[want]);
        double cost = cost_of_roles(n, &c->governor, together);
        bool asked = made->held || together == made->roles;
        if (!asked && !may_join(c, made, want, cost)) continue;
        if (!asked && want >= WANT_STATISTICS)
            governor_record(&c->governor, cost - made->cost, want == WANT_FLIGHT);
        made->why |= WANT_BIT(want);
        made->roles = together;
        made->cost = cost;
    }
}

// The first must be affordable, or all wait for it; others join while they are. What is only recorded has its own part of the
// budget, and nobody waits for that. First comes what was put off, so that nothing starves; then by priority.
static choice choose(network *n, capturer *c, uint32_t wanted, bool held) {
    uint32_t late = atomic_load_explicit(&n->plan.late, memory_order_relaxed) & wanted;
    choice made = {.held = held};
    if (late) consider(n, c, &made, late);
    consider(n, c, &made, wanted & ~late);
    if (!made.why) c->skip = made.wait;
    return made;
}

static double most(double a, double b) {
    return a > b ? a : b;
}

// Cuts batches to what a hold and the ring allow. What is not sliced was found to fit: it may still grow until it is read.
static void limit_batch(network *n, capturer *c, uint64_t bytes) {
    double hold = (double)governor_hold_ns(&c->governor) / 2;
    double room = (double)copies_capacity(&n->copies) / 4;
    double part = 1 / most(governor_cost_ns(&c->governor, bytes, 0) / hold, (double)bytes / room);
    if (bytes) items_limit_rows(n, c, c->set.sliced ? part : most(part, 1));
}

// Does the ring take it now, or, sliced, part by part? Decides what is sliced.
static bool fit(network *n, capturer *c, const items_cost *k) {
    const governor *g = &c->governor;
    uint64_t entries = (k->earlier_count + k->update_count + k->step_count + 2) * ENTRY_BYTES;
    uint64_t bytes = k->earlier_bytes + k->update_bytes + k->step_bytes + entries;
    double hold = (double)governor_hold_ns(g);
    double phase = most(governor_cost_ns(g, k->step_bytes, k->step_count),
                        governor_cost_ns(g, k->update_bytes, k->update_count));
    bool large = bytes > copies_capacity(&n->copies) / 2;
    c->set.sliced = phase > hold || large;
    if (c->set.held) return copies_free_bytes(&n->copies) > entries;
    limit_batch(n, c, k->batch_bytes);
    return copies_free_bytes(&n->copies) >=
           (c->set.sliced ? copies_capacity(&n->copies) / 2 : bytes);
}

static uint64_t command_of(network *n, uint32_t why) {
    if (why & WANT_BIT(WANT_PRUNE)) return atomic_load(&n->plan.prune_number);
    return why & WANT_BIT(WANT_KEEP) ? atomic_load(&n->plan.keep_number) : 0;
}

static void name_items(network *n, capturer *c) {
    for (uint32_t k = 0; k < c->set.count; k++)
        n->registry.tensors[c->items[k].tensor - 1]->set = c->set.number;
}

static void open_set(nns_run *run, network *n, capturer *c, uint32_t why, const capture_moment *m) {
    capture_set *s = &c->set;
    capture_moment expected = {s->later ? m->next_step : m->step, m->time_ns, m->next_step};
    s->number++;
    s->why = why;
    s->command = command_of(n, why);
    s->step = s->last_step = INT64_MIN;
    s->waited = 0;
    s->updated = false;
    if (!mark(n, c, COPY_SET_BEGIN, &expected)) return;
    s->open = true;
    name_items(n, c);
    atomic_fetch_or(&run->wanted, WANT_BIT(WANT_OPEN));
    atomic_fetch_and(&run->wanted, ~(why & ~WANT_BIT(WANT_FLIGHT)));
    atomic_fetch_and(&n->plan.late, ~why);
}

static bool comes_later(const capturer *c) {
    for (uint32_t k = 0; k < c->set.count; k++)
        if (c->items[k].pair || c->items[k].at != AT_STEP) return true;
    return false;
}

// Steps that go by before the one in whose body an update is expected; 0: it is the one that comes. So all of a set is of one step
// also where a program gathers gradients over several.
static uint32_t steps_before_update(nns_run *run, const capturer *c) {
    uint64_t serial =
        atomic_load_explicit(&run->serial, memory_order_relaxed); // of the body before
    uint64_t next = c->update_serial - 1 + c->update_every;
    bool regular = items_update_used(run, c) && c->update_every <= WAIT_STEPS_MAX;
    return regular && next > serial + 1 ? (uint32_t)(next - serial - 1) : 0;
}

// Prune and keep are answered apart: at most one of them in a set.
static uint32_t one_command(uint32_t wanted) {
    uint32_t both = WANT_BIT(WANT_KEEP) | WANT_BIT(WANT_PRUNE);
    return (wanted & both) == both ? wanted & ~WANT_BIT(WANT_PRUNE) : wanted;
}

static void begin(nns_run *run, network *n, capturer *c, const capture_moment *m, bool held) {
    uint32_t mask = held ? WANTED_HELD : UINT32_MAX;
    uint32_t sets = (WANT_BIT(WANTS) - 1) & ~WANT_BIT(WANT_PUSH) & mask;
    uint32_t wanted = one_command(atomic_load(&run->wanted) & sets);
    items_cost cost;
    if (!wanted) return;
    choice made = choose(n, c, wanted, held);
    if (!made.why) return;
    copies_move(&n->copies);
    c->set.held = held;
    items_build(run, c, made.roles, held, &cost);
    c->set.later = comes_later(c);
    uint32_t early = c->set.later ? steps_before_update(run, c) : 0;
    if (early) {
        c->skip = early - 1;
        return;
    }
    if (!fit(n, c, &cost)) {
        c->skip = BEHIND_STEPS;
        return;
    }
    open_set(run, n, c, made.why, m);
    if (!c->set.open) return;
    if (!c->set.later)
        go_on(run, n, c, m);
    else if (!copy_earlier(n, c, m))
        drop(run, n, c, m);
}

// --- points --------------------------------------------------------------------------------------

static capture_moment moment_before(nns_run *run, int64_t step) {
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed);
    bool goes_on = run->last_step != INT64_MIN && step >= run->last_step;
    return (capture_moment){
        goes_on ? run->last_step : step - 1,
        atomic_load_explicit(&run->stamps[serial & 1].time_ns, memory_order_relaxed), step};
}

void capture_at_step(nns_run *run, int64_t step) {
    uint32_t wanted = atomic_load_explicit(&run->wanted, memory_order_acquire);
    network *n = network_of(run);
    if (wanted & WANT_BIT(WANT_NONFINITE)) nonfinite_tell(run);
    if (!n || !atomic_load_explicit(&n->copies.made, memory_order_acquire)) return;
    capturer *c = n->capturer;
    bool pushed = wanted & WANT_BIT(WANT_PUSH); // it waits for no set
    wanted &= ~(WANT_BIT(WANT_NONFINITE) | WANT_BIT(WANT_PUSH));
    if (c->skip && !c->set.open && wanted == c->seen && !pushed) {
        c->skip--;
        return;
    }
    c->skip = 0;
    c->seen = wanted;
    int64_t began = clock_mono_ns();
    capture_moment m = moment_before(run, step);
    refill(run, c, began);
    if (run->last_step != INT64_MIN) governor_step(&c->governor, began - run->began_ns);
    if (pushed) pushes_run(run, &m, c->governor.bucket_ns >= 0);
    if (c->set.held) c->set.sliced = true; // begun in a hold that has ended
    c->set.held = false;
    if (c->set.open) go_on(run, n, c, &m);
    if (!c->set.open) begin(run, n, c, &m, false);
    measured(run, c, began);
}

void capture_at_update(nns_run *run) {
    network *n = network_of(run);
    capturer *c = n->capturer;
    if (!c->set.open || c->set.held) return;
    int64_t began = clock_mono_ns();
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed);
    capture_moment m = {run->last_step, atomic_load(&run->stamps[serial & 1].time_ns),
                        run->last_step};
    if (c->set.sliced) refill(run, c, began);
    c->set.updated = true;
    if (!copy_plain(n, c, &m, AT_UPDATE)) drop(run, n, c, &m);
    measured(run, c, began);
}

void capture_shown(nns_run *run, tensor *t) {
    network *n = network_of(run);
    capturer *c = n->capturer;
    item *i = &c->items[t->item];
    bool broken = false;
    if (!c->set.open || t->set != c->set.number || t->item >= c->set.count) return;
    if (i->at != AT_SHOW || i->done || !item_ready(n, i, &broken)) return;
    int64_t began = clock_mono_ns();
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed), all = UINT64_MAX;
    capture_moment m = {run->last_step, atomic_load(&run->stamps[serial & 1].time_ns),
                        run->last_step};
    if (!advance(n, c, &m, i, &i->done, i->elements, 0, &all) && i->done) drop(run, n, c, &m);
    measured(run, c, began);
}

// The state does not change while the run is held: no budget, and a set that waits for a body gives way.
bool capture_held(nns_run *run) {
    network *n = network_of(run);
    uint32_t wanted = atomic_load_explicit(&run->wanted, memory_order_acquire);
    if (wanted & WANT_BIT(WANT_NONFINITE)) nonfinite_tell(run);
    if (!n || !atomic_load_explicit(&n->copies.made, memory_order_acquire)) return false;
    capturer *c = n->capturer;
    uint64_t serial = atomic_load(&run->serial);
    capture_moment m = {run->state_step, atomic_load(&run->stamps[serial & 1].time_ns),
                        run->last_step};
    bool asked = wanted & WANTED_HELD;
    c->skip = 0;
    if (!c->governed) refill(run, c, clock_mono_ns());
    if (wanted & WANT_BIT(WANT_PUSH)) pushes_run(run, &m, true);
    if (c->set.open && !c->set.held && asked) drop(run, n, c, &m);
    if (c->set.open && c->set.held) go_on(run, n, c, &m);
    if (!c->set.open) begin(run, n, c, &m, true);
    c->set.bytes = c->set.entries = 0;
    return (c->set.open && c->set.held) || (atomic_load(&run->wanted) & WANTED_HELD);
}
