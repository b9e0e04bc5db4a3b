// Unit lanes.c gives each thread a lane of its own and puts records into it.
//
// Place on the path: the first hop. nns_scalar (value.c) and all other calls write through here; helper.c
// reads what was published.
//
// States of a slot:   LANE_MAKING --made--> LANE_SPARE --taken by exchange--> LANE_USED
//                                             ^-------------- thread ended -----'
// Invariants:
//   1. A slot in LANE_USED has one owner, the only thread that touches `serial` and the lane's writing side.
//   2. A slot pointer, once published in run->lanes, stays until lanes_fini.
//   3. A record stands behind a STEP of its own step in the same lane: `serial` says which step is open.
//   4. After a drop `serial` is SERIAL_NONE, so that the next record goes the slow way and a GAP record
//      says how many are missing.
//
// A thread's token is the address of its lanes_mine: unique among living threads.
#include "lanes.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

// Stands for "no run": has no open state, no lanes, a serial that no slot has.
static nns_run nobody_run;
static lane_slot nobody_slot = {.serial = SERIAL_NONE};
__thread lanes_cache lanes_mine
    __attribute__((tls_model("initial-exec"))) = {&nobody_run, &nobody_slot};
static pthread_key_t ending_key;
static _Atomic uint32_t orphans; // lanes of closed runs that a living thread still holds

static const void *token(void) {
    return &lanes_mine;
}

static uint32_t slots_of(nns_run *run) {
    uint32_t count = atomic_load_explicit(&run->lane_count, memory_order_acquire);
    return count < RUN_LANES ? count : RUN_LANES;
}

static lane_slot *slot_at(nns_run *run, uint32_t i) {
    return atomic_load_explicit(&run->lanes[i], memory_order_acquire);
}

// Reserves a number, makes the lane in it and leaves it in `state`.
static lane_slot *make_slot(nns_run *run, uint32_t capacity, uint32_t state) {
    if (atomic_load(&run->lane_count) >= RUN_LANES) return NULL;
    uint32_t number = atomic_fetch_add(&run->lane_count, 1);
    if (number >= RUN_LANES) return NULL;
    lane_slot *slot = mem_new(sizeof *slot);
    if (!slot) return NULL;
    const char *folder = run->lanes_in_files ? run->lane_folder : NULL;
    int result = lane_make(&slot->lane, folder, run->process.text, number, capacity);
    if (result && folder)
        result = lane_make(&slot->lane, NULL, run->process.text, number, capacity);
    if (result) {
        mem_free(slot);
        return NULL;
    }
    if (!slot->lane.in_file) atomic_store(&run->private_lanes, true);
    slot->serial = SERIAL_NONE;
    atomic_store(&slot->owner, state == LANE_USED ? token() : NULL);
    atomic_store(&slot->state, state);
    atomic_store_explicit(&run->lanes[number], slot, memory_order_release);
    return slot;
}

lane_slot *lanes_take_new(nns_run *run, uint32_t capacity) {
    lane_slot *slot = make_slot(run, capacity, LANE_USED);
    if (slot) {
        lanes_mine = (lanes_cache){run, slot};
        pthread_setspecific(ending_key, &lanes_mine);
    }
    return slot;
}

int lanes_init(nns_run *run) {
    if (!lanes_take_new(run, LANE_BYTES_MAIN) && !lanes_take_new(run, LANE_BYTES_OTHER))
        return NNS_E_NO_MEMORY;
    lanes_keep_spares(run);
    return 0;
}

void lanes_keep_spares(nns_run *run) {
    uint32_t spares = 0;
    for (uint32_t i = 0; i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        spares += slot && atomic_load(&slot->state) == LANE_SPARE;
    }
    while (spares < 2 && make_slot(run, LANE_BYTES_OTHER, LANE_SPARE))
        spares++;
}

static lane_slot *slot_owned(nns_run *run) {
    for (uint32_t i = 0; i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        if (slot && atomic_load_explicit(&slot->owner, memory_order_relaxed) == token() &&
            atomic_load_explicit(&slot->state, memory_order_relaxed) == LANE_USED)
            return slot;
    }
    return NULL;
}

static lane_slot *take_spare(nns_run *run) {
    for (uint32_t i = 0; i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        if (!slot || atomic_load(&slot->state) != LANE_SPARE) continue;
        uint32_t expected = LANE_SPARE;
        if (!atomic_compare_exchange_strong(&slot->state, &expected, LANE_USED)) continue;
        atomic_store(&slot->owner, token());
        return slot;
    }
    return NULL;
}

static void drop(nns_run *run, uint32_t i, lane_slot *slot) {
    atomic_store(&run->lanes[i], NULL);
    lane_drop(&slot->lane, false);
    mem_free(slot);
}

