// Unit copies.c is the ring between the training thread, which copies tensors at the safe point, and the digest worker.
//
// Place on the path: capture.c and push.c write entries, the worker reads them; the helper makes the memory. The ring is a
// private lane (journal/lane.h): mapped twice, so that entries never wrap, and touched before it is used.
//
// Invariants:
//   1. One writer (trainer), one reader (worker). Positions are multiples of 64; an entry is published whole.
//   2. A larger ring is taken between two sets only; ELSEWHERE is the last entry of the old one, whose reader frees it.
#include "copies.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

#define ENTRY_ALIGN 64u

static uint64_t capacity_for(uint64_t bytes) {
    uint64_t capacity = COPIES_BYTES_MIN;
    while (capacity < COPIES_BYTES_MAX && capacity / 2 < bytes)
        capacity *= 2;
    return capacity;
}

static lane *ring_new(uint64_t capacity) {
    lane *l = mem_new(sizeof *l);
    if (!l) return NULL;
    if (lane_make(l, NULL, "copies", 0, (uint32_t)capacity) == 0) return l;
    mem_free(l);
    return NULL;
}

static void ring_free(lane *l) {
    if (!l) return;
    lane_drop(l, false);
    mem_free(l);
}

int copies_tend(copies *c, uint64_t bytes) {
    uint64_t capacity = capacity_for(bytes);
    bool made = atomic_load(&c->made);
    if (made && (capacity <= c->capacity || atomic_load(&c->next))) return 0;
    lane *l = ring_new(capacity);
    if (!l) return NNS_E_NO_MEMORY;
    c->capacity = capacity;
    if (made) {
        atomic_store_explicit(&c->next, l, memory_order_release);
        return 0;
    }
    c->in = c->out = l;
    atomic_store_explicit(&c->made, true, memory_order_release);
    return 0;
}

void copies_fini(copies *c) {
    while (c->out && c->out != c->in) { // the worker stopped before an ELSEWHERE
        const copy *entry = copies_next(c);
        if (entry) copies_done(c, entry);
    }
    ring_free(c->in);
    ring_free(atomic_load(&c->next));
    *c = (copies){0};
}

// --- trainer -------------------------------------------------------------------------------------

copy *copies_room(copies *c, uint64_t data_bytes) {
    uint64_t bytes = sizeof(copy) + ((data_bytes + ENTRY_ALIGN - 1) & ~(uint64_t)(ENTRY_ALIGN - 1));
    copy *entry = bytes < c->in->capacity ? lane_room(c->in, bytes) : NULL;
    if (!entry) {
        atomic_fetch_add_explicit(&c->put_off, 1, memory_order_relaxed);
        return NULL;
    }
    memset(entry, 0, sizeof *entry);
    entry->bytes = bytes;
    return entry;
}

void copies_put(copies *c, const copy *entry) {
    uint64_t given = atomic_load_explicit(&c->given, memory_order_relaxed);
    lane_publish(c->in, entry->bytes);
    atomic_store_explicit(&c->given, given + 1, memory_order_release);
}

uint64_t copies_free_bytes(copies *c) {
    lane *l = c->in;
    l->limit = atomic_load_explicit(l->head, memory_order_acquire) + l->mask + 1;
    uint64_t room = l->limit - l->end;
    return room > 2 * ENTRY_ALIGN ? room - 2 * ENTRY_ALIGN : 0;
}

uint64_t copies_capacity(const copies *c) {
    return c->in->capacity;
}

void copies_move(copies *c) {
    lane *next = atomic_load_explicit(&c->next, memory_order_acquire);
    copy *last = next ? copies_room(c, 0) : NULL;
    if (!last) return;
    last->kind = COPY_ELSEWHERE;
    last->number = (uintptr_t)next;
    copies_put(c, last);
    c->in = next;
    atomic_store(&c->next, NULL);
}

// --- worker --------------------------------------------------------------------------------------

void copies_done(copies *c, const copy *entry) {
    uint64_t taken = atomic_load_explicit(&c->taken, memory_order_relaxed);
    lane_release(c->out, entry->bytes);
    atomic_store_explicit(&c->taken, taken + 1, memory_order_relaxed);
}

const copy *copies_next(copies *c) {
    const uint8_t *at;
    while (lane_ready(c->out, &at)) {
        const copy *entry = (const copy *)(const void *)at;
        if (entry->kind != COPY_ELSEWHERE) return entry;
        lane *old = c->out, *next = (lane *)(uintptr_t)entry->number;
        copies_done(c, entry);
        c->out = next;
        ring_free(old);
    }
    return NULL;
}

bool copies_waiting(copies *c) {
    return atomic_load_explicit(&c->given, memory_order_acquire) !=
           atomic_load_explicit(&c->taken, memory_order_relaxed);
}
