// The plan: what is wanted of the network's tensors, by whom and how often. The helper makes it from LOOK records, commands
// and the recordings' own pace; the trainer sees at its safe point only `run->wanted` (bits, one load); the worker reads the
// rest to know what to make of the copies. All of it atomic, but the list of units, which only helper and worker touch.
#ifndef NNS_PROBE_PLAN_H
#define NNS_PROBE_PLAN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// Who wants a set, by priority (bits of run->wanted and of copy.why are 1 << WANT_...).
enum {
    WANT_PUSH = 0,       // a person pushes a sample
    WANT_KEEP = 1,       // a person keeps this moment: a snapshot, and the flight recorder written out
    WANT_PRUNE = 2,      // a person asks for a pruning curve: all weights and biases
    WANT_LOOK_UNITS = 3, // somebody looks: what LOOK_UNITS OUTCOME CLASSES CORRELATION VALUES need
    WANT_LOOK_LINKS = 4, // somebody looks: what LOOK_WEIGHTS GRADIENTS UPDATES need
    WANT_STATISTICS = 5, // series of each layer
    WANT_SNAPSHOT = 6,
    WANT_FLIGHT = 7,     // statistics of every step, as far as the budget lets
    WANTS = 8,
    WANT_NONFINITE = 8,  // in run->wanted only: a scalar was NaN or infinite
    WANT_OPEN = 9        // in run->wanted only: the trainer's own, a set is under way
};
#define WANT_BIT(want) (1u << (want))

#define LOOK_UNITS_MAX 256
#define LOOK_EXACT_MAX 4

typedef struct look_unit {
    uint32_t layer, unit;
} look_unit;

// What the viewers together look at now.
typedef struct look {
    int64_t until_ns;           // CLOCK_MONOTONIC; in the past: nobody looks
    uint32_t what;              // LOOK_* (journal/capture.h)
    uint32_t units_hz10, links_hz10;
    uint32_t strongest;         // links of a pair of layers
    uint32_t unit_count;
    look_unit units[LOOK_UNITS_MAX];
    uint32_t exact_count;
    uint32_t exact[LOOK_EXACT_MAX]; // tensors that are wanted whole, as they are
} look;

typedef struct plan {
    // Which roles belong to a set of this kind: bits 1 << NNS_WEIGHT ... Those of looks follow from `what`; the others
    // stand as plan_init sets them unless the worker sets others.
    _Atomic uint32_t roles[WANTS];
    _Atomic bool recording;       // statistics, snapshots, flight recorder: not switched off
    _Atomic uint64_t keep_number; // command numbers of the last keep and prune: in SET_BEGIN.number too
    _Atomic uint64_t prune_number;
    _Atomic uint64_t thinned;     // wanted again before it could be done, or due while a disk stalled
    _Atomic uint32_t late;        // bits of those: their turn comes first
    _Atomic uint64_t done;        // sets copied
    _Atomic int64_t worker_cpu_ns; // worker: its CPU time so far

    pthread_mutex_t lock; // helper and worker; never the trainer
    look look;
    // Helper only.
    int64_t tended_ns;     // its last turn
    int64_t due_ns[WANTS]; // when each is wanted next
    bool look_new;         // a LOOK record came: served at once
    int64_t looked_ns;     // since when what is looked at is wanted
    uint64_t held_serial;  // run->serial of the last stop that was looked at
    double rest_ns;        // CPU that the worker may use for what nobody looks at; below 0: it rests
    int64_t cpu_ns, cpu_at_ns;
} plan;

int plan_init(plan *p, bool recording);
void plan_fini(plan *p);

// Worker: a copy of what is looked at now. False: nobody looks.
bool plan_look(plan *p, look *out, int64_t now_ns);

// Roles that these LOOK_* bits need, of the units' and of the links' rate.
uint32_t plan_unit_roles(uint32_t what);
uint32_t plan_link_roles(uint32_t what);

#endif
