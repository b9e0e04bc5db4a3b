// Unit state.c is the state machine of runs (SEMANTICS 4). A run's state follows from the processes of its
// newest generation (those that were there together):
//
//                 first step              EVENT PAUSED / RESUMED
//      starting ------------> running <----------------------> paused
//          |                    |                                 |
//          +--- all processes over: any crashed -> crashed, any failed -> failed, else finished
//          +--- nothing heard for 5 min and not checkable from here -> lost, until one speaks
//
// Calls with the lock.
#include "run.h"

#include "base/clock.h"

#include <jansson.h>
#include <string.h>

enum { TIRED = 12 }; // times the silence after which a run is lost

static const char *const words[] = {
#define X(name, number, word, over, sentence) [number] = word,
#include "store/state.def"
#undef X
};

const char *state_word(int state) {
    return state >= 0 && state < (int)(sizeof words / sizeof *words) ? words[state] : "lost";
}

int state_number(const char *word) {
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (strcmp(words[i], word) == 0) return i;
    return -1;
}

bool state_over(int state) {
    switch (state) {
#define X(name, number, word, over, sentence)                                                      \
    case number:                                                                                   \
        return over;
#include "store/state.def"
#undef X
    default:
        return true;
    }
}

bool process_speaks(const process *p) {
    return p->state != PROC_OVER;
}

static bool unheard(const core *c, const process *p, int64_t now_ms) {
    return (p->state == PROC_FAR || p->http) && now_ms - p->heard_ms > c->lost_ms;
}

// A program that records over HTTP and died cannot be told from one that thinks: it is lost, and after an hour of
// silence no longer waited for, so that the run comes to rest. When it speaks again it is a new process of the run.
void process_tire(core *c, process *p) {
    if (!p->http || p->closed || p->state == PROC_OVER) return;
    if (clock_wall_ms() - p->heard_ms < TIRED * c->lost_ms) return;
    p->lost = p->state_dirty = true;
    process_end_http(p, 0);
    record_http_ended(c, p->run);
}

void process_end_http(process *p, int status) {
    p->status = status;
    p->ended = true;
    p->closed_ns = clock_mono_ns();
    p->closed = true; // last: the engine looks without the lock
}

static int over_state(const run *r) {
    int state = STATE_FINISHED;
    for (size_t i = 0; i < r->process_count; i++) {
        const process *p = r->processes[i];
        if (p->generation != r->generation) continue;
        if (p->crashed) return STATE_CRASHED;
        if (p->status != 0) state = STATE_FAILED;
        if (p->lost && state == STATE_FINISHED) state = STATE_LOST;
    }
    return state;
}

static int state_of(const core *c, const run *r, int64_t now_ms) {
    bool speaks = false, heard = false, paused = false, any = false;
    for (size_t i = 0; i < r->process_count; i++) {
        const process *p = r->processes[i];
        if (p->generation != r->generation) continue;
        any = true;
        if (!process_speaks(p)) continue;
        speaks = true;
        heard |= !unheard(c, p, now_ms);
        paused |= p->paused;
    }
    if (!any)
        return now_ms - r->row.heard_ms > c->lost_ms && !state_over(r->row.state) ? STATE_LOST
                                                                                  : r->row.state;
    if (!speaks) return over_state(r);
    if (!heard) return STATE_LOST;
    if (paused) return STATE_PAUSED;
    return r->generation_stepped ? STATE_RUNNING : STATE_STARTING;
}

static void run_ended(core *c, run *r) {
    r->row.ended_ms = r->row.heard_ms ? r->row.heard_ms : clock_wall_ms();
    r->steps_per_s = 0;
    for (size_t i = 0; i < r->process_count; i++)
        if (r->processes[i]->generation == r->generation && r->processes[i]->status)
            r->row.exit_status = r->processes[i]->status;
    json_t *detail = json_pack("{s:s}", "state", state_word(r->row.state));
    run_event(c, r, EVENT_ENDED, r->row.last_step, r->row.ended_ms, detail, NULL, NULL, 0);
    json_decref(detail);
}

void run_update_state(core *c, run *r) {
    if (r->newer || r->wants_state) return;
    int state = state_of(c, r, clock_wall_ms());
    if (state == r->row.state) return;
    bool was_over = state_over(r->row.state);
    r->row.state = state;
    if (state_over(state) && !was_over) run_ended(c, r);
    if (!state_over(state)) {
        r->row.ended_ms = 0;
        r->row.exit_status = 0;
    }
    run_touch(c, r);
}

void process_over(core *c, process *p) {
    if (p->state == PROC_OVER) return;
    p->state = PROC_OVER;
    p->crashed = !p->closed;
    p->paused = false;
    p->state_dirty = true;
    steer_process_gone(c, p);
    run_update_state(c, p->run);
    run_touch(c, p->run);
}
