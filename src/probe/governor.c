// Unit governor.c decides when something of the network may be copied, so that all of it together stays below the budget.
//
//     bucket += rate x (time that passed, without pauses) - (time spent in nns_ calls)        at most `most`
//
// The time spent is the one that the share shown to people is made of (stats.c), so that the budget holds whatever the
// copies cost. The rate is nine tenths of the budget: the bucket, full at the beginning of the ten seconds over which
// the share is counted, then fits in too. What a person asks for, and a copy that took longer than was expected, put the bucket into
// debt, down to `-DEBT x most`: five seconds of training. What nobody looks at may use half of it: copying also takes caches from
// the trainer, which no clock here sees.
#include "governor.h"

#include <string.h>

#define RATE_OF_BUDGET 0.9
#define RECORD_PART 0.5
#define FLIGHT_PART 0.3 // of the whole
#define BUCKET_NS 5e8   // of training: what fills the bucket
#define DEBT 10
#define HOLD_NS 5000000
#define HOLD_PART 10 // of the median step

void governor_init(governor *g, double budget, governor_time now) {
    *g = (governor){.rate = budget * RATE_OF_BUDGET,
                    .ns_per_byte = 0.25,
                    .ns_per_tensor = 200,
                    .last = now,
                    .median_ns = 1000000};
}

double governor_most_ns(const governor *g) {
    double filling = 2.0 * (double)g->median_ns;
    return g->rate * (filling > BUCKET_NS ? filling : BUCKET_NS);
}

static double between(double low, double v, double high) {
    return v < low ? low : v > high ? high : v;
}

void governor_refill(governor *g, governor_time now) {
    double passed = (double)(now.now_ns - g->last.now_ns - (now.paused_ns - g->last.paused_ns));
    double used = (double)(now.inside_ns - g->last.inside_ns);
    double most = governor_most_ns(g);
    g->last = now;
    if (passed < 0) passed = 0;
    g->bucket_ns = between(-DEBT * most, g->bucket_ns + g->rate * passed - used, most);
    g->record_ns =
        between(-DEBT * most, g->record_ns + RECORD_PART * g->rate * passed, RECORD_PART * most);
    g->flight_ns = between(0, g->flight_ns + FLIGHT_PART * g->rate * passed, FLIGHT_PART * most);
}

// By insertion: few, and qsort may allocate.
static void sort(int64_t *v, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        int64_t one = v[i];
        uint32_t k = i;
        for (; k && v[k - 1] > one; k--)
            v[k] = v[k - 1];
        v[k] = one;
    }
}

void governor_step(governor *g, int64_t ns) {
    int64_t sorted[GOVERNOR_STEPS];
    if (ns < 1) return;
    g->steps_ns[g->step_count++ % GOVERNOR_STEPS] = ns;
    uint32_t count = g->step_count < GOVERNOR_STEPS ? g->step_count : GOVERNOR_STEPS;
    if (count == GOVERNOR_STEPS && g->step_count % 8) return; // it moves slowly
    memcpy(sorted, g->steps_ns, count * sizeof *sorted);
    sort(sorted, count);
    g->median_ns = sorted[count / 2];
}

void governor_copied(governor *g, uint64_t bytes, uint32_t tensors, int64_t ns) {
    if (bytes < 4096) return;
    double cost = ((double)ns - g->ns_per_tensor * tensors) / (double)bytes;
    cost = between(0.02, cost, 20);
    g->ns_per_byte += (cost - g->ns_per_byte) * (cost > g->ns_per_byte ? 0.25 : 0.1);
}

int64_t governor_hold_ns(const governor *g) {
    int64_t part = g->median_ns / HOLD_PART;
    return part > HOLD_NS ? part : HOLD_NS;
}

double governor_cost_ns(const governor *g, uint64_t bytes, uint32_t tensors) {
    return (double)bytes * g->ns_per_byte + tensors * g->ns_per_tensor;
}

// What the bucket can never hold may be had once it is full.
static double needed(double cost_ns, double most_ns) {
    return cost_ns < 0.95 * most_ns ? cost_ns : 0.95 * most_ns;
}

bool governor_affords(const governor *g, double cost_ns) {
    return g->bucket_ns >= needed(cost_ns, governor_most_ns(g));
}

// Half the steps that filling takes: the bucket is looked at again then.
static uint32_t steps_for(const governor *g, double missing_ns, double rate) {
    double steps = missing_ns / (rate * (double)g->median_ns + 1) / 2;
    return steps < 1 ? 1 : steps > 10000 ? 10000 : (uint32_t)steps;
}

uint32_t governor_wait_steps(const governor *g, double cost_ns) {
    return steps_for(g, needed(cost_ns, governor_most_ns(g)) - g->bucket_ns, g->rate);
}

static double record_missing(const governor *g, double cost_ns) {
    return needed(cost_ns, RECORD_PART * governor_most_ns(g)) - g->record_ns;
}

bool governor_record_affords(const governor *g, double cost_ns, bool flight) {
    return record_missing(g, cost_ns) <= 0 && (!flight || g->flight_ns >= cost_ns);
}

uint32_t governor_record_wait_steps(const governor *g, double cost_ns, bool flight) {
    uint32_t all = steps_for(g, record_missing(g, cost_ns), RECORD_PART * g->rate);
    uint32_t own = flight ? steps_for(g, cost_ns - g->flight_ns, FLIGHT_PART * g->rate) : 0;
    return own > all ? own : all;
}

void governor_record(governor *g, double cost_ns, bool flight) {
    g->record_ns -= cost_ns;
    if (flight) g->flight_ns -= cost_ns;
}
