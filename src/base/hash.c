// Unit hash.c computes CRC32C (by instruction where the processor has it) and FNV-1a.
#include "hash.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static uint32_t table[256];
static bool have_sse42;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (c >> 1) ^ UINT32_C(0x82F63B78) : c >> 1;
        table[i] = c;
    }
#if defined(__x86_64__)
    have_sse42 = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *at,
                                                            size_t bytes) {
    uint64_t c = crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    uint32_t c32 = (uint32_t)c;
    for (; bytes; bytes--)
        c32 = __builtin_ia32_crc32qi(c32, *at++);
    return c32;
}
#endif

uint32_t hash_crc32c(uint32_t seed, const void *data, size_t bytes) {
    pthread_once(&once, prepare);
    uint32_t crc = ~seed;
    const uint8_t *at = data;
#if defined(__x86_64__)
    if (have_sse42) return ~crc_sse42(crc, at, bytes);
#endif
    while (bytes--)
        crc = table[(crc ^ *at++) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

uint64_t hash_text(const char *text, size_t length) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++)
        h = (h ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
    return h;
}

void hash_hex(const uint8_t *bytes, size_t count, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}
