// Unit step.c is the safe point: nns_step publishes the step, applies commands, holds while paused.
//
// Place on the path: called by the training loop once per iteration. With nothing to do it reads the clock
// once, writes step_time of the step before and a STEP record, compares the parameters with what was last
// recorded, and looks at the queue of commands with one atomic load.
//
// Invariants:
//   1. Everything here runs on the trainer's thread; parameters are written nowhere else.
//   2. All values of one command are assigned between two bodies: all or none (the helper has checked them).
//   3. Nothing is allocated; the one wait is the hold.
#include "step.h"

#include "capture.h"
#include "event.h"
#include "lanes.h"
#include "push.h"
#include "stats.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BEHIND_NS 2000000

void step_init(nns_run *run) {
    run->last_step = INT64_MIN;
    atomic_store(&run->first_step, INT64_MIN);
    atomic_store(&run->stamps[0].time_ns, run->opened_ns);
    char name[64];
    snprintf(name, sizeof name, "%snnscope/step_time", run->prefix);
    run->step_time = series_get(run, name, SERIES_SCALAR, "s", NNS_LOWER);
}

// --- publishing ----------------------------------------------------------------------------------

// Makes `step` the current one for all threads.
static inline uint64_t publish(nns_run *run, int64_t step, int64_t now_ns) {
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed) + 1;
    step_stamp *stamp = &run->stamps[serial & 1];
    atomic_store_explicit(&stamp->step, step, memory_order_relaxed);
    atomic_store_explicit(&stamp->time_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&run->serial, serial, memory_order_release);
    return serial;
}

// The usual case in one piece: the duration of the step before (behind its own STEP record), then the new
// STEP: 40 bytes, one publication. False: anything is unusual, nothing was written.
static inline bool turn_step(nns_run *run, lane_slot *slot, int64_t step, int64_t now_ns) {
    lane *l = &slot->lane;
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed);
    if (unlikely(slot->serial != serial || run->trainer != slot || l->dropped)) return false;
    uint8_t *at = lane_room(l, 40);
    if (unlikely(!at)) return false;
    lanes_head(at, RECORD_SCALAR, 16, run->step_time);
    le_put_f64(at + 8, (double)(now_ns - run->began_ns) * 1e-9);
    lanes_head(at + 16, RECORD_STEP, 24, 0);
    le_put_i64(at + 24, step);
    le_put_i64(at + 32, now_ns);
    slot->serial = publish(run, step, now_ns);
    l->step = step;
    lanes_count(l);
    lane_publish(l, 40);
    return true;
}

// The first step, another thread's step, a lane that is full.
__attribute__((noinline, cold)) static void turn_step_slowly(nns_run *run, lane_slot *slot,
                                                             int64_t step, int64_t now_ns) {
    if (run->last_step != INT64_MIN)
        nns_scalar(run, run->step_time, (double)(now_ns - run->began_ns) * 1e-9);
    else
        atomic_store(&run->first_step, step);
    uint64_t serial = publish(run, step, now_ns);
    if (lane_room(&slot->lane, 0) && lane_open_step(&slot->lane, step, now_ns))
        slot->serial = serial;
    run->trainer = slot;
    atomic_store_explicit(&run->trainer_lane, slot, memory_order_release);
}

// --- commands ------------------------------------------------------------------------------------

static void say_change(order *o, const assignment *a, bool first) {
    buf *said = &o->said;
    buf_text(said, first ? "{\"values\":{" : ",");
    buf_json(said, a->param->name, strlen(a->param->name));
    buf_text(said, ":{\"from\":");
    param_json_now(a->param, said);
    buf_text(said, ",\"to\":");
    buf_add(said, o->json.data + a->json_at, a->json_bytes);
    buf_char(said, '}');
}

static void assign(nns_run *run, const order *o, const assignment *a) {
    if (a->param->stored == STORED_TEXT)
        param_assign_text(&run->params, a->param, a->text_bytes ? o->texts.data + a->text_at : NULL,
                          a->text_bytes);
    else
        param_assign(a->param, a->number);
    param_record(run, a->param);
}

static void call_back(const order *o) {
    for (uint16_t i = 0; i < o->count; i++) {
        param *p = o->values[i].param;
        if (p->changed) p->changed(p->context, p->index + 1);
    }
}

static void apply_set(nns_run *run, order *o) {
    for (uint16_t i = 0; i < o->count; i++)
        say_change(o, &o->values[i], i == 0);
    buf_text(&o->said, "}}");
    for (uint16_t i = 0; i < o->count; i++)
        assign(run, o, &o->values[i]);
    event_write(run, EVENT_PARAMETER, o->number, &o->said);
    call_back(o);
}

