// Unit mem.c is the only place that calls the C library's allocator, so that tests can make any
// single allocation fail.
#include "mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static atomic_long fail_at;

void mem_fail_at(long n) {
    atomic_store(&fail_at, n);
}

static int must_fail(void) {
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) == 0) return 0;
    return atomic_fetch_sub(&fail_at, 1) == 1;
}

void *mem_new(size_t bytes) {
    return must_fail() ? NULL : calloc(1, bytes ? bytes : 1);
}

void *mem_array(size_t count, size_t item_bytes) {
    if (item_bytes && count > SIZE_MAX / item_bytes) return NULL;
    return mem_new(count * item_bytes);
}

void *mem_grow(void *old, size_t count, size_t item_bytes) {
    if (item_bytes && count > SIZE_MAX / item_bytes) return NULL;
    return must_fail() ? NULL : realloc(old, count && item_bytes ? count * item_bytes : 1);
}

void *mem_room(void *array, size_t count, size_t *capacity, size_t first, size_t item_bytes) {
    if (count < *capacity) return array;
    size_t more = *capacity ? *capacity * 2 : first;
    void *grown = mem_grow(array, more, item_bytes);
    if (grown) *capacity = more;
    return grown;
}

char *mem_text(const char *text, size_t length) {
    char *copy = mem_new(length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

void mem_free(void *block) {
    free(block);
}

void mem_give_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void *need_new(size_t bytes) {
    void *block = mem_new(bytes);
    if (!block) {
        fprintf(stderr, "nnscope: out of memory\n");
        abort();
    }
    return block;
}

char *need_text(const char *text) {
    size_t length = strlen(text);
    char *copy = need_new(length + 1);
    memcpy(copy, text, length);
    return copy;
}
