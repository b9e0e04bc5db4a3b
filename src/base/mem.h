// Memory: two doors. mem_* may fail and is checked (probe, server, store); need_* aborts with a
// message and is for start-up and command-line tools only, never for the library in a training run.
#ifndef NNS_BASE_MEM_H
#define NNS_BASE_MEM_H

#include <stddef.h>

void *mem_new(size_t bytes);                           // zeroed; NULL when out of memory
void *mem_array(size_t count, size_t item_bytes);      // zeroed; NULL also on overflow
void *mem_grow(void *old, size_t count, size_t item_bytes); // as realloc; NULL keeps `old`
// An array with room behind its `count` items: `array` itself, or grown to twice *capacity (at first `first`). NULL keeps both.
void *mem_room(void *array, size_t count, size_t *capacity, size_t first, size_t item_bytes);
char *mem_text(const char *text, size_t length);       // owned copy, 0-terminated
void mem_free(void *block);
void mem_give_back(void); // what was freed goes back to the system as far as it can: takes milliseconds, for servers at rest

void *need_new(size_t bytes);
char *need_text(const char *text);

// Tests only: the n-th allocation from now fails (n = 1: the next); 0 switches it off.
void mem_fail_at(long n);

#endif
