// SHA-1, for git's names of contents only.
#ifndef NNS_PROBE_SHA1_H
#define NNS_PROBE_SHA1_H

#include <stddef.h>
#include <stdint.h>

typedef struct sha1 {
    uint32_t h[5];
    uint64_t bytes;
    uint8_t block[64];
} sha1;

void sha1_init(sha1 *s);
void sha1_add(sha1 *s, const void *data, size_t bytes);
void sha1_end(sha1 *s, uint8_t out[20]);

#endif
