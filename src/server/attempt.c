// Unit attempt.c decides to which attempt a step belongs (SEMANTICS 3): a lower step opens a new one.
//
// A lane that sees its own step go back knows. A lane that logged nothing around that moment does not, so
// the run keeps the wall times at which attempts 1, 2, ... began, and a step belongs at least to the last
// attempt begun at its time. A process that joins a run where nobody lives any more and starts below the
// run's last step opens an attempt for its whole generation.
//
// Invariant: within a lane attempts never go down.
#include "run.h"

#include <assert.h>

void run_rewind_add(run *r, int64_t time_ms) {
    int64_t *rewinds = mem_grow(r->rewinds, r->rewind_count + 1, sizeof *rewinds);
    if (!rewinds) return;
    r->rewinds = rewinds;
    rewinds[r->rewind_count++] = time_ms;
}

static uint32_t begun_at(const run *r, int64_t time_ms) {
    uint32_t n = r->rewind_count;
    while (n > 0 && r->rewinds[n - 1] > time_ms)
        n--;
    return n;
}

// Attempt `number` began at `time_ms`, or earlier when that is known.
static uint32_t begin(run *r, uint32_t number, int64_t time_ms) {
    assert(number >= 1);
    if (r->rewind_count >= number) {
        if (r->rewinds[number - 1] > time_ms) r->rewinds[number - 1] = time_ms;
    } else {
        run_rewind_add(r, time_ms);
    }
    return number <= r->rewind_count ? number : r->rewind_count;
}

static void join(run *r, process *p, int64_t step, int64_t time_ms) {
    if (p->generation != r->generation || r->generation_rewound || step >= r->generation_step)
        return;
    int64_t since =
        p->info.opened_ms > 0 && p->info.opened_ms < time_ms ? p->info.opened_ms : time_ms;
    r->generation_rewound = true;
    r->generation_attempt = begin(r, r->rewind_count + 1, since);
}

uint32_t attempt_of(run *r, process *p, const lane_state *l, int64_t step, int64_t time_ms) {
    // Nearly always.
    if (l->stepped && step >= l->step && r->rewind_count == l->attempt) return l->attempt;
    if (!l->stepped) join(r, p, step, time_ms);
    uint32_t attempt = begun_at(r, time_ms);
    if (attempt < l->attempt) attempt = l->attempt;
    if (p->generation == r->generation && r->generation_rewound && attempt < r->generation_attempt)
        attempt = r->generation_attempt;
    if (l->stepped && step < l->step && attempt == l->attempt)
        attempt = begin(r, l->attempt + 1, time_ms);
    return attempt;
}
