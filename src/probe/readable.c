// Unit readable.c finds out, on the helper thread, whether the memory of registered tensors is still there, before the training
// thread reads it: a program that frees early must not be ended by us.
//
// The kernel is asked to copy one byte of the first page, the last, and one page in each 4 MiB from this process to itself
// (process_vm_readv): what cannot be read is an error there and no signal. It is asked right before a set is wanted, so that
// at most a step passes until the copy. Memory that was freed and is still mapped, or was unmapped in between, is not seen.
// Where the kernel does not let us ask, tensors are taken as readable.
#include "readable.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define STRIDE_BYTES (UINT64_C(4) << 20)
#define PLACES 256u

typedef struct place {
    tensor *t;
    uint32_t told;
} place;

typedef struct batch {
    nns_run *run;
    struct iovec here[PLACES], there[PLACES];
    uint8_t bytes[PLACES];
    place places[PLACES];
    uint32_t count;
} batch;

static void broken(nns_run *run, const place *p) {
    uint32_t there = TENSOR_THERE;
    bool same = atomic_load(&p->t->told) == p->told && atomic_load(&p->t->data);
    if (!same || !atomic_compare_exchange_strong(&p->t->state, &there, TENSOR_BROKEN)) return;
    atomic_store(&p->t->changed, true);
    trouble(run, "freed before nns_tensor_gone", p->t->name,
            "The memory of the tensor can no longer be read: it must stay until nns_tensor_gone or "
            "nns_tensor_move. It is no longer looked at.");
}

// Reads places from `from` on; how many could be read. All of them when the kernel does not answer.
static uint32_t ask(batch *b, uint32_t from) {
    uint32_t left = b->count - from;
    ssize_t n = process_vm_readv(getpid(), b->here + from, left, b->there + from, left, 0);
    if (n >= 0) return (uint32_t)n;
    return errno == EFAULT ? 0 : left;
}

static void flush(batch *b) {
    uint32_t at = 0;
    while (at < b->count) {
        at += ask(b, at);
        if (at < b->count) broken(b->run, &b->places[at++]);
    }
    for (uint32_t i = 0; i < b->count; i++)
        if (atomic_load(&b->places[i].t->state) == TENSOR_THERE)
            atomic_store(&b->places[i].t->checked, true);
    b->count = 0;
}

static void add(batch *b, tensor *t, uint32_t told, uintptr_t address) {
    uint32_t i = b->count++;
    b->here[i] = (struct iovec){&b->bytes[i], 1};
    b->there[i] = (struct iovec){(void *)address, 1};
    b->places[i] = (place){t, told};
}

static void add_tensor(batch *b, tensor *t) {
    uint32_t told = atomic_load(&t->told);
    uintptr_t data = atomic_load(&t->data);
    uint64_t span = atomic_load(&t->span_bytes);
    if (!data || !span || atomic_load(&t->valid) == NNS_WHEN_SHOWN) return;
    for (uint64_t at = 0; at < span; at += STRIDE_BYTES) {
        if (b->count + 2 > PLACES) flush(b);
        add(b, t, told, data + at);
    }
    add(b, t, told, data + span - 1);
}

void readable_check(nns_run *run, uint32_t roles) {
    registry *r = &network_of(run)->registry;
    uint32_t count = atomic_load_explicit(&r->tensor_count, memory_order_acquire);
    batch b;
    b.run = run;
    b.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        tensor *t = r->tensors[i];
        if (!(roles & (1u << t->role)) || atomic_load(&t->state) != TENSOR_THERE) continue;
        if (b.count + 2 > PLACES) flush(&b);
        add_tensor(&b, t);
    }
    flush(&b);
}
