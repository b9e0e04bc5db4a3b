// Unit lane.c hands records from one thread to the helper thread: the first hop of a point. The
// memory is ring.c's (where the layout is drawn); what stands in it are records (record.h), whole
// ones only.
//
//     head                                   tail (published)          head + capacity
//      v                                      v                         v
//      | records that the reader has not taken | free ...  | 40 spare   |
//
// Invariants:
// 1. One thread writes, one reads. The writer alone moves tail, with release, after the bytes of
//    the record; the reader alone moves head, with release, after it has kept them elsewhere.
// 2. A record is written only when 40 bytes stay free behind it: so a lane that is full still takes
//    the GAP (16) and the STEP (24) that say where and how much was dropped, once.
// 3. Records written, and the sum of all GAP records and of `dropped`, are all that the thread
//    tried to write.
// 4. A position in the stream is the sequence number of the journal: what a dead helper had written
//    to a segment without moving head is found there again under the same numbers, and skipped.
#include "lane.h"

#include "base/error.h"
#include "base/le.h"
#include "ring.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { STEP_BYTES = 24, GAP_BYTES = 16 };

_Static_assert(STEP_BYTES + GAP_BYTES == 40, "what lane_room keeps spare");

int lane_make(lane *l, const char *folder, const char *proc, uint32_t number, uint32_t capacity) {
    char name[128];
    int n = snprintf(name, sizeof name, "%s.%u.lane", proc, number);
    if (n < 0 || (size_t)n >= sizeof name) return NNS_E_TOO_LARGE;
    return ring_make(l, RING_LANE, folder, name, number, capacity);
}

void lane_drop(lane *l, bool unlink_file) {
    ring_drop(l, unlink_file);
}

int lane_open(lane *l, const char *path) {
    return ring_open(l, RING_LANE, path);
}

static bool has_room(lane *l, size_t bytes) {
    if (l->end + bytes <= l->limit) return true;
    l->limit = atomic_load_explicit(l->head, memory_order_acquire) + l->mask + 1;
    return l->end + bytes <= l->limit;
}

static uint8_t *put_gap(lane *l, uint8_t *at) {
    record gap = {.kind = RECORD_GAP, .words = GAP_BYTES / 8};
    memcpy(at, &gap, sizeof gap);
    le_put_u64(at + 8, l->dropped);
    l->dropped = 0;
    return at + GAP_BYTES;
}

bool lane_open_step(lane *l, int64_t step, int64_t time_ns) {
    size_t bytes = (l->dropped ? GAP_BYTES : 0) + STEP_BYTES;
    if (!has_room(l, bytes)) return false;
    uint8_t *at = l->data + (l->end & l->mask);
    if (l->dropped) at = put_gap(l, at);
    record head = {.kind = RECORD_STEP, .words = STEP_BYTES / 8};
    memcpy(at, &head, sizeof head);
    le_put_i64(at + 8, step);
    le_put_i64(at + 16, time_ns);
    l->step = step;
    l->end += bytes;
    atomic_store_explicit(l->tail, l->end, memory_order_release);
    return true;
}

size_t lane_ready(lane *l, const uint8_t **at) {
    uint64_t head = atomic_load_explicit(l->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(l->tail, memory_order_acquire);
    assert(head <= tail && tail - head <= l->capacity);
    *at = l->data + (head & l->mask);
    return (size_t)(tail - head);
}

void lane_release(lane *l, size_t bytes) {
    uint64_t head = atomic_load_explicit(l->head, memory_order_relaxed);
    assert(head + bytes <= atomic_load_explicit(l->tail, memory_order_relaxed));
    atomic_store_explicit(l->head, head + bytes, memory_order_release);
}
