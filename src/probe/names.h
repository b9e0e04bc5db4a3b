// Handles by name: a hash table that one thread uses.
#ifndef NNS_PROBE_NAMES_H
#define NNS_PROBE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct names {
    uint32_t *slots; // handles, 0: free
    uint64_t *hashes;
    uint32_t room, count;
} names;

// The handle with this name, 0: none. `name_of` gives the name of a handle.
uint32_t names_find(const names *t, const char *name,
                    const char *(*name_of)(void *context, uint32_t handle), void *context);
bool names_add(names *t, const char *name, uint32_t handle); // false: no memory
void names_fini(names *t);

#endif
