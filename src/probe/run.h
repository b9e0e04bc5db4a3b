// A run as the training process sees it: the one structure that all units of this folder share. Each
// group of members names the unit that owns it and the threads that may touch it:
//   trainer  the thread that calls nns_step and nns_close       any     any thread of the program
//   helper   drains lanes, reads the inbox (helper.c)           aside   syncs, facts, machine (aside.c)
// A run's structure is never given back while the process lives (a late call on a closed run must find
// its state); what it points to is, in nns_close.
#ifndef NNS_PROBE_RUN_H
#define NNS_PROBE_RUN_H

#include <nnscope.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/id.h"
#include "journal/inbox.h"
#include "journal/lane.h"
#include "journal/salvage.h"
#include "journal/segment.h"
#include "journal/stage.h"

#include "command.h"
#include "output.h"
#include "param.h"
#include "series.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum { RUN_OPEN = 1, RUN_CLOSED = 2, RUN_FORKED = 3 };
enum { LANE_MAKING = 0, LANE_SPARE = 1, LANE_USED = 2 };

#define RUN_LANES 1024 // threads of one run that log at the same time
#define LANE_BYTES_HELPER (256u << 10)
#define SERIAL_NONE UINT64_MAX // a lane in which no step is open

// A lane with its owner. Slots are made, never taken away before nns_close; a slot whose thread ended is
// a spare again, its lane goes on where it stands.
typedef struct lane_slot {
    uint64_t serial; // owner: of the step open in the lane, SERIAL_NONE
    lane lane;
    _Atomic uint32_t state;
    _Atomic(const void *) owner; // the owner's token, see lanes.c
} lane_slot;

// One opened step. Two of them, so that any thread can read the current one while the next is written.
typedef struct step_stamp {
    _Atomic int64_t step;
    _Atomic int64_t time_ns;
} step_stamp;

// One second of the run, for shares over the last ten.
typedef struct share_sample {
    int64_t mono_ns; // without pauses
    int64_t wall_ns, inside_ns, helper_ns;
} share_sample;

#define SHARE_SECONDS 10
#define NONFINITE_MAX 20 // events of a run

// How epochs went along the steps so far: what nns_progress compares with. Any thread.
typedef struct course {
    _Atomic uint32_t series;    // 0: not yet
    _Atomic int64_t step;       // of the last point of nnscope/epoch
    _Atomic double epoch, rate; // there, and epochs per step since; rate 0: not known
} course;

// Series that hold NaN or infinity now (nonfinite.c). Any thread.
typedef struct nonfinite {
    _Atomic uint32_t count;                 // series below that are not 0
    _Atomic uint32_t told, events;          // so far
    _Atomic uint32_t fresh;                 // bits: not told yet
    _Atomic uint32_t series[NONFINITE_MAX];
} nonfinite;

struct nns_run {
    // What every call looks at comes first and close together: it has to come into the cache again at
    // each step of a real network. Any thread reads; written by the trainer (step.c), state by run.c.
    _Atomic uint64_t serial; // number of nns_step calls so far
    step_stamp stamps[2];    // of step `serial` in [serial & 1]
    _Atomic uint32_t state;
    nns_series step_time;
    _Atomic uint32_t wanted; // bits of plan.h: what the safe point is to copy of the network; 0 nothing
    nonfinite nonfinite;
    _Atomic(struct network *) network; // network.h: NULL until something is described

    // step.c, trainer only.
    int64_t last_step;
    _Atomic int64_t first_step; // that this process opened; INT64_MIN: none yet. Any thread
    int64_t began_ns;        // when the last step's body began
    lane_slot *trainer;      // its lane
    uint64_t hold_in;        // safe points until a hold; 0: none asked
    bool hold_at_start;      // nns_pause before the first step
    _Atomic bool stop_asked; // by nns_stop, any thread
    bool stopping, paused;
    int64_t state_step; // while paused: the step whose state stands in memory
    commands commands;
    params params;