// Under the lock of runs: what `owner` still holds of runs whose helper is through.
static void drop_orphans(nns_run *run, void *owner) {
    for (uint32_t i = 0; atomic_load(&run->closed) && i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        if (!slot || atomic_load(&slot->owner) != owner) continue;
        if (lanes_mine.slot == slot) lanes_forget();
        drop(run, i, slot);
        atomic_fetch_sub(&orphans, 1);
    }
}

// The slow way to a slot: the thread's first call in this run, or its first after another run's.
static lane_slot *find_slot(nns_run *run) {
    if (atomic_load_explicit(&orphans, memory_order_relaxed)) run_each(drop_orphans, &lanes_mine);
    lane_slot *slot = slot_owned(run);
    if (!slot) {
        slot = take_spare(run);
        if (slot) pthread_setspecific(ending_key, &lanes_mine);
    }
    if (slot) {
        lanes_mine = (lanes_cache){run, slot};
        return slot;
    }
    atomic_fetch_add(&run->waits, 1);
    return lanes_take_new(run, LANE_BYTES_OTHER);
}

lane_slot *lanes_slot(nns_run *run) {
    if (likely(lanes_mine.run == run)) return lanes_mine.slot;
    return run_is_open(run) ? find_slot(run) : NULL;
}

// Opens the current step in the slot's lane when it is not. False: no room.
static bool open_step(nns_run *run, lane_slot *slot) {
    for (;;) {
        uint64_t serial = atomic_load_explicit(&run->serial, memory_order_acquire);
        step_stamp *stamp = &run->stamps[serial & 1];
        int64_t step = atomic_load_explicit(&stamp->step, memory_order_relaxed);
        int64_t time_ns = atomic_load_explicit(&stamp->time_ns, memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&run->serial, memory_order_relaxed) != serial) continue;
        if (slot->serial == serial) return true;
        if (!lane_open_step(&slot->lane, step, time_ns)) return false;
        slot->serial = serial;
        return true;
    }
}

static uint8_t *begin(nns_run *run, lane_slot *slot, size_t bytes, bool stepped) {
    if (bytes > slot->lane.mask - 40) return NULL;
    if (!lane_room(&slot->lane, bytes)) return NULL;
    if (stepped && !open_step(run, slot)) return NULL;
    uint8_t *at = lane_room(&slot->lane, bytes);
    if (at) le_put_u64(at + bytes - 8, 0);
    return at;
}

uint8_t *lanes_try(nns_run *run, size_t bytes, bool stepped) {
    lane_slot *slot = lanes_slot(run);
    return slot && bytes <= RECORD_MAX_BYTES ? begin(run, slot, bytes, stepped) : NULL;
}

uint8_t *lanes_begin(nns_run *run, size_t bytes, bool stepped) {
    lane_slot *slot = lanes_slot(run);
    if (!slot) {
        if (run) atomic_fetch_add_explicit(&run->nowhere, 1, memory_order_relaxed);
        return NULL;
    }
    uint8_t *at = begin(run, slot, bytes, stepped);
    if (!at) {
        lane_lose(&slot->lane);
        slot->serial = SERIAL_NONE;
    }
    return at;
}

void lanes_end(uint8_t *at) {
    lane *l = &lanes_mine.slot->lane;
    lanes_count(l);
    lane_publish(l, (size_t)le_u16(at + 2) * 8);
}

void lanes_forget(void) {
    lanes_mine = (lanes_cache){&nobody_run, &nobody_slot};
}

// Thread exit: the thread's lanes become spares.
static void give_back(nns_run *run, void *owner) {
    for (uint32_t i = 0; i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        if (!slot || atomic_load(&slot->owner) != owner) continue;
        atomic_store(&slot->owner, NULL);
        atomic_store_explicit(&slot->state, LANE_SPARE, memory_order_release);
    }
}

static void thread_ends(void *mine) {
    lanes_forget();
    if (atomic_load(&orphans)) run_each(drop_orphans, mine);
    run_each(give_back, mine);
}

void lanes_process_init(void) {
    pthread_key_create(&ending_key, thread_ends);
}

void lanes_fini(nns_run *run) {
    for (uint32_t i = 0; i < slots_of(run); i++) {
        lane_slot *slot = slot_at(run, i);
        if (!slot) continue;
        const void *owner = atomic_load(&slot->owner);
        if (!owner || owner == token())
            drop(run, i, slot);
        else
            atomic_fetch_add(&orphans,
                             1); // its thread may stand in the middle of a call: see find_slot
    }
    if (lanes_mine.run == run) lanes_forget();
}
