// Unit digest.c is the worker: a thread that turns copies of tensors into statistics, captures and answers.
//
// Place on the path: between the ring that the training thread fills at its safe point (copies.h) and lanes and blobs that
// ingest takes. The life of a set:
//
//     SET_BEGIN            who looks, and at what; captures begun                set_begin
//     TENSOR ...           moments, links, planes; sections of whole weights     gather.c, look.c, snapshot.c
//     SET_END              units, samples, statistics, series                    observe.c
//                          the rest of the captures; blobs and their records     look_end, snapshot_end
//                          NaN and infinities, what a person asked for           alarm.c, answer.c
//     SET_DROPPED          all of it forgotten
//
// The thread sleeps on a futex while the ring is empty; the helper wakes it. Its priority is low (NICE), its floating-point
// environment the default one, whatever the program's is.
//
// Invariants: (1) only this thread touches `digest` beyond its atomics; (2) it never waits for the trainer and the trainer
// never for it; (3) an entry is given back only when nothing points into it any more.
#include "digest_state.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "digest.h"
#include "lanes.h"

#include <fenv.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NICE 5

// A set --------------------------------------------------------------------------------------------

static void close_set(digest *d) {
    gather_forget(d);
    buf_fini(&d->set.look_capture);
    buf_fini(&d->set.snapshot_capture);
    d->set = (set){0};
}

// Weights that stand in a set for another's sake are not shown: what is asked of links comes whole, with sets of its own.
static void keep_to(look *l, uint32_t why) {
    uint32_t of_links = LOOK_WEIGHTS | LOOK_GRADIENTS | LOOK_UPDATES | LOOK_MATRICES;
    if (!(why & WANT_BIT(WANT_LOOK_LINKS))) l->what &= ~of_links;
}

static void set_begin(digest *d, const copy *c) {
    uint32_t looks = WANT_BIT(WANT_LOOK_UNITS) | WANT_BIT(WANT_LOOK_LINKS);
    close_set(d);
    d->set = (set){.open = true,
                   .number = c->set,
                   .command = c->number,
                   .why = c->why,
                   .step = c->step,
                   .last_step = c->step,
                   .time_ns = c->time_ns,
                   .wall_ms = c->wall_ms};
    if (c->why & looks) d->set.looked = plan_look(&d->net->plan, &d->set.look, clock_mono_ns());
    keep_to(&d->set.look, c->why);
    gather_begin(d);
    snapshot_begin(d);
    look_begin(d);
}

static void set_end(digest *d, const copy *c) {
    set *s = &d->set;
    s->step = c->step;
    s->last_step = c->last_step;
    s->time_ns = c->time_ns;
    s->sliced = c->flags & COPY_SLICED;
    if (c->number) s->command = c->number;
    observe_set(d);
    outlet_step(&d->out, OUTLET_NOW, s->step, s->time_ns);
    look_end(d);
    alarm_set(d);
    if (s->why & WANT_BIT(WANT_KEEP)) alarm_fly(d, CAPTURE_FLIGHT);
    snapshot_end(d); // behind those that came before it
    if (s->why & WANT_BIT(WANT_PRUNE)) answer_prune_start(d);
    close_set(d);
}

static void take(digest *d, const copy *c) {
    bool mine = d->set.open && c->set == d->set.number;
    switch (c->kind) {
    case COPY_SET_BEGIN:
        set_begin(d, c);
        break;
    case COPY_TENSOR:
        if (mine) gather_slice(d, c);
        break;
    case COPY_SET_END:
        if (mine) set_end(d, c);
        break;
    case COPY_SET_DROPPED:
        close_set(d);
        break;
    case COPY_PUSH_VALUE:
        answer_pin(d, c);
        break;
    case COPY_NONFINITE:
        alarm_series(d, c);
        break;
    default:
        break;
    }
}

// The thread ---------------------------------------------------------------------------------------

static bool in_time(digest *d) {
    return !atomic_load(&d->ending) || clock_mono_ns() < atomic_load(&d->end_by_ns);
}