static void hold(nns_run *run, uint64_t number, const char *json) {
    if (run->paused) return;
    run->paused = true;
    run->hold_in = 0;
    atomic_store(&run->hold_since_ns, clock_mono_ns());
    atomic_store(&run->inside_at_hold_ns, stats_inside_ns(run));
    atomic_store(&run->holds, true);
    event_text(run, EVENT_PAUSED, number, json);
}

// Ends the hold. What follows is stamped with the time at which training went on.
static void go_on(nns_run *run, uint64_t number, uint32_t type, const char *json) {
    bool was_paused = run->paused;
    int64_t now = clock_mono_ns();
    if (was_paused) {
        atomic_fetch_add(&run->paused_ns, now - atomic_load(&run->hold_since_ns));
        atomic_store(&run->hold_since_ns, 0);
        atomic_fetch_add(&run->held_inside_ns,
                         stats_inside_ns(run) - atomic_load(&run->inside_at_hold_ns));
        atomic_store(&run->holds, false);
        run->paused = false;
        run->began_ns = now;
        publish(run, run->last_step, now);
    }
    if (was_paused || type != EVENT_RESUMED) event_text(run, type, number, json);
}

static void apply_step(nns_run *run, order *o) {
    char json[64];
    snprintf(json, sizeof json, "{\"steps\":%lld}", (long long)o->argument);
    go_on(run, o->number, EVENT_RESUMED, json);
    run->hold_in = (uint64_t)o->argument;
    run->hold_number = o->number;
    buf_text(&o->said, json);
}

static void mark_pin(nns_run *run, const order *o, const char *done) {
    char text[PIN_NAME_BYTES_MAX + 16];
    snprintf(text, sizeof text, "%s %s", done, o->pin->name);
    event_mark(run, o->number, text);
}

static void apply(nns_run *run, order *o) {
    switch (o->verb) {
    case COMMAND_SET:
        apply_set(run, o);
        break;
    case COMMAND_PAUSE:
        hold(run, o->number, "{}");
        break;
    case COMMAND_RESUME:
        run->hold_in = 0;
        go_on(run, o->number, EVENT_RESUMED, "{}");
        break;
    case COMMAND_STEP:
        apply_step(run, o);
        break;
    case COMMAND_KEEP:
        atomic_store(&network_of(run)->plan.keep_number, o->number);
        atomic_fetch_or(&run->wanted, WANT_BIT(WANT_KEEP));
        event_mark(run, o->number, "kept");
        break;
    case COMMAND_PRUNE:
        atomic_store(&network_of(run)->plan.prune_number, o->number);
        atomic_fetch_or(&run->wanted, WANT_BIT(WANT_PRUNE));
        event_mark(run, o->number, "pruning curve");
        break;
    case COMMAND_PIN:
        mark_pin(run, o, "pinned");
        break;
    case COMMAND_UNPIN:
        mark_pin(run, o, "unpinned");
        break;
    case COMMAND_STOP:
        run->stopping = true;
        run->hold_in = 0;
        go_on(run, o->number, EVENT_STOPPING, "{}");
        break;
    }
    if (o->said.length == 0) buf_text(&o->said, "{}");
    o->applied_step = run->last_step;
    o->unsent = !command_answer(run, o);
    atomic_store_explicit(&o->done, true, memory_order_release);
}

static void apply_all(nns_run *run) {
    order *o;
    while ((o = command_next(&run->commands, run->last_step)))
        apply(run, o);
}

// nns_stop was called.
static void obey_stop(nns_run *run) {
    if (!atomic_load(&run->stop_asked)) return;
    atomic_store(&run->stop_asked, false); // or a later hold would not wait
    run->stopping = true;
    run->hold_in = 0;
    go_on(run, 0, EVENT_STOPPING, "{\"reason\":\"program\"}");
}

// --- the hold ------------------------------------------------------------------------------------

// `behind`: copies wait for room in the ring, which nobody tells.
static void wait_for_command(nns_run *run, uint32_t bell, bool behind) {
    static const struct timespec soon = {.tv_nsec = BEHIND_NS};
    commands *c = &run->commands;
    if (commands_pending(c, run->last_step) || atomic_load(&run->stop_asked)) return;
    syscall(SYS_futex, &c->bell, FUTEX_WAIT_PRIVATE, bell, behind ? &soon : NULL, NULL, 0);
}

