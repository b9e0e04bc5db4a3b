// Unit record_fuzz.c fuzzes record_check: what it passes must be readable at the offsets of
// record.h, all of it.
#include "journal/record.h"

#include "base/le.h"

#include <stdlib.h>

static volatile uint64_t sink;

// Reads `count` items of `width` bytes at `at`, as a consumer would.
static const uint8_t *consume(const uint8_t *at, uint64_t count, size_t width) {
    for (uint64_t i = 0; i < count * width; i++)
        sink += at[i];
    return at + count * width;
}

static void consume_values(const uint8_t *at) {
    const uint8_t *value = at + 40;
    for (unsigned left = le_u16(at + 32); left; left--) {
        const uint8_t *end = consume(value + 16, le_u16(value + 2), 1);
        end = consume(end, le_u32(value + 4), 1);
        value += ((size_t)(end - value) + 7) & ~(size_t)7;
    }
}

static void consume_param(const uint8_t *at) {
    consume(at, 48, 1);
    const uint8_t *choices = at + 48 + le_u16(at + 10) + le_u16(at + 12) + le_u16(at + 14);
    const uint8_t *end = choices + le_u32(at + 20);
    while (choices < end) // each is terminated: strlen may be used
        choices += __builtin_strlen((const char *)choices) + 1;
    if (choices > end) abort();
}

static void consume_record(const uint8_t *at) {
    switch (le_u16(at)) {
    case RECORD_SERIES:
        consume(at + 16, (uint64_t)le_u16(at + 10) + le_u16(at + 12), 1);
        break;
    case RECORD_PARAM:
        consume_param(at);
        break;
    case RECORD_PARAM_TEXT:
    case RECORD_TEXT:
        consume(at + 16, le_u32(at + 8), 1);
        break;
    case RECORD_HISTOGRAM:
        consume(at + 32, le_u32(at + 8), 4);
        break;
    case RECORD_IMAGE:
        consume(at + 40, le_u16(at + 18), 1);
        break;
    case RECORD_SAMPLE:
        consume(at + 24, le_u32(at + 16), 4);
        consume(at + 24 + 4 * (size_t)le_u32(at + 16), le_u16(at + 8), le_u16(at + 10));
        break;
    case RECORD_FACT:
        consume(consume(at + 16, le_u16(at + 8), 1), le_u32(at + 12), 1);
        break;
    case RECORD_EVENT:
        consume(at + 24, le_u32(at + 16), 1);
        break;
    case RECORD_REPLY:
        consume(at + 32, le_u32(at + 24), 1);
        break;
    case RECORD_COMMAND:
        consume_values(at);
        break;
    case RECORD_BEAT:
        consume(at, 64, 1);
        break;
    default:
        consume(at, 16, 1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    while (size) {
        size_t n = record_check(data, size);
        if (n == 0) break;
        if (n > size || n % 8 || n < 16) abort();
        consume_record(data);
        data += n;
        size -= n;
    }
    return 0;
}