    order *orders[2 * COMMANDS_MAX];
    uint64_t hold_number;              // the command that asked for the hold
    _Atomic(lane_slot *) trainer_lane; // run->trainer, for the helper
    _Atomic bool holds;                // paused, for BEAT
    _Atomic int64_t hold_since_ns;
    _Atomic int64_t paused_ns;
    _Atomic int64_t inside_ns; // measured time in the slower calls of the trainer
    _Atomic int64_t inside_at_hold_ns, held_inside_ns; // when the hold began; during holds, in all

    course course; // value.c, any thread

    // lanes.c
    _Atomic(lane_slot *) lanes[RUN_LANES];
    _Atomic uint32_t lane_count; // slots taken so far
    _Atomic uint32_t spare_count;
    _Atomic uint64_t waits;     // first calls of threads that found no spare lane
    _Atomic uint64_t nowhere;   // records without a lane
    char lane_folder[PATH_CAP]; // empty: private memory
    bool lanes_in_files;
    _Atomic bool private_lanes; // some lane dies with the process: drained at a short pace

    series_table series;
    stage stage;
    bool has_stage;
    _Atomic uint64_t dropped_large;

    // run.c: constant after nns_open.
    nns_id id, process;
    bool joined; // the caller named the id
    char dir[PATH_CAP], folder[PATH_CAP];
    alive_info alive;
    char *project, *name, *group, *tags, *notes; // NULL: not given
    char **arguments;                            // owned copies, NULL at the end; NULL: read /proc
    bool no_system, no_network;
    char prefix[24]; // of the library's own series: "" or "rank/3/"
    double budget;
    int64_t opened_ns;
    struct nns_run *next; // in the list of all runs
    bool digest_left;     // the worker did not come to an end
    bool abandoned;       // its helper did not come to an end: nothing is given back

    // folder.c, helper only (or nns_open before it starts).
    bool up; // the run's folder, inbox and alive file are there
    bool writer_made;
    int alive_fd, wake_fd;
    inbox_reader inbox;
    segment_writer segments;
    int64_t retry_at_ns, retry_ns;

    // helper.c
    int nudge_fd; // eventfd: nns_close calls, the run holds, or the worker has an answer
    int64_t pace_ns, second_at_ns, watched_until_ns, hurry_until_ns;
    int64_t write_at_ns, write_gap_ns; // after a failed write: when again
    int64_t quiet_until_ns;            // little lies in the lanes and nobody waits for it
    int64_t close_by_ns;
    _Atomic uint64_t failed_bytes;
    output output;
    pthread_t helper, aside;
    _Atomic bool closing;    // nns_close has been called
    _Atomic uint32_t closed; // futex: 1 when the helper is through
    int close_status;

    // aside.c
    pthread_mutex_t aside_lock;
    pthread_cond_t aside_wake;
    bool aside_end, aside_due;
    _Atomic bool written; // something was appended since the last sync

    // stats.c
    share_sample samples[SHARE_SECONDS];
    uint32_t sample_count;
    _Atomic int64_t helper_cpu_ns, aside_cpu_ns;
    _Atomic uint32_t step_share_ppm, helper_share_ppm;
    _Atomic uint32_t idle_ppm; // cores that had nothing to do in the last second; 0: none, or not known
    _Atomic double scalar_ns, step_ns; // calibrated by the helper
};

static inline bool run_is_open(nns_run *run) {
    return run && atomic_load_explicit(&run->state, memory_order_relaxed) == RUN_OPEN;
}

#define THREAD_STACK_BYTES ((size_t)1 << 20) // of a thread that runs the library's code alone

// Starts a thread of the library, with all signals blocked. 0 or NNS_E_NO_MEMORY.
int run_start_thread(pthread_t *thread, void *(*body)(void *), void *context, size_t stack_bytes);

// Wakes the helper: something lies in a lane that somebody waits for. Any thread of the library; a system call.
void run_nudge(nns_run *run);

// Calls `each` for every run of this process, open or not, under the lock of the list (run.c).
void run_each(void (*each)(nns_run *run, void *context), void *context);

#endif
