// Unit network.c looks after a run's network on the helper thread: it makes the memory, starts the worker, says to the trainer
// when something is wanted, and puts an end to all of it.
//
// Place on the path: the training thread makes the network at its first description; helper.c calls network_tend each turn. When
// something is due, its tensors' pages are probed (readable.c), then its bit is set in run->wanted: the next safe point
// sees it (capture.c).
//
// Invariants:
//   1. Nothing is wanted before the ring is there.
//   2. What is still wanted when it is due again is counted as thinned.
//   3. While the run is paused nothing is recorded and looks are served once for each stop and each LOOK record:
//      the state does not change.
#include "network.h"

#include "digest.h"
#include "lanes.h"
#include "model.h"
#include "push.h"
#include "readable.h"

#include "base/clock.h"
#include "base/mem.h"
#include "journal/capture.h"

#include <stdio.h>
#include <string.h>

#define STATISTICS_NS (NS_PER_S / 2)
#define SNAPSHOT_NS NS_PER_S
#define LOOK_SECONDS_MAX 60
#define LOOK_HZ10_MAX 300 // 30 a second
#define STRONGEST_MAX 100000u
// What the worker may use for what nobody looks at: parts of the budget, of a core.
#define WORKER_PART 0.5
#define IDLE_PART 2.0 // while half a core and more has nothing to do
#define IDLE_PPM 500000u
#define REST_NS NS_PER_S        // what it has not used is kept for so long
#define DEBT_NS (30 * NS_PER_S) // and this is how long it rests at most
#define AWAIT_PACE_NS (2 * NS_PER_MS)
#define AWAIT_PART 8 // of the time that a look has waited
#define STOP_NS NS_PER_S
#define HELD_UP_NS NS_PER_S // no turn for so long
// What a unit's own view needs (UNIT_WEIGHT, UNIT_OUT, UNIT_GRADIENT, UNIT_UPDATE, UNIT_SAMPLES).
#define UNIT_ROLES (1u << NNS_WEIGHT | 1u << NNS_WEIGHT_GRAD | 1u << NNS_UPDATE)
#define UNIT_SAMPLE_ROLES (1u << NNS_ACT | 1u << NNS_INPUT | 1u << NNS_LABEL)

// --- making --------------------------------------------------------------------------------------

static void free_parts(network *n) {
    mem_free(n->capturer);
    mem_free(n->pushes);
    mem_free(n);
}

network *network_make(nns_run *run) {
    if (!run_is_open(run)) return NULL;
    network *n = network_of(run);
    if (n) return n;
    n = mem_new(sizeof *n);
    if (!n) return NULL;
    n->capturer = mem_new(sizeof *n->capturer);
    n->pushes = mem_new(sizeof *n->pushes);
    if (!n->capturer || !n->pushes || plan_init(&n->plan, !run->no_network)) {
        free_parts(n);
        return NULL;
    }
    atomic_store_explicit(&run->network, n, memory_order_release);
    return n;
}

void network_fini(nns_run *run) {
    network *n = network_of(run);
    if (!n) return;
    pushes_fini(run);
    copies_fini(&n->copies);
    layers_fini(&n->registry);
    tensors_fini(&n->registry);
    plan_fini(&n->plan);
    mem_free(n->capturer);
    mem_free(n);
    atomic_store(&run->network, NULL);
}

void nns_on_evaluate(nns_run *run, nns_evaluate_call call, void *context) {
    network *n = call ? network_make(run) : NULL;
    if (!n) return;
    atomic_store(&n->evaluate_context, context);
    atomic_store_explicit(&n->evaluate, call, memory_order_release);
}

const float *nns_copy_data(const nns_copy *weights, nns_tensor handle) {
    return weights && handle >= 1 && handle <= weights->count ? weights->data[handle - 1] : NULL;
}

// --- sizes ---------------------------------------------------------------------------------------

static uint64_t bytes_now(const registry *r, const tensor *t) {
    int64_t told = atomic_load_explicit(&r->rows, memory_order_relaxed);
    int64_t most = atomic_load_explicit(&t->shape[0], memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&t->bytes, memory_order_relaxed);
    if (!t->batch || !told || told - 1 >= most || most < 1) return bytes;
    return bytes / (uint64_t)most * (uint64_t)(told - 1);
}

