// Copies on their way from the training thread to the digest worker: one ring of private memory with one writer and one
// reader. The trainer never allocates and never waits for it: what finds no room is put off (capture.c).
//
// What the ring carries, in order, each entry a multiple of 64 bytes, so that the numbers stand aligned:
//
//     SET_BEGIN  TENSOR TENSOR ...  SET_END        what was wanted together, of one step; one such set at a time
//     SET_BEGIN  TENSOR ...         SET_DROPPED    it came to nothing: forget it
//     PUSH_BEGIN PUSH_VALUE ...     PUSH_END       a pin's answer; nothing stands between, but it may stand inside a set
//     NONFINITE                                    a series began to hold NaN or infinity
//     ELSEWHERE                                    the last of this ring: what follows stands in the next (copies_next does it)
//
// The answers to what a person pushes go through a ring of their own, to the helper (push.h): nobody waits behind a set.
//
// A tensor comes as one or several TENSOR entries (slices) with ascending `first`, perhaps with those of others between;
// COPY_FIRST and COPY_LAST mark the ends. A weight whose update is wanted and not registered comes twice: with COPY_EARLIER
// its numbers one update before, then those after it. Slice by slice both have the same first, count and layout, and exactly
// one update lies between.
#ifndef NNS_PROBE_COPIES_H
#define NNS_PROBE_COPIES_H

#include "journal/lane.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COPIES_BYTES_MAX (64u << 20)
#define COPIES_BYTES_MIN (1u << 20)
#define COPY_SLICE_BYTES_MAX (8u << 20) // data of one entry

enum {
    COPY_SET_BEGIN = 1,
    COPY_TENSOR,
    COPY_SET_END,
    COPY_SET_DROPPED,
    COPY_PUSH_BEGIN,
    COPY_PUSH_VALUE,
    COPY_PUSH_END,
    COPY_NONFINITE,
    COPY_ELSEWHERE
};

// Flags. Of TENSOR: FIRST LAST EARLIER ROWS_CUT (only the first rows of the batch: the whole was too large for one hold).
// Of SET_END: SLICED. Of PUSH_END: FAILED (the program could not, or there was no room for all).
enum { COPY_FIRST = 1, COPY_LAST = 2, COPY_EARLIER = 4, COPY_ROWS_CUT = 8, COPY_SLICED = 16, COPY_FAILED = 32 };

// Of PUSH_VALUE: what it is.
enum { PUSHED_INPUT = 1, PUSHED_VALUE = 2, PUSHED_OUTPUT = 3 };

// One entry; its data stand right behind it (copy_data).
typedef struct copy {
    _Alignas(64) uint32_t kind; // COPY_...
    uint32_t flags;
    uint32_t why;      // SET_BEGIN, TENSOR, SET_END: 1 << WANT_... (plan.h): who wanted it
    uint32_t tensor;   // TENSOR: its number; NONFINITE: the series
    uint64_t bytes;    // of the whole entry
    uint64_t set;      // number of the set, from 1; of a push: its number (PUSH record), pins too
    uint64_t number;   // SET_BEGIN, SET_END of KEEP, PRUNE: the command's number
    int64_t step;      // state after this step. SET_BEGIN: expected; SET_END: what holds. TENSOR: of this slice
    int64_t last_step; // SET_END: of the last slice; else = step
    int64_t time_ns;   // CLOCK_MONOTONIC of that step
    int64_t wall_ms;   // SET_BEGIN, PUSH_BEGIN, NONFINITE
    uint64_t first, count;  // TENSOR: elements first..first+count, in the order of the copy's memory. PUSH_VALUE: count floats
    uint64_t elements;      // TENSOR: of all slices together
    uint32_t dtype;         // nns_dtype
    int32_t dims;
    uint32_t shape[4];      // in the order of the role, with the batch's rows of now (or as cut); unused: 1
    uint32_t rows;          // batch roles: rows of the batch (not cut)
    uint32_t layer;         // PUSH_VALUE: of PUSHED_VALUE
    uint32_t what;          // PUSH_VALUE: PUSHED_...
    int32_t truth;          // PUSH_BEGIN: class of the sample, -1 unknown
    int64_t strides[4];     // in elements, of the copied block: dense always, in the order that the program has it in memory
    int64_t sample;         // PUSH_BEGIN: index of the program's own set, -1: values by hand
} copy;

_Static_assert(sizeof(copy) % 64 == 0, "entries stay aligned");

static inline const void *copy_data(const copy *c) {
    return c + 1;
}

typedef struct copies {
    _Atomic(lane *) next; // helper: a larger ring made ready; trainer: taken when a set begins
    lane *in;             // trainer: written now
    lane *out;            // worker: read now
    uint64_t capacity;    // helper: of the newest
    _Atomic bool made;    // helper: the first one is there
    _Atomic uint64_t given, taken; // entries: trainer, worker
    _Atomic uint64_t put_off;      // entries that found no room, so far
} copies;

// Helper. Makes the first ring, or a larger one when the tensors have grown to `bytes` in all. NNS_E_NO_MEMORY.
int copies_tend(copies *c, uint64_t bytes);
// When neither trainer nor worker is there any more.
void copies_fini(copies *c);

// Trainer. Room for an entry with `data_bytes` behind it, all zero but `bytes`; NULL: the worker is behind (counted).
// What was asked for last is published by copies_put.
copy *copies_room(copies *c, uint64_t data_bytes);
void copies_put(copies *c, const copy *entry);
uint64_t copies_free_bytes(copies *c);
uint64_t copies_capacity(const copies *c);
void copies_move(copies *c); // between sets: goes over to the larger ring when there is one

// Worker. The next entry, borrowed until copies_done gives it back; NULL: nothing there.
const copy *copies_next(copies *c);
void copies_done(copies *c, const copy *entry);

// Helper: is something there for the worker?
bool copies_waiting(copies *c);

#endif
