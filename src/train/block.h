// Hands out pieces of one block of memory; with no block it only counts. Sizes are planned with the same calls that
// place the arrays.
#ifndef NNS_TRAIN_BLOCK_H
#define NNS_TRAIN_BLOCK_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

#define BLOCK_ALIGN 64 // bytes; every array starts on a cache line, so that bits never depend on luck

typedef struct block {
    uint8_t *base;
    size_t bytes;
} block;

static inline void *block_piece(block *b, size_t count, size_t item_bytes) {
    void *at = b->base ? b->base + b->bytes : NULL;
    b->bytes += (count * item_bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    return at;
}

// Zeroed memory of as many bytes as were counted, *b at its aligned beginning; NULL without memory. Returns owned.
static inline void *block_new(block *b) {
    void *memory = mem_new(b->bytes + BLOCK_ALIGN);
    uintptr_t start = ((uintptr_t)memory + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    *b = (block){.base = (uint8_t *)start};
    return memory;
}

#endif