// Sums by role; all of them.
static uint64_t measure(network *n) {
    registry *r = &n->registry;
    uint64_t bytes[NNS_OTHER + 1] = {0}, total = 0;
    uint32_t number[NNS_OTHER + 1] = {0};
    uint32_t count = atomic_load_explicit(&r->tensor_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        const tensor *t = r->tensors[i];
        if (atomic_load(&t->state) != TENSOR_THERE || registry_spares(r, t)) continue;
        bytes[t->role] += bytes_now(r, t);
        number[t->role]++;
    }
    for (int role = NNS_WEIGHT; role <= NNS_OTHER; role++) {
        atomic_store(&n->role_bytes[role], bytes[role]);
        atomic_store(&n->role_count[role], number[role]);
        total += bytes[role];
    }
    return total + bytes[NNS_WEIGHT]; // twice, for the update
}

static bool get_ready(nns_run *run, network *n) {
    if (!atomic_load(&n->copies.made)) {
        uint64_t bytes = measure(n) + push_answer_bytes(n);
        if (copies_tend(&n->copies, bytes)) return false;
    }
    if (!n->digesting) n->digesting = digest_start(run) == 0;
    return n->digesting;
}

// --- what is due ---------------------------------------------------------------------------------

void network_prepare(nns_run *run, uint32_t kind) {
    network *n = network_of(run);
    uint32_t roles = atomic_load(&n->plan.roles[kind]);
    uint32_t bases = roles & (1u << NNS_UPDATE) ? 1u << NNS_WEIGHT : 0;
    measure(n);
    readable_check(run, roles | bases);
}

static void want(nns_run *run, network *n, uint32_t kind) {
    if (atomic_load(&run->wanted) & WANT_BIT(kind)) {
        if (kind == WANT_FLIGHT) return;
        atomic_fetch_add(&n->plan.thinned, 1);
        atomic_fetch_or(&n->plan.late, WANT_BIT(kind));
        return;
    }
    network_prepare(run, kind);
    atomic_fetch_or(&run->wanted, WANT_BIT(kind));
}

// The next time after `now_ns`; a time that was missed is not made up for.
static int64_t next_due(int64_t due_ns, int64_t period_ns, int64_t now_ns) {
    due_ns += period_ns;
    return due_ns > now_ns ? due_ns : now_ns + period_ns;
}

// What was due while a disk held the helper up is thinned too.
static void count_missed(plan *p, uint32_t kind, int64_t period_ns, int64_t now_ns) {
    int64_t from = p->due_ns[kind] > p->tended_ns ? p->due_ns[kind] : p->tended_ns;
    if (!p->tended_ns || now_ns - p->tended_ns < HELD_UP_NS || now_ns < from) return;
    atomic_fetch_add(&p->thinned, (uint64_t)((now_ns - from) / period_ns));
}

// Is it time for what comes every `period_ns`? In *soon_ns: when it is next, if that is sooner.
static bool is_due(plan *p, uint32_t kind, int64_t period_ns, int64_t now_ns, int64_t *soon_ns) {
    bool due = now_ns >= p->due_ns[kind];
    if (due) {
        count_missed(p, kind, period_ns, now_ns);
        p->due_ns[kind] = next_due(p->due_ns[kind], period_ns, now_ns);
    }
    if (p->due_ns[kind] - now_ns < *soon_ns) *soon_ns = p->due_ns[kind] - now_ns;
    return due;
}

static void tend_look(nns_run *run, network *n, int64_t now_ns, int64_t *soon_ns) {
    plan *p = &n->plan;
    const look *l = &p->look; // the helper alone writes it
    bool held = atomic_load(&run->holds), at_once = p->look_new;
    if (now_ns >= l->until_ns) return;
    uint64_t serial = atomic_load(&run->serial);
    if (held && serial != p->held_serial)
        at_once = true; // a person steps: each stop is seen at once
    if (held) p->held_serial = serial;
    p->look_new = false;
    const uint32_t rates[] = {l->units_hz10, l->links_hz10};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t kind = WANT_LOOK_UNITS + i;
        if (!rates[i] || !atomic_load(&p->roles[kind])) continue;
        bool due = is_due(p, kind, 10 * NS_PER_S / rates[i], now_ns, soon_ns);
        if (!at_once && (!due || held)) continue;
        if (!(atomic_load(&run->wanted) & WANT_BIT(kind))) p->looked_ns = now_ns;
        want(run, n, kind);
    }
    if (at_once && held) command_wake(&run->commands);
}