// Looks and pushes are served meanwhile: the state stays that of the step before.
static void hold_while_paused(nns_run *run) {
    if (run->paused)
        run_nudge(run); // what led to the hold is written now: whoever sees it held may ask
    while (run->paused && run_is_open(run)) {
        uint32_t bell = atomic_load(&run->commands.bell);
        bool behind = capture_held(run);
        wait_for_command(run, bell, behind);
        apply_all(run);
        obey_stop(run);
    }
}

// --- nns_step ------------------------------------------------------------------------------------

static void attempt(nns_run *run, int64_t last_step, int64_t step) {
    char json[96];
    snprintf(json, sizeof json, "{\"from\":%lld,\"to\":%lld}", (long long)last_step,
             (long long)step);
    event_text(run, EVENT_ATTEMPT, 0, json);
}

// Something is to be done at this safe point. Timed, without the hold.
__attribute__((noinline)) static void safe_point(nns_run *run, int64_t before, int64_t now_ns) {
    int64_t paused = atomic_load(&run->paused_ns);
    run->state_step = before != INT64_MIN && before <= run->last_step ? before : run->last_step - 1;
    if (before != INT64_MIN && run->last_step < before) attempt(run, before, run->last_step);
    if (params_changed(&run->params)) params_notice(run, now_ns);
    if (run->hold_at_start) {
        run->hold_at_start = false;
        hold(run, 0, "{\"reason\":\"start\"}");
    }
    if (run->hold_in && --run->hold_in == 0) hold(run, run->hold_number, "{}");
    apply_all(run);
    obey_stop(run);
    hold_while_paused(run);
    paused = atomic_load(&run->paused_ns) - paused;
    atomic_fetch_add_explicit(&run->inside_ns, clock_mono_ns() - now_ns - paused,
                              memory_order_relaxed);
}

static inline bool due(nns_run *run, int64_t before, int64_t step) {
    return commands_pending(&run->commands, step) || run->hold_in || run->hold_at_start ||
           step < before || params_changed(&run->params) ||
           atomic_load_explicit(&run->stop_asked, memory_order_relaxed);
}

bool nns_step(nns_run *run, int64_t step) {
    lane_slot *slot = lanes_mine.slot;
    if (unlikely(lanes_mine.run != run) && !(slot = lanes_slot(run))) return !run || !run->stopping;
    if (unlikely(atomic_load_explicit(&run->wanted, memory_order_relaxed)))
        capture_at_step(run, step);
    int64_t now = clock_mono_ns(), before = run->last_step;
    if (unlikely(!turn_step(run, slot, step, now))) turn_step_slowly(run, slot, step, now);
    run->began_ns = now;
    run->last_step = step;
    if (unlikely(due(run, before, step))) safe_point(run, before, now);
    return !run->stopping;
}

bool nns_before_update(nns_run *run) {
    network *n = run ? atomic_load_explicit(&run->network, memory_order_relaxed) : NULL;
    if (!n || unlikely(!run_is_open(run))) return true;
    capturer *c = n->capturer;
    uint64_t serial = atomic_load_explicit(&run->serial, memory_order_relaxed) + 1;
    c->update_every = serial - c->update_serial;
    c->update_serial = serial;
    if (unlikely(atomic_load_explicit(&run->wanted, memory_order_relaxed) & WANT_BIT(WANT_OPEN)))
        capture_at_update(run);
    return true;
}

void nns_tensor_show(nns_run *run, nns_tensor handle) {
    if (!run ||
        likely(!(atomic_load_explicit(&run->wanted, memory_order_relaxed) & WANT_BIT(WANT_OPEN))))
        return;
    network *n = network_of(run);
    tensor *t = n && run_is_open(run) ? registry_tensor(&n->registry, handle) : NULL;
    if (!t) return;
    if (likely(atomic_load_explicit(&t->valid, memory_order_relaxed) == NNS_WHEN_SHOWN))
        capture_shown(run, t);
    else
        trouble(run, "shown without the rule", t->name,
                "nns_tensor_show is for tensors registered with NNS_WHEN_SHOWN.");
}

void nns_pause(nns_run *run) {
    if (!run_is_open(run)) return;
    if (run->last_step == INT64_MIN)
        run->hold_at_start = true;
    else
        run->hold_in = 1;
}

void nns_stop(nns_run *run) {
    int before = errno; // of the code that a signal handler interrupted
    if (!run) return;
    atomic_store(&run->stop_asked, true);
    command_wake(&run->commands);
    errno = before;
}
