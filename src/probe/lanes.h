// Lanes of threads: which lane the calling thread writes, and how a record gets into it.
#ifndef NNS_PROBE_LANES_H
#define NNS_PROBE_LANES_H

#include "run.h"

#include "base/le.h"

// What the calling thread wrote last: one slot and its run. `lanes_mine.run` is never NULL (a run that is
// nobody's stands for none), so that one comparison covers NULL, closed, forked and new threads.
typedef struct lanes_cache {
    nns_run *run;
    lane_slot *slot;
} lanes_cache;

extern __thread lanes_cache lanes_mine __attribute__((tls_model("initial-exec")));

void lanes_process_init(void); // once: the key whose destructor gives lanes back

// Makes the first lanes of a run: the calling thread's, two spares. NNS_E_NO_MEMORY.
int lanes_init(nns_run *run);
void lanes_fini(
    nns_run *run); // unmaps those of the caller, of nobody; others stay until their threads end

// The calling thread's slot in the run, taken or made; NULL (nothing counted) when there is none.
lane_slot *lanes_slot(nns_run *run);
lane_slot *lanes_take_new(nns_run *run, uint32_t capacity); // makes one for the calling thread
void lanes_keep_spares(nns_run *run);                       // helper: two of them
void lanes_forget(void);                                    // the calling thread has no lane (fork)

// Room for a record of `bytes` (multiple of 8) in the calling thread's lane, behind the current step when
// `stepped`; zero in its last 8 bytes; NULL: dropped and counted. lanes_end publishes it.
uint8_t *lanes_begin(nns_run *run, size_t bytes, bool stepped);
void lanes_end(uint8_t *at);

// The same for a record that must not be lost: NULL is not counted, the caller keeps it for later.
uint8_t *lanes_try(nns_run *run, size_t bytes, bool stepped);

static inline void lanes_head(uint8_t *at, uint16_t kind, size_t bytes, uint32_t a) {
    le_put_u64(at, (uint64_t)kind | (uint64_t)(bytes / 8) << 16 | (uint64_t)a << 32);
}

// Bytes rounded up to whole words.
static inline size_t lanes_padded(size_t bytes) {
    return (bytes + 7) & ~(size_t)7;
}

static inline void lanes_count(lane *l) {
    __atomic_store_n(&l->written_total, l->written_total + 1, __ATOMIC_RELAXED);
}

#endif