// The trainer cannot say that a set is there (it makes no system call): while somebody looks the helper looks out for it, the
// more rarely the longer it waits: of a long step that costs a few turns, and a small part of it in time.
static void await_look(nns_run *run, const plan *p, int64_t now_ns, int64_t *soon_ns) {
    uint32_t looks = WANT_BIT(WANT_LOOK_UNITS) | WANT_BIT(WANT_LOOK_LINKS) | WANT_BIT(WANT_OPEN);
    int64_t pace = (now_ns - p->looked_ns) / AWAIT_PART;
    if (!(atomic_load(&run->wanted) & looks)) return;
    if (pace < AWAIT_PACE_NS) pace = AWAIT_PACE_NS;
    if (pace < *soon_ns) *soon_ns = pace;
}

// A program that uses all cores pays for the worker too. What somebody looks at is not counted.
static void account_worker(plan *p, double rate, int64_t now_ns) {
    int64_t cpu = atomic_load(&p->worker_cpu_ns);
    double passed = (double)(now_ns - p->cpu_at_ns);
    double rest = p->rest_ns + rate * passed - (double)(cpu - p->cpu_ns);
    double least = now_ns < p->look.until_ns ? 0 : -rate * DEBT_NS, most = rate * REST_NS;
    p->rest_ns = rest < least ? least : rest > most ? most : rest;
    p->cpu_ns = cpu;
    p->cpu_at_ns = now_ns;
}

static double worker_rate(nns_run *run) {
    bool idle = atomic_load_explicit(&run->idle_ppm, memory_order_relaxed) >= IDLE_PPM;
    return (idle ? IDLE_PART : WORKER_PART) * run->budget;
}

static void tend_records(nns_run *run, network *n, int64_t now_ns, int64_t *soon_ns) {
    plan *p = &n->plan;
    bool on = atomic_load(&p->recording) && !atomic_load(&run->holds);
    double rate = worker_rate(run);
    account_worker(p, rate, now_ns);
    bool fly =
        on && p->rest_ns > rate * REST_NS / 2; // half of its rest is left for what goes first
    if (!fly) atomic_fetch_and(&run->wanted, ~WANT_BIT(WANT_FLIGHT));
    if (!on) return;
    if (!is_due(p, WANT_STATISTICS, STATISTICS_NS, now_ns, soon_ns)) return;
    if (p->rest_ns < 0) {
        atomic_fetch_add(&p->thinned, 1);
        return;
    }
    want(run, n, WANT_STATISTICS);
    if (fly) want(run, n, WANT_FLIGHT);
    if (now_ns < p->due_ns[WANT_SNAPSHOT]) return; // together with statistics
    count_missed(p, WANT_SNAPSHOT, SNAPSHOT_NS, now_ns);
    want(run, n, WANT_SNAPSHOT);
    p->due_ns[WANT_SNAPSHOT] = now_ns + SNAPSHOT_NS - STATISTICS_NS / 2;
}

// What belongs to neither weights nor biases comes with the units.
static uint32_t exact_roles(const registry *r, const look *l) {
    uint32_t roles = 0, count = atomic_load_explicit(&r->tensor_count, memory_order_acquire);
    for (uint32_t i = 0; i < l->exact_count; i++)
        if (l->exact[i] >= 1 && l->exact[i] <= count)
            roles |= 1u << r->tensors[l->exact[i] - 1]->role;
    return roles & ~(UNIT_ROLES | 1u << NNS_BIAS | 1u << NNS_BIAS_GRAD);
}

static void take_unit(look *l, look_unit unit) {
    if (unit.layer)
        l->units[l->unit_count++] = unit;
    else if (l->exact_count < LOOK_EXACT_MAX)
        l->exact[l->exact_count++] = unit.unit;
}

