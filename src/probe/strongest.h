// The strongest links of a matrix, exactly, however many are offered.
#ifndef NNS_PROBE_STRONGEST_H
#define NNS_PROBE_STRONGEST_H

#include <stddef.h>
#include <stdint.h>

typedef struct link_pair {
    uint32_t at; // flat index
    float value;
} link_pair;

// The `wanted` pairs of largest |value| of all that were offered; of equal ones those with the lower index. Zeros, NaN and
// infinities are no links.
typedef struct strongest {
    link_pair *pairs; // sorted by strongest_finish only
    uint32_t wanted, count;
    float threshold;
} strongest;

int strongest_init(strongest *s, uint32_t wanted); // 0 or NNS_E_NO_MEMORY: then nothing is wanted
void strongest_fini(strongest *s);
// At first, first + 1, ...
void strongest_offer(strongest *s, uint32_t first, const float *values, size_t count);
void strongest_finish(strongest *s); // largest first

#endif
