// Checksums and hashes that need no library (the probe links nothing).
#ifndef NNS_BASE_HASH_H
#define NNS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint32_t hash_crc32c(uint32_t seed, const void *data, size_t bytes); // Castagnoli; SSE4.2 when there
uint64_t hash_text(const char *text, size_t length);                 // FNV-1a, for tables
void hash_hex(const uint8_t *bytes, size_t count, char *out);        // 2 * count characters and a 0

#endif