void network_look(nns_run *run, const void *received) {
    const uint8_t *at = received;
    network *n = network_of(run);
    uint32_t seconds = le_u32(at + 4), count = le_u32(at + 20);
    look l = {.what = le_u32(at + 8),
              .units_hz10 = le_u16(at + 12),
              .links_hz10 = le_u16(at + 14),
              .strongest = le_u32(at + 16)};
    if (!n) return;
    if (seconds > LOOK_SECONDS_MAX) seconds = LOOK_SECONDS_MAX;
    if (l.units_hz10 > LOOK_HZ10_MAX) l.units_hz10 = LOOK_HZ10_MAX;
    if (l.links_hz10 > LOOK_HZ10_MAX) l.links_hz10 = LOOK_HZ10_MAX;
    if (l.strongest > STRONGEST_MAX) l.strongest = STRONGEST_MAX;
    l.until_ns = clock_mono_ns() + (int64_t)seconds * NS_PER_S;
    for (uint32_t i = 0; i < count && i < LOOK_UNITS_MAX; i++)
        take_unit(&l, (look_unit){le_u32(at + 24 + 8 * i), le_u32(at + 28 + 8 * i)});
    pthread_mutex_lock(&n->plan.lock);
    bool began = n->plan.look.until_ns < clock_mono_ns() || n->plan.look.what != l.what;
    n->plan.look = l;
    pthread_mutex_unlock(&n->plan.lock);
    atomic_store(&n->plan.roles[WANT_LOOK_UNITS], plan_unit_roles(l.what) |
                                                      exact_roles(&n->registry, &l) |
                                                      (l.unit_count ? UNIT_SAMPLE_ROLES : 0));
    atomic_store(&n->plan.roles[WANT_LOOK_LINKS],
                 plan_link_roles(l.what) | (l.unit_count ? UNIT_ROLES : 0));
    n->plan.look_new = began || atomic_load(&run->holds);
}

// --- turns ---------------------------------------------------------------------------------------

int64_t network_tend(nns_run *run, int64_t now_ns) {
    network *n = network_of(run);
    int64_t soon = NS_PER_S;
    if (!n) return soon;
    model_tend(run, false, false);
    if (!get_ready(run, n)) return soon;
    int64_t soon_pushes = pushes_tend(run, now_ns);
    if (soon_pushes < soon) soon = soon_pushes;
    tend_look(run, n, now_ns, &soon);
    await_look(run, &n->plan, now_ns, &soon);
    tend_records(run, n, now_ns, &soon);
    n->plan.tended_ns = now_ns;
    if (copies_waiting(&n->copies)) digest_wake(run);
    return soon;
}

static void write_series(nns_run *run, network *n) {
    uint64_t done = atomic_load(&n->plan.done), thinned = atomic_load(&n->plan.thinned);
    char name[64];
    if (!n->series_done) {
        snprintf(name, sizeof name, "%snnscope/captures", run->prefix);
        n->series_done = series_get(run, name, SERIES_SCALAR, NULL, NNS_NEITHER);
        snprintf(name, sizeof name, "%snnscope/captures_thinned", run->prefix);
        n->series_thinned = series_get(run, name, SERIES_SCALAR, NULL, NNS_LOWER);
    }
    nns_scalar(run, n->series_done, (double)(done - n->told_done));
    nns_scalar(run, n->series_thinned, (double)(thinned - n->told_thinned));
    n->told_done = done;
    n->told_thinned = thinned;
}

void network_second(nns_run *run) {
    network *n = network_of(run);
    if (!n || !n->digesting) return;
    copies_tend(&n->copies, measure(n) + push_answer_bytes(n));
    model_tend(run, true, false);
    if (atomic_load(&run->wanted) & WANT_BIT(WANT_FLIGHT))
        readable_check(run, atomic_load(&n->plan.roles[WANT_FLIGHT]) | 1u << NNS_WEIGHT);
    if (atomic_load(&run->serial) && atomic_load(&n->registry.tensor_count)) write_series(run, n);
}

void network_again(nns_run *run) {
    if (network_of(run)) model_tend(run, false, true);
}

void network_finish(nns_run *run) {
    network *n = network_of(run);
    if (!n) return;
    model_tend(run, true, false);
    pushes_finish(run);
    if (n->digesting) run->digest_left = !digest_stop(run, clock_mono_ns() + STOP_NS);
}