// True when something was there.
static bool drain(digest *d) {
    const copy *c;
    bool some = false;
    while (in_time(d) && (c = copies_next(&d->net->copies))) {
        take(d, c);
        copies_done(&d->net->copies, c);
        some = true;
    }
    if (some) atomic_store(&d->net->plan.worker_cpu_ns, clock_thread_cpu_ns());
    return some;
}

static void sleep_until_woken(digest *d) {
    syscall(SYS_futex, &d->signal, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void become_worker(void) {
    pthread_setname_np(pthread_self(), "nnscope-digest");
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    fesetenv(FE_DFL_ENV);
}

static void *digest_main(void *context) {
    digest *d = network_of(context)->digest;
    become_worker();
    if (outlet_init(&d->out, d->run)) return NULL;
    for (;;) {
        bool ending = atomic_load(&d->ending); // before the drain, so that nothing is left behind
        atomic_store(&d->signal, 0);
        drain(d);
        answer_prune_done(d);
        if (ending) return NULL;
        if (!atomic_load(&d->ending)) sleep_until_woken(d);
    }
}

void digest_wake_worker(digest *d) {
    if (atomic_exchange(&d->signal, 1) == 0)
        syscall(SYS_futex, &d->signal, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void digest_wake(nns_run *run) {
    network *net = network_of(run);
    if (net && net->digest) digest_wake_worker(net->digest);
}

// Life -----------------------------------------------------------------------------------------------

static void free_views(digest *d) {
    for (uint32_t i = 0; d->layers && i < LAYERS_MAX; i++) {
        if (!d->layers[i]) continue;
        units_fini(&d->layers[i]->units);
        mem_free(d->layers[i]->weight_in);
        mem_free(d->layers[i]);
    }
    for (uint32_t i = 0; d->tensors && i < TENSORS_MAX; i++)
        mem_free(d->tensors[i]);
    mem_free(d->layers);
    mem_free(d->tensors);
}

static void digest_free(digest *d) {
    if (d->layers && d->tensors) close_set(d);
    free_views(d);
    samples_fini(&d->samples);
    flight_fini(&d->flight);
    prune_fini(&d->prune);
    mem_free(d);
}

static digest *digest_new(nns_run *run) {
    digest *d = mem_new(sizeof *d);
    if (!d) return NULL;
    d->run = run;
    d->net = network_of(run);
    d->layers = mem_array(LAYERS_MAX, sizeof *d->layers);
    d->tensors = mem_array(TENSORS_MAX, sizeof *d->tensors);
    if (!d->layers || !d->tensors || samples_init(&d->samples)) {
        digest_free(d);
        return NULL;
    }
    d->samples.stop = &d->ending;
    return d;
}

int digest_start(nns_run *run) {
    network *net = network_of(run);
    digest *d = digest_new(run);
    if (!d) return NNS_E_NO_MEMORY;
    net->digest = d;
    if (run_start_thread(&d->thread, digest_main, run, THREAD_STACK_BYTES) == 0) return 0;
    net->digest = NULL;
    digest_free(d);
    return NNS_E_NO_MEMORY;
}

static bool join(pthread_t thread, int64_t until_ns) {
    int64_t left = until_ns - clock_mono_ns(), real = clock_wall_ns() + (left > 0 ? left : 0);
    struct timespec at = {.tv_sec = real / NS_PER_S, .tv_nsec = real % NS_PER_S};
    return pthread_timedjoin_np(thread, NULL, &at) == 0;
}

bool digest_stop(nns_run *run, int64_t until_ns) {
    network *net = network_of(run);
    digest *d = net ? net->digest : NULL;
    if (!d) return true;
    atomic_store(&d->end_by_ns, until_ns);
    atomic_store(&d->ending, true);
    digest_wake_worker(d);
    if (!join(d->thread, until_ns)) return false;
    if (d->prune.running && !join(d->prune.thread, until_ns)) return false;
    d->prune.running = false;
    net->digest = NULL;
    digest_free(d);
    return true;
}
