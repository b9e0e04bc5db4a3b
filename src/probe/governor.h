// The governor keeps nnscope's share of step time below the run's budget: a bucket of nanoseconds that training fills and
// everything inside nns_ calls empties. Trainer only; no clock of its own.
#ifndef NNS_PROBE_GOVERNOR_H
#define NNS_PROBE_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#define GOVERNOR_STEPS 31u

// What the clocks say at a safe point.
typedef struct governor_time {
    int64_t now_ns;    // CLOCK_MONOTONIC
    int64_t inside_ns; // spent in nns_ calls on the training thread so far
    int64_t paused_ns; // spent paused so far
} governor_time;

typedef struct governor {
    double rate;        // of training time that goes into the bucket
    double bucket_ns;   // may be below 0: a debt
    double record_ns;   // the part that what nobody looks at may use; may be below 0 too
    double flight_ns;   // of that, the flight recorder's
    double ns_per_byte; // of copying, measured
    double ns_per_tensor;
    governor_time last;
    int64_t steps_ns[GOVERNOR_STEPS]; // durations of some of the last steps
    uint32_t step_count;
    int64_t median_ns; // of them
} governor;

void governor_init(governor *g, double budget, governor_time now);

// Fills the bucket for the time since the last call and takes what nns_ calls used of it.
void governor_refill(governor *g, governor_time now);
// A step without pauses took so long.
void governor_step(governor *g, int64_t ns);
// Copying so many bytes of so many tensors took so long.
void governor_copied(governor *g, uint64_t bytes, uint32_t tensors, int64_t ns);

// The longest that one hold may last: 5 ms or a tenth of the median step (SEMANTICS 21).
int64_t governor_hold_ns(const governor *g);
// The most that the bucket holds.
double governor_most_ns(const governor *g);
// What copying is expected to take.
double governor_cost_ns(const governor *g, uint64_t bytes, uint32_t tensors);
// May something of this cost begin? True also for what the bucket can never hold, once it is full.
bool governor_affords(const governor *g, double cost_ns);
// Steps until it may, about (at least 1).
uint32_t governor_wait_steps(const governor *g, double cost_ns);

// What nobody looks at has a part of its own, and of that the flight recorder: is it enough, steps until it is, and what is begun is
// taken from it.
bool governor_record_affords(const governor *g, double cost_ns, bool flight);
uint32_t governor_record_wait_steps(const governor *g, double cost_ns, bool flight);
void governor_record(governor *g, double cost_ns, bool flight);

#endif
