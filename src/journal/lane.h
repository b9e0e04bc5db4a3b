// A lane: one single-writer, single-reader ring of records in shared memory, that outlives its
// process. See lane.c for the byte layout. `tail` and `head` count bytes since the lane was made
// and never wrap; a byte's position is its sequence number in the journal. The data area is mapped
// twice, back to back, so that records never wrap either.
#ifndef NNS_JOURNAL_LANE_H
#define NNS_JOURNAL_LANE_H

#include "record.h"

#include <stdatomic.h>
#include <stdbool.h>

#define LANE_BYTES_MAIN (8u << 20)
#define LANE_BYTES_OTHER (1u << 20)
#define LANE_BYTES_MAX (1u << 30)
#define LANE_PATH_CAP 576 // a lanes folder has at most 511 bytes (alive_info.lanes)

typedef struct lane {
    uint8_t *data;             // capacity bytes, visible twice
    uint64_t mask;             // capacity - 1
    _Atomic uint64_t *tail;    // in the mapping: written by the writer with release
    _Atomic uint64_t *head;    // in the mapping: written by the reader with release
    // Writer's own side:
    uint64_t end;              // private copy of tail
    uint64_t limit;            // end may grow to here (head last seen + capacity)
    int64_t step;              // step of the last STEP record in this lane; INT64_MIN none yet
    uint64_t dropped;          // records dropped since the last GAP
    uint64_t dropped_total;    // stored atomically, relaxed: others look with __atomic_load_n
    uint64_t written_total;    // the same, counted by the caller of lane_publish
    // Reader's own side and housekeeping:
    uint32_t number;
    uint32_t capacity;
    void *map;
    size_t map_bytes;
    bool in_file;              // false: private memory, not salvageable
    char path[LANE_PATH_CAP];
} lane;

// Makes lane `number` of process `proc`: in `folder` (space really allocated, every page touched),
// or in private memory when `folder` is NULL. `capacity` is a power of two, a multiple of the page
// size. NNS_E_FULL when the folder has no space, NNS_E_EXISTS when the lane is there. Helper thread
// only.
int lane_make(lane *l, const char *folder, const char *proc, uint32_t number, uint32_t capacity);

// Unmaps; `unlink_file` removes it too.
void lane_drop(lane *l, bool unlink_file);

// Opens an existing lane file for reading (salvage): what stands between head and tail is copied
// into private memory, so that a file cut short meanwhile is an error and never a SIGBUS.
// NNS_E_CORRUPT when the header makes no sense, NNS_E_VERSION when it is newer. lane_release moves
// the copy's head only.
int lane_open(lane *l, const char *path);

// Writer. Room for `bytes` (a multiple of 8), keeping 40 bytes spare for a STEP and a GAP record,
// or NULL (the caller counts a drop by lane_lose). Writes nothing visible until lane_publish.
static inline void *lane_room(lane *l, size_t bytes) {
    if (__builtin_expect(l->end + bytes + 40 > l->limit, 0)) {
        l->limit = atomic_load_explicit(l->head, memory_order_acquire) + l->mask + 1;
        if (l->end + bytes + 40 > l->limit) return NULL;
    }
    return l->data + (l->end & l->mask);
}

static inline void lane_publish(lane *l, size_t bytes) {
    l->end += bytes;
    atomic_store_explicit(l->tail, l->end, memory_order_release);
}

static inline void lane_lose(lane *l) {
    l->dropped++;
    __atomic_store_n(&l->dropped_total, l->dropped_total + 1, __ATOMIC_RELAXED);
}

// Writer. Before the first record of a new step, or after drops: a GAP record (when any) and a STEP
// record, in the room kept spare. False when even that has no room.
bool lane_open_step(lane *l, int64_t step, int64_t time_ns);

// Reader. Bytes ready from `head` on (whole records); *at is where they start.
size_t lane_ready(lane *l, const uint8_t **at);
void lane_release(lane *l, size_t bytes);

#endif
