// Unit stage.c carries large things (images, tensors, snapshots) from the training thread to files:
// copied at the safe point into a ring in shared memory (ring.c draws it), written out by the
// helper thread, without a sync.
//
//     head                                                    tail
//      v                                                       v
//      | u64 number | u64 bytes | data, padded to 8 | u64 number | ...
//
// Invariants:
// 1. Who writes holds `taken`. Nobody waits for it: taken means a counted drop. A process that dies
//    with it has not moved tail, so that what it was copying does not exist.
// 2. head moves over an entry only when its file stands under its own name, or was given up and
//    counted.
#include "stage.h"

#include "base/error.h"
#include "base/le.h"
#include "ring.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_BYTES = 16 };

int stage_make(stage *s, const char *folder, const char *proc, uint32_t capacity) {
    char name[128];
    *s = (stage){.next_number = 1};
    int n = snprintf(name, sizeof name, "%s.stage", proc);
    if (n < 0 || (size_t)n >= sizeof name) return NNS_E_TOO_LARGE;
    int result = ring_make(&s->ring, RING_STAGE, folder, name, 0, capacity);
    if (!result) s->taken = ring_taken(&s->ring);
    return result;
}

int stage_open(stage *s, const char *path) {
    *s = (stage){0};
    int result = ring_open(&s->ring, RING_STAGE, path);
    if (!result) s->taken = ring_taken(&s->ring);
    return result;
}

void stage_drop(stage *s, bool unlink_file) {
    ring_drop(&s->ring, unlink_file);
    *s = (stage){0};
}

static bool has_room(lane *ring, size_t bytes) {
    if (ring->end + bytes <= ring->limit) return true;
    ring->limit = atomic_load_explicit(ring->head, memory_order_acquire) + ring->mask + 1;
    return ring->end + bytes <= ring->limit;
}

// Under the try-lock.
static uint64_t put(stage *s, const void *data, size_t bytes, size_t need) {
    lane *ring = &s->ring;
    if (!has_room(ring, need)) return 0;
    uint8_t *at = ring->data + (ring->end & ring->mask);
    le_put_u64(at, s->next_number);
    le_put_u64(at + 8, bytes);
    memcpy(at + ENTRY_BYTES, data, bytes);
    ring->end += need;
    atomic_store_explicit(ring->tail, ring->end, memory_order_release);
    return s->next_number++;
}

uint64_t stage_put(stage *s, const void *data, size_t bytes) {
    if (!s->taken || bytes > s->ring.mask - ENTRY_BYTES) return 0;
    size_t need = ENTRY_BYTES + ((bytes + 7) & ~(size_t)7);
    if (atomic_exchange_explicit(s->taken, 1, memory_order_acquire)) return 0;
    uint64_t number = put(s, data, bytes, need);
    atomic_store_explicit(s->taken, 0, memory_order_release);
    return number;
}

int stage_blob_path(char out[PATH_CAP], const char *folder, const char *proc, uint64_t number) {
    return file_path(out, "%s/%s-%016" PRIx64 ".blob", folder, proc, number);
}

// Writes the entry at `at` of `ready` bytes; *taken is what it took, all when it makes no sense.
static int drain_one(const uint8_t *at, size_t ready, const char *folder, const char *proc,
                     size_t *taken) {
    char path[PATH_CAP];
    *taken = ready;
    if (ready < ENTRY_BYTES) return NNS_E_CORRUPT;
    uint64_t number = le_u64(at), bytes = le_u64(at + 8);
    if (number == 0 || bytes > ready - ENTRY_BYTES) return NNS_E_CORRUPT;
    *taken = ENTRY_BYTES + (((size_t)bytes + 7) & ~(size_t)7);
    int result = stage_blob_path(path, folder, proc, number);
    return result ? result : file_write_quickly(path, at + ENTRY_BYTES, (size_t)bytes);
}

int stage_drain(stage *s, const char *folder, const char *proc, uint64_t *failed_bytes) {
    const uint8_t *at;
    size_t ready, taken;
    int result = 0;
    while ((ready = lane_ready(&s->ring, &at))) {
        int one = drain_one(at, ready, folder, proc, &taken);
        if (one) {
            result = one;
            *failed_bytes += taken;
        }
        lane_release(&s->ring, taken);
    }
    return result;
}
