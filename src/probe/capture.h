// Copying tensors at the safe point. All of it on the training thread.
#ifndef NNS_PROBE_CAPTURE_H
#define NNS_PROBE_CAPTURE_H

#include "copies.h"
#include "governor.h"
#include "network.h"

// Where a tensor of a set is copied.
enum { AT_STEP = 0, AT_UPDATE = 1, AT_SHOW = 2 };

// One tensor of the set under way. Positions are elements in the order of the copy's memory.
typedef struct item {
    uint32_t tensor, told; // handle; tensor.told when it was begun
    uint8_t at;            // AT_...
    bool pair;             // its weights of one update before are copied too
    bool gathered;
    int64_t rows, all_rows; // of the batch: copied, and there are; 0: not a batch, or none now
    int64_t most_rows;      // that may be copied, should there be more when it is read
    uint64_t elements, bytes;
    uint64_t done;    // copied
    uint64_t earlier; // copied of the earlier state; done <= earlier
} item;

// The set under way.
typedef struct capture_set {
    uint64_t number;            // of the last set begun
    bool open, sliced, updated; // updated: nns_before_update came since the earlier copies
    uint32_t why, roles;
    uint64_t command;
    int64_t step, last_step, time_ns; // of what was copied, INT64_MIN: nothing yet
    uint32_t count, first;            // items; those below `first` are done
    bool held;                        // begun while paused
    bool later;                       // some of it comes after the body that follows its beginning
    uint32_t waited;                  // steps for an nns_before_update
    uint64_t bytes;                   // copied at this safe point
    uint32_t entries;
} capture_set;

typedef struct capturer {
    governor governor;
    bool governed;          // governor_init was called
    uint32_t skip;          // safe points to go by, while nothing new is wanted
    uint32_t seen;          // what was wanted when skip was set
    uint64_t update_serial; // run->serial at the last nns_before_update, plus 1; 0: never called
    uint64_t update_every;  // steps from the one before to it
    capture_set set;
    item items[TENSORS_MAX];
} capturer;

// What the state is that stands in memory now: after this step, published at this time.
typedef struct capture_moment {
    int64_t step, time_ns;
    int64_t next_step; // whose body comes
} capture_moment;

// nns_step, before `step` is published; something is wanted.
void capture_at_step(nns_run *run, int64_t step);
// While paused. True: something is left that finds no room yet.
bool capture_held(nns_run *run);
// nns_before_update; a set is under way.
void capture_at_update(nns_run *run);
// nns_tensor_show; a set is under way.
void capture_shown(nns_run *run, tensor *t);

// What of run->wanted is served while the run is paused.
#define WANTED_HELD                                                                                \
    (WANT_BIT(WANT_PUSH) | WANT_BIT(WANT_KEEP) | WANT_BIT(WANT_PRUNE) |                            \
     WANT_BIT(WANT_LOOK_UNITS) | WANT_BIT(WANT_LOOK_LINKS) | WANT_BIT(WANT_NONFINITE))

// slice.c: copies of `t` as much as `most_bytes` and the ring allow, from `*from` on to `to`. Bytes copied; 0: no room.
typedef struct slice {
    const tensor *t;
    item *item;
    uint64_t *from, to;
    uint32_t flags;
    int64_t step, time_ns;
} slice;
uint64_t slice_copy(capturer *c, copies *ring, const slice *s, uint64_t most_bytes);

#endif
